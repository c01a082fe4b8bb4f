/**
 * How many runs there are at once: each takes an isolate of its own for as long as it lasts. And how many begin in one turn of
 * the event loop: an isolate takes milliseconds to make, and whoever wants to end what has begun must be heard meanwhile.
 */
import type { Deadline } from '#common/deadline.ts';
import type { CallTree } from './trees.ts';

const BEGIN_IN_TURN = 4;
/** Of all places, for scripts that have called each other: they wait for each other, and others must not wait for them. */
const TREE_PART = 0.25;

interface Waiting {
  readonly tree: CallTree;
  readonly end: (isFree: boolean) => void;
}

export class Slots {
  readonly #waitMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #treeMax: number;
  #free: number;
  #begun = 0;
  #nextTurn: Promise<void> | undefined;

  /** @param waitMs  how long a run waits for a place: runs that wait for each other must come to an end */
  constructor(count: number, waitMs: number) {
    this.#free = count;
    this.#treeMax = Math.ceil(count * TREE_PART);
    this.#waitMs = waitMs;
  }

  /** True: a place is taken, at once where there is one. False: there was none for too long. */
  take(deadline: Deadline, tree: CallTree): true | Promise<boolean> {
    if (this.#hasPlace(tree)) {
      this.#place(tree);
      return true;
    }
    return new Promise((done) => {
      const end = (isFree: boolean) => {
        this.#waiting.delete(waiting);
        clearTimeout(timer);
        forget();
        done(isFree);
      };
      const waiting: Waiting = { tree, end };
      const timer = setTimeout(() => end(false), Math.min(this.#waitMs, deadline.remainingMs()));
      this.#waiting.add(waiting);
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

  /** A place that was taken for a run of this tree. */
  give(given: CallTree): void {
    this.#free++;
    given.running--;
    for (const { tree, end } of this.#waiting) {
      if (this.#free === 0) return;
      if (!this.#hasPlace(tree)) continue;
      this.#place(tree);
      end(true);
    }
  }

  #hasPlace({ running }: CallTree): boolean {
    return this.#free > 0 && running < this.#treeMax;
  }

  #place(tree: CallTree): void {
    this.#free--;
    tree.running++;
  }
}
