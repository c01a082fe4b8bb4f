/** Streams of pieces between tiers: how much waits in our memory for a slow other side. */
import type { Readable, Writable } from 'node:stream';
import { FILE_PIECES_AHEAD } from '../bounds.ts';

/**
 * A stream of grpc-js reads sixteen messages ahead of whoever takes them, which is a megabyte of a file for each slow
 * reader, and has no option for it: it is told so where Node's streams keep it.
 */
export function readLittleAhead<T extends Readable>(stream: T): T {
  const { _readableState: state } = stream as unknown as { _readableState?: { highWaterMark: number } };
  if (state) state.highWaterMark = FILE_PIECES_AHEAD;
  return stream;
}

/** Writes messages, and waits where as many are under way as should be. */
export class PieceWriter<T> {
  readonly #stream: Writable;
  #underway = 0;
  #isOver = false;
  #wake = (): void => {};

  /** The stream's end, or that of the other side, ends the waits. */
  constructor(stream: Writable) {
    this.#stream = stream;
  }

  async write(message: T): Promise<void> {
    if (this.#isOver) return;
    this.#underway++;
    this.#stream.write(message, () => {
      this.#underway--;
      this.#wake();
    });
    while (this.#underway >= FILE_PIECES_AHEAD && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nobody takes anything any longer. */
  over(): void {
    this.#isOver = true;
    this.#wake();
  }
}
