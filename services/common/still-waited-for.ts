/** What waited in a line may be waited for no more: under load that is what must not be done as well. */
import type { BatchOutcome } from './batcher.ts';
import type { Deadline } from './deadline.ts';

/** Runs those that somebody still waits for; the others end with their deadline's reason. One outcome for each item. */
export async function stillWaitedFor<T extends { readonly deadline: Deadline }, R>(
  items: readonly T[],
  run: (items: readonly T[]) => Promise<readonly BatchOutcome<R>[]>,
): Promise<readonly BatchOutcome<R>[]> {
  if (items.every(({ deadline }) => !deadline.reason)) return run(items);
  const reasons = items.map(({ deadline }) => deadline.reason);
  const wanted = items.filter((_, i) => !reasons[i]);
  const outcomes = wanted.length > 0 ? await run(wanted) : [];
  let next = 0;
  return reasons.map((error) => (error ? { error } : (outcomes[next++] as BatchOutcome<R>)));
}
