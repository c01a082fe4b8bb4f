import type { Deadline } from '#common/deadline.ts';
import type { Logger } from '#common/observe/log.ts';
import type { OutboundPolicy } from '#common/outbound/policy.ts';
import {
  type Caller,
  type Failure,
  Lane,
  type LogLine,
  LogLine_Level,
  Phase,
  type Run,
  type RunReply,
  type Script,
  type ScriptKey,
} from '#proto/script/v1/script_pb.ts';
import { NICE_MAX, type ScriptThreads } from '../priority.ts';
import { Spent } from '../spent.ts';
import { answer } from './answers.ts';
import { Callers, type Who } from './callers.ts';
import type { ScriptApi } from './calls.ts';
import type { Caps } from './caps.ts';
import type { Ended } from './ended.ts';
import { CallerFacts } from './facts.ts';
import { busy, late, lost, treeCallsCap, unknownScript } from './failures.ts';
import { Gathered } from './gathered.ts';
import { compiledFor, type Known, KnownScripts } from './known-scripts.ts';
import { linkImports } from './modules.ts';
import { packEvent } from './packed.ts';
import { PatientRun } from './patient.ts';
import { Pool } from './pool.ts';
import { FIRST_RUN_FACTOR, runQuick, runTogether, TOGETHER_FACTOR } from './quick.ts';
import type { Cell, Realm } from './realm.ts';
import { elsewhere, failed, inFull, replied } from './replies.ts';
import { Slots } from './slots.ts';
import { type CallTree, CallTrees } from './trees.ts';
import { Watchdog } from './watchdog.ts';

export type { ApiAnswer, ApiCall, ScriptApi } from './calls.ts';

export interface ScriptStore {
  /** Waits a moment for the push of a version that is not known yet; undefined: there is none. */
  find(key: ScriptKey, deadline: Deadline): Promise<Script | undefined> | Script | undefined;
  /** For imports. */
  byName(name: string): Script | undefined;
  /** With the private ones, by precedence user > role > app > system. The same object while nothing has changed. */
  lookups(caller: Caller): Readonly<Record<string, { value: string; isPrivate: boolean }>>;
}

export interface SandboxOptions {
  readonly lane: 'quick' | 'patient';
  readonly store: ScriptStore;
  readonly api: ScriptApi;
  /** What scripts find in platform.config. The same object while nothing has changed. */
  readonly platformConfig: () => object;
  readonly caps: Caps;
  readonly fetch: OutboundPolicy;
  readonly threads: Pick<ScriptThreads, 'nice'>;
  /** On which it says whether a script holds its thread, in the quick lane; undefined: nobody asks. */
  readonly heldFd?: number;
  readonly log: Logger;
}

/** Trials, and what runs later: there they are shown to people. */
const isAskedFor = ({ trial, event }: Run): boolean => trial !== undefined || event?.phase === Phase.QUEUED;

/** Good runs in a row after which a script is offered the quick lane. */
const PROVEN_RUNS = 20;
/** Processor time of such a run, microseconds. */
const PROVEN_MICROS = 1000;
/** Processor time beyond the limit of a quick run, after which it holds its thread for good. */
const STUCK_MS = 200;
/** For a place among the runs at once. */
const SLOT_WAIT_MS = 1000;
/** Runs of a realm between two looks at the memory of its cell, in the quick lane. */
const MEMORY_LOOK_RUNS = 64;
const RSS_LOOK_MS = 500;

const NO_LOOKUPS = {};

/** A run that came to the quick lane. */
interface Waiting {
  readonly run: Run;
  readonly known: Known;
  readonly who: Who;
  readonly packed: string;
  readonly resolve: (reply: RunReply) => void;
}

