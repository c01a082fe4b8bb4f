/** How much of the processor scripts get where others want it as well. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Linux: there each thread has a priority of its own. Elsewhere they stay as they are. */
const THREADS = '/proc/self/task';
/**
 * Linux may divide the processor among sessions before it looks at the priorities within each (sched(7), the autogroup
 * feature): to programs of other sessions then only that of the whole session says who comes behind.
 */
const SESSION = '/proc/self/autogroup';
/** In what follows the name of the program in `/proc/self/stat` (proc_pid_stat(5)). */
const SESSION_FIELD = 3;
/** Comes behind everything else. */
export const NICE_MAX = 19;

/** The threads of this process that scripts run on, which come and go: all but the first, which speaks to the others. */
export class ScriptThreads {
  #nice = 0;
  #known: ReadonlySet<string> = new Set();
  /** Of our session, where nobody else is in it; undefined: has still to be told. */
  #sessionNice: number | undefined = 0;

  /** From now on, also for threads that come later. @param nice  0: as any other program; 19: last */
  set nice(nice: number) {
    this.#nice = nice;
    this.#known = new Set();
    this.#sessionNice = undefined;
    this.look();
  }

  /** Looks for threads that have come. */
  look(): void {
    if (process.platform !== 'linux') return;
    if (this.#sessionNice !== this.#nice) this.#tellSession();
    if (this.#nice === 0) return;
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

  #tellSession(): void {
    try {
      if (leadsSession()) writeFileSync(SESSION, String(this.#nice));
    } catch (error) {
      // Ten such changes a second are allowed on the whole machine.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
    }
    this.#sessionNice = this.#nice;
  }
}

function leadsSession(): boolean {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[SESSION_FIELD]) === process.pid;
}
