/**
 * Do others wait while passwords are hashed? Calls come at a steady pace, far below what the machine can do, so that
 * what they wait for is each other's work and not a queue of their own.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Target } from '../cases.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { HttpConnection } from '../database/http-connection.ts';
import { pacedTimes } from '../paced.ts';
import { type RunScope, requestSignal, startServer, waitUntilReady } from '../process.ts';
import { type MillraceTarget, startMillrace } from '../sides/millrace.ts';
import { median, percentile } from '../statistics.ts';
import { MEMORY_PATH, MEMORY_SERVICE } from './memory-service.ts';

const LOGINS_PER_SECOND = 20;
/** So many that nobody signs in twice within a few seconds. */
const USERS = 60;
const CALLS_PER_SECOND = 100;
/** Answered by the tier that hashes. */
const SYSTEM_PATH = '/api/v2/system/role?limit=1&fields=id,name';
const WARM_UPS = 1;
const READY_TIMEOUT_MS = 10_000;
/** A log-in that waits longer than this has not kept the pace. */
const LATE_SECONDS = 1;

const NEIGHBOUR = fileURLToPath(new URL('neighbour.ts', import.meta.url));

/**
 * One hash on the event loop would take tens of milliseconds, for one call in ten. That the hashes take a part of the
 * machine nobody can help: so they do on the other side, by a program that has nothing to do with Millrace.
 */
const targets: readonly Target[] = [
  { measure: 'C/A', atMost: 1.5 },
  { measure: 'C-A', atMost: 5 },
];
const meanwhile = `p99 while ${LOGINS_PER_SECOND} log-ins/s run`;

export const HASHING: ContestCase = {
  name: 'hashing',
  needs: undefined,
  figures: [
    { name: 'hashing-records', title: `reads of a record, ${meanwhile}`, unit: 'ms', targets },
    { name: 'hashing-system', title: `reads of a system record, ${meanwhile}`, unit: 'ms', targets },
    { name: 'hashing-none', title: 'reads of a record, p99 while nobody hashes', unit: 'ms', targets: [] },
    { name: 'hashing-login', title: 'such a log-in, p50', unit: 'ms', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const users = Array.from({ length: USERS }, (_, index) => ({
    name: `User ${index}`,
    email: `user-${index}@example.com`,
    password: `Only-for-this-run-${index}`,
    is_active: true,
  }));
  const millrace = await startMillrace(scope, {
    ...MEMORY_SERVICE,
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    setUp: async (create) => {
      for (const user of users) await create('/api/v2/system/user', user);
    },
  });
  const records = new HttpConnection(scope, millrace);
  const system = new HttpConnection(scope, { ...millrace, headers: millrace.administratorHeaders });
  const readBoth = async (seconds: number): Promise<Sample> => {
    const [ofRecords, ofSystem] = await Promise.all([
      pacedTimes(scope, CALLS_PER_SECOND, seconds, () => records.get(MEMORY_PATH)),
      pacedTimes(scope, CALLS_PER_SECOND, seconds, () => system.get(SYSTEM_PATH)),
    ]);
    return { 'hashing-records': percentile(ofRecords, 0.99), 'hashing-system': percentile(ofSystem, 0.99) };
  };
  const readBesideNeighbour = async (seconds: number): Promise<Sample> => {
    const { 'hashing-records': none } = await readBoth(seconds);
    const args = ['--import', 'tsx', NEIGHBOUR, String(LOGINS_PER_SECOND)];
    const neighbour = startServer(scope, 'neighbour', process.execPath, args, {});
    try {
      const isReady = async () => neighbour.logTail().includes('ready');
      await waitUntilReady([neighbour], 'the neighbour', isReady, READY_TIMEOUT_MS, scope.signal);
      const beside = await readBoth(seconds);
      if (neighbour.exit()) throw new Error(`The neighbour has ended: ${neighbour.logTail()}`);
      return { ...beside, 'hashing-none': none! };
    } finally {
      await neighbour.stop();
    }
  };
  const readMeanwhile = async (seconds: number): Promise<Sample> => {
    const logins = signIn(scope, millrace, users, seconds);
    const [sample, times] = await Promise.all([readBoth(seconds), logins]);
    return { ...sample, 'hashing-login': median(times) };
  };
  return {
    server: undefined,
    millrace,
    warmUps: WARM_UPS,
    sides: [
      { key: 'A', label: `a neighbour's ${LOGINS_PER_SECOND} hashes/s`, measure: readBesideNeighbour },
      { key: 'C', label: `${LOGINS_PER_SECOND} log-ins/s`, measure: readMeanwhile },
    ],
  };
}

interface Account {
  readonly email: string;
  readonly password: string;
}

/** Log-ins at their pace, each by the next user; milliseconds of each. @throws Error where they fall behind */
async function signIn(
  scope: RunScope,
  { origin, headers }: MillraceTarget,
  users: readonly Account[],
  seconds: number,
): Promise<number[]> {
  const running: Promise<number>[] = [];
  const start = performance.now();
  for (let count = 0; count < LOGINS_PER_SECOND * seconds; count++) {
    const { email, password } = users[count % users.length]!;
    running.push(timeLogin(scope, `${origin}/api/v2/user/session`, headers, { email, password }));
    await sleep(Math.max(0, start + ((count + 1) * 1000) / LOGINS_PER_SECOND - performance.now()));
  }
  const times = await Promise.all(running);
  if ((performance.now() - start) / 1000 > seconds + LATE_SECONDS) throw new Error('The log-ins fell behind.');
  return times;
}

async function timeLogin(
  scope: RunScope,
  url: string,
  headers: Readonly<Record<string, string>>,
  account: Account,
): Promise<number> {
  const begin = performance.now();
  const answer = await fetch(url, {
    method: 'POST',
    signal: requestSignal(scope),
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(account),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`A log-in was answered with ${answer.status}: ${text.slice(0, 500)}`);
  return performance.now() - begin;
}
