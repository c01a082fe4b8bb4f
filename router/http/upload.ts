/** A body that is handed over as it arrives, however long it is; its taker may hold the client back. */
import { MillraceError } from '#common/errors.ts';
import { SLOW } from './door.ts';
import type { Refusal } from './refusal.ts';

/** Bytes that wait for a taker before the client is held back. */
const WAITING_BYTES_MAX = 64 * 1024;

/** Holds the client back, and lets it go on. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/** Who takes a body. */
export interface Taker {
  /** @param chunk  may be written to; lies in a buffer of the door, which uses it again afterwards */
  push(chunk: Uint8Array): void;
  /** That was all. */
  end(): void;
  /** No more will come. */
  fail(reason: Error): void;
}

/** The client sends nothing any more, though it could. */
export const tooSlow = (): MillraceError => new MillraceError('deadline', SLOW.message);

export class Upload {
  readonly #flow: Flow;
  #taker: Taker | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #end: 'not yet' | 'here' | Error = 'not yet';

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** The client is held back: whoever watches its pace should wait as well. */
  get paused(): boolean {
    return this.#paused;
  }

  add(chunk: Uint8Array): Refusal | undefined {
    if (this.#taker) this.#taker.push(chunk);
    else {
      this.#waiting.push(Buffer.from(chunk));
      this.#bytes += chunk.length;
      if (this.#bytes > WAITING_BYTES_MAX) this.pause();
    }
    return undefined;
  }

  end(): void {
    this.#end = 'here';
    this.#taker?.end();
  }

  fail(reason: Error): void {
    if (this.#end !== 'not yet') return;
    this.#end = reason;
    this.#taker?.fail(reason);
  }

  /** All of it, what waits at once. */
  receive(taker: Taker): void {
    this.#taker = taker;
    this.resume();
    for (const chunk of this.#waiting.splice(0)) taker.push(chunk);
    if (this.#end === 'here') taker.end();
    else if (this.#end !== 'not yet') taker.fail(this.#end);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#flow.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow.resume();
  }
}
