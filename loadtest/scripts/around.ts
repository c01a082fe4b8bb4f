/** A call with a script before it and one behind it, beside the same call without. */

import { cpuSeconds } from '../access/cpu.ts';
import type { LoadCase } from '../cases.ts';
import type { Contest, ContestCase, ContestOptions, ContestSide, Sample } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { createTables, ROWS, UPDATE_TABLE } from '../dataset.ts';
import { answersOk, type RunScope, waitUntilReady } from '../process.ts';
import { loadTarget } from '../sides/http.ts';
import { type MillraceTarget, serviceOf, startMillrace, type Tier } from '../sides/millrace.ts';
import { bind } from './bind.ts';
import { BY_CHANCE, CHECKS_ID, eventOf, PLAIN, pathOf, SCRIPTED, STAMPS } from './readings.ts';

const FEW_CONNECTIONS = 16;
/** Seconds of the second load, as a part of the first. */
const FEW_SHARE = 0.5;
const READY_MS = 10_000;
const MICRO = 1e6;
const COUNTED: readonly Tier[] = ['router', 'scripting', 'sql'];

export const AROUND = caseOf('around', 'a script before and one behind', [0.75, 1], '', askEach);

/** The same scripts where they have to run for each call. */
export const ANEW = caseOf('anew', 'scripts whose outcomes cannot be remembered', undefined, BY_CHANCE);

type WarmUp = (scope: RunScope, millrace: MillraceTarget) => Promise<void>;

/**
 * @param targets  the least part of the throughput, and the most ms of p50; @param prefix  of the scripts
 * @param warmUp   once both scripts are there
 */
function caseOf(
  name: string,
  what: string,
  targets: readonly [number, number] | undefined,
  prefix: string,
  warmUp: WarmUp = async () => {},
): ContestCase {
  const few = `the same at ${FEW_CONNECTIONS} connections`;
  const cpuOf = (tier: string, who: string) =>
    ({ name: `${name}-cpu-${tier}`, title: `CPU of such a request, ${who}`, unit: 'µs', targets: [] }) as const;
  return {
    name,
    needs: 'postgres',
    figures: [
      {
        name,
        title: `GET by id, ${what}`,
        unit: 'requests/s',
        targets: targets ? [{ measure: 'C/A', atLeast: targets[0] }] : [],
      },
      {
        name: `${name}-p50`,
        title: `${few}, p50`,
        unit: 'ms',
        targets: targets ? [{ measure: 'C-A', atMost: targets[1] }] : [],
      },
      { name: `${name}-p99`, title: `${few}, p99`, unit: 'ms', targets: [] },
      cpuOf('router', 'router'),
      cpuOf('scripting', 'script workers'),
      cpuOf('sql', 'sql'),
    ],
    prepare: (scope, options) => prepare(name, prefix, warmUp, scope, options),
  };
}

async function prepare(
  name: string,
  prefix: string,
  warmUp: WarmUp,
  scope: RunScope,
  options: ContestOptions,
): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    scripts: true,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: pathOf(PLAIN, 1),
  });
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'pre_process'), prefix + CHECKS_ID);
  await bind(millrace.administer, eventOf(UPDATE_TABLE, 'post_process'), prefix + STAMPS);
  const isChecked = async () => !(await answersOk(`${millrace.origin}${pathOf(SCRIPTED, 0)}`, millrace.headers));
  const isRun = async () =>
    (await isChecked()) && (await answersOk(`${millrace.origin}${pathOf(SCRIPTED, 1)}`, millrace.headers));
  await waitUntilReady(millrace.servers, 'both scripts', isRun, READY_MS, scope.signal);
  await warmUp(scope, millrace);
  const { connections } = options;
  return {
    server: title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'without', measure: loaded(name, scope, millrace, PLAIN, connections) },
      { key: 'C', label: 'with scripts', measure: loaded(name, scope, millrace, SCRIPTED, connections) },
    ],
  };
}

/** Every record is asked for once: from then on the router knows what the scripts make of each. */
async function askEach({ signal }: RunScope, { origin, headers }: MillraceTarget): Promise<void> {
  let next = 1;
  const ask = async (): Promise<void> => {
    for (let id = next++; id <= ROWS; id = next++) {
      const answer = await fetch(`${origin}${pathOf(SCRIPTED, id)}`, { headers, signal });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`Record ${id} was answered with ${answer.status}.`);
    }
  };
  await Promise.all(Array.from({ length: FEW_CONNECTIONS }, ask));
}

function loaded(
  name: string,
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
      [name]: many.requestsPerSecond,
      [`${name}-p50`]: few.p50Ms,
      [`${name}-p99`]: few.p99Ms,
      ...Object.fromEntries(COUNTED.map((tier, index) => [`${name}-cpu-${tier}`, cpu[index] ?? 0])),
    };
  };
}
