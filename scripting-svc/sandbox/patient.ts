/** The patient lane: a run on the thread of its isolate, which may wait for calls and timers, under caps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MIB } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import type { Failure, LogLine } from '#proto/script/v1/script_pb.ts';
import { processMicros, Spent } from '../spent.ts';
import { answer, type Facts } from './answers.ts';
import { type CallScope, makeCall } from './calls.ts';
import { type Limits, MESSAGES_MAX } from './caps.ts';
import { type Ended, isMemoryError, readEnd } from './ended.ts';
import {
  callsCap,
  cpuCap,
  late,
  memoryCap,
  messagesCap,
  thrown,
  timersCap,
  treeCallsCap,
  wallCap,
} from './failures.ts';
import type { Linked } from './modules.ts';
import { readLogs } from './packed.ts';
import type { PatientHost, Realm } from './realm.ts';
import { type CallTree, takeTurn } from './trees.ts';

/** How often caps of time are looked at, and every how many times the memory of the process. */
const WATCH_MS = 10;
const MEMORY_LOOK_EVERY = 5;
/**
 * V8 counts what is on the heap of an isolate and in its buffers, not what stands behind small buffers, formatters and the
 * like. So the process is looked at as well: where it has grown by more than a run may hold, and this for every other run
 * beside it, the one that works hardest is what makes it grow.
 */
const GROWTH_FACTOR = 2;
const GROWTH_MB = 96;
const GROWTH_BESIDE_MB = 8;
const HARD_WORK_MICROS = 100_000;
/**
 * Given to an isolate to stop; after it, one of V8's own functions holds it, and its thread is lost. As long as the
 * process has not spent as much as such a thread spends, the machine may be busy with something else.
 */
const STOP_MS = 400;
const STOP_CPU_MS = 300;
const STOP_MS_MAX = 2000;

/** Calls of one run at once, so that routers are not flooded by one script; the others wait for their turn. */
const CALLS_AT_ONCE = 8;
/** And of all that belong to the same tree, beyond one of each: without that one they might wait for each other. */
const TREE_CALLS_AT_ONCE = 16;

export interface PatientScope {
  readonly limits: Limits;
  readonly file: string;
  readonly facts: Facts;
  readonly deadline: Deadline;
  readonly calls: Omit<CallScope, 'deadline' | 'answerBytesMax'>;
  /** What is counted for it and for all that belong to the same tree of scripts. */
  readonly tree: CallTree;
  /** Links what the realm imports, where that was not done yet. */
  readonly link: (() => Promise<Linked>) | undefined;
  /** An isolate did not stop: its thread is lost to the process. */
  onStuck(): void;
}

export class PatientRun implements PatientHost {
  /** Calls that were made. */
  calls = 0;
  readonly #realm: Realm;
  readonly #scope: PatientScope;
  readonly #logs: LogLine[] = [];
  readonly #outstanding = new Map<number, NodeJS.Timeout | undefined>();
  readonly #startedAt = Date.now();
  readonly #spent: Spent;
  /** Of the run: the caller's or the wall cap's, whichever is earlier. */
  readonly #deadline: Deadline;
  readonly #forget: () => void;
  /** Resident bytes of the process when the run was looked at first. */
  #bytesBefore: number | undefined;
  #callsInFlight = 0;
  readonly #callsWaiting: (() => void)[] = [];
  #entries = 0;
  #isFinishing = false;
  #end: ((ended: Ended) => void) | undefined;

  constructor(realm: Realm, scope: PatientScope) {
    this.#realm = realm;
    this.#scope = scope;
    this.#spent = new Spent(realm.cell.isolate);
    this.#deadline = new Deadline(Math.min(scope.deadline.at, this.#startedAt + scope.limits.wallMs));
    this.#forget = scope.deadline.onAbort(() => this.kill(late(scope.deadline)));
  }

