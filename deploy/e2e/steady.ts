/** A steady, bounded load: a few callers, each of which calls again as soon as it is answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './client.ts';
import { until } from './process.ts';

export interface Seen {
  readonly what: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly ms: number;
}

/** Between two calls of one caller: the machine is shared. */
const PAUSE_MS = 2;

export class SteadyLoad {
  readonly #callers: Promise<void>[];
  /** All that was ever answered: by what and status. */
  readonly #counts = new Map<string, number>();
  #seen: Seen[] = [];
  #isOver = false;

  /** One caller for each. */
  constructor(calls: Readonly<Record<string, () => Promise<Answer>>>) {
    this.#callers = Object.entries(calls).map(([what, call]) => this.#repeat(what, call));
  }

  /** What was answered since the last look. */
  take(): Seen[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  /** How often it was answered with one of these, from the beginning. */
  count(what: string, ...statuses: number[]): number {
    return statuses.reduce((sum, status) => sum + (this.#counts.get(`${what} ${status}`) ?? 0), 0);
  }

  /** Waits until each call was answered with 200 `times` times in a row. @throws Error when the time is up */
  async well(timeoutMs: number, times = 5): Promise<Seen[]> {
    const all: Seen[] = [];
    const isWell = async (): Promise<boolean> => {
      all.push(...this.take());
      const whats = new Set(all.map(({ what }) => what));
      const isGood = (what: string): boolean => {
        const last = all.filter((one) => one.what === what).slice(-times);
        return last.length === times && last.every(({ status }) => status === 200);
      };
      return whats.size === this.#callers.length && [...whats].every(isGood);
    };
    await until('all calls are answered with 200', isWell, timeoutMs);
    return all;
  }

  /** @throws whatever a caller has failed with: no answer at all */
  async stop(): Promise<Seen[]> {
    this.#isOver = true;
    await Promise.all(this.#callers);
    return this.take();
  }

  async #repeat(what: string, call: () => Promise<Answer>): Promise<void> {
    while (!this.#isOver) {
      const began = performance.now();
      const { status, headers } = await call();
      this.#counts.set(`${what} ${status}`, this.count(what, status) + 1);
      this.#seen.push({ what, status, retryAfter: headers['retry-after'], ms: performance.now() - began });
      await sleep(PAUSE_MS);
    }
  }
}
