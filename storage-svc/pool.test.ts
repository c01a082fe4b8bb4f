import { expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { type Connection, Pool } from './pool.ts';

class FakeConnection implements Connection {
  failure: unknown;
  isClosed = false;
  close(): void {
    this.isClosed = true;
  }
}

function poolOf(connectionsMax: number, usersMax: number) {
  const opened: FakeConnection[] = [];
  const state = { refuse: false };
  const pool = new Pool<FakeConnection>({
    open: async () => {
      if (state.refuse) throw new Error('refused');
      const connection = new FakeConnection();
      opened.push(connection);
      return connection;
    },
    connectionsMax,
    usersMax,
  });
  return { pool, opened, state };
}

const soon = (): Deadline => Deadline.after(5000);
/** Whether it has come when everything that can happen has happened. */
async function isPending(work: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(() => resolve('pending')));
  return (await Promise.race([work.catch(() => {}), turn])) === 'pending';
}

test('opened when it is needed, lent again, never more than allowed', async () => {
  const { pool, opened } = poolOf(2, 1);
  expect(opened).toHaveLength(0);
  const first = await pool.acquire('write', soon());
  first.release();
  first.release();
  const [a, b] = await Promise.all([pool.acquire('write', soon()), pool.acquire('write', soon())]);
  const third = pool.acquire('write', soon());
  expect(await isPending(third)).toBe(true);
  a.release();
  expect((await third).connection).toBe(a.connection);
  expect(opened).toHaveLength(2);
  b.release();
  (await third).release();
  await pool.close();
  expect(opened.every(({ isClosed }) => isClosed)).toBe(true);
});

test('the last place is a writer’s', async () => {
  const { pool } = poolOf(2, 1);
  const reader = await pool.acquire('read', soon());
  const second = pool.acquire('read', soon());
  expect(await isPending(second)).toBe(true);
  const writer = await pool.acquire('write', soon());
  reader.release();
  expect(await isPending(second)).toBe(true);
  writer.release();
  (await second).release();
  await pool.close();
});

test('one place is for calls, another one not for readers', async () => {
  const { pool } = poolOf(2, 2);
  const taken = [await pool.acquire('read', soon()), await pool.acquire('read', soon())];
  expect(await isPending(pool.acquire('read', soon()))).toBe(true);
  taken.push(await pool.acquire('write', soon()));
  expect(await isPending(pool.acquire('write', soon()))).toBe(true);
  taken.push(await pool.acquire('call', soon()));
  for (const lease of taken) lease.release();
  await pool.close();
});

test('shared by several where no other may be opened', async () => {
  const { pool, opened } = poolOf(2, 3);
  const leases = await Promise.all(Array.from({ length: 6 }, () => pool.acquire('call', soon())));
  expect(opened).toHaveLength(2);
  expect(await isPending(pool.acquire('call', soon()))).toBe(true);
  for (const lease of leases) lease.release();
  await pool.close();
});

test('a broken one is replaced, with those that rest', async () => {
  const { pool, opened } = poolOf(4, 1);
  const leases = await Promise.all([1, 2].map(() => pool.acquire('write', soon())));
  leases[1]?.release();
  (leases[0]?.connection as FakeConnection).failure = new Error('lost');
  leases[0]?.release();
  expect(opened.every(({ isClosed }) => isClosed)).toBe(true);
  const lease = await pool.acquire('write', soon());
  expect(opened).toHaveLength(3);
  lease.release();
  await pool.close();
});

test('where none can be opened all who wait are told why', async () => {
  const { pool, state } = poolOf(2, 1);
  state.refuse = true;
  await expect(Promise.all([1, 2, 3].map(() => pool.acquire('read', soon())))).rejects.toThrow('refused');
  state.refuse = false;
  (await pool.acquire('read', soon())).release();
  await pool.close();
});

test('who waits for nothing any longer takes nothing', async () => {
  const { pool } = poolOf(1, 1);
  const lease = await pool.acquire('write', soon());
  const deadline = soon();
  const waiting = pool.acquire('write', deadline);
  deadline.abort(callerGone());
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  lease.release();
  (await pool.acquire('write', soon())).release();
  await pool.close();
  await expect(pool.acquire('write', soon())).rejects.toMatchObject({ code: 'unavailable' });
});
