/** How much of the processor a worker gets where others want it as well. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Linux: there each thread has a priority of its own, and gives it to those that it starts. */
const THREADS = '/proc/self/task';

/** All threads that there are, or all but the first one, which speaks to the others. @param nice  -20 to 19: last */
export function setThreadPriority(nice: number, which: 'all' | 'all but the first'): void {
  if (process.platform !== 'linux') {
    if (which === 'all') setPriority(nice);
    return;
  }
  for (const thread of readdirSync(THREADS)) {
    const id = Number(thread);
    if (id === process.pid && which !== 'all') continue;
    try {
      setPriority(id, nice);
    } catch {
      // It has ended meanwhile.
    }
  }
}
