/** A content that comes by a line of its own (content-line.ts), piece by piece, all of them in the same memory. */
import { connect, type Socket } from 'node:net';
import { FILE_LINE_PIECE_BYTES } from '../bounds.ts';
import { MillraceError } from '../errors.ts';
import { socketAddress } from './content-line.ts';

export interface LineAddress {
  readonly address: string;
  readonly ticket: string;
  readonly length: number;
}

/** By which the content was asked for. */
export interface LineCall {
  /** Waits for its end. @throws MillraceError why there is no more */
  failed(): Promise<void>;
  leave(): Promise<unknown>;
}

/** A piece is good until the next one is asked for. Nothing is read before somebody asks. */
export class LineBody implements AsyncIterableIterator<Uint8Array> {
  readonly #socket: Socket;
  readonly #call: LineCall;
  #left: number;
  #piece: Uint8Array | undefined;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor({ address, ticket, length }: LineAddress, call: LineCall) {
    this.#left = length;
    this.#call = call;
    const buffer = Buffer.allocUnsafeSlow(FILE_LINE_PIECE_BYTES);
    const callback = (bytes: number): boolean => {
      this.#piece = buffer.subarray(0, bytes);
      this.#wake?.();
      // Until the next is asked for.
      return false;
    };
    this.#socket = connect({ ...socketAddress(address), onread: { buffer, callback } });
    const over = (): void => {
      this.#isOver = true;
      this.#wake?.();
    };
    this.#socket.on('end', over);
    this.#socket.on('close', over);
    this.#socket.on('error', over);
    this.#socket.write(ticket);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws MillraceError what the other side says of an end before the end */
  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#left === 0) return this.return();
    if (!this.#piece && !this.#isOver) {
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const piece = this.#piece;
    if (!piece) {
      await this.#call.failed().finally(() => this.return());
      throw new MillraceError('unavailable', 'The content of the file ended before its end.');
    }
    this.#piece = undefined;
    this.#left -= piece.length;
    return { done: false, value: piece };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isOver = true;
    this.#socket.destroy();
    this.#left = 0;
    await this.#call.leave();
    return { done: true, value: undefined };
  }
}
