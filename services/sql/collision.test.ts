import { describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { again, isCollision } from './collision.ts';

const COLLISION = new MillraceError('conflict', 'Another one was in the way.', { retryable: true });

/** Fails so many times, and knows how often it was begun. */
function failing(times: number, error: unknown = COLLISION) {
  const work = { begun: 0, run: async () => (++work.begun > times ? 'done' : Promise.reject(error)) };
  return work;
}

describe('a transaction that others stand in the way of', () => {
  test.each([0, 1, 6])('is done in the end (after %i times)', async (times) => {
    const work = failing(times);
    expect(await again(Deadline.after(60_000), isCollision, work.run)).toBe('done');
    expect(work.begun).toBe(times + 1);
  });

  test('is given up where they always do', async () => {
    const work = failing(Number.POSITIVE_INFINITY);
    await expect(again(Deadline.after(60_000), isCollision, work.run)).rejects.toBe(COLLISION);
    expect(work.begun).toBeGreaterThan(6);
  });

  test('is not begun again where there is no time left, or nobody waits', async () => {
    const late = failing(1);
    await expect(again(Deadline.after(0), isCollision, late.run)).rejects.toBe(COLLISION);
    const gone = Deadline.after(60_000);
    gone.abort(new MillraceError('deadline', 'Nobody waits.'));
    const left = failing(1);
    await expect(again(gone, isCollision, left.run)).rejects.toBe(COLLISION);
    expect([late.begun, left.begun]).toEqual([1, 1]);
  });

  test.each([new MillraceError('conflict', 'There is one with this name.'), new Error('Something else.')])(
    'and one that fails otherwise is not begun again (%s)',
    async (error) => {
      const work = failing(1, error);
      await expect(again(Deadline.after(60_000), isCollision, work.run)).rejects.toBe(error);
      expect(work.begun).toBe(1);
    },
  );
});
