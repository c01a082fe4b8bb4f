/** Hostile scripts in the whole product, one kind after the other: what their callers get, and what others notice of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables, INSERT_TABLE, READ_TABLE, ROWS, UPDATE_TABLE } from '../dataset.ts';
import { answersOk, type RunScope, startServer, waitUntilReady } from '../process.ts';
import { type MillraceTarget, serviceOf, startMillrace } from '../sides/millrace.ts';
import { median } from '../statistics.ts';
import { bind } from './bind.ts';
import { now } from './clock.ts';
import { HARMLESS_CALLS, type HostileKind, hostileKinds } from './hostile-kinds.ts';
import { type Alone, hostileTable, isOver, type Outcome } from './hostile-table.ts';
import { Neighbours } from './neighbours.ts';
import { PoolWatch } from './pool-watch.ts';
import { eventOf, PLAIN, pathOf, SCRIPTED, STAMPS } from './readings.ts';
import { p99Of, type Window, waitedIn } from './waited.ts';

const SWEEPS_MAX = 5;
/**
 * How many times more those are called beside which others have waited too long, for each sweep: what else the machine
 * does now and then meets some kind or other in most of five times.
 */
const AGAIN = 2;
const CALLS_PER_SECOND = 200;
/** How long each kind is called, and how often while it answers at once. */
const KIND_MS = 1000;
const CALL_EVERY_MS = 250;
const CALL_TIMEOUT_MS = 40_000;
/** Time without hostile scripts, before and behind each few kinds; all is watched as it is beside them. */
const QUIET_MS = 1000;
const QUIET_EVERY = 4;
const READY_MS = 15_000;
const PROBE_MS = 2000;
/** Stays in the patient lane: it calls the API. */
const CALLS_API = `event.response.content.calls = (await platform.api.get('bench/_table/${READ_TABLE}/1')).status_code;`;
const PATIENT = { ...PLAIN, millracePath: `/api/v2/bench/_table/${INSERT_TABLE}/{}` };
/** What any program on the same machine does to others that loops as long as a script may. */
const LOOP = 'for (const end = Date.now() + 1000; Date.now() < end; );';
const NEIGHBOUR_PROGRAM = 'another program (1 s)';

const kinds = hostileKinds();
const count = kinds.length;

export const HOSTILE: ContestCase = {
  name: 'hostile',
  needs: 'postgres',
  figures: [
    {
      name: 'hostile-plain',
      title: `GET by id beside ${count} hostile scripts, p99: median kind (A: alone)`,
      unit: 'ms',
      targets: [],
    },
    { name: 'hostile-plain-worst', title: 'the same: worst kind', unit: 'ms', targets: [] },
    {
      name: 'hostile-scripted',
      title: 'GET by id with a warm script beside them, p99: median kind',
      unit: 'ms',
      targets: [],
    },
    { name: 'hostile-scripted-worst', title: 'the same: worst kind', unit: 'ms', targets: [] },
    {
      name: 'hostile-over',
      title: 'kinds beside which others wait too long, or in vain',
      unit: 'kinds',
      targets: [{ measure: 'C', atMost: 0 }],
    },
    {
      name: 'hostile-full',
      title: 'from the last hostile answer until all workers are there again, longest',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 2000 }],
    },
    { name: 'hostile-gone', title: 'and until workers that were replaced are gone, longest', unit: 'ms', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  await admin.query(`insert into ${INSERT_TABLE} select * from ${READ_TABLE} where id = 1`);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    scripts: true,
    components: ['*', '_table/*'],
    services: [serviceOf('bench', 'pgsql', server), ...kinds.map(({ service }) => service)],
    firstPath: pathOf(PLAIN, 1),
  });
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'post_process'), STAMPS);
  await bind(millrace.administer, eventOf(INSERT_TABLE, 'post_process'), CALLS_API);
  const arena = new Arena(scope, millrace);
  await waitUntilReady(millrace.servers, 'scripts of both lanes', arena.probe, READY_MS, scope.signal);
  const sweeps = Math.min(options.rounds, SWEEPS_MAX);
  return {
    server: title,
    millrace,
    warmUps: 0,
    rounds: 1,
    sides: [
      {
        key: 'C',
        label: `${sweeps} times every kind`,
        measure: async () => {
          await sleep(options.warmupSeconds * 1000, undefined, { signal: scope.signal });
          for (let sweep = 0; sweep < sweeps; sweep++) await arena.sweep(kinds);
          await arena.again(AGAIN * sweeps);
          return beside(arena);
        },
      },
      { key: 'A', label: 'alone, between them', measure: async () => alone(arena) },
    ],
    table: () => hostileTable(arena.outcomes(), arena.alone()),
  };
}

function alone(arena: Arena): Sample {
  const { plain, scripted } = arena.alone();
  return {
    ...{ 'hostile-plain': p99Of(plain), 'hostile-plain-worst': p99Of(plain) },
    ...{ 'hostile-scripted': p99Of(scripted), 'hostile-scripted-worst': p99Of(scripted) },
  };
}

function beside(arena: Arena): Sample {
  const hostile = arena.outcomes().filter(({ name }) => name !== NEIGHBOUR_PROGRAM);
  const plain = hostile.map((each) => p99Of(each.plain));
  const scripted = hostile.map((each) => p99Of(each.scripted));
  return {
    ...{ 'hostile-plain': median(plain), 'hostile-plain-worst': Math.max(...plain) },
    ...{ 'hostile-scripted': median(scripted), 'hostile-scripted-worst': Math.max(...scripted) },
    'hostile-over': hostile.filter(isOver).length,
    'hostile-full': Math.max(...hostile.map(({ fullMs }) => fullMs)),
    'hostile-gone': Math.max(...hostile.map(({ goneMs }) => goneMs)),
  };
}

