/**
 * A realm: the context of one script version and one caller, ready to run. Nothing that it holds meets another caller.
 * A cell: an isolate with several realms, of which one runs at a time, so that a cap that ends it ends nobody else's run.
 */
import ivm from 'isolated-vm';
import type { Program } from './compile.ts';
import type { CallerFacts } from './facts.ts';
import { preludeSource } from './prelude.ts';

/** Names and hashes of what a realm was linked with: it is of no use when one of them has changed. */
export type Dependencies = ReadonlyMap<string, bigint>;

/** What the host does for a realm. Nothing here may throw: errors would carry our stacks into the isolate. */
export interface Host {
  /** Answers at once; empty: there is nothing. */
  ask(what: string, text: string): string;
}

/** Added for runs that may take their time. */
export interface PatientHost extends Host {
  tell(kind: string, id: number, text: string): void;
  wait(kind: string, text: string): Promise<string>;
}

/** On top of a script's memory cap: for what other realms of the cell hold. */
const SHARED_MB = 24;
const MIB = 1_048_576;
const TRUSTED = { timeout: 10_000 };

let preludeCache: ivm.ExternalCopy<ArrayBuffer> | undefined;

export class Cell {
  readonly isolate: ivm.Isolate;
  readonly memoryMb: number;
  readonly realms = new Set<Realm>();
  /** A run is in it. */
  isBusy = false;
  isDead = false;
  readonly #prelude: ivm.Script;
  readonly #programs = new Map<Program, ivm.Script>();

  /** @param onCatastrophe  V8 has lost the isolate; without it, it takes the process along */
  constructor(memoryMb: number, onCatastrophe?: () => void) {
    this.memoryMb = memoryMb;
    this.isolate = new ivm.Isolate({
      memoryLimit: memoryMb + SHARED_MB,
      ...(onCatastrophe && { onCatastrophicError: onCatastrophe }),
    });
    const options = preludeCache ? { cachedData: preludeCache } : { produceCachedData: true };
    this.#prelude = this.isolate.compileScriptSync(preludeSource(), { filename: 'millrace', ...options });
    preludeCache ??= (this.#prelude as { cachedData?: ivm.ExternalCopy<ArrayBuffer> }).cachedData;
  }

  holds(program: Program): boolean {
    return this.#programs.has(program);
  }

  compiled(program: Program): ivm.Script {
    let script = this.#programs.get(program);
    if (!script) {
      const { code, filename, columnOffset } = program;
      script = this.isolate.compileScriptSync(code, { filename, columnOffset });
      this.#programs.set(program, script);
    }
    return script;
  }

  runPrelude(context: ivm.Context): ivm.Reference {
    return this.#prelude.runSync(context, { reference: true, ...TRUSTED }) as ivm.Reference;
  }

  /** Bytes of the heap, and of what it holds outside. */
  usedBytes(): number {
    if (this.isDead || this.isolate.isDisposed) return 0;
    const heap = this.isolate.getHeapStatisticsSync();
    return heap.used_heap_size + heap.externally_allocated_size;
  }

  /** More was left behind than the next run should have to share its memory with. */
  isFull(): boolean {
    return this.usedBytes() > SHARED_MB * MIB;
  }

  forget(program: Program): void {
    for (const realm of this.realms) if (realm.program === program) return;
    this.#programs.get(program)?.release();
    this.#programs.delete(program);
  }

  /** Ends whatever runs in it. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    if (!this.isolate.isDisposed) this.isolate.dispose();
  }
}

type StartFunction = ivm.Reference<(packed: string) => string>;

export class Realm {
  readonly cell: Cell;
  readonly program: Program;
  readonly start: StartFunction;
  /** Of several runs, in the quick lane. */
  readonly startAll: StartFunction;
  readonly finish: ivm.Reference<() => string>;
  readonly deliver: ivm.Reference<(id: number, text: string) => void>;
  readonly context: ivm.Context;
  /** Where the host's functions lead while a run is in it. */
  host: PatientHost | Host | undefined;
  facts: CallerFacts | undefined;
  /** Stored scripts that it was linked with, as they were then; undefined: none. */
  dependencies: Dependencies | undefined;
  runs = 0;
  readonly #link: ivm.Reference;

  /** Only our own code runs here. @param settings  JSON for the prelude; @param isPatient  whether it may wait */
  constructor(cell: Cell, program: Program, settings: string, isPatient: boolean) {
    this.cell = cell;
    this.program = program;
    this.context = cell.isolate.createContextSync();
    const ask = new ivm.Callback((what: unknown, text: unknown): string => {
      return this.host?.ask(String(what), String(text)) ?? '';
    });
    const patient = isPatient ? [this.#tell(), this.#wait()] : [];
    const doors = cell.runPrelude(this.context).applySync(undefined, [settings, ask, ...patient], {
      result: { reference: true },
      ...TRUSTED,
    }) as ivm.Reference<Record<string, unknown>>;
    const door = (name: string) => doors.getSync(name, { reference: true });
    this.start = door('start') as StartFunction;
    this.startAll = door('startAll') as StartFunction;
    this.finish = door('finish') as ivm.Reference<() => string>;
    this.deliver = door('deliver') as ivm.Reference<(id: number, text: string) => void>;
    this.#link = door('link') as ivm.Reference;
    cell.realms.add(this);
  }

  #tell(): ivm.Callback {
    return new ivm.Callback(
      (kind: unknown, id: unknown, text: unknown) => {
        if (this.host && 'tell' in this.host) this.host.tell(String(kind), Number(id), String(text));
      },
      { ignored: true },
    );
  }

  #wait(): ivm.Reference {
    return new ivm.Reference(async (kind: unknown, text: unknown): Promise<string> => {
      return this.host && 'wait' in this.host ? this.host.wait(String(kind), String(text)) : '';
    });
  }

  /** Gives the script what it imports: names of libraries, or namespaces of modules. */
  link(namespaces: readonly (string | ivm.Reference)[]): void {
    const factory = this.cell.compiled(this.program).runSync(this.context, { reference: true, ...TRUSTED });
    const bound = namespaces.map((one) => (typeof one === 'string' ? one : one.derefInto()));
    this.#link.applySync(undefined, [(factory as ivm.Reference).derefInto(), ...bound], TRUSTED);
  }

  dispose(): void {
    this.cell.realms.delete(this);
    if (this.cell.isDead) return;
    for (const reference of [this.start, this.startAll, this.finish, this.deliver, this.#link]) reference.release();
    this.context.release();
    this.cell.forget(this.program);
  }
}
