import { expect, onTestFinished, test, vi } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { type Connection, Pool, preferTls } from './pool.ts';

class Fake implements Connection {
  failure: Error | undefined;
  closed = false;
  close(): void {
    this.closed = true;
    this.failure = new Error('closed');
  }
}

const soon = (): Deadline => Deadline.after(60_000);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Opens what there is, then fails with what is thrown. */
function pool(connectionsMax: number, refuses: () => Error | undefined = () => undefined) {
  const opened: Fake[] = [];
  const one = new Pool<Fake>({
    connectionsMax,
    open: async () => {
      const error = refuses();
      if (error) throw error;
      const connection = new Fake();
      opened.push(connection);
      return connection;
    },
  });
  onTestFinished(() => one.close());
  return { pool: one, opened };
}

test('a connection that rests is used before another is opened', async () => {
  const { pool: one, opened } = pool(5);
  const first = await one.acquire(soon());
  one.release(first);
  expect(await one.acquire(soon())).toBe(first);
  expect(opened).toHaveLength(1);
  one.release(first);
});

test('there are never more than there may be; who waits is served in turn', async () => {
  const { pool: one, opened } = pool(2);
  const served: number[] = [];
  const work = Array.from({ length: 10 }, async (_, i) => {
    const connection = await one.acquire(soon());
    served.push(i);
    await turn();
    one.release(connection);
  });
  await Promise.all(work);
  expect(served).toEqual(Array.from({ length: 10 }, (_, i) => i));
  expect(opened).toHaveLength(2);
});

test('one that failed is not lent again, and those that rest beside it are not trusted', async () => {
  const { pool: one, opened } = pool(2);
  const [a, b] = await Promise.all([one.acquire(soon()), one.acquire(soon())]);
  one.release(a);
  b.failure = new Error('cut');
  one.release(b);
  const next = await one.acquire(soon());
  expect([a, b]).not.toContain(next);
  expect(a.closed).toBe(true);
  expect(opened).toHaveLength(3);
  one.release(next);
});

test('one that failed while it rested is passed over', async () => {
  const { pool: one } = pool(1);
  const first = await one.acquire(soon());
  one.release(first);
  first.failure = new Error('cut');
  const next = await one.acquire(soon());
  expect(next).not.toBe(first);
  one.release(next);
});

test('who waits gets a new one in place of one that failed', async () => {
  const { pool: one } = pool(1);
  const first = await one.acquire(soon());
  const waiting = one.acquire(soon());
  first.failure = new Error('cut');
  one.release(first);
  const next = await waiting;
  expect(next).not.toBe(first);
  one.release(next);
});

test('where none can be opened all that wait are told, and the next one tries again', async () => {
  let error: Error | undefined = new Error('refused');
  const { pool: one } = pool(2, () => error);
  const ends = await Promise.allSettled([1, 2, 3].map(() => one.acquire(soon())));
  expect(ends.map((end) => end.status === 'rejected' && end.reason)).toEqual([error, error, error]);
  error = undefined;
  one.release(await one.acquire(soon()));
});

test('where another one works who waits is served by it', async () => {
  let error: Error | undefined;
  const { pool: one } = pool(2, () => error);
  const first = await one.acquire(soon());
  error = new Error('too many connections');
  const waiting = one.acquire(soon());
  await turn();
  one.release(first);
  expect(await waiting).toBe(first);
  one.release(first);
});

test('who leaves waits no more, and takes nobody’s place', async () => {
  const { pool: one } = pool(1);
  const first = await one.acquire(soon());
  const deadline = soon();
  const [left, stays] = [one.acquire(deadline), one.acquire(soon())];
  deadline.abort(callerGone());
  await expect(left).rejects.toMatchObject({ code: 'cancelled' });
  await expect(one.acquire(deadline)).rejects.toMatchObject({ code: 'cancelled' });
  one.release(first);
  one.release(await stays);
});

test('too many that wait are refused', async () => {
  const { pool: one } = pool(1);
  const first = await one.acquire(soon());
  const waiting = Array.from({ length: 10_000 }, () => one.acquire(soon()).then((lent) => one.release(lent)));
  await expect(one.acquire(soon())).rejects.toMatchObject({ code: 'overloaded' });
  one.release(first);
  await Promise.all(waiting);
});

test('what rests for long is closed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { pool: one, opened } = pool(2);
  const [a, b] = await Promise.all([one.acquire(soon()), one.acquire(soon())]);
  one.release(a);
  one.release(b);
  vi.advanceTimersByTime(45_000);
  one.release(await one.acquire(soon()));
  vi.advanceTimersByTime(45_000);
  expect([a.closed, b.closed]).toEqual([true, false]);
  expect(opened).toHaveLength(2);
});

test('one that is closed waits for what is under way and refuses the rest', async () => {
  const { pool: one } = pool(2);
  const [rests, busy] = await Promise.all([one.acquire(soon()), one.acquire(soon())]);
  const third = one.acquire(soon());
  one.release(rests);
  one.release(await third);
  let isClosed = false;
  const closing = one.close().then(() => {
    isClosed = true;
  });
  await turn();
  expect([rests.closed, busy.closed, isClosed]).toEqual([true, false, false]);
  await expect(one.acquire(soon())).rejects.toMatchObject({ code: 'unavailable' });
  one.release(busy);
  await closing;
  expect(busy.closed).toBe(true);
});

test('what takes too long to end is cut when the pool is closed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { pool: one } = pool(1);
  const busy = await one.acquire(soon());
  const closing = one.close();
  await vi.advanceTimersByTimeAsync(60_000);
  await closing;
  expect(busy.closed).toBe(true);
});

test.each([
  { why: 'a server that has TLS', hasTls: true, asked: [true, true] },
  { why: 'a server without is asked for it once', hasTls: false, asked: [true, false, false] },
])('$why', async ({ hasTls, asked }) => {
  const seen: boolean[] = [];
  const none = new Error('no TLS');
  const open = preferTls(
    async (tls) => {
      seen.push(tls);
      if (tls && !hasTls) throw none;
      return tls;
    },
    (error) => error === none,
  );
  expect([await open(), await open()]).toEqual([hasTls, hasTls]);
  expect(seen).toEqual(asked);
});

test('another failure than that is no reason to speak in plain text', async () => {
  const seen: boolean[] = [];
  const open = preferTls(
    async (tls) => {
      seen.push(tls);
      throw new Error('a bad certificate');
    },
    () => false,
  );
  await expect(open()).rejects.toThrow('a bad certificate');
  expect(seen).toEqual([true]);
});
