/**
 * How many runs there are at once: each takes an isolate of its own for as long as it lasts. And how many begin in one turn of
 * the event loop: an isolate takes milliseconds to make, and whoever wants to end what has begun must be heard meanwhile.
 */
import type { Deadline } from '#common/deadline.ts';

const BEGIN_IN_TURN = 4;

export class Slots {
  readonly #waitMs: number;
  readonly #waiting = new Set<(isFree: boolean) => void>();
  #free: number;
  #begun = 0;
  #nextTurn: Promise<void> | undefined;

  /** @param waitMs  how long a run waits for a place: runs that wait for each other must come to an end */
  constructor(count: number, waitMs: number) {
    this.#free = count;
    this.#waitMs = waitMs;
  }

  /** True: a place is taken, at once where there is one. False: there was none for too long. */
  take(deadline: Deadline): true | Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return new Promise((done) => {
      const end = (isFree: boolean) => {
        this.#waiting.delete(end);
        clearTimeout(timer);
        forget();
        done(isFree);
      };
      const timer = setTimeout(() => end(false), Math.min(this.#waitMs, deadline.remainingMs()));
      this.#waiting.add(end);
      const forget = deadline.onAbort(() => queueMicrotask(() => end(false)));
    });
  }

  /** Whether a run may begin in this turn; else a promise of one in which it may. */
  begin(): true | Promise<void> {
    if (this.#begun < BEGIN_IN_TURN) {
      this.#begun++;
      this.#nextTurn ??= this.#turn();
      return true;
    }
    return this.#wait();
  }

  async #wait(): Promise<void> {
    while (this.#begun >= BEGIN_IN_TURN) await this.#nextTurn;
    this.#begun++;
    this.#nextTurn ??= this.#turn();
  }

  #turn(): Promise<void> {
    return new Promise((next) => {
      setImmediate(() => {
        this.#begun = 0;
        this.#nextTurn = undefined;
        next();
      });
    });
  }

  give(): void {
    for (const next of this.#waiting) return next(true);
    this.#free++;
  }
}
