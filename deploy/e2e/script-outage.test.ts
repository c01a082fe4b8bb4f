/** Script workers that die: calls without scripts notice nothing, calls with scripts are told to come again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNats } from '../testing/available.ts';
import { type RunningNats, startNats } from '../testing/nats.ts';
import { ensureBuilt, ROOT } from './build.ts';
import type { Answer, Client } from './client.ts';
import { Door, WAYS } from './gateway-door.ts';
import { until } from './process.ts';
import { type Product, signIn, startProduct, Tiers, untilServing } from './product.ts';
import { below, isRunning, LANES, untilGone, untilSpare, workersOf } from './script-workers.ts';
import { type Seen, SteadyLoad } from './steady.ts';

/** Each table has one row; its script, if any, says what kind of run a read of it is. */
const SCRIPTS = {
  /** Short: moves to the quick lane. */
  quick: { content: 'event.response.content.n += 1' },
  /** Calls the API: stays in the patient lane. */
  patient: { content: "event.response.content.n = (await platform.api.get('db/_table/plain/1')).content.n + 1" },
  optional: {
    content: "await platform.api.get('db/_table/plain/1')",
    config: JSON.stringify({ optional: true }),
  },
} as const;
const READ = ['plain', ...Object.keys(SCRIPTS)];
/** Tables that are written: by what is bound to it, what a call may be answered with that was carried out. */
const WRITTEN = {
  before: { event: 'pre_process', done: [200] },
  behind: { event: 'post_process', done: [200, 500] },
} as const;
type Written = keyof typeof WRITTEN;
const TABLES = [...READ, ...Object.keys(WRITTEN)];
/** From the end of a worker, or of a script that has lost one, until all places are taken and all is answered. */
const POOL_FULL_MS = 2000;
/** The same where no spare one can be ready: those that start share the processors with all else that is tested. */
const AGAIN_WELL_MS = 10_000;

async function prepare(admin: Client, folder: string): Promise<void> {
  const config = { database: join(folder, 'db.sqlite') };
  await admin.create('system/service', { name: 'db', label: 'db', type: 'sqlite', is_active: true, config });
  await until('it is served', async () => (await admin.send('GET', 'db/_table')).status === 200);
  const field = [
    { name: 'id', type: 'id' },
    { name: 'n', type: 'integer' },
  ];
  await admin.json('POST', 'db/_schema', { resource: TABLES.map((name) => ({ name, field })) });
  for (const table of READ) await admin.json('POST', `db/_table/${table}`, { resource: [{ n: 1 }] });
  for (const [table, script] of Object.entries(SCRIPTS)) {
    const record = { type: 'nodejs', is_active: true, allow_event_modification: true, ...script };
    await admin.json('POST', `system/event_script/db._table.${table}.{id}.get.post_process`, record);
  }
  for (const [table, { event }] of Object.entries(WRITTEN)) {
    const record = { type: 'nodejs', is_active: true, content: SCRIPTS.optional.content };
    await admin.json('POST', `system/event_script/db._table.${table}.post.${event}`, record);
  }
  const changed = async () => (await admin.json<{ n: number }>('GET', 'db/_table/patient/1')).n === 2;
  await until('scripts run', changed);
  // Until the script has proved to be short.
  for (let run = 0; run < 100; run++) await admin.json('GET', 'db/_table/quick/1');
}

function loadOf(admin: Client): SteadyLoad {
  const reads = READ.map((table) => [table, () => admin.send('GET', `db/_table/${table}/1`)]);
  const writes = Object.keys(WRITTEN).map((table) => [
    table,
    () => admin.send('POST', `db/_table/${table}`, { resource: [{ n: 1 }] }),
  ]);
  return new SteadyLoad(Object.fromEntries([...reads, ...writes]));
}

/** When the load is over: what was carried out was said to be, once each, and nothing else was. */
async function expectAllTold(admin: Client, load: SteadyLoad): Promise<void> {
  for (const table of Object.keys(WRITTEN) as Written[]) {
    const rows = await admin.json<number>('GET', `db/_table/${table}?count_only=true`);
    expect(rows).toBeGreaterThan(0);
    expect(`${table} ${rows}`).toBe(`${table} ${load.count(table, ...WRITTEN[table].done)}`);
  }
}

