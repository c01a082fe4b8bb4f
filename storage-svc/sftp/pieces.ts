/** A file in pieces, some of which are asked for before they are wanted: the way to the server may be long. */
import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import { CUT_SHORT, unavailable } from '../failures.ts';
import type { Span } from '../remote/client.ts';

/** Each reader has so many pieces in memory at most, also a slow one. */
const AHEAD = 4;

/** @returns fewer bytes than that where the server gives fewer, none behind the end */
export type ReadAt = (at: number, length: number) => Promise<Buffer>;

export class Pieces implements AsyncIterator<Uint8Array> {
  readonly #readAt: ReadAt;
  readonly #close: () => Promise<void>;
  readonly #to: number;
  readonly #ahead: Promise<Buffer>[] = [];
  #at: number;
  #closing: Promise<void> | undefined;

  constructor({ from, to }: Span, readAt: ReadAt, close: () => Promise<void>) {
    this.#at = from;
    this.#to = to;
    this.#readAt = readAt;
    this.#close = close;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const wanted = this.#closing ? 0 : AHEAD;
    while (this.#ahead.length < wanted && this.#at < this.#to) {
      const length = Math.min(FILE_PIECE_BYTES, this.#to - this.#at);
      const reading = this.#whole(this.#at, length);
      reading.catch(() => {}); // met where it is awaited
      this.#ahead.push(reading);
      this.#at += length;
    }
    const piece = await this.#ahead.shift();
    return piece ? { done: false, value: piece } : this.return();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#closing ??= Promise.allSettled(this.#ahead.splice(0)).then(this.#close);
    await this.#closing;
    return { done: true, value: undefined };
  }

  async #whole(at: number, length: number): Promise<Buffer> {
    const first = await this.#readAt(at, length);
    if (first.length === 0) throw unavailable(CUT_SHORT);
    if (first.length === length) return first;
    return Buffer.concat([first, await this.#whole(at + first.length, length - first.length)]);
  }
}