interface Answered {
  readonly status: number;
  readonly message: string;
  readonly ms: number;
}

/** What is kept of a kind, over all sweeps. */
interface Kept {
  readonly answers: Answered[];
  readonly windows: Window[];
  fullMs: number;
  goneMs: number;
  replaced: number;
}

class Arena {
  readonly #scope: RunScope;
  readonly #millrace: MillraceTarget;
  readonly #neighbours: Neighbours;
  readonly #watch: PoolWatch;
  readonly #quiet: Window[] = [];
  readonly #records = new Map<string, Kept>();

  constructor(scope: RunScope, millrace: MillraceTarget) {
    this.#scope = scope;
    this.#millrace = millrace;
    const paths = [PLAIN.millracePath, SCRIPTED.millracePath];
    this.#neighbours = new Neighbours(scope, millrace, { paths, perSecond: CALLS_PER_SECOND, rows: ROWS });
    this.#watch = new PoolWatch(scope, millrace, this.probe);
  }

  /** Are scripts of both lanes answered? */
  readonly probe = async (): Promise<boolean> => {
    const begin = now();
    const paths = [pathOf(SCRIPTED, 1), pathOf(PATIENT, 1)];
    const { origin, headers } = this.#millrace;
    const good = await Promise.all(paths.map((path) => answersOk(`${origin}${path}`, headers)));
    return good.every(Boolean) && now() - begin < PROBE_MS;
  };

  /** Only those beside which others have waited too long so far. */
  async again(times: number): Promise<void> {
    const over = new Set(this.outcomes().flatMap((each) => (isOver(each) ? [each.name] : [])));
    const wanted = kinds.filter(({ name }) => over.has(name));
    for (let time = 0; time < times && wanted.length > 0; time++) await this.sweep(wanted);
  }

  async sweep(wanted: readonly HostileKind[]): Promise<void> {
    await this.#beQuiet();
    await this.#measure(NEIGHBOUR_PROGRAM, () => this.#runProgram());
    for (const [index, kind] of wanted.entries()) {
      if (index % QUIET_EVERY === 0) await this.#beQuiet();
      await this.#measure(kind.name, (answers) => this.#call(kind, answers), kind.harmlessPath);
    }
    await this.#beQuiet();
    await this.#neighbours.look();
  }

  alone(): Alone {
    return this.#waited(this.#quiet);
  }

  outcomes(): Outcome[] {
    return [...this.#records].map(([name, { answers, windows, ...rest }]) => {
      const times = answers.map(({ ms }) => ms);
      return {
        name,
        answers: [...new Set(answers.map(({ status, message }) => `${status} ${message}`.trim()))],
        medianMs: times.length > 0 ? median(times) : undefined,
        longestMs: times.length > 0 ? Math.max(...times) : undefined,
        ...this.#waited(windows),
        ...rest,
      };
    });
  }

  #waited(windows: readonly Window[]): Alone {
    const by = (path: number) =>
      waitedIn(windows, this.#quiet, ({ from, to }) => this.#neighbours.between(path, from, to));
    return { plain: by(0), scripted: by(1) };
  }

  async #beQuiet(): Promise<void> {
    const from = now();
    let to = from;
    await this.#watch.during(async () => {
      await sleep(QUIET_MS, undefined, { signal: this.#scope.signal });
      to = now();
    });
    this.#quiet.push({ from, to });
  }

  async #measure(name: string, work: (answers: Answered[]) => Promise<void>, harmlessPath?: string): Promise<void> {
    for (let call = 0; harmlessPath !== undefined && call < HARMLESS_CALLS; call++) await this.#ask(harmlessPath);
    const record = this.#records.get(name) ?? { answers: [], windows: [], fullMs: 0, goneMs: 0, replaced: 0 };
    this.#records.set(name, record);
    const from = now();
    let endedAt = from;
    const {
      fullAt = 0,
      goneAt = 0,
      replaced,
    } = await this.#watch.during(async () => {
      await work(record.answers);
      endedAt = now();
    });
    record.windows.push({ from, to: Math.max(endedAt, fullAt) });
    record.fullMs = Math.max(record.fullMs, fullAt - endedAt);
    record.replaced += replaced;
    record.goneMs = Math.max(record.goneMs, goneAt - endedAt);
  }

  async #call({ path }: HostileKind, answers: Answered[]): Promise<void> {
    for (const end = now() + KIND_MS; now() < end; ) {
      const next = now() + CALL_EVERY_MS;
      answers.push(await this.#ask(path));
      await sleep(Math.max(0, next - now()), undefined, { signal: this.#scope.signal });
    }
  }

  async #ask(path: string): Promise<Answered> {
    const { origin, headers } = this.#millrace;
    const begin = now();
    const signal = AbortSignal.any([this.#scope.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const answer = await fetch(`${origin}${path}`, { headers, signal });
    const text = await answer.text();
    return { status: answer.status, message: answer.ok ? '' : messageIn(text), ms: now() - begin };
  }

  async #runProgram(): Promise<void> {
    const program = startServer(this.#scope, 'loop', process.execPath, ['-e', LOOP], {});
    while (program.exit() === undefined) await sleep(CALL_EVERY_MS, undefined, { signal: this.#scope.signal });
  }
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message ?? '';
  } catch {
    return '';
  }
}