/** What may not happen, however the workers fare. */
function expectNoHarm(seen: readonly Seen[]): void {
  for (const table of TABLES) expect(seen.filter(({ what }) => what === table).length).toBeGreaterThan(0);
  const untouched = seen.filter(({ what }) => what === 'plain' || what === 'optional');
  expect(untouched.filter(({ status }) => status !== 200)).toEqual([]);
  expect(seen.filter(({ what, ms }) => what === 'plain' && ms > 1000)).toEqual([]);
  const isKnown = ({ what, status }: Seen): boolean => [200, what === 'behind' ? 500 : 503].includes(status);
  expect(seen.filter((one) => !isKnown(one))).toEqual([]);
  expect(seen.filter(({ status, retryAfter }) => status === 503 && !retryAfter)).toEqual([]);
}

describe.skipIf(process.platform !== 'linux')('all in one', () => {
  let product: Product;
  let load: SteadyLoad;

  beforeAll(async () => {
    product = await startProduct();
    await prepare(product.admin, product.folder);
    load = loadOf(product.admin);
    await load.well(10_000);
  });
  afterAll(async () => {
    await load?.stop().catch(() => {});
    await product?.stop();
  });

  test.each(LANES)('a %s worker is killed', async (lane) => {
    const { pid } = product.running;
    await untilSpare(pid);
    const [victim = 0, ...others] = workersOf(pid, lane);
    expect([victim > 0, others]).toEqual([true, []]);
    load.take();
    process.kill(victim, 'SIGKILL');
    await untilGone([victim], 1000);
    const seen = await load.well(POOL_FULL_MS);
    expectNoHarm(seen);
    await until('there is another one', async () => workersOf(pid, lane).some((one) => one !== victim), POOL_FULL_MS);
  });

  test('killed again and again, no call is left without an answer', async () => {
    const { pid } = product.running;
    for (let round = 0; round < 3; round++) {
      const victims = LANES.flatMap((lane) => workersOf(pid, lane));
      for (const victim of victims) process.kill(victim, 'SIGKILL');
      await untilGone(victims, 1000);
      expectNoHarm(await load.well(AGAIN_WELL_MS));
    }
  });

  test('where workers of both lanes are silent, the spare one runs what is short', async () => {
    const { admin, running } = product;
    await untilSpare(running.pid);
    for (let run = 0; run < 100; run++) await admin.json('GET', 'db/_table/quick/1');
    const workers = LANES.flatMap((lane) => workersOf(running.pid, lane));
    let answered = 0;
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    const calls = Array.from({ length: 20 }, async () => {
      expect((await admin.send('GET', 'db/_table/quick/1')).status).toBe(200);
      answered++;
    });
    try {
      // The first of them may be what holds its worker.
      await until('all others are answered', async () => answered >= calls.length - 1, 5000);
    } finally {
      for (const worker of workers) process.kill(worker, 'SIGCONT');
    }
    await Promise.all(calls);
    expectNoHarm(await load.well(3000));
  });

  test('a script that cannot be stopped costs its worker, which is replaced and ended', async () => {
    const { admin, running } = product;
    const content = 'await null; return [].indexOf.call({ length: 2 ** 53 - 1 }, 1);';
    const record = { name: 'stuck', label: 'stuck', type: 'nodejs', is_active: true, config: { content } };
    await admin.create('system/service', record);
    await until('it is served', async () => (await admin.send('OPTIONS', 'stuck')).status !== 404);
    const before = workersOf(running.pid, 'patient');
    load.take();
    const { status, text } = await admin.send('GET', 'stuck');
    expect([status, text]).toEqual([500, expect.stringContaining('processor time')]);
    const isAnother = (pid: number): boolean => !before.includes(pid);
    await until('there is another', async () => workersOf(running.pid, 'patient').some(isAnother), POOL_FULL_MS);
    await untilGone(before, POOL_FULL_MS);
    expectNoHarm(await load.well(POOL_FULL_MS));
    await untilSpare(running.pid);
  });

  test('nothing is left behind when it stops', async () => {
    expectNoHarm([...(await load.well(2000)), ...(await load.stop())]);
    await expectAllTold(product.admin, load);
    const all = below(product.running.pid).map(({ pid }) => pid);
    expect(all.length).toBeGreaterThan(2);
    expect(await product.running.stop()).toEqual({ code: 0, signal: null });
    await untilGone(all, 1000);
  });
});

