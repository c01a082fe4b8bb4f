/** The body of a request as pieces, whether it is here or on its way; the client is held back by whoever takes them. */
import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import type { Request } from '../http/request.ts';
import type { Taker, Upload } from '../http/upload.ts';

/** Waiting pieces: one that is full, and what the door had in its hands. */
const WAITING_BYTES_MAX = FILE_PIECE_BYTES;

/** Can be gone through once. @throws MillraceError while it is: why no more came */
export function bodyOf({ upload, body }: Request): AsyncIterableIterator<Uint8Array> {
  return upload ? new UploadedBody(upload) : piecesOf(body);
}

/** Bytes, where they are known before the last has come. */
export function sizeOf(http: Request): bigint | undefined {
  if (!http.upload) return BigInt(http.body.length);
  const length = http.header('content-length');
  return length !== undefined && /^\d{1,18}$/.test(length) ? BigInt(length) : undefined;
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += FILE_PIECE_BYTES) yield bytes.subarray(at, at + FILE_PIECE_BYTES);
}

class UploadedBody implements Taker, AsyncIterableIterator<Uint8Array> {
  readonly #upload: Upload;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #failure: Error | undefined;
  #isOver = false;
  #isLeft = false;
  #wake = (): void => {};
  #isTaken = false;

  constructor(upload: Upload) {
    this.#upload = upload;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      this.#upload.receive(this);
    }
    while (this.#bytes === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    if (this.#bytes === 0) return { done: true, value: undefined };
    return { done: false, value: this.#take() };
  }

  /** Nobody wants any more: what still comes is read and forgotten. */
  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#isLeft = true;
    this.#isOver = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.#upload.resume();
    this.#wake();
    return { done: true, value: undefined };
  }

  push(chunk: Uint8Array): void {
    if (this.#isLeft) return;
    this.#waiting.push(Buffer.from(chunk)); // it lies in a buffer of the door
    this.#bytes += chunk.length;
    if (this.#bytes >= WAITING_BYTES_MAX) this.#upload.pause();
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  fail(reason: Error): void {
    if (this.#isLeft) return;
    this.#failure = reason;
    this.end();
  }

  /** Small ones together: a client that sends a byte at a time makes no message of each. */
  #take(): Uint8Array {
    let count = 0;
    let bytes = 0;
    for (const chunk of this.#waiting) {
      if (count > 0 && bytes + chunk.length > FILE_PIECE_BYTES) break;
      bytes += chunk.length;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    this.#bytes -= bytes;
    if (this.#bytes < WAITING_BYTES_MAX) this.#upload.resume();
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken, bytes);
  }
}
