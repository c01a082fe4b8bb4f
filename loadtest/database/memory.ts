/** How much memory a piece of work takes in the processes that do it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../start.ts';

const INTERVAL_MS = 20;
const BYTES_PER_MEGABYTE = 1e6;

/** What the work took at its peak beyond what all these processes together held right before it. */
export async function peakOverBase(
  pids: readonly number[],
  work: () => Promise<void>,
): Promise<{ readonly megabytes: number }> {
  const resident = () => pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  const base = resident();
  let peak = base;
  let isDone = false;
  const watch = async () => {
    while (!isDone) {
      await sleep(INTERVAL_MS);
      peak = Math.max(peak, resident());
    }
  };
  const working = work().finally(() => {
    isDone = true;
  });
  await Promise.all([working, watch()]);
  return { megabytes: (peak - base) / BYTES_PER_MEGABYTE };
}
