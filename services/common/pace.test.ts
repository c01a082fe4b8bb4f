import { expect, test } from 'vitest';
import { inSlices, mapInSlices } from './pace.ts';

const busy = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
};

test('others have their turn while long work goes on, and none while short work does', async () => {
  let turns = 0;
  let isDone = false;
  const others = (): void => {
    turns += 1;
    if (!isDone) setImmediate(others);
  };
  setImmediate(others);
  await inSlices(Array(320), () => busy(0.2));
  expect(turns).toBeGreaterThan(5);
  const before = turns;
  await inSlices(Array(10), () => {});
  isDone = true;
  expect(turns).toBe(before);
});

test('every item, in its order', async () => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  expect(await mapInSlices(items, (i) => 2 * i)).toEqual(items.map((i) => 2 * i));
});

test('a failure ends it', async () => {
  const work = inSlices([1, 2, 3], (item) => {
    if (item === 2) throw new Error('two');
  });
  await expect(work).rejects.toThrow('two');
});
