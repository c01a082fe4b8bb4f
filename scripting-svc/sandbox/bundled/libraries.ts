/** The standard set that scripts may `require`: npm packages as one text each, that an isolate evaluates. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** Name in a script → file of the package. Those of uuid for browsers: an isolate is none of Node's. */
const ENTRIES: Readonly<Record<string, { packageName: string; file: string }>> = {
  lodash: { packageName: 'lodash', file: 'lodash.min.js' },
  'lodash.min.js': { packageName: 'lodash', file: 'lodash.min.js' },
  dayjs: { packageName: 'dayjs', file: 'dayjs.min.js' },
  uuid: { packageName: 'uuid', file: 'dist/cjs-browser/index.js' },
  ajv: { packageName: 'ajv', file: 'dist/ajv.js' },
};

const sources = new Map<string, string>();

export const isLibrary = (name: string): boolean => Object.hasOwn(ENTRIES, name);

/** An expression, a function of (module, exports); undefined: there is no such library. */
export function librarySource(name: string): string | undefined {
  if (!Object.hasOwn(ENTRIES, name)) return undefined;
  const { packageName, file } = ENTRIES[name]!;
  let source = sources.get(file);
  if (source === undefined) {
    source = packModule(join(dirname(require.resolve(`${packageName}/package.json`)), file));
    sources.set(file, source);
  }
  return source;
}

/** What a library has, as names that code can bind. */
export function libraryNames(name: string): readonly string[] {
  const { packageName } = ENTRIES[name]!;
  return Object.keys(require(packageName) as object).filter(
    (key) => /^[A-Za-z_$][\w$]*$/.test(key) && key !== 'default',
  );
}

/** A CommonJS file with all that it requires, each module evaluated when it is asked for. */
function packModule(entry: string): string {
  const ids = new Map<string, number>([[entry, 0]]);
  const modules: string[] = [];
  // Grows while it is walked.
  for (const [path] of ids) {
    const text = readFileSync(path, 'utf8');
    if (path.endsWith('.json')) {
      modules.push(`(module)=>{module.exports=${text}}`);
      continue;
    }
    const packed = text.replace(/\brequire\(["']([^"']+)["']\)/g, (whole, target: string) => {
      const found = resolve(path, target);
      if (found === undefined) return whole;
      let id = ids.get(found);
      if (id === undefined) {
        id = ids.size;
        ids.set(found, id);
      }
      return `require(${id})`;
    });
    modules.push(`(module,exports,require)=>{${packed}\n}`);
  }
  return (
    `(function(outer){const made=[${modules.join(',\n')}],seen={__proto__:null};` +
    'function load(id){if(seen[id])return seen[id].exports;const module=id===0?outer:{exports:{}};seen[id]=module;' +
    'made[id].call(module.exports,module,module.exports,load);return module.exports}load(0)})'
  );
}

/** File of a module that another one requires; undefined: that is one of Node's own, or not there. */
function resolve(from: string, target: string): string | undefined {
  if (!target.startsWith('.')) {
    const found = createRequire(from).resolve(target);
    return found.startsWith('/') || /^[A-Za-z]:/.test(found) ? found : undefined;
  }
  const path = join(dirname(from), target);
  return [path, `${path}.js`, `${path}.json`, join(path, 'index.js')].find(
    (file) => existsSync(file) && statSync(file).isFile(),
  );
}
