/** How much memory a piece of work takes in the processes that do it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../start.ts';

const INTERVAL_MS = 20;
const BYTES_PER_MEGABYTE = 1e6;

/** Megabytes that all these processes together held at the peak of the work, beyond those that they held before it. */
export async function peakOverBase(pids: readonly number[], work: () => Promise<void>): Promise<number> {
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
  return (peak - base) / BYTES_PER_MEGABYTE;
}
