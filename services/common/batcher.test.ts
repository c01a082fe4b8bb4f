import { expect, onTestFinished, test, vi } from 'vitest';
import { Batcher, type BatcherBounds, type BatchOutcome } from './batcher.ts';

const BOUNDS: BatcherBounds = { batchMax: 3, waitingMax: 5, lines: 1, linesMax: 2, slowMs: 10 };

/** A line whose batches end when the test says so. */
function line(bounds: Partial<BatcherBounds> = {}) {
  const batches: { items: readonly number[]; end: (outcomes?: BatchOutcome<number>[]) => void; fail: () => void }[] =
    [];
  const batcher = new Batcher<number, number>(
    (items) =>
      new Promise((resolve, reject) => {
        batches.push({
          items,
          end: (outcomes) => resolve(outcomes ?? items.map((item) => ({ value: item * 10 }))),
          fail: () => reject(new Error('line down')),
        });
      }),
    { ...BOUNDS, ...bounds },
  );
  return { batcher, batches };
}

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('what is added in one turn travels together, what comes while the line is busy with the next', async () => {
  const { batcher, batches } = line();
  const answers = [batcher.add(1), batcher.add(2)];
  await turn();
  answers.push(batcher.add(3), batcher.add(4));
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2]]);
  batches[0]?.end();
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  batches[1]?.end();
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40]);
});

test('one item fails alone', async () => {
  const { batcher, batches } = line();
  const answers = Promise.allSettled([batcher.add(1), batcher.add(2)]);
  await turn();
  batches[0]?.end([{ value: 1 }, { error: new Error('bad row') }]);
  expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('a lost line fails its batch, and the next batch goes on', async () => {
  const { batcher, batches } = line();
  const lost = Promise.allSettled([batcher.add(1)]);
  await turn();
  const next = batcher.add(2);
  batches[0]?.fail();
  expect((await lost)[0]?.status).toBe('rejected');
  await turn();
  batches[1]?.end();
  expect(await next).toBe(20);
});

test('a slow batch does not hold up the next: another line opens', async () => {
  const { batcher, batches } = line();
  const first = batcher.add(1);
  await turn();
  const second = batcher.add(2);
  await expect.poll(() => batches.length).toBe(2);
  batches[1]?.end();
  expect(await second).toBe(20);
  batches[0]?.end();
  expect(await first).toBe(10);
});

test('what is more than one batch does not wait for company: every free line takes its part', async () => {
  const { batcher, batches } = line({ lines: 2 });
  const answers = [1, 2, 3, 4, 5].map((item) => batcher.add(item));
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  for (const { end } of batches) end();
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50]);
});

test('the rest of what came at once is not held up by its slow beginning, though nothing more comes', async () => {
  const { batcher, batches } = line();
  const answers = [1, 2, 3, 4].map((item) => batcher.add(item));
  await expect.poll(() => batches.length).toBe(2);
  batches[1]?.end();
  expect(await answers[3]).toBe(40);
  batches[0]?.end();
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40]);
});

test('with all lines slow it waits; the first that ends makes room, though another is slow still', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { batcher, batches } = line();
  const answers = [1, 2, 3, 4, 5].map((item) => batcher.add(item));
  await turn();
  vi.advanceTimersByTime(BOUNDS.slowMs);
  answers.push(batcher.add(6));
  await turn();
  vi.advanceTimersByTime(10 * BOUNDS.slowMs);
  expect(batches.map(({ items }) => items)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  batches[1]?.end();
  await turn();
  vi.advanceTimersByTime(BOUNDS.slowMs);
  expect(batches[2]?.items).toEqual([6]);
  for (const { end } of batches) end();
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50, 60]);
});

test('too many waiting are refused, none is lost', async () => {
  const { batcher, batches } = line();
  const answers = [1, 2, 3, 4, 5].map((item) => batcher.add(item));
  await expect(batcher.add(6)).rejects.toMatchObject({ code: 'overloaded' });
  await turn();
  expect(batches[0]?.items).toEqual([1, 2, 3]);
  batches[0]?.end();
  await turn();
  batches[1]?.end();
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50]);
});
