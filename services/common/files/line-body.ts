/** A content that comes by a line of its own (content-line.ts), piece by piece. */
import { connect, type Socket } from 'node:net';
import { FILE_LINE_PIECE_BYTES } from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { socketAddress } from './content-line.ts';
import { PieceReader } from './piece-reader.ts';

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

/** A piece is good until the next one is asked for. */
export class LineBody implements AsyncIterableIterator<Uint8Array> {
  readonly #socket: Socket;
  readonly #reader = new PieceReader(FILE_LINE_PIECE_BYTES);
  readonly #call: LineCall;
  readonly #deadline: Deadline;
  readonly #forget: () => void;
  #left: number;

  constructor({ address, ticket, length }: LineAddress, call: LineCall, deadline: Deadline) {
    this.#left = length;
    this.#call = call;
    this.#socket = connect({ ...socketAddress(address), onread: this.#reader.onread });
    this.#reader.attach(this.#socket);
    this.#socket.write(ticket);
    this.#deadline = deadline;
    this.#forget = deadline.onAbort(() => this.#socket.destroy());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws MillraceError the reason of the deadline, or what the other side says of an end before the end */
  async next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#left > 0 ? await this.#reader.next() : undefined;
    if (this.#deadline.reason && this.#left > 0) {
      await this.return();
      throw this.#deadline.reason;
    }
    if (piece) {
      this.#left -= piece.length;
      return { done: false, value: piece };
    }
    if (this.#left <= 0) return this.return();
    await this.#call.failed().finally(() => this.return());
    throw new MillraceError('unavailable', 'The content of the file ended before its end.');
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#left = 0;
    this.#forget();
    this.#socket.destroy();
    await this.#call.leave();
    return { done: true, value: undefined };
  }
}
