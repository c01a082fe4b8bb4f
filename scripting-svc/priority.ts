/** How much of the processor scripts get where others want it as well. */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Comes behind everything else. */
export const NICE_MAX = 19;

/**
 * The threads of this process: those that scripts run on, which come and go, and the first, which does not run them. On
 * Linux each thread has a priority of its own; elsewhere they stay as they are.
 */
export class ScriptThreads {
  #nice = 0;
  #known: ReadonlySet<number> = new Set();

  /** From now on, also for threads that come later. @param nice  0: as any other program; 19: last */
  set nice(nice: number) {
    this.#nice = nice;
    this.#known = new Set();
    this.look();
  }

  /** The thread that speaks to the others, and makes what scripts run in. Never less than it is. */
  set first(nice: number) {
    if (process.platform === 'linux') set(process.pid, Math.max(nice, getPriority()));
  }

  /** Looks for threads that have come. */
  look(): void {
    if (this.#nice === 0 || process.platform !== 'linux') return;
    const threads = threadsOf(process.pid);
    for (const thread of threads) if (!this.#known.has(thread) && thread !== process.pid) set(thread, this.#nice);
    this.#known = new Set(threads);
  }
}

/** Whether this process may give itself and others back what they had: the system lets few do so. */
function mayComeForward(): boolean {
  const own = getPriority();
  try {
    setPriority(own - 1);
    setPriority(own);
    return true;
  } catch {
    return false;
  }
}

/**
 * Another process, a moment old, which nobody waits for: it starts behind everything else.
 * @returns what brings it forward; undefined: nothing could, so it stays where it is
 */
export function stepBack(pid: number, nice: number): (() => void) | undefined {
  if (process.platform !== 'linux' || !mayComeForward()) return undefined;
  const own = getPriority();
  if (!set(pid, own + nice)) return undefined;
  return () => {
    // Before its threads: those that come now are as it is.
    set(pid, own);
    for (const thread of threadsOf(pid)) set(thread, own);
  };
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** False: it has ended meanwhile. */
function set(id: number, nice: number): boolean {
  try {
    setPriority(id, Math.min(nice, NICE_MAX));
    return true;
  } catch {
    return false;
  }
}
