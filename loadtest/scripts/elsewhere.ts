/**
 * Calls without a script, on an installation whose other events have a thousand of them. What is looked for is smaller
 * than what any run differs from the next by: two installations take turns of a second, and each turn is compared with
 * the one right before it.
 */
import { mkdir } from 'node:fs/promises';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables, READ_TABLE } from '../dataset.ts';
import { type RunScope, waitUntilReady } from '../process.ts';
import { loadTarget } from '../sides/http.ts';
import { type MillraceTarget, serviceOf, startMillrace } from '../sides/millrace.ts';
import { bindAll } from './bind.ts';
import { eventOf, PLAIN, pathOf, STAMPS } from './readings.ts';

const SCRIPTS = 1000;
const SLICES = 6;
const READY_MS = 20_000;
const MICRO = 1e6;
const PERCENT = 100;

const title = `GET by id, ${SCRIPTS.toLocaleString('en-US')} scripts elsewhere`;

export const ELSEWHERE: ContestCase = {
  name: 'elsewhere',
  needs: 'postgres',
  figures: [
    { name: 'elsewhere', title, unit: 'requests/s', targets: [] },
    {
      name: 'elsewhere-loss',
      title: `${title}: lost, turn by turn (A: turns without scripts differ by)`,
      unit: '%',
      targets: [{ measure: 'C', atMost: 2 }],
    },
    { name: 'elsewhere-cpu', title: `${title}: CPU of a request, router`, unit: 'µs', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title: database } = await openPostgres(scope);
  await createTables(admin);
  const settings = {
    dist: options.dist,
    scripts: true,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: pathOf(PLAIN, 1),
  };
  const without = await startMillrace(await below(scope, 'without'), { ...settings, profileFolder: undefined });
  const profileFolder = options.profile ? scope.folder : undefined;
  const scripted = await startMillrace(await below(scope, 'scripted'), { ...settings, profileFolder });
  await bindAll(scripted.administer, others());
  await untilKnown(scope, scripted);
  const { connections } = options;
  const load = async (millrace: MillraceTarget, seconds: number) => {
    const cpu = () => cpuSeconds(millrace.pids(['router']));
    const before = cpu();
    const { requests, requestsPerSecond } = await loadTarget(scope, millrace, PLAIN, seconds, connections);
    return { rate: requestsPerSecond, cpuMicros: ((cpu() - before) / requests) * MICRO };
  };
  let last = Number.NaN;
  const measureWithout = async (seconds: number): Promise<Sample> => {
    const { rate, cpuMicros } = await load(without, seconds);
    const noise = Math.abs(1 - rate / last) * PERCENT;
    last = rate;
    const sample = { elsewhere: rate, 'elsewhere-cpu': cpuMicros };
    return Number.isNaN(noise) ? sample : { ...sample, 'elsewhere-loss': noise };
  };
  const measureScripted = async (seconds: number): Promise<Sample> => {
    const { rate, cpuMicros } = await load(scripted, seconds);
    return { elsewhere: rate, 'elsewhere-cpu': cpuMicros, 'elsewhere-loss': (1 - rate / last) * PERCENT };
  };
  return {
    server: database,
    millrace: scripted,
    warmUps: 1,
    slices: SLICES,
    sides: [
      { key: 'A', label: 'no scripts', measure: measureWithout },
      { key: 'C', label: `${SCRIPTS} scripts elsewhere`, measure: measureScripted },
    ],
  };
}

async function below(scope: RunScope, name: string): Promise<RunScope> {
  const folder = `${scope.folder}/${name}`;
  await mkdir(folder);
  return { ...scope, folder };
}

/** Of the same service: other tables, and other verbs of the same records. */
function others(): { event: string; content: string }[] {
  const ofTable = ['patch', 'put', 'delete'].map((verb) => `bench._table.${READ_TABLE}.{id}.${verb}.pre_process`);
  const rest = Array.from({ length: SCRIPTS - ofTable.length }, (_, index) =>
    eventOf(`other${index >> 1}`, index % 2 === 0 ? 'pre_process' : 'post_process'),
  );
  return [...ofTable, ...rest].map((event) => ({ event, content: STAMPS }));
}

/** The last of them refuses what nobody else would. */
async function untilKnown(scope: RunScope, { administer, servers }: MillraceTarget): Promise<void> {
  await bindAll(administer, [{ event: 'system.environment.get.pre_process', content: "throw new Error('Known.')" }]);
  const isKnown = () =>
    administer('GET', '/api/v2/system/environment').then(
      () => false,
      () => true,
    );
  await waitUntilReady(servers, 'the scripts', isKnown, READY_MS, scope.signal);
}
