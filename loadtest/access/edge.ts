/** The edge alone: key, role and limit in front of a service that answers from memory, beside nginx. */
import type { Contest, ContestCase, ContestOptions, ContestSide, Sample } from '../contest.ts';
import { type RunScope, requestSignal } from '../process.ts';
import { startMillrace } from '../sides/millrace.ts';
import { runWrk } from '../wrk.ts';
import { cpuSeconds } from './cpu.ts';
import { BODY, MEMORY_PATH, MEMORY_SERVICE } from './memory-service.ts';
import { startNginx } from './nginx.ts';
import { rulesOf } from './role.ts';

const RULES = 100;
/** Never reached: what counts is that it is counted. */
const RATE = 1_000_000_000;
const WARM_UPS = 1;
const MICRO = 1e6;

export const EDGE: ContestCase = {
  name: 'edge',
  needs: 'nginx',
  figures: [
    { name: 'edge', title: 'edge: key, 100 rules, limit (A: nginx)', unit: 'requests/s', targets: [] },
    { name: 'edge-cpu', title: 'edge: CPU of a request, all processes', unit: 'µs', targets: [] },
    {
      name: 'edge-efficiency',
      title: 'edge: requests of a CPU-second, all processes',
      unit: 'requests/CPU-s',
      targets: [{ measure: 'C/A', atLeast: 0.25 }],
    },
    { name: 'edge-router', title: 'edge: CPU of a request, router alone', unit: 'µs', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const nginx = await startNginx(scope, MEMORY_PATH, BODY);
  const components = ['_table/*', ...rulesOf(1, RULES - 1).map(({ component }) => component ?? '')];
  const millrace = await startMillrace(scope, {
    ...MEMORY_SERVICE,
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    components,
    setUp: async (create) => {
      await create('/api/v2/system/limit', {
        name: 'all',
        type: 'instance',
        rate: RATE,
        period: 'day',
        is_active: true,
      });
    },
  });
  const { connections } = options;
  const theirs = loaded(scope, nginx, connections, { all: () => nginx.pids() });
  const ours = loaded(scope, millrace, connections, {
    all: () => millrace.pids(),
    router: () => millrace.pids(['router']),
  });
  return {
    server: nginx.title,
    millrace,
    warmUps: WARM_UPS,
    sides: [
      { key: 'A', label: 'nginx', measure: theirs },
      { key: 'C', label: 'Millrace', measure: ours },
    ],
  };
}

interface Loadable {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Processes {
  readonly all: () => number[];
  readonly router?: () => number[];
}

/** Load by wrk, with the time that the serving processes were on a processor meanwhile. */
function loaded(
  scope: RunScope,
  { origin, headers }: Loadable,
  connections: number,
  { all, router }: Processes,
): ContestSide['measure'] {
  return async (seconds): Promise<Sample> => {
    await checkDoor(scope, origin, headers);
    const before = { all: cpuSeconds(all()), router: router && cpuSeconds(router()) };
    const { requests, requestsPerSecond } = await runWrk(scope, {
      ...{ origin, headers, connections, seconds },
      ...{ method: 'GET', path: MEMORY_PATH, randomMax: 1, bodiesFile: undefined },
    });
    const spent = cpuSeconds(all()) - before.all;
    const alone = router && before.router !== undefined && cpuSeconds(router()) - before.router;
    return {
      edge: requestsPerSecond,
      'edge-cpu': (spent / requests) * MICRO,
      'edge-efficiency': requests / spent,
      ...(alone && { 'edge-router': (alone / requests) * MICRO }),
    };
  };
}

/** The same body for whoever has the key, and nothing for others. */
async function checkDoor(scope: RunScope, origin: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const ask = (sent: Readonly<Record<string, string>>) =>
    fetch(`${origin}${MEMORY_PATH}`, { headers: sent, signal: requestSignal(scope) });
  const open = await ask(headers);
  const text = await open.text();
  if (text !== BODY) throw new Error(`${open.status} ${text.slice(0, 500)} in place of the body`);
  const closed = await ask({});
  await closed.arrayBuffer();
  if (closed.ok) throw new Error('A request without a key was answered.');
}
