/** How much of the processor scripts get where others want it as well. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Linux: there each thread has a priority of its own. Elsewhere they stay as they are. */
const THREADS = '/proc/self/task';
/** Comes behind everything else. */
export const NICE_MAX = 19;

/** The threads of this process that scripts run on, which come and go: all but the first, which speaks to the others. */
export class ScriptThreads {
  #nice = 0;
  #known: ReadonlySet<string> = new Set();

  /** From now on, also for threads that come later. @param nice  0: as any other program; 19: last */
  set nice(nice: number) {
    this.#nice = nice;
    this.#known = new Set();
    this.look();
  }

  /** Looks for threads that have come. */
  look(): void {
    if (this.#nice === 0 || process.platform !== 'linux') return;
    const threads = readdirSync(THREADS);
    for (const thread of threads) {
      if (this.#known.has(thread) || Number(thread) === process.pid) continue;
      try {
        setPriority(Number(thread), this.#nice);
      } catch {
        // It has ended meanwhile.
      }
    }
    this.#known = new Set(threads);
  }
}