  /** @returns how it ended, and what it logged until then */
  async run(packed: string): Promise<Ended> {
    const ended = new Promise<Ended>((end) => {
      this.#end = end;
    });
    if (this.#scope.deadline.reason) this.kill(late(this.#scope.deadline));
    this.#realm.host = this;
    watch(this);
    void this.#begin(packed);
    return ended;
  }

  async #begin(packed: string): Promise<void> {
    if (this.#scope.link) {
      const linked = await this.#enter(this.#scope.link());
      if (linked === undefined || !this.#end) return;
      if ('failure' in linked) return this.#close({ failure: linked.failure, logs: this.#logs });
    }
    this.#realm.runs++;
    await this.#enter(this.#realm.start.apply(undefined, [packed]));
    this.#settle();
  }

  /** Waits for what runs in the isolate; undefined: it was the end. */
  async #enter<Value>(entry: Promise<Value>): Promise<Value | undefined> {
    this.#entries++;
    try {
      return await entry;
    } catch (error) {
      this.#crash(error);
      return undefined;
    } finally {
      this.#entries--;
    }
  }

  /** Nothing runs and nothing is waited for: that is the end, as it is in Node. */
  #settle(): void {
    if (!this.#end || this.#isFinishing || this.#entries > 0 || this.#outstanding.size > 0) return;
    this.#isFinishing = true;
    void this.#enter(this.#realm.finish.apply(undefined, [])).then((packed) => {
      if (packed === undefined || !this.#end) return;
      const ended = readEnd(packed, this.#scope.limits, this.#scope.file);
      this.#close('logs' in ended ? { ...ended, logs: [...this.#logs, ...ended.logs] } : ended);
    });
  }

