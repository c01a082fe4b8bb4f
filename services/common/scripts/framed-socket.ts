/**
 * Batches over a socket of this machine: a frame is its length (4 bytes, little endian), its kind (1 byte) and its
 * content. gRPC's streams cost each run ten times what these do, and a call with scripts travels four times.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { GRPC_MESSAGE_BYTES_MAX, KIB } from '../bounds.ts';

export const Frame = { HELLO: 1, TAKEN: 2, BATCH: 3, BYE: 4 } as const;
export type FrameKind = (typeof Frame)[keyof typeof Frame];

const HEAD_BYTES = 5;
/** Smaller ones are copied behind their head: one write is cheaper than two. */
const JOINED_BYTES_MAX = 64 * KIB;
const NOTHING = new Uint8Array();

interface Events {
  frame: [kind: number, content: Uint8Array];
  /** There is room again. */
  drain: [];
  /** The other side is gone; said once. */
  gone: [cause: Error];
}

export class FramedSocket extends EventEmitter<Events> {
  readonly #socket: Socket;
  #rest: Buffer | undefined;
  #isGone = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('drain', () => this.emit('drain'));
    socket.on('error', (error) => this.#gone(error));
    socket.on('close', () => this.#gone(new Error('The other side has closed the socket.')));
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** @returns false: wait for `drain` before more */
  write(kind: FrameKind, content: Uint8Array = NOTHING): boolean {
    if (this.#isGone) return true;
    const head = Buffer.allocUnsafe(HEAD_BYTES + (content.length < JOINED_BYTES_MAX ? content.length : 0));
    head.writeUInt32LE(content.length, 0);
    head[4] = kind;
    if (content.length < JOINED_BYTES_MAX) {
      head.set(content, HEAD_BYTES);
      return this.#socket.write(head);
    }
    this.#socket.write(head);
    return this.#socket.write(content);
  }

  /** Closes when all is written. */
  end(): void {
    this.#socket.end();
  }

  /** Closes at once; nothing is said of it. */
  destroy(): void {
    this.#isGone = true;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    try {
      this.#take(bytes);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** @throws Error for what is no frame, and for content that its listener cannot read */
  #take(bytes: Buffer): void {
    const all = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    let at = 0;
    while (all.length - at >= HEAD_BYTES && !this.#isGone) {
      const length = all.readUInt32LE(at);
      if (length > GRPC_MESSAGE_BYTES_MAX) throw new Error('A frame is too large.');
      if (all.length - at - HEAD_BYTES < length) break;
      const end = at + HEAD_BYTES + length;
      this.emit('frame', all[at + 4] as number, all.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    this.#rest = at < all.length ? all.subarray(at) : undefined;
  }

  #fail(cause: Error): void {
    this.#gone(cause);
    this.#socket.destroy();
  }

  #gone(cause: Error): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.emit('gone', cause);
  }
}
