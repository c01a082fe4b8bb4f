/** Long answers take a connection each for as long as they last. */
import { MillraceError } from '#common/errors.ts';
import type { Rows } from './statement.ts';

const tooMany = (): MillraceError =>
  new MillraceError('overloaded', 'Too many long answers are on their way at the moment.', { retryable: true });

/** Leaves a connection for what belongs to the records of streams, or they would wait for each other. */
export class Streams {
  readonly #max: number;
  #open = 0;

  constructor(connectionsMax: number) {
    this.#max = Math.max(1, connectionsMax - 1);
  }

  /** @throws MillraceError overloaded, before anything is begun */
  async *run(portions: () => AsyncIterable<Rows>): AsyncGenerator<Rows> {
    if (this.#open >= this.#max) throw tooMany();
    this.#open++;
    try {
      yield* portions();
    } finally {
      this.#open--;
    }
  }
}
