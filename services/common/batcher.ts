/**
 * Natural batching: a free line sends at the end of this event-loop turn, a busy line collects. Nobody ever waits for
 * company; what has gathered while the line was busy travels together.
 */
import { MillraceError } from './errors.ts';

export type BatchOutcome<R> = { readonly value: R } | { readonly error: unknown };

export interface BatcherBounds {
  /** Items in one batch. */
  readonly batchMax: number;
  /** Items waiting; beyond it new ones are refused as overloaded. */
  readonly waitingMax: number;
  /** Batches in flight as a rule. */
  readonly lines: number;
  /** Batches in flight when the running ones are slow: one that waits for a lock must not hold up all others. */
  readonly linesMax: number;
  /** A batch is slow when it has been running for this long, milliseconds. */
  readonly slowMs: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<T, R> {
  readonly #send: (items: readonly T[]) => Promise<readonly BatchOutcome<R>[]>;
  readonly #bounds: BatcherBounds;
  #waiting: Waiting<T, R>[] = [];
  #inFlight = 0;
  #lastStart = 0;
  #scheduled = false;
  #slowTimer: NodeJS.Timeout | undefined;

  /** @param send  one outcome for each item, in order; a rejection fails all of them */
  constructor(send: (items: readonly T[]) => Promise<readonly BatchOutcome<R>[]>, bounds: BatcherBounds) {
    this.#send = send;
    this.#bounds = bounds;
  }

  /** @throws MillraceError overloaded when too many wait; whatever the item's outcome says */
  add(item: T): Promise<R> {
    if (this.#waiting.length >= this.#bounds.waitingMax) {
      return Promise.reject(new MillraceError('overloaded', 'Too much is waiting for the database.'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    if (this.#inFlight >= this.#bounds.lines) return this.#watchSlow();
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  /** Uses a free line now; where there is none, sees to it that a slow one does not hold up what waits. */
  #next(): void {
    if (this.#waiting.length === 0) return;
    if (this.#inFlight < this.#bounds.lines) this.#start();
    else this.#watchSlow();
  }

  #start(): void {
    const { batchMax } = this.#bounds;
    const batch = this.#waiting.length <= batchMax ? this.#waiting : this.#waiting.slice(0, batchMax);
    this.#waiting = this.#waiting.length <= batchMax ? [] : this.#waiting.slice(batchMax);
    this.#inFlight += 1;
    this.#lastStart = Date.now();
    void this.#run(batch);
    this.#next(); // more than one batch may have gathered
  }

  async #run(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const outcomes = await this.#send(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i];
        if (outcome && 'value' in outcome) resolve(outcome.value);
        else reject(outcome?.error ?? new Error('No outcome for an item of a batch.'));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#inFlight -= 1;
    // What gathered meanwhile goes at once: its turn is over.
    this.#next();
  }

  /** Opens another line when the running ones turn out to be slow. */
  #watchSlow(): void {
    if (this.#slowTimer || this.#inFlight >= this.#bounds.linesMax) return;
    this.#slowTimer = setTimeout(() => {
      this.#slowTimer = undefined;
      if (this.#waiting.length === 0) return;
      const slow = Date.now() - this.#lastStart >= this.#bounds.slowMs;
      if (slow && this.#inFlight < this.#bounds.linesMax) this.#start();
      else this.#watchSlow();
    }, this.#bounds.slowMs);
    this.#slowTimer.unref();
  }
}
