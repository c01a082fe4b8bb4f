/** Long work gives way to others every few milliseconds, so that no request waits for it. */
import { setImmediate as turn } from 'node:timers/promises';

const SLICE_MS = 5;
/** The clock is looked at once for so many items, each of which takes some microseconds. */
const ITEMS = 32;

/** Does the work for each item, in as many turns of the event loop as it takes. */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let until = performance.now() + SLICE_MS;
  let done = 0;
  for (const item of items) {
    work(item);
    if (++done % ITEMS !== 0 || performance.now() < until) continue;
    await turn();
    until = performance.now() + SLICE_MS;
  }
}

/** The same, with what comes of it. */
export async function mapInSlices<T, R>(items: Iterable<T>, work: (item: T) => R): Promise<R[]> {
  const results: R[] = [];
  await inSlices(items, (item) => results.push(work(item)));
  return results;
}
