/** Stored scripts that a script imports, as modules of its realm. */
import type ivm from 'isolated-vm';
import type { Failure, Script } from '#proto/script/v1/script_pb.ts';
import { isLibrary, libraryNames } from './bundled/libraries.ts';
import { FILE_PREFIX, syntaxError } from './failures.ts';
import type { Dependencies, Realm } from './realm.ts';
import { stripTypes } from './typescript.ts';

/** Modules that one script may draw in: more is a circle that grows, or no script any more. */
const MODULES_MAX = 100;

const MESSAGE_LENGTH_MAX = 2000;

export type Linked = { readonly dependencies: Dependencies } | { readonly failure: Failure };

/**
 * Links the script of a realm with all that it imports. Code at the top of a module runs here, under the caps of the
 * run that waits for it.
 */
export async function linkImports(realm: Realm, byName: (name: string) => Script | undefined): Promise<Linked> {
  const linker = new Linker(realm, byName);
  try {
    const namespaces: (string | ivm.Reference)[] = [];
    for (const name of realm.program.imports) {
      if (isLibrary(name)) namespaces.push(name);
      else namespaces.push(await linker.namespaceOf(name));
    }
    realm.link(namespaces);
    return { dependencies: linker.dependencies };
  } catch (error) {
    if (error instanceof ImportError) return { failure: error.failure };
    throw error;
  }
}

class ImportError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

class Linker {
  readonly dependencies = new Map<string, bigint>();
  readonly #realm: Realm;
  readonly #byName: (name: string) => Script | undefined;
  readonly #modules = new Map<string, ivm.Module>();

  constructor(realm: Realm, byName: (name: string) => Script | undefined) {
    this.#realm = realm;
    this.#byName = byName;
  }

  async namespaceOf(name: string): Promise<ivm.Reference> {
    const module = this.#module(name);
    await module.instantiate(this.#realm.context, (specifier) => this.#module(specifier));
    await module.evaluate();
    return module.namespace;
  }

  #module(name: string): ivm.Module {
    let module = this.#modules.get(name);
    if (!module) {
      if (this.#modules.size >= MODULES_MAX) {
        throw new ImportError(syntaxError(`More than ${MODULES_MAX} modules are imported.`, 0, 0, ''));
      }
      module = isLibrary(name) ? this.#library(name) : this.#stored(name);
      this.#modules.set(name, module);
    }
    return module;
  }

  #library(name: string): ivm.Module {
    const names = libraryNames(name);
    const members = names.map((one, index) => `const m${index}=all[${JSON.stringify(one)}];`).join('');
    const exported = names.map((one, index) => `m${index} as ${one}`).join(',');
    const code = `const all=require(${JSON.stringify(name)});${members}export{${exported}};export default all;`;
    return this.#realm.cell.isolate.compileModuleSync(code, { filename: 'millrace' });
  }

  #stored(name: string): ivm.Module {
    const script = this.#byName(name);
    if (!script) throw new ImportError(syntaxError(`There is no script or library '${name}' to import.`, 0, 0, ''));
    this.dependencies.set(name, script.hash);
    const { isolate } = this.#realm.cell;
    const filename = FILE_PREFIX + name;
    try {
      return isolate.compileModuleSync(script.content, { filename });
    } catch (error) {
      const stripped = stripTypes(script.content, true);
      try {
        if (stripped !== undefined) return isolate.compileModuleSync(stripped, { filename });
      } catch {
        // Its own error is about a text that nobody wrote.
      }
      throw new ImportError(moduleError(error, name));
    }
  }
}

/** `message [script:name:LINE:COLUMN]`, as the compiler of modules says it. */
function moduleError(error: unknown, name: string): Failure {
  const text = (error instanceof Error ? error.message : String(error)).slice(-MESSAGE_LENGTH_MAX);
  const place = /^(.*) \[script:.*:(\d+):(\d+)\]$/s.exec(text);
  return place ? syntaxError(place[1]!, Number(place[2]), Number(place[3]), name) : syntaxError(text, 0, 0, name);
}
