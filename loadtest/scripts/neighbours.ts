/** Calls of others, at a steady pace, for as long as it takes: when each began and how long it took. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection } from '../database/http-connection.ts';
import type { RunScope } from '../process.ts';
import type { HttpTarget } from '../sides/side.ts';

/** Times are milliseconds of `performance.now()`. */
export interface NeighbourCall {
  readonly at: number;
  readonly ms: number;
  readonly isGood: boolean;
}

/** One caller with one connection: a call that has to wait for the one before waits from the moment at which it was due. */
export class Neighbour {
  readonly calls: NeighbourCall[] = [];
  readonly #ended: Promise<void>;
  #isOver = false;

  constructor(scope: RunScope, target: HttpTarget, perSecond: number, nextPath: () => string) {
    const connection = new HttpConnection(scope, target);
    this.#ended = this.#go(scope, 1000 / perSecond, () => connection.get(nextPath()));
    scope.teardown.add(() => this.stop());
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#ended;
  }

  /** Of the calls that were due between these moments. */
  between(from: number, to: number): NeighbourCall[] {
    return this.calls.filter(({ at }) => at >= from && at < to);
  }

  async #go(scope: RunScope, everyMs: number, call: () => Promise<unknown>): Promise<void> {
    let due = performance.now();
    while (!this.#isOver && !scope.signal.aborted) {
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      const at = early > 0 ? performance.now() : due;
      const isGood = await call().then(
        () => true,
        () => false,
      );
      this.calls.push({ at, ms: performance.now() - at, isGood });
      due += everyMs;
    }
  }
}