test('a script that runs when it is told to stop ends in peace, and may call the API', async () => {
  const product = await startProduct();
  try {
    await prepare(product.admin, product.folder);
    const content = `await platform.api.patch('db/_table/plain/1', { n: 5 });
      await new Promise((done) => setTimeout(done, 500));
      return (await platform.api.get('db/_table/plain/1')).content;`;
    const record = { name: 'slow', label: 'slow', type: 'nodejs', is_active: true, config: { content } };
    await product.admin.create('system/service', record);
    await until('it is served', async () => (await product.admin.send('OPTIONS', 'slow')).status !== 404);
    const answer = product.admin.send('GET', 'slow');
    await until('it runs', async () => (await product.admin.json<{ n: number }>('GET', 'db/_table/plain/1')).n === 5);
    expect(await product.running.stop()).toEqual({ code: 0, signal: null });
    expect(await answer).toMatchObject({ status: 200, text: '{"id":1,"n":5}' });
  } finally {
    await product.stop();
  }
});

describe('a call through the gateway whose script calls the API while its router stops', () => {
  /** It ends well, or its script was told that the API is away; one that hangs would be thrown. */
  const expectTold = ({ status, text }: Answer): void => {
    expect(status === 200 ? JSON.parse(text) : [status, JSON.parse(text).error.code]).toEqual(
      status === 200 ? { id: 1, n: 5 } : [503, 503],
    );
  };

  async function begun(admin: Client): Promise<void> {
    const content = `await platform.api.patch('db/_table/plain/1', { n: 5 });
      await new Promise((done) => setTimeout(done, 500));
      const { status_code, content } = await platform.api.get('db/_table/plain/1');
      event.response = { status_code, content };`;
    const record = { name: 'slow', label: 'slow', type: 'nodejs', is_active: true, config: { content } };
    await admin.create('system/service', record);
    await until('it is served', async () => (await admin.send('OPTIONS', 'slow')).status !== 404);
  }
  const runs = (admin: Client): Promise<unknown> =>
    until('it runs', async () => (await admin.json<{ n: number }>('GET', 'db/_table/plain/1')).n === 5);

  test.each(WAYS)('all in one, by %s', async (way) => {
    const product = await startProduct();
    const door = new Door(product.gateways[0] as string);
    try {
      await prepare(product.admin, product.folder);
      await begun(product.admin);
      const answer = door.client(way, product.admin).send('GET', 'slow');
      await runs(product.admin);
      const [exit, told] = await Promise.all([product.running.stop(), answer]);
      expect(exit).toEqual({ code: 0, signal: null });
      expectTold(told);
    } finally {
      door.close();
      await product.stop();
    }
  });

  test.skipIf(!findNats()).each(WAYS)('tiers apart, by %s', async (way) => {
    const nats = await startNats();
    const tiers = new Tiers({ MILLRACE_NATS_URL: nats.url });
    let door: Door | undefined;
    try {
      await tiers.start('system', 'sql', 'scripting');
      await tiers.start('router');
      const admin = await signIn(tiers.anyone);
      await untilServing(admin);
      await prepare(admin, tiers.folder);
      await begun(admin);
      door = new Door(tiers.gateways[0] as string);
      const answer = door.client(way, admin).send('GET', 'slow');
      await runs(admin);
      const [exit, told] = await Promise.all([tiers.of('router').stop(), answer]);
      expect(exit).toEqual({ code: 0, signal: null });
      expectTold(told);
    } finally {
      door?.close();
      await tiers.stop();
      await nats.stop();
    }
  });
});

test.skipIf(process.platform !== 'linux')('workers end by themselves when all in one is killed', async () => {
  const product = await startProduct();
  try {
    await prepare(product.admin, product.folder);
    const workers = LANES.flatMap((lane) => workersOf(product.running.pid, lane));
    expect(workers).toHaveLength(LANES.length);
    await product.running.stop('SIGKILL');
    await untilGone(workers, 5000);
  } finally {
    await product.stop();
  }
});

/** Says the process of a worker that waits for its system service, and stays. */
const PARENT = `
const { fork } = require('node:child_process');
const env = { ...process.env, MILLRACE_SYSTEM_ADDRESS: 'unix:/nowhere' };
const options = { env, execArgv: ['--no-node-snapshot'], detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] };
process.stdout.write(String(fork('dist/script-worker.js', [], options).pid));
setInterval(() => {}, 1000);
`;

