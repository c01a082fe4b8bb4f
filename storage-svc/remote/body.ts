/** The bytes of an opened file, piece by piece, and its connection given back when they are over. */
import type { Deadline } from '#common/deadline.ts';
import type { MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';

export interface BodyOptions {
  readonly pieces: AsyncIterator<Uint8Array>;
  readonly deadline: Deadline;
  readonly translate: (thrown: unknown) => MillraceError;
  /** Called once, when the pieces are over. */
  readonly release: () => void;
}

/** No generator: one that was never begun would not give anything back. */
export class RemoteBody implements AsyncIterableIterator<Uint8Array> {
  readonly #options: BodyOptions;
  readonly #forget: () => void;
  #isOver = false;

  constructor(options: BodyOptions) {
    this.#options = options;
    this.#forget = options.deadline.onAbort(() => void this.return());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const { pieces, deadline, translate } = this.#options;
    try {
      deadline.throwIfAborted();
      if (this.#isOver) return { done: true, value: undefined };
      const next = await inTime(pieces.next(), deadline);
      return next.done ? await this.return() : next;
    } catch (error) {
      await this.return();
      throw deadline.reason ?? translate(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#forget();
      const { pieces, release } = this.#options;
      // Not waited for: the server may take its time.
      void Promise.resolve(pieces.return?.())
        .catch(() => {})
        .finally(release);
    }
    return { done: true, value: undefined };
  }
}
