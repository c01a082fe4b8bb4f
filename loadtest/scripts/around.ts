/** A call with a script before it and one behind it, beside the same call without. */

import { cpuSeconds } from '../access/cpu.ts';
import type { LoadCase } from '../cases.ts';
import type { Contest, ContestCase, ContestOptions, ContestSide, Sample } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables, UPDATE_TABLE } from '../dataset.ts';
import { answersOk, type RunScope, waitUntilReady } from '../process.ts';
import { loadTarget } from '../sides/http.ts';
import { type MillraceTarget, serviceOf, startMillrace, type Tier } from '../sides/millrace.ts';
import { bind } from './bind.ts';
import { BY_CHANCE, CHECKS_ID, eventOf, PLAIN, pathOf, SCRIPTED, SCRIPTED_ANEW, STAMPS } from './readings.ts';

const FEW_CONNECTIONS = 16;
/** Seconds of the second load, as a part of the first. */
const FEW_SHARE = 0.5;
const READY_MS = 10_000;
const MICRO = 1e6;
const COUNTED: readonly Tier[] = ['router', 'scripting', 'sql'];

const cpuOf = (tier: string, who: string) =>
  ({ name: `around-cpu-${tier}`, title: `CPU of such a request, ${who}`, unit: 'µs', targets: [] }) as const;

export const AROUND: ContestCase = {
  name: 'around',
  needs: 'postgres',
  figures: [
    {
      name: 'around',
      title: 'GET by id, a script before and one behind',
      unit: 'requests/s',
      targets: [{ measure: 'C/A', atLeast: 0.75 }],
    },
    {
      name: 'around-p50',
      title: `the same at ${FEW_CONNECTIONS} connections, p50`,
      unit: 'ms',
      targets: [{ measure: 'C-A', atMost: 1 }],
    },
    { name: 'around-p99', title: `the same at ${FEW_CONNECTIONS} connections, p99`, unit: 'ms', targets: [] },
    cpuOf('router', 'router'),
    cpuOf('scripting', 'script workers'),
    cpuOf('sql', 'sql'),
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    scripts: true,
    services: [serviceOf('bench', 'pgsql', server), serviceOf('anew', 'pgsql', server)],
    firstPath: pathOf(PLAIN, 1),
  });
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'pre_process'), CHECKS_ID);
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'post_process'), STAMPS);
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'pre_process', 'anew'), BY_CHANCE + CHECKS_ID);
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'post_process', 'anew'), BY_CHANCE + STAMPS);
  const isOk = (load: LoadCase, id: number) => answersOk(`${millrace.origin}${pathOf(load, id)}`, millrace.headers);
  const isRunOf = async (load: LoadCase) => !(await isOk(load, 0)) && (await isOk(load, 1));
  const isRun = async () => (await isRunOf(SCRIPTED)) && (await isRunOf(SCRIPTED_ANEW));
  await waitUntilReady(millrace.servers, 'the scripts', isRun, READY_MS, scope.signal);
  const { connections } = options;
  return {
    server: title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'without', measure: loaded(scope, millrace, PLAIN, connections) },
      { key: 'B', label: 'run each time', measure: loaded(scope, millrace, SCRIPTED_ANEW, connections) },
      { key: 'C', label: 'with scripts', measure: loaded(scope, millrace, SCRIPTED, connections) },
    ],
  };
}

function loaded(
  scope: RunScope,
  millrace: MillraceTarget,
  load: LoadCase,
  connections: number,
): ContestSide['measure'] {
  return async (seconds): Promise<Sample> => {
    const spent = () => COUNTED.map((tier) => cpuSeconds(millrace.pids([tier])));
    const before = spent();
    const many = await loadTarget(scope, millrace, load, seconds, connections);
    const cpu = spent().map((after, index) => ((after - (before[index] ?? 0)) / many.requests) * MICRO);
    const few = await loadTarget(scope, millrace, load, Math.ceil(seconds * FEW_SHARE), FEW_CONNECTIONS);
    return {
      around: many.requestsPerSecond,
      'around-p50': few.p50Ms,
      'around-p99': few.p99Ms,
      ...Object.fromEntries(COUNTED.map((tier, index) => [`around-cpu-${tier}`, cpu[index] ?? 0])),
    };
  };
}
