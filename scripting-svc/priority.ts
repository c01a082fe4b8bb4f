/** How much of the processor scripts get where others want it as well. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { hasSessionNice, leadsSession, setSessionNice } from './session-nice.ts';
import { processMicros } from './spent.ts';

/** Linux: there each thread has a priority of its own. Elsewhere they stay as they are. */
const THREADS = '/proc/self/task';
/** Comes behind everything else. */
export const NICE_MAX = 19;
/** Gives way: a tenth of a processor that others want as well. */
export const NICE_BEHIND = 10;

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

/** Of one processor: what a process may spend at all times. */
const STEADY_PART = 0.25;
/** Beyond that at a time: what a script spends that is used as scripts are. */
const BURST_MS = 10;
/** For how long it has to spend no more than the steady part until it is calm again. */
const CALM_MS = 500;

/** Whether a process has much to do. */
export class Busyness {
  #isBusy = false;
  #at: number;
  #micros: number;
  /** Milliseconds that it has spent beyond the steady part, no more than a burst. */
  #beyond = 0;
  #restlessAt: number;

  /** @param at  milliseconds. @param micros  of processor time that the process has spent until then */
  constructor(at: number, micros: number) {
    this.#at = at;
    this.#micros = micros;
    this.#restlessAt = at;
  }

  look(at: number, micros: number): boolean {
    const spent = (micros - this.#micros) / 1000;
    this.#beyond = Math.min(BURST_MS, Math.max(0, this.#beyond + spent - STEADY_PART * (at - this.#at)));
    this.#at = at;
    this.#micros = micros;
    if (this.#beyond > 0) this.#restlessAt = at;
    this.#isBusy = this.#beyond >= BURST_MS || (this.#isBusy && at - this.#restlessAt < CALM_MS);
    return this.#isBusy;
  }
}

/** Of this process, where it has a session of its own. */
export class SessionPriority {
  readonly #busyNice: number;
  readonly #busyness = new Busyness(performance.now(), processMicros());
  readonly #isPossible = hasSessionNice() && leadsSession();
  #nice: number | undefined;

  /** @param busyNice  while it has much to do; otherwise it is as any other program */
  constructor(busyNice: number) {
    this.#busyNice = busyNice;
    this.look();
  }

  /** To be called often. */
  look(): void {
    const isBusy = this.#busyness.look(performance.now(), processMicros());
    const nice = isBusy ? this.#busyNice : 0;
    if (this.#isPossible && nice !== this.#nice && setSessionNice('self', nice)) this.#nice = nice;
  }
}
