import { expect, test } from 'vitest';
import { callerGone, Deadline } from './deadline.ts';
import { inTime } from './in-time.ts';

const never = new Promise<never>(() => {});
const soon = () => Deadline.after(60_000);

test('what is done in time is given back, and so is its failure', async () => {
  expect(await inTime(Promise.resolve(5), soon())).toBe(5);
  const failure = new Error('no');
  await expect(inTime(Promise.reject(failure), soon())).rejects.toBe(failure);
});

test('ends with the deadline, also where it is over already', async () => {
  const deadline = soon();
  const waiting = inTime(never, deadline);
  deadline.abort(callerGone());
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  await expect(inTime(never, deadline)).rejects.toMatchObject({ code: 'cancelled' });
});
