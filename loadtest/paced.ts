/** Calls at a steady pace, far below what the machine can do: what they wait for is others, and not a queue of their own. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunScope } from './process.ts';

/**
 * Milliseconds of each call, one after the other. One that has to wait for the call before it waits from the moment at
 * which it was due.
 */
export async function pacedTimes(
  scope: RunScope,
  perSecond: number,
  seconds: number,
  call: () => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  const start = performance.now();
  for (let count = 0; count < perSecond * seconds; count++) {
    const due = start + (count * 1000) / perSecond;
    const isLate = performance.now() > due;
    if (!isLate) await sleep(due - performance.now(), undefined, { signal: scope.signal });
    const begin = isLate ? due : performance.now();
    await call();
    times.push(performance.now() - begin);
  }
  return times;
}
