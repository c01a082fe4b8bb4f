/**
 * What comes from a socket, into two buffers in turn: Node makes 64 KiB for each read, and collecting them costs more than
 * copying what is in them. The `onread` of a socket is its way out.
 */
import { Socket } from 'node:net';

/** A piece is good until the next one is asked for. */
export class PieceReader {
  /** For the options of the socket. */
  readonly onread = {
    buffer: (): Buffer => this.#buffers[this.#turn++ % 2] as Buffer,
    callback: (bytes: number, buffer: Uint8Array): boolean => this.#came(buffer.subarray(0, bytes)),
  };
  #buffers: readonly [Buffer, Buffer];
  #turn = 0;
  #socket: Socket | undefined;
  #ready: Uint8Array | undefined;
  #wake: ((piece: Uint8Array | undefined) => void) | undefined;
  #hasEnded = false;
  #isGone = false;

  /** @param bytes  of a piece, at most */
  constructor(bytes: number) {
    this.#buffers = buffersOf(bytes);
  }

  /** Who takes what comes: the socket that was made with these options. */
  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#gone();
    });
    socket.on('error', () => this.#gone());
    socket.on('close', () => this.#gone());
  }

  /** The other side has said that this was all. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Pieces after the next two are as large. */
  grow(bytes: number): void {
    this.#buffers = buffersOf(bytes);
  }

  /** undefined: nothing more comes. One at a time. */
  next(): Promise<Uint8Array | undefined> {
    const ready = this.#ready;
    if (ready) {
      this.#ready = undefined;
      // The other buffer is free from now on.
      this.#socket?.resume();
      return Promise.resolve(ready);
    }
    if (this.#isGone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** @returns false: no more for now */
  #came(piece: Uint8Array): boolean {
    const wake = this.#wake;
    if (wake) {
      this.#wake = undefined;
      wake(piece);
      return true;
    }
    this.#ready = piece;
    return false;
  }

  #gone(): void {
    this.#isGone = true;
    this.#wake?.(undefined);
    this.#wake = undefined;
  }
}

/** The same for a socket that a server has accepted with `pauseOnConnect`: those know no `onread`, but what they hold does. */
export function readAccepted(accepted: Socket, reader: PieceReader): Socket {
  const holder = accepted as unknown as { _handle?: object | null };
  const handle = holder._handle;
  holder._handle = null;
  accepted.destroy(); // the server forgets it; the connection lives on
  const options: object = { handle, onread: reader.onread };
  const socket = new Socket(options);
  reader.attach(socket);
  return socket;
}

const buffersOf = (bytes: number): [Buffer, Buffer] => [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(bytes)];
