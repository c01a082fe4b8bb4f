/** `npm run bench`: starts the sides, measures them in turn, prints and writes what came out. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import pg from 'pg';
import { type RunningPostgres, startPostgres } from '../deploy/testing/postgres.ts';
import { type BenchCase, GET_BY_ID, type LoadCase } from './cases.ts';
import { countRows, createTables, INSERT_TABLE, READ_TABLE, resetWriteTable } from './dataset.ts';
import { driverSide, latencySide } from './latency.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { type RunScope, Teardown } from './process.ts';
import { formatProfile } from './profile.ts';
import { type CaseResult, formatReport, type SideKey } from './report.ts';
import { writeResults } from './results.ts';
import { startFastify } from './sides/fastify.ts';
import { httpSide } from './sides/http.ts';
import { type MillraceTarget, startMillrace } from './sides/millrace.ts';
import { pgbenchSide } from './sides/pgbench.ts';
import type { Side } from './sides/side.ts';
import { measureStart, type StartFigures } from './start.ts';
import { formatNumber } from './statistics.ts';

/** wrk ends its run a few milliseconds beside the time that it was given. */
const CLOCK_TOLERANCE = 0.01;
const PROFILE_ENTRIES = 15;
const PROFILED_TIERS = ['router', 'sql'];

/** Everything that the cases under load need. */
interface Arena {
  readonly admin: pg.Client;
  readonly postgresVersion: string;
  readonly millrace: MillraceTarget;
  readonly loadSides: readonly Side[];
  readonly latencySides: readonly Side[];
}

const describe = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function run(options: BenchOptions, scope: RunScope): Promise<void> {
  const results: CaseResult[] = [];
  let arena: Arena | undefined;
  try {
    const starts = options.cases.filter((each) => each.kind === 'start');
    if (starts.length > 0) {
      say(`all-in-one start: a first one, then ${options.rounds} measured`);
      const figures = await measureStart(scope, options.rounds);
      results.push(...starts.map((each) => startResult(each, figures)));
    }
    for (const each of options.cases) {
      if (each.kind === 'start') continue;
      arena ??= await prepare(options, scope);
      results.push(await measureCase(each, arena, options));
    }
  } finally {
    if (results.length > 0) say(`\n${formatReport(results)}\n`);
  }
  if (options.profile && arena) await printProfiles(arena.millrace, scope);
  if (options.resultsFolder !== undefined) {
    const { rounds, seconds, warmupSeconds, connections } = options;
    const report = {
      measuredAt: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine(arena?.postgresVersion),
      settings: { rounds, seconds, warmupSeconds, connections },
      cases: results,
    };
    say(`Written: ${await writeResults(report, options.resultsFolder)}.{md,json,svg}`);
  }
}

function startResult(each: Extract<BenchCase, { kind: 'start' }>, figures: StartFigures): CaseResult {
  const { name, title, unit, targets } = each;
  const samples = { C: each.figure === 'time' ? figures.readySeconds : figures.residentMegabytes };
  return { name, title, unit, targets, samples };
}

async function prepare(options: BenchOptions, scope: RunScope): Promise<Arena> {
  say('starting PostgreSQL, the Fastify endpoint and Millrace');
  const postgres = await startPostgres();
  scope.teardown.add(postgres.stop);
  const admin = await connectAdmin(postgres, scope);
  await createTables(admin);
  const version = await admin.query<{ server_version: string }>('show server_version');
  const fastify = await startFastify(scope, postgres);
  const profileFolder = options.profile ? scope.folder : undefined;
  const millrace = await startMillrace(scope, postgres, { dist: options.dist, profileFolder });
  const { connections } = options;
  return {
    admin,
    postgresVersion: version.rows[0]?.server_version ?? 'unknown',
    millrace,
    loadSides: [
      pgbenchSide(scope, postgres, connections),
      httpSide(scope, fastify, connections),
      httpSide(scope, millrace, connections),
    ],
    latencySides: [driverSide(scope, postgres), latencySide(scope, fastify), latencySide(scope, millrace)],
  };
}

async function connectAdmin(postgres: RunningPostgres, scope: RunScope): Promise<pg.Client> {
  const admin = new pg.Client({ connectionString: postgres.url });
  // Whoever uses it next is told; without a listener a lost connection would end the process before it cleans up.
  admin.on('error', () => {});
  await admin.connect();
  scope.teardown.add(() => admin.end());
  return admin;
}

async function measureCase(
  each: Exclude<BenchCase, { kind: 'start' }>,
  arena: Arena,
  options: BenchOptions,
): Promise<CaseResult> {
  const load = each.kind === 'latency' ? GET_BY_ID : each;
  const sides = each.kind === 'latency' ? arena.latencySides : arena.loadSides;
  say(`${each.title}: warming up`);
  for (const side of sides) await measureOnce(side, load, options.warmupSeconds, arena.admin);
  const samples: Record<SideKey, number[]> = { A: [], B: [], C: [] };
  for (let round = 1; round <= options.rounds; round++) {
    const figures: string[] = [];
    for (const side of sides) {
      const figure = await measureOnce(side, load, options.seconds, arena.admin);
      samples[side.key].push(figure);
      figures.push(`${side.key} ${side.label} ${formatNumber(figure)}`);
    }
    say(`${each.title}: round ${round} of ${options.rounds}, ${each.unit}: ${figures.join(', ')}`);
  }
  const { name, title, unit, targets } = each;
  return { name, title, unit, targets, samples };
}

/** In units of the case. @throws Error where rows that were acknowledged are not in the table */
async function measureOnce(side: Side, load: LoadCase, seconds: number, admin: pg.Client): Promise<number> {
  try {
    if (load.table !== READ_TABLE) await resetWriteTable(admin, load.table);
    const requestsPerSecond = await side.measure(load, seconds);
    if (load.table === INSERT_TABLE && side.key !== 'A') {
      const stored = await countRows(admin, load.table);
      const acknowledged = Math.floor(requestsPerSecond * seconds * load.answer.records * (1 - CLOCK_TOLERANCE));
      if (stored < acknowledged) throw new Error(`${acknowledged} rows were acknowledged, ${stored} are stored.`);
    }
    return requestsPerSecond * load.unitsPerRequest;
  } catch (failure) {
    throw new Error(`${side.label}, ${load.title}: ${describe(failure)}`, { cause: failure });
  }
}

/** The profiles are written when the tiers end. */
async function printProfiles(millrace: MillraceTarget, scope: RunScope): Promise<void> {
  await millrace.stop();
  for (const tier of PROFILED_TIERS) {
    say(`${formatProfile(tier, `${scope.folder}/${tier}.cpuprofile`, PROFILE_ENTRIES)}\n`);
  }
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    say(HELP);
    return 0;
  }
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => interruption.abort(new Error(`Ended by ${signal}.`)));
  }
  const folder = await mkdtemp(`${tmpdir()}/millrace-bench-`);
  const teardown = new Teardown();
  teardown.add(() => rm(folder, { recursive: true, force: true }));
  try {
    await run(options, { teardown, signal: interruption.signal, folder });
    return 0;
  } catch (failure) {
    // What failed because of an interruption is no news.
    throw interruption.signal.aborted ? interruption.signal.reason : failure;
  } finally {
    for (const failure of await teardown.run()) process.stderr.write(`Cleaning up failed: ${String(failure)}\n`);
  }
}

try {
  process.exit(await main());
} catch (failure) {
  process.stderr.write(`\nThe benchmark failed: ${describe(failure)}\n`);
  process.exit(1);
}