test.skipIf(process.platform !== 'linux')(
  'a worker ends by itself, at whatever moment of its start its parent goes',
  async () => {
    ensureBuilt();
    const workers = await Promise.all(
      [0, 100, 200, 400, 800].map(async (ms) => {
        const parent = spawn(process.execPath, ['-e', PARENT], { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
        const [worker] = await once(parent.stdout, 'data');
        await sleep(ms);
        parent.kill('SIGKILL');
        return Number(String(worker));
      }),
    );
    expect(workers.every((pid) => pid > 0)).toBe(true);
    await untilGone(workers, 10_000).finally(() => {
      for (const worker of workers.filter(isRunning)) process.kill(worker, 'SIGKILL');
    });
  },
);

describe.skipIf(!findNats())('tiers apart, over NATS', () => {
  let nats: RunningNats;
  let tiers: Tiers;
  let admin: Client;
  let load: SteadyLoad;

  beforeAll(async () => {
    nats = await startNats();
    tiers = new Tiers({ MILLRACE_NATS_URL: nats.url });
    await tiers.start('system', 'sql', 'scripting');
    await tiers.start('router');
    admin = await signIn(tiers.anyone);
    await untilServing(admin);
    await prepare(admin, tiers.folder);
    load = loadOf(admin);
    await load.well(10_000);
  });
  afterAll(async () => {
    await load?.stop().catch(() => {});
    await tiers?.stop();
    await nats?.stop();
  });

  /** Calls with a script that must run are refused. */
  const untilRefused = (all: Seen[]): Promise<boolean> =>
    until('calls with scripts are refused', async () => {
      all.push(...load.take());
      return (
        TABLES.every((table) => all.some(({ what }) => what === table)) && all.some(({ status }) => status === 503)
      );
    });

  test('the scripting tier is killed, and comes back', async () => {
    const { pid } = tiers.of('scripting');
    const workers = below(pid).map((one) => one.pid);
    load.take();
    for (const worker of workers) process.kill(worker, 'SIGKILL');
    await tiers.of('scripting').stop('SIGKILL');
    await untilGone([pid, ...workers], 1000);
    const seen: Seen[] = [];
    await untilRefused(seen);
    await tiers.start('scripting');
    seen.push(...(await load.well(5000)));
    expectNoHarm(seen);
  });

  test('one that dies alone takes its workers along', async () => {
    const workers = below(tiers.of('scripting').pid).map((one) => one.pid);
    expect(workers.length).toBeGreaterThan(1);
    load.take();
    await tiers.of('scripting').stop('SIGKILL');
    await untilGone(workers, 5000);
    await tiers.start('scripting');
    expectNoHarm(await load.well(5000));
  });

  test('of two, one is killed and one ends in good order: the other one does the work', async () => {
    const second = tiers.addScripting();
    await until('it has workers', async () => LANES.every((lane) => workersOf(second.pid, lane).length > 0));
    load.take();
    const { pid } = tiers.of('scripting');
    const workers = below(pid).map((one) => one.pid);
    for (const worker of [...workers, pid]) process.kill(worker, 'SIGKILL');
    await untilGone([pid, ...workers], 1000);
    expectNoHarm(await load.well(2000));
    await tiers.start('scripting');
    await until('it has workers', async () =>
      LANES.every((lane) => workersOf(tiers.of('scripting').pid, lane).length > 0),
    );
    expectNoHarm(await load.well(2000));
    const left = below(second.pid).map((one) => one.pid);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    await untilGone(left, 1000);
    const seen = await load.well(2000);
    expectNoHarm(seen);
    // What it had begun was answered, and what it had not was left to the other.
    expect(seen.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('NATS is killed, and comes back', async () => {
    load.take();
    await nats.kill();
    const seen: Seen[] = [];
    await untilRefused(seen);
    await nats.restart();
    seen.push(...(await load.well(5000)));
    expectNoHarm(seen);
  });

  test('nothing is left behind when it stops', async () => {
    expectNoHarm([...(await load.well(5000)), ...(await load.stop())]);
    await expectAllTold(admin, load);
    const { pid } = tiers.of('scripting');
    const all = [pid, ...below(pid).map((one) => one.pid)];
    expect(await tiers.of('scripting').stop()).toEqual({ code: 0, signal: null });
    await untilGone(all, 1000);
  });
});
