import { describe, expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { mapAtOnce } from './at-once.ts';
import { wait, whileThrottled, withSignal } from './throttling.ts';

const BUSY = new Error('busy');
const isBusy = (thrown: unknown): boolean => thrown === BUSY;

describe('a store that is busy', () => {
  test('is asked again until it answers', async () => {
    let asked = 0;
    const answer = await whileThrottled(
      async () => {
        if (++asked < 4) throw BUSY;
        return asked;
      },
      isBusy,
      Deadline.after(5_000),
    );
    expect(answer).toBe(4);
  });

  test('at the deadline it is overloaded, and says when to come again', async () => {
    const done = whileThrottled(() => Promise.reject(BUSY), isBusy, Deadline.after(150));
    await expect(done).rejects.toMatchObject({ code: 'overloaded', context: { retry_after_seconds: 1 }, cause: BUSY });
  });

  test('another failure is not sent again', async () => {
    let asked = 0;
    const fail = async () => {
      asked++;
      throw new TypeError('other');
    };
    await expect(whileThrottled(fail, isBusy, Deadline.after(5_000))).rejects.toThrow(TypeError);
    expect(asked).toBe(1);
  });
});

test('a pause ends when the caller goes away', async () => {
  const deadline = Deadline.after(60_000);
  const waiting = wait(50_000, deadline);
  deadline.abort(callerGone());
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});

test('a request under way is ended with its deadline', async () => {
  const deadline = Deadline.after(60_000);
  const work = withSignal(
    deadline,
    (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('AbortError')), { once: true }),
      ),
  );
  deadline.abort(callerGone());
  await expect(work).rejects.toMatchObject({ code: 'cancelled' });
});

test('so many at once, results in order, and nothing begins behind a failure', async () => {
  let underway = 0;
  let most = 0;
  const results = await mapAtOnce([5, 1, 3, 2], 2, async (item) => {
    most = Math.max(most, ++underway);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    underway--;
    return item * 10;
  });
  expect({ results, most }).toEqual({ results: [50, 10, 30, 20], most: 2 });
  const begun: number[] = [];
  const failing = mapAtOnce([1, 2, 3, 4], 1, async (item) => {
    begun.push(item);
    if (item === 2) throw BUSY;
  });
  await expect(failing).rejects.toBe(BUSY);
  expect(begun).toEqual([1, 2]);
});
