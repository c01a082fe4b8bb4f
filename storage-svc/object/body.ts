/** The bytes of an object, piece by piece; where the connection is lost in the middle, the rest comes over another one. */
import type { Readable } from 'node:stream';
import type { Deadline } from '#common/deadline.ts';
import type { MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { CONNECTION_LOST, CUT_SHORT, unavailable } from '../failures.ts';

/** In a row, without a byte between them. */
const RESUMES_MAX = 3;

interface Range {
  readonly from: number;
  /** The byte behind the last. */
  readonly to: number;
}

export interface BodyOptions {
  readonly range: Range;
  readonly deadline: Deadline;
  /** The same version from another byte on. */
  readonly reopen: (offset: number) => Promise<Readable>;
  readonly translate: (thrown: unknown) => MillraceError;
}

/** No generator: one that was never begun would not give its connection back. */
export class ObjectBody implements AsyncIterableIterator<Uint8Array> {
  readonly #options: BodyOptions;
  #forget = (): void => {};
  #stream: Readable;
  #pieces: AsyncIterator<Buffer>;
  #at: number;
  #resumes = 0;
  #isOver = false;

  constructor(stream: Readable, options: BodyOptions) {
    this.#options = options;
    this.#at = options.range.from;
    this.#stream = stream;
    this.#pieces = piecesOf(stream);
    this.#forget = options.deadline.onAbort(() => this.#close()); // at once where nobody waits any longer
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const { deadline, translate } = this.#options;
    try {
      const piece = await this.#piece();
      if (!piece) return await this.return();
      this.#at += piece.length;
      this.#resumes = 0;
      return { done: false, value: piece };
    } catch (error) {
      this.#close();
      throw deadline.reason ?? translate(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#close();
    return { done: true, value: undefined };
  }

  async #piece(): Promise<Buffer | undefined> {
    const { range, deadline, reopen } = this.#options;
    for (;;) {
      deadline.throwIfAborted();
      if (this.#isOver || this.#at >= range.to) return undefined;
      try {
        const next = await inTime(this.#pieces.next(), deadline);
        if (!next.done) return next.value;
        throw unavailable(CUT_SHORT);
      } catch (error) {
        this.#stream.destroy();
        deadline.throwIfAborted();
        // Whatever goes wrong here, the store had already said that it has the file.
        if (this.#resumes === RESUMES_MAX) throw unavailable(CONNECTION_LOST, error);
      }
      this.#resumes++;
      const opening = reopen(this.#at);
      opening.then((late) => this.#isOver && late.destroy()).catch(() => {});
      this.#stream = await inTime(opening, deadline);
      this.#pieces = piecesOf(this.#stream);
    }
  }

  #close(): void {
    this.#isOver = true;
    this.#forget();
    this.#stream.destroy();
  }
}

function piecesOf(stream: Readable): AsyncIterator<Buffer> {
  stream.on('error', () => {}); // also where nobody reads any longer
  return stream[Symbol.asyncIterator]();
}
