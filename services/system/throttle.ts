/** Slows down guessing: behind a few failures each next one waits twice as long, never so long that it locks out. */
import { LRUCache } from 'lru-cache';
import { THROTTLED_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';

/** Failures that everyone may make. */
const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 1000;
const WAIT_MAX_MS = 60_000;
/** Failures are forgotten after this long. */
const MEMORY_MS = 15 * 60_000;

interface Failures {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly nextAt: number;
}

export class Throttle {
  readonly #failures = new LRUCache<string, Failures>({ max: THROTTLED_MAX, ttl: MEMORY_MS });
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @throws MillraceError limited */
  check(key: string): void {
    const waitMs = (this.#failures.get(key)?.nextAt ?? 0) - this.#now();
    if (waitMs <= 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    throw new MillraceError('limited', `Too many failed attempts. Try again in ${seconds} seconds.`, {
      retry_after_seconds: seconds,
    });
  }

  failed(key: string): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const waitMs = count < FREE_FAILURES ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (count - FREE_FAILURES), WAIT_MAX_MS);
    this.#failures.set(key, { count, nextAt: this.#now() + waitMs });
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}