export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #pool: Pool;
  readonly #slots: Slots;
  readonly #watchdog: Watchdog | undefined;
  readonly #known: KnownScripts;
  readonly #callers = new Callers();
  readonly #running = new Map<Cell, PatientRun>();
  readonly #trees = new CallTrees();
  readonly #gathered = new Gathered<Waiting>((group) => this.#runAll(group));
  /** Held on to: to let go of an isolate whose thread is gone waits for it. */
  readonly #lostCells: Cell[] = [];
  #isSuspect = false;
  #hasLostThread = false;
  #rss = { bytes: 0, at: 0 };

  constructor(options: SandboxOptions) {
    const { lane, caps, heldFd } = options;
    this.#options = options;
    this.#pool = lane === 'patient' ? new Pool(caps, true, (cell) => this.#catastrophe(cell)) : new Pool(caps, false);
    this.#known = new KnownScripts(caps);
    this.#slots = new Slots(caps.runsAtOnce, SLOT_WAIT_MS);
    this.#watchdog =
      lane === 'quick' ? new Watchdog(caps.quickMillis * FIRST_RUN_FACTOR + STUCK_MS, heldFd) : undefined;
  }

  /** False: a thread or much memory is lost; what runs may end, and then this process should be replaced. */
  get healthy(): boolean {
    const now = Date.now();
    if (now - this.#rss.at > RSS_LOOK_MS) this.#rss = { bytes: process.memoryUsage.rss(), at: now };
    return !this.#isSuspect && this.#rss.bytes <= this.#options.caps.processBytes;
  }

  /** A thread runs for ever: the process can be ended by nothing but a kill. */
  get hasLostThread(): boolean {
    return this.#hasLostThread;
  }

  async close(): Promise<void> {
    for (const run of this.#running.values()) run.kill(lost('The worker was ended.'));
    this.#pool.close();
    await this.#watchdog?.close();
  }

  /** Never rejects: what goes wrong is a Failure in the reply. */
  async run(run: Run, deadline: Deadline): Promise<RunReply> {
    try {
      const found = run.trial ?? (run.script && this.#options.store.find(run.script, deadline));
      const script = found instanceof Promise ? await found : found;
      if (deadline.reason || deadline.remainingMs() === 0) return failed(run, late(deadline));
      if (!script) return failed(run, unknownScript());
      if (!run.event) return failed(run, lost('A run needs an event.'));
      return await this.#runScript(run, script, packEvent(run.event), deadline);
    } catch (error) {
      this.#options.log.error({ err: error, requestId: run.requestId }, 'A script could not be run.');
      return failed(run, lost('The script could not be run.'));
    }
  }

  #runScript(run: Run, script: Script, packed: string, deadline: Deadline): RunReply | Promise<RunReply> {
    const known = this.#known.of(script, run.trial !== undefined);
    const isPatient = this.#options.lane === 'patient';
    if (isPatient) return this.#runInSlot(run, known, packed, deadline);
    if (run.trial) return elsewhere(run);
    const who = this.#callers.of(run);
    if (!who) return inFull(run);
    return new Promise((resolve) => {
      this.#gathered.add(`${known.key}/${who.key}`, { run, known, who, packed, resolve });
    });
  }

  /** All runs of one script and one caller that have come together. */
  #runAll(group: readonly Waiting[]): void {
    let left = group;
    try {
      while (left.length > 0) left = left.slice(this.#runSome(left));
    } catch (error) {
      this.#options.log.error({ err: error }, 'A script could not be run.');
      for (const { run, resolve } of left) resolve(failed(run, lost('The script could not be run.')));
    }
  }

  /** @returns how many of the first have their answers now */
  #runSome(group: readonly Waiting[]): number {
    const { known, who } = group[0] as Waiting;
    const realm = this.#lease(known, who);
    if (realm === undefined || 'kind' in realm) {
      for (const { run, resolve } of group) resolve(realm === undefined ? elsewhere(run) : failed(run, realm));
      return group.length;
    }
    const isNew = realm.runs === 0;
    const count = isNew ? 1 : known.pace.next(group.map(({ packed }) => packed.length));
    const some = group.slice(0, count);
    const { ended, isLate, cpuMicros } = this.#enter(known, realm, some);
    const millis = this.#options.caps.quickMillis * (isNew ? FIRST_RUN_FACTOR : 1);
    if (known.starved.again(isLate, cpuMicros / 1000, millis)) return 0;
    // It would be the same for all of them to the last: the one that takes too long is found by running each alone.
    if (!ended) known.pace.brokenOff();
    else if (!isNew) known.pace.done(ended.length, cpuMicros);
    const each = ended ? Math.round(cpuMicros / ended.length) : 0;
    ended?.forEach((one, at) => {
      const { run, resolve } = some[at] as Waiting;
      resolve(this.#reply(run, known, one, each, 0));
    });
    return ended?.length ?? 0;
  }

  async #runInSlot(run: Run, known: Known, packed: string, deadline: Deadline): Promise<RunReply> {
    const tree = this.#trees.of(run.grant);
    const { treeCalls } = known.limits;
    const isOver = (): boolean => tree.calls > treeCalls;
    // Of scripts that have called each other too often none has to be begun to learn that.
    if (isOver()) return failed(run, treeCallsCap(treeCalls));
    const taken = this.#slots.take(deadline, tree);
    if (taken !== true && !(await taken)) return failed(run, deadline.reason ? late(deadline) : busy());
    try {
      const turn = this.#slots.begin(tree);
      if (turn !== true) await turn;
      if (deadline.reason) return failed(run, late(deadline));
      if (isOver()) return failed(run, treeCallsCap(treeCalls));
      const who = this.#callers.of(run);
      if (!who) return inFull(run);
      const realm = this.#lease(known, who);
      if (realm === undefined) return elsewhere(run);
      return 'kind' in realm ? failed(run, realm) : await this.#runPatient(run, known, realm, packed, deadline, tree);
    } finally {
      this.#slots.give(tree);
    }
  }

  /** A realm for this run, why there can be none, or undefined: the script is none for this lane. */
  #lease(known: Known, who: Who): Realm | Failure | undefined {
    const { store, platformConfig, lane } = this.#options;
    const { caller, sessionJson } = who;
    const lookups = caller ? store.lookups(caller) : NO_LOOKUPS;
    const config = platformConfig();
    const key = `${known.key}/${who.key}`;
    let realm = this.#pool.find(key);
    if (realm?.facts?.isOf(lookups, config) && this.#isCurrent(realm)) return realm;
    const facts = new CallerFacts(sessionJson, lookups, config);
    const compiled = compiledFor(known, facts);
    // Those that were made before a change leave.
    while (realm && ('failure' in compiled || realm.program !== compiled.program || !this.#isCurrent(realm))) {
      this.#pool.release(realm, false);
      realm = this.#pool.find(key);
    }
    if ('failure' in compiled) return compiled.failure;
    const { program } = compiled;
    if (lane === 'quick' && !program.mayBeQuick) return undefined;
    const settings = program.isPure ? known.settings.pure : known.settings.other;
    realm ??= this.#pool.make({ key, program, memoryMb: known.limits.memoryMb, settings });
    realm.facts = facts;
    return realm;
  }

  #isCurrent(realm: Realm): boolean {
    if (realm.program.imports.length === 0) return true;
    if (realm.dependencies === undefined) return false;
    for (const [name, hash] of realm.dependencies) if (this.#options.store.byName(name)?.hash !== hash) return false;
    return true;
  }

  /** @returns how the first of them have ended; undefined: none of them, or nobody knows. Whether the time of a single one was over */
  #enter(
    known: Known,
    realm: Realm,
    runs: readonly Waiting[],
  ): { readonly ended: readonly Ended[] | undefined; readonly isLate: boolean; readonly cpuMicros: number } {
    const { cell } = realm;
    const facts = realm.facts!;
    realm.host = { ask: (what, text) => answer(what, text, facts) };
    const spent = new Spent(cell.isolate);
    const looks = Math.floor(realm.runs / MEMORY_LOOK_RUNS);
    const { quickMillis } = this.#options.caps;
    const { limits, script } = known;
    const [first] = runs as readonly [Waiting];
    const packed = runs.map((one) => one.packed);
    const ended =
      runs.length === 1
        ? [runQuick(realm, first.packed, quickMillis, limits, script.name, this.#watchdog!)]
        : runTogether(realm, packed, quickMillis * TOGETHER_FACTOR, limits, script.name, this.#watchdog!);
    const isGone = cell.isolate.isDisposed;
    const isLate = ended !== undefined && 'late' in ended[0]!;
    const cpuMicros = isLate ? spent.micros() : spent.insideMicros();
    this.#pool.release(realm, ended !== undefined && !ended.some((one) => 'left' in one));
    if (!isGone && Math.floor(realm.runs / MEMORY_LOOK_RUNS) !== looks && cell.isFull()) this.#pool.retire(cell);
    return { ended, isLate, cpuMicros };
  }

  async #runPatient(
    run: Run,
    known: Known,
    realm: Realm,
    packed: string,
    deadline: Deadline,
    tree: CallTree,
  ): Promise<RunReply> {
    const { api, fetch } = this.#options;
    const patient = new PatientRun(realm, {
      limits: known.limits,
      file: known.script.name,
      facts: realm.facts!,
      deadline,
      calls: { api, outbound: fetch, grant: run.grant, requestId: run.requestId },
      tree,
      link: this.#linker(realm),
      onStuck: () => this.#lose(run),
    });
    this.#running.set(realm.cell, patient);
    const ended = await patient.run(packed);
    this.#running.delete(realm.cell);
    const cpuMicros = patient.cpuMicros();
    const memoryBytes = realm.cell.usedBytes();
    const isReusable = !run.trial && 'outcome' in ended;
    this.#pool.release(realm, isReusable || (!run.trial && 'failure' in ended && !realm.cell.isDead));
    if (realm.cell.isFull()) this.#pool.retire(realm.cell);
    const reply = this.#reply(run, known, ended, cpuMicros, memoryBytes);
    const isProven = 'outcome' in ended && cpuMicros < PROVEN_MICROS && patient.calls === 0 && realm.program.mayBeQuick;
    known.goodRuns = isProven ? known.goodRuns + 1 : 0;
    if (known.goodRuns === PROVEN_RUNS) {
      known.goodRuns = 0;
      reply.next = Lane.QUICK;
    }
    return reply;
  }

  #linker(realm: Realm) {
    if (realm.program.imports.length === 0 || realm.dependencies) return undefined;
    return async () => {
      const linked = await linkImports(realm, (name) => this.#options.store.byName(name));
      if ('dependencies' in linked) realm.dependencies = linked.dependencies;
      return linked;
    };
  }

  #reply(run: Run, known: Known, ended: Ended, cpuMicros: number, memoryBytes: number): RunReply {
    if ('left' in ended) return elsewhere(run);
    if ('lacking' in ended) return inFull(run);
    if (run.trial === undefined && ended.logs.length > 0) this.#log(run, known, ended.logs);
    const program = known.compiled && 'program' in known.compiled ? known.compiled.program : undefined;
    const logs = isAskedFor(run) ? ended.logs : [];
    return replied(run, ended, program, { cpuMicros, memoryBytes, logs });
  }

  #log(run: Run, known: Known, lines: readonly LogLine[]): void {
    const about = { script: known.script.name, requestId: run.requestId };
    for (const { level, text } of lines) this.#options.log[LOG_METHODS[level] ?? 'info'](about, text);
  }

  #catastrophe(cell: Cell): void {
    // Its thread is gone and must not be waited for, so it is not disposed.
    cell.isDead = true;
    this.#lostCells.push(cell);
    this.#suspect('V8 ran out of memory in an isolate.');
    this.#running.get(cell)?.outOfMemory();
  }

  /** What the thread still does comes behind everything else on the machine. */
  #lose(run: Run): void {
    this.#hasLostThread = true;
    this.#options.threads.nice = NICE_MAX;
    this.#suspect('A script holds a thread that cannot be stopped.', run);
  }

  #suspect(reason: string, run?: Run): void {
    this.#isSuspect = true;
    this.#options.log.warn({ requestId: run?.requestId }, `${reason} This process wants to be replaced.`);
  }
}

const LOG_METHODS: Readonly<Partial<Record<LogLine_Level, 'debug' | 'info' | 'warn' | 'error'>>> = {
  [LogLine_Level.DEBUG]: 'debug',
  [LogLine_Level.WARN]: 'warn',
  [LogLine_Level.ERROR]: 'error',
};
