/** Bodies on their way in, bounded twice: each alone, and all of them together. */
import type { Refusal } from './refusal.ts';

const TOO_LARGE: Refusal = { status: 413, message: 'The body is larger than this server takes.' };
const FULL: Refusal = { status: 503, message: 'The server holds as many bodies as it can.', retryAfterSeconds: 1 };
const EMPTY = new Uint8Array(0);

/** Bytes of bodies held at this moment, over all connections. */
export class BodyBudget {
  readonly #bytesMax: number;
  #held = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get held(): number {
    return this.#held;
  }

  take(bytes: number): boolean {
    if (this.#held + bytes > this.#bytesMax) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/**
 * One body. Memory is counted as it arrives: what a client only announces costs nothing. A body that comes in many
 * pieces is gathered in a buffer that doubles, so that a million tiny ones take no more room than their bytes.
 */
export class Body {
  readonly #budget: BodyBudget;
  readonly #bytesMax: number;
  #announced: number | undefined;
  #buffer: Uint8Array = EMPTY;
  #length = 0;

  constructor(budget: BodyBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** What the client announced, before the first byte is read. */
  announce(contentLength: number | undefined): Refusal | undefined {
    this.#announced = contentLength;
    return (contentLength ?? 0) > this.#bytesMax ? TOO_LARGE : undefined;
  }

  /** @param chunk  copied: it lies in a buffer of the door */
  add(chunk: Uint8Array): Refusal | undefined {
    const length = this.#length + chunk.length;
    if (length > this.#bytesMax) return TOO_LARGE;
    if (!this.#budget.take(chunk.length)) return FULL;
    if (this.#length === 0) this.#buffer = Buffer.from(chunk);
    else this.#append(chunk, length);
    this.#length = length;
    return undefined;
  }

  /** The whole body. It stays counted until `release`. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Nobody needs the bytes any longer. */
  release(): void {
    this.#budget.give(this.#length);
    this.#length = 0;
    this.#buffer = EMPTY;
  }

  #append(chunk: Uint8Array, length: number): void {
    if (length > this.#buffer.length) {
      const room = Math.min(2 * length, this.#announced ?? this.#bytesMax);
      const larger = new Uint8Array(room);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
  }
}
