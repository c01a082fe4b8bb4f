/** A large installation: how soon a router knows it, how soon it knows of a change, and what it has to remember. */
import { mkdir, rm } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contest, ContestCase, ContestOptions, ContestSide, Sample } from '../contest.ts';
import { type RunScope, requestSignal } from '../process.ts';
import { type MillraceTarget, startMillrace } from '../sides/millrace.ts';
import { residentBytes } from '../start.ts';
import { median } from '../statistics.ts';
import { APPS, fill, keyOfApp, ROLES, USERS } from './many.ts';
import { MEMORY_PATH, MEMORY_SERVICE } from './memory-service.ts';

const ROUTER = ['router'] as const;
/** Work left over from the start is done and the heap has settled. */
const IDLE_MS = 3000;
const CHANGES = 5;
const PATIENCE_MS = 10_000;
const BYTES_PER_MEGABYTE = 1e6;

const counts = [USERS, ROLES, APPS].map((count) => count.toLocaleString('en-US'));
const TITLE = `${counts[0]} users, ${counts[1]} roles, ${counts[2]} apps (A: none)`;

export const SNAPSHOT: ContestCase = {
  name: 'snapshot',
  needs: undefined,
  figures: [
    {
      name: 'snapshot-start',
      title: `${TITLE}: router from its start to ready`,
      unit: 's',
      targets: [{ measure: 'C', atMost: 1 }],
    },
    {
      name: 'snapshot-app',
      title: 'change of an app, from its request until in force',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 50 }],
    },
    {
      name: 'snapshot-role',
      title: 'change of a role, from its request until in force',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 50 }],
    },
    {
      name: 'snapshot-memory',
      title: 'resident memory of the router, idle',
      unit: 'MB',
      targets: [{ measure: 'C-A', atMost: 100 }],
    },
  ],
  prepare,
};

/** An app whose role, and its own state, decide whether its key opens the path. */
interface Watched {
  readonly key: string;
  readonly appId: number;
  readonly roleId: number;
}

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const settings = { ...MEMORY_SERVICE, dist: options.dist };
  const emptyScope = { ...scope, folder: `${scope.folder}/empty` };
  await mkdir(emptyScope.folder);
  const empty = await startMillrace(emptyScope, { ...settings, profileFolder: undefined });
  const filled = await startMillrace(scope, {
    ...settings,
    profileFolder: options.profile ? scope.folder : undefined,
  });
  await filled.stop();
  const last = fill(`${filled.dataFolder}/system.sqlite`);
  await filled.start();
  const own = await ownApp(empty);
  return {
    server: undefined,
    millrace: filled,
    warmUps: 0,
    sides: [
      { key: 'A', label: 'nothing stored', measure: measured(scope, empty, own) },
      { key: 'C', label: 'Millrace', measure: measured(scope, filled, { ...last, key: keyOfApp(APPS) }) },
    ],
  };
}

/** The app that every Millrace of ours is set up with. */
async function ownApp({ administer }: MillraceTarget): Promise<Watched> {
  const found = await administer<{ resource: { id: number; api_key: string; role_id: number }[] }>(
    'GET',
    '/api/v2/system/app?filter=name%3Dbench&fields=id,api_key,role_id',
  );
  const [app] = found.resource;
  if (!app) throw new Error('The app of the benchmark is not there.');
  return { key: app.api_key, appId: app.id, roleId: app.role_id };
}

function measured(scope: RunScope, millrace: MillraceTarget, watched: Watched): ContestSide['measure'] {
  return async (): Promise<Sample> => {
    await millrace.stop(ROUTER);
    // Without what it knew before it is ready no earlier than it has everything.
    await rm(`${millrace.dataFolder}/router`, { recursive: true, force: true });
    const begin = performance.now();
    await millrace.start(ROUTER);
    const start = (performance.now() - begin) / 1000;
    if (!(await isOpen(scope, millrace, watched))) throw new Error('The snapshot is not that of the database.');
    await sleep(IDLE_MS, undefined, { signal: scope.signal });
    const resident = millrace.pids(ROUTER).reduce((sum, pid) => sum + residentBytes(pid), 0);
    return {
      'snapshot-start': start,
      'snapshot-memory': resident / BYTES_PER_MEGABYTE,
      'snapshot-app': await timeChanges(scope, millrace, watched, `/api/v2/system/app/${watched.appId}`),
      'snapshot-role': await timeChanges(scope, millrace, watched, `/api/v2/system/role/${watched.roleId}`),
    };
  };
}

/** Milliseconds, the median of several: what is at this path is deactivated and comes back. */
async function timeChanges(scope: RunScope, millrace: MillraceTarget, watched: Watched, path: string): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < CHANGES; count++) {
    for (const active of [false, true]) {
      const begin = performance.now();
      const [, inForce] = await Promise.all([
        millrace.administer('PATCH', path, { is_active: active }),
        until(scope, async () => (await isOpen(scope, millrace, watched)) === active),
      ]);
      times.push(inForce - begin);
    }
  }
  return median(times);
}

/** @returns the moment, on the clock of `performance.now()` */
async function until(scope: RunScope, holds: () => Promise<boolean>): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    scope.signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error('A change was not in force in time.');
  }
  return performance.now();
}

async function isOpen(scope: RunScope, { origin }: MillraceTarget, { key }: Watched): Promise<boolean> {
  const headers = { 'X-DreamFactory-API-Key': key };
  const answer = await fetch(`${origin}${MEMORY_PATH}`, { headers, signal: requestSignal(scope) });
  await answer.arrayBuffer();
  return answer.ok;
}
