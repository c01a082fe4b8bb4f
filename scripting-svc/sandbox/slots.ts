/** How many runs there are at once: each takes an isolate of its own for as long as it lasts. */
import type { Deadline } from '#common/deadline.ts';

export class Slots {
  readonly #waitMs: number;
  readonly #waiting = new Set<(isFree: boolean) => void>();
  #free: number;

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

  give(): void {
    for (const next of this.#waiting) return next(true);
    this.#free++;
  }
}
