/** `npm run bench`: starts the sides, measures them in turn, prints and writes what came out. */
import type pg from 'pg';
import { type BenchCase, CASES, GET_BY_ID, type LoadCase } from './cases.ts';
import { openPostgres } from './databases.ts';
import { countRows, createTables, INSERT_TABLE, READ_TABLE, resetWriteTable } from './dataset.ts';
import { driverSide, latencySide } from './latency.ts';
import { describeCommit, describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import type { RunScope } from './process.ts';
import { formatTierProfiles } from './profile.ts';
import { describe, runProgram, say } from './program.ts';
import { type CaseResult, formatReport, type SideKey, type SideLabels } from './report.ts';
import { writeResults } from './results.ts';
import { startFastify } from './sides/fastify.ts';
import { httpSide } from './sides/http.ts';
import { type MillraceTarget, serviceOf, startMillrace } from './sides/millrace.ts';
import { pgbenchSide } from './sides/pgbench.ts';
import type { Side } from './sides/side.ts';
import { measureStart, type StartFigures } from './start.ts';
import { formatNumber } from './statistics.ts';

/** wrk ends its run a few milliseconds beside the time that it was given. */
const CLOCK_TOLERANCE = 0.01;
const SIDES: SideLabels = { A: 'pgbench', B: 'Fastify + pg', C: 'Millrace' };

/** Everything that the cases under load need. */
interface Arena {
  readonly admin: pg.Client;
  readonly database: string;
  readonly millrace: MillraceTarget;
  readonly loadSides: readonly Side[];
  readonly latencySides: readonly Side[];
}

async function run(options: BenchOptions<BenchCase>, scope: RunScope): Promise<void> {
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
    if (results.length > 0) say(`\n${formatReport(results, SIDES)}\n`);
  }
  if (options.profile && arena) {
    await arena.millrace.stop(); // then the profiles are written
    say(formatTierProfiles(scope.folder));
  }
  if (options.resultsFolder !== undefined) {
    const { rounds, seconds, warmupSeconds, connections } = options;
    const report = {
      measuredAt: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine(arena ? [arena.database] : []),
      sides: SIDES,
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

async function prepare(options: BenchOptions<BenchCase>, scope: RunScope): Promise<Arena> {
  say('starting PostgreSQL, the Fastify endpoint and Millrace');
  const { server: postgres, admin, title: database } = await openPostgres(scope);
  await createTables(admin);
  const fastify = await startFastify(scope, postgres);
  const profileFolder = options.profile ? scope.folder : undefined;
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder,
    services: [serviceOf('bench', 'pgsql', postgres)],
    firstPath: GET_BY_ID.millracePath.replace('{}', '1'),
  });
  const { connections } = options;
  return {
    admin,
    database,
    millrace,
    loadSides: [
      pgbenchSide(scope, postgres, connections),
      httpSide(scope, fastify, connections),
      httpSide(scope, millrace, connections),
    ],
    latencySides: [driverSide(scope, postgres), latencySide(scope, fastify), latencySide(scope, millrace)],
  };
}

async function measureCase(
  each: Exclude<BenchCase, { kind: 'start' }>,
  arena: Arena,
  options: BenchOptions<BenchCase>,
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

await runProgram('npm run bench', CASES, run);
