import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('work on one thing is done in order, also behind a failure; work on another does not wait', async () => {
  const turns = new Turns();
  const done: string[] = [];
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const first = turns.take('a', async () => {
    await gate;
    done.push('a1');
    throw new Error('failed');
  });
  const second = turns.take('a', async () => void done.push('a2'));
  await turns.take('b', async () => void done.push('b'));
  expect(done).toEqual(['b']);
  go();
  await expect(first).rejects.toThrow('failed');
  await second;
  expect(done).toEqual(['b', 'a1', 'a2']);
});
