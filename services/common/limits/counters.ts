/**
 * How often something was done in its period. A period begins with the first time; when it was done too often nothing
 * is let through for one whole period from then on (system-api §7.2). Several processes count together: each tells what
 * it counted, and takes over what the others did.
 */
import { LRUCache } from 'lru-cache';
import { COUNTERS_MAX } from '../bounds.ts';

/** What happened to one counter since it was last told. */
export interface Count {
  readonly key: string;
  readonly periodMs: number;
  /** When the period began, milliseconds since 1970. */
  readonly startedAt: number;
  readonly hits: number;
  /** Until when nothing is let through; 0: something is. */
  readonly lockedUntil: number;
  /** Begins anew. */
  readonly reset: boolean;
}

interface Counter {
  periodMs: number;
  startedAt: number;
  hits: number;
  lockedUntil: number;
  /** Of the hits, those nobody else knows of. */
  untold: number;
  /** The lock, too, may be news. */
  isNews: boolean;
}

export interface Standing {
  readonly hits: number;
  readonly lockedUntil: number;
}

export class Counters {
  readonly #counters = new LRUCache<string, Counter>({ max: COUNTERS_MAX });
  readonly #news = new Set<string>();
  readonly #resets = new Set<string>();

  /**
   * Counts once more where that is within the rate.
   * @returns when something is let through again, milliseconds since 1970; undefined: this was
   */
  hit(key: string, rate: number, periodMs: number, now = Date.now()): number | undefined {
    const counter = this.#current(key, periodMs, now);
    if (counter.lockedUntil > now) return counter.lockedUntil;
    if (counter.hits >= rate) {
      counter.lockedUntil = now + periodMs;
      counter.hits = 0;
      counter.untold = 0;
    } else {
      counter.hits += 1;
      counter.untold += 1;
    }
    counter.isNews = true;
    this.#news.add(key);
    return counter.lockedUntil > now ? counter.lockedUntil : undefined;
  }

  /** Would it be let through? Nothing is counted. */
  lockedUntil(key: string, now = Date.now()): number | undefined {
    const { lockedUntil } = this.standing(key, now);
    return lockedUntil > now ? lockedUntil : undefined;
  }

  standing(key: string, now = Date.now()): Standing {
    const counter = this.#counters.get(key);
    if (!counter) return { hits: 0, lockedUntil: 0 };
    if (counter.lockedUntil > now) return { hits: counter.hits, lockedUntil: counter.lockedUntil };
    return { hits: now < counter.startedAt + counter.periodMs ? counter.hits : 0, lockedUntil: 0 };
  }

  reset(key: string): void {
    this.#counters.delete(key);
    this.#news.delete(key);
    this.#resets.add(key);
  }

  /** What the others do not know yet; they are told by this. */
  takeNews(): Count[] {
    const counts: Count[] = [];
    for (const key of this.#resets) {
      counts.push({ key, periodMs: 0, startedAt: 0, hits: 0, lockedUntil: 0, reset: true });
    }
    for (const key of this.#news) {
      const counter = this.#counters.get(key);
      if (!counter?.isNews) continue;
      const { periodMs, startedAt, untold, lockedUntil } = counter;
      counts.push({ key, periodMs, startedAt, hits: untold, lockedUntil, reset: false });
      counter.untold = 0;
      counter.isNews = false;
    }
    this.#resets.clear();
    this.#news.clear();
    return counts;
  }

  /** What others have counted. */
  merge(counts: readonly Count[], now = Date.now()): void {
    for (const { key, periodMs, startedAt, hits, lockedUntil, reset } of counts) {
      if (reset) {
        this.#counters.delete(key);
        this.#news.delete(key);
        continue;
      }
      if (now >= startedAt + periodMs && lockedUntil <= now) continue; // it is over
      const counter = this.#current(key, periodMs, now);
      counter.startedAt = Math.min(counter.startedAt, startedAt);
      counter.lockedUntil = Math.max(counter.lockedUntil, lockedUntil);
      counter.hits = counter.lockedUntil > now ? 0 : counter.hits + hits;
    }
  }

  /** Everything that still counts: for whoever begins to count. */
  all(now = Date.now()): Count[] {
    const counts: Count[] = [];
    for (const [key, { periodMs, startedAt, hits, lockedUntil }] of this.#counters.entries()) {
      if (now >= startedAt + periodMs && lockedUntil <= now) continue;
      counts.push({ key, periodMs, startedAt, hits, lockedUntil, reset: false });
    }
    return counts;
  }

  #current(key: string, periodMs: number, now: number): Counter {
    const known = this.#counters.get(key);
    const isOver =
      known && known.lockedUntil <= now && (known.lockedUntil > 0 || now >= known.startedAt + known.periodMs);
    if (known && !isOver) return known;
    const fresh = { periodMs, startedAt: now, hits: 0, lockedUntil: 0, untold: 0, isNews: false };
    this.#counters.set(key, fresh);
    return fresh;
  }
}
