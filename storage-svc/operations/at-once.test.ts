import { expect, test } from 'vitest';
import { AtOnce } from './at-once.ts';

test('no more at a time than may be', async () => {
  let [now, most, done] = [0, 0, 0];
  const work = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    done++;
  };
  const some = new AtOnce(3);
  for (let n = 0; n < 20; n++) await some.add(work);
  await some.all();
  expect([most, done]).toEqual([3, 20]);
});

test('after a failure nothing more begins', async () => {
  const some = new AtOnce(1);
  await some.add(async () => {
    throw new Error('first');
  });
  await some.settled();
  await expect(some.add(async () => {})).rejects.toThrow('first');
  await expect(some.all()).rejects.toThrow('first');
});
