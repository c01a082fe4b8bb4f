/**
 * Slows down guessing: behind a few failures each next one waits twice as long.
 *
 * Nobody can lock out somebody else by it. Attempts are counted for an account *as tried from one network*, so what
 * strangers do elsewhere costs its owner nothing, and who shares his network holds him up for a minute at most. Where
 * guesses must be bounded for an account whoever makes them (security answers), another way in stays open: the
 * password, and a code by e-mail. E-mails to one account come at longer and longer intervals, but a code is replaced
 * only by one that is sent: the last one that the owner got is always good.
 */
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { THROTTLED_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';

export interface Pace {
  /** Failures without a wait. */
  readonly free: number;
  readonly firstWaitMs: number;
  readonly waitMaxMs: number;
  /** Failures are forgotten after this long, which is longer than any wait. */
  readonly memoryMs: number;
}

const MINUTE_MS = 60_000;

/** Passwords and codes, for an account from one network. */
export const GUESSES: Pace = { free: 5, firstWaitMs: 1000, waitMaxMs: MINUTE_MS, memoryMs: 15 * MINUTE_MS };
/** Security answers, for an account from anywhere: of a hundred guesses a day few find the name of a pet. */
export const ANSWERS: Pace = { free: 10, firstWaitMs: 1000, waitMaxMs: 15 * MINUTE_MS, memoryMs: 24 * 60 * MINUTE_MS };
/** Registrations from one network: a class of pupils may sit behind one address. */
export const REGISTRATIONS: Pace = { free: 30, firstWaitMs: 1000, waitMaxMs: MINUTE_MS, memoryMs: 15 * MINUTE_MS };
/** E-mails to one account. */
export const MAILS: Pace = { free: 3, firstWaitMs: MINUTE_MS, waitMaxMs: 15 * MINUTE_MS, memoryMs: 60 * MINUTE_MS };

interface Failures {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly nextAt: number;
}

export class Throttle {
  readonly #failures: LRUCache<string, Failures>;
  readonly #pace: Pace;
  readonly #now: () => number;

  constructor(pace: Pace, now: () => number = Date.now) {
    this.#failures = new LRUCache({ max: THROTTLED_MAX, ttl: pace.memoryMs });
    this.#pace = pace;
    this.#now = now;
  }

  /** @throws MillraceError limited */
  check(key: string): void {
    const waitMs = this.#waitMs(key);
    if (waitMs <= 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    throw new MillraceError('limited', `Too many failed attempts. Try again in ${seconds} seconds.`, {
      retry_after_seconds: seconds,
    });
  }

  /** Counts before it is known how it ends, so that many at once gain nothing. @throws MillraceError limited */
  attempt(key: string): void {
    this.check(key);
    this.failed(key);
  }

  /** The same for what nobody is told of. */
  mayGoOn(key: string): boolean {
    if (this.#waitMs(key) > 0) return false;
    this.failed(key);
    return true;
  }

  failed(key: string): void {
    const { free, firstWaitMs, waitMaxMs } = this.#pace;
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const waitMs = count < free ? 0 : Math.min(firstWaitMs * 2 ** (count - free), waitMaxMs);
    this.#failures.set(key, { count, nextAt: this.#now() + waitMs });
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  #waitMs(key: string): number {
    return (this.#failures.get(key)?.nextAt ?? 0) - this.#now();
  }
}

/** Of an account as tried from one network; whatever was typed has one, whether or not there is such an account. */
export const attemptKey = (identity: string, address: string): string =>
  `${identity.toLowerCase()} ${networkOf(address)}`;

/** Whoever has one IPv6 address has 2^64 of them. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address.replace(/^::ffff:/i, '');
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
