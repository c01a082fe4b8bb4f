/**
 * How many runs there are at once: each takes an isolate of its own for as long as it lasts. And how many begin in one turn of
 * the event loop: an isolate takes milliseconds to make, and whoever wants to end what has begun must be heard meanwhile.
 */
import type { Deadline } from '#common/deadline.ts';
import type { CallTree } from './trees.ts';

const BEGIN_IN_TURN = 2;
/** Of all places, for scripts that have called each other: they wait for each other, and others must not wait for them. */
const TREE_PART = 0.25;

interface Waiting {
  readonly tree: CallTree;
  readonly end: (isFree: boolean) => void;
}

/** Has a place. */
interface Beginning {
  readonly tree: CallTree;
  readonly go: () => void;
}

export class Slots {
  readonly #waitMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #treeMax: number;
  #free: number;
  /** In this turn. */
  #begun = 0;
  /** In the order in which they came. */
  readonly #beginning = new Set<Beginning>();
  #isTurnComing = false;

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

  /** Whether a run that has a place may begin in this turn; else a promise of one in which it may. */
  begin(tree: CallTree): true | Promise<void> {
    if (this.#begun < BEGIN_IN_TURN && this.#beginning.size === 0) {
      this.#beginOne();
      return true;
    }
    this.#turnSoon();
    return new Promise((go) => this.#beginning.add({ tree, go }));
  }

  #beginOne(): void {
    this.#begun++;
    this.#turnSoon();
  }

  #turnSoon(): void {
    if (this.#isTurnComing) return;
    this.#isTurnComing = true;
    setImmediate(() => {
      this.#isTurnComing = false;
      this.#begun = 0;
      for (let next = this.#next(); next && this.#begun < BEGIN_IN_TURN; next = this.#next()) {
        this.#beginning.delete(next);
        this.#beginOne();
        next.go();
      }
    });
  }

  /** Of those with the fewest runs, who waits for longest: the many of one tree are behind the one of another. */
  #next(): Beginning | undefined {
    let next: Beginning | undefined;
    for (const one of this.#beginning) if (!next || one.tree.running < next.tree.running) next = one;
    return next;
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
