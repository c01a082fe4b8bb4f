/** The first call after a script was stored: whoever changes a script sees how long that takes. */
import { performance } from 'node:perf_hooks';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { HttpConnection } from '../database/http-connection.ts';
import { openPostgres } from '../databases.ts';
import { createTables, ROWS, UPDATE_TABLE } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';
import { median } from '../statistics.ts';
import { bind } from './bind.ts';
import { eventOf, PLAIN, pathOf, SCRIPTED } from './readings.ts';

const SCRIPTS = 20;
const CALLS_MAX = 2000;
/** Of the workers, and of what the router has to know of the table. */
const WARM_UP_SCRIPTS = 3;

const KINDS = {
  small: (stamp: string) => `event.response.content.stamp = '${stamp}';`,
  library: (stamp: string) =>
    `const _ = require('lodash');\nevent.response.content.stamp = _.chain(['${stamp}']).map(String).last().value();`,
} as const;
type Kind = keyof typeof KINDS;

export const COLD: ContestCase = {
  name: 'cold',
  needs: 'postgres',
  figures: [
    {
      name: 'cold',
      title: `first call after a script was stored, median of ${SCRIPTS}`,
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 20 }],
    },
    {
      name: 'cold-worst',
      title: `first call after a script was stored, longest of ${SCRIPTS}`,
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 20 }],
    },
    {
      name: 'cold-library',
      title: `the same where it requires lodash, median of ${SCRIPTS}`,
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 20 }],
    },
    { name: 'cold-second', title: 'the call after that, median', unit: 'ms', targets: [] },
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
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: pathOf(PLAIN, 1),
  });
  const connection = new HttpConnection(scope, millrace);
  const read = async (load = SCRIPTED): Promise<{ ms: number; stamp: unknown }> => {
    const begin = performance.now();
    const text = await connection.get(pathOf(load, 1 + Math.floor(Math.random() * ROWS)));
    const ms = performance.now() - begin;
    return { ms, stamp: (JSON.parse(text) as { stamp?: unknown }).stamp };
  };
  let stored = 0;
  /** Calls as long as it takes; those that the script before has answered do not count. */
  const timeNew = async (kind: Kind): Promise<{ first: number; second: number }> => {
    const stamp = `${kind} ${++stored}`;
    await bind(millrace.administer, eventOf(UPDATE_TABLE, 'post_process'), KINDS[kind](stamp));
    for (let call = 0; call < CALLS_MAX; call++) {
      const first = await read();
      if (first.stamp === stamp) return { first: first.ms, second: (await read()).ms };
    }
    throw new Error('A script that was stored is not run.');
  };
  const many = async (kind: Kind, count = SCRIPTS) => {
    const times: { first: number; second: number }[] = [];
    for (let script = 0; script < count; script++) times.push(await timeNew(kind));
    return { first: times.map(({ first }) => first), second: times.map(({ second }) => second) };
  };
  await many('small', WARM_UP_SCRIPTS);
  const measureScripts = async (): Promise<Sample> => {
    const small = await many('small');
    const library = await many('library');
    return {
      cold: median(small.first),
      'cold-worst': Math.max(...small.first),
      'cold-library': median(library.first),
      'cold-second': median(small.second),
    };
  };
  /** As long as that takes. */
  const measurePlain = async (): Promise<Sample> => {
    const times: number[] = [];
    for (let call = 0; call < SCRIPTS; call++) times.push((await read(PLAIN)).ms);
    return {
      cold: median(times),
      'cold-worst': Math.max(...times),
      'cold-library': median(times),
      'cold-second': median(times),
    };
  };
  return {
    server: title,
    millrace,
    warmUps: 0,
    sides: [
      { key: 'A', label: 'without', measure: measurePlain },
      { key: 'C', label: 'scripts just stored', measure: measureScripts },
    ],
  };
}