  #crash(error: unknown): void {
    if (!this.#end) return;
    if (isMemoryError(error)) return this.kill(memoryCap(this.#scope.limits.memoryMb));
    const message = error instanceof Error ? error.message : 'The script could not be run.';
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    this.#close({
      failure: thrown(message, stack.split('(<isolated-vm boundary>)')[0]!, '', this.#scope.file),
      logs: this.#logs,
    });
  }

  /** V8 has lost the isolate. */
  outOfMemory(): void {
    this.kill(memoryCap(this.#scope.limits.memoryMb));
  }

  /** Ends the run where it stands, and its isolate with it. */
  kill(failure: Failure): void {
    if (!this.#end) return;
    const { cell } = this.#realm;
    const wasRunning = this.#entries > 0;
    this.#close({ failure, logs: this.#logs });
    cell.kill();
    if (wasRunning) this.#watchStop(Date.now(), processMicros());
  }

  #watchStop(killedAt: number, microsBefore: number): void {
    setTimeout(() => {
      if (this.#entries === 0) return;
      const isCertain = processMicros() - microsBefore >= STOP_CPU_MS * 1000 || Date.now() - killedAt >= STOP_MS_MAX;
      if (isCertain) this.#scope.onStuck();
      else this.#watchStop(killedAt, microsBefore);
    }, STOP_MS).unref();
  }

  #close(ended: Ended): void {
    const end = this.#end;
    this.#end = undefined;
    unwatch(this);
    this.#forget();
    for (const timer of this.#outstanding.values()) clearTimeout(timer);
    this.#outstanding.clear();
    while (this.#callsWaiting.length > 0) this.#letGo();
    this.#deadline.abort(callerGone());
    end?.(ended);
  }

  cpuMicros(): number {
    return this.#spent.micros();
  }

  /** Looks at the caps of time. */
  check(now: number): void {
    const { limits, deadline } = this.#scope;
    if (now >= deadline.at) this.kill(late(deadline));
    else if (now - this.#startedAt >= limits.wallMs) this.kill(wallCap(limits.wallMs));
    // V8 has seen that it holds too much, and waits for a built-in function that does not let itself be interrupted.
    else if (this.#realm.cell.isolate.isDisposed) this.kill(memoryCap(limits.memoryMb));
    else if (this.#spent.isMoreThan(limits.cpuMs * 1000)) this.kill(cpuCap(limits.cpuMs));
  }

  /** By how many bytes the process has grown since the first look. @param bytes  resident, of the process */
  growth(bytes: number): number {
    this.#bytesBefore ??= bytes;
    return bytes - this.#bytesBefore;
  }

  /** @param growth  of the process, bytes; @param beside  runs that may have made it grow as well */
  checkMemory(growth: number, beside: number): void {
    const { memoryMb } = this.#scope.limits;
    const allowedMb = GROWTH_FACTOR * memoryMb + GROWTH_MB + GROWTH_BESIDE_MB * beside;
    if (growth > allowedMb * MIB) this.kill(memoryCap(memoryMb));
  }

  ask(what: string, text: string): string {
    return answer(what, text, this.#scope.facts);
  }

  tell(kind: string, id: number, text: string): void {
    if (!this.#end) return;
    switch (kind) {
      case 'log':
        this.#log(text);
        return;
      case 'flood':
        this.kill(messagesCap(MESSAGES_MAX));
        return;
      case 'timer':
        this.#setTimer(id, Number(text));
        return;
      case 'clear':
        clearTimeout(this.#outstanding.get(id));
        this.#outstanding.delete(id);
        return;
      case 'api':
      case 'fetch':
        this.#outstanding.set(id, undefined);
        void this.wait(kind, text).then((said) => this.#deliver(id, said));
    }
  }

  /** What the prelude has counted already; whoever is not the prelude is counted here. */
  #log(text: string): void {
    const { logLines, logBytes } = this.#scope.limits;
    if (this.#logs.length > logLines || text.length > 2 * logBytes + 1000) return;
    this.#logs.push(...readLogs(text).slice(0, 1));
  }

  async wait(kind: string, text: string): Promise<string> {
    if (!this.#end) return '';
    const { limits, calls, tree } = this.#scope;
    const isOver = ++this.calls > limits.apiCalls;
    if (isOver || ++tree.calls > limits.treeCalls) {
      this.kill(isOver ? callsCap(limits.apiCalls) : treeCallsCap(limits.treeCalls));
      return '';
    }
    const turnMs = takeTurn(tree, limits.treeCalls, performance.now());
    if (turnMs > 0) await sleep(turnMs);
    if (!this.#end) return '';
    if (this.#mayCall()) this.#beginCall();
    else await new Promise<void>((go) => this.#callsWaiting.push(go));
    try {
      if (!this.#end) return '';
      return await makeCall(kind, text, { ...calls, deadline: this.#deadline, answerBytesMax: limits.outputBytes });
    } finally {
      this.#callsInFlight--;
      tree.callsInFlight--;
      while (this.#callsWaiting.length > 0 && this.#mayCall()) this.#letGo();
    }
  }

  #letGo(): void {
    this.#beginCall();
    this.#callsWaiting.shift()?.();
  }

  #beginCall(): void {
    this.#callsInFlight++;
    this.#scope.tree.callsInFlight++;
  }

  #mayCall(): boolean {
    if (this.#callsInFlight === 0) return true;
    return this.#callsInFlight < CALLS_AT_ONCE && this.#scope.tree.callsInFlight < TREE_CALLS_AT_ONCE;
  }

  #setTimer(id: number, milliseconds: number): void {
    const { timers } = this.#scope.limits;
    if (this.#outstanding.size >= timers) return this.kill(timersCap(timers));
    this.#outstanding.set(
      id,
      setTimeout(() => this.#deliver(id, ''), milliseconds),
    );
  }

  #deliver(id: number, text: string): void {
    if (!this.#end || !this.#outstanding.delete(id)) return;
    void this.#enter(this.#realm.deliver.apply(undefined, [id, text])).then(() => this.#settle());
  }
}

const watched = new Set<PatientRun>();
let watcher: NodeJS.Timeout | undefined;
let looks = 0;

function watch(run: PatientRun): void {
  watched.add(run);
  watcher ??= setInterval(look, WATCH_MS);
}

function look(): void {
  const now = Date.now();
  for (const one of watched) one.check(now);
  if (++looks % MEMORY_LOOK_EVERY === 0) lookAtMemory();
}

function lookAtMemory(): void {
  const bytes = process.memoryUsage.rss();
  let hardest: { run: PatientRun; micros: number; growth: number } | undefined;
  for (const run of watched) {
    const growth = run.growth(bytes);
    const micros = run.cpuMicros();
    if (micros > (hardest?.micros ?? HARD_WORK_MICROS)) hardest = { run, micros, growth };
  }
  hardest?.run.checkMemory(hardest.growth, watched.size - 1);
}

function unwatch(run: PatientRun): void {
  watched.delete(run);
  if (watched.size > 0) return;
  clearInterval(watcher);
  watcher = undefined;
}
