/** Bodies on their way in, bounded twice: each alone, and all of them together. */
import type { Refusal } from './refusal.ts';

const TOO_LARGE: Refusal = { status: 413, message: 'The body is larger than this server takes.' };
const FULL: Refusal = { status: 503, message: 'The server holds as many bodies as it can.', retryAfterSeconds: 1 };

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

/** One body. Memory is counted as it arrives: what a client only announces costs nothing. */
export class Body {
  readonly #budget: BodyBudget;
  readonly #bytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(budget: BodyBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** What the client announced, before the first byte is read. */
  announce(contentLength: number | undefined): Refusal | undefined {
    return (contentLength ?? 0) > this.#bytesMax ? TOO_LARGE : undefined;
  }

  /** @param chunk  kept, so it must be the caller's to give */
  add(chunk: Uint8Array): Refusal | undefined {
    if (this.#length + chunk.length > this.#bytesMax) return TOO_LARGE;
    if (!this.#budget.take(chunk.length)) return FULL;
    this.#length += chunk.length;
    this.#chunks.push(chunk);
    return undefined;
  }

  /** The whole body. It stays counted until `release`. */
  bytes(): Uint8Array {
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    const whole = only ?? Buffer.concat(this.#chunks, this.#length);
    this.#chunks.length = 0;
    return whole;
  }

  /** Nobody needs the bytes any longer. */
  release(): void {
    this.#budget.give(this.#length);
    this.#length = 0;
    this.#chunks.length = 0;
  }
}
