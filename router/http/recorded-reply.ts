/** Takes an answer for somebody who wants to look at it before it leaves. */
import { MillraceError } from '#common/errors.ts';
import type { BodyStream, Headers, Responder } from './reply.ts';

export interface Recorded {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export class RecordedReply implements Responder {
  readonly #bytesMax: number;
  readonly #tooLarge: string;
  #answer: { status: number; headers: Headers; parts: Uint8Array[] } | undefined;
  #bytes = 0;
  #overflow: string | undefined;

  /** @param tooLarge  what is said of an answer that comes in pieces and has more bytes than this */
  constructor(bytesMax: number, tooLarge: string) {
    this.#bytesMax = bytesMax;
    this.#tooLarge = tooLarge;
  }

  get answer(): Recorded {
    const { status = 500, headers = [], parts = [] } = this.#answer ?? {};
    return { status, headers, body: parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts) };
  }

  /** What is said of an answer that was too large, which is not kept. */
  get overflow(): string | undefined {
    return this.#overflow;
  }

  get aborted(): boolean {
    return false;
  }

  onAborted(_listener: () => void): void {}

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#answer = { status, headers, parts: [typeof body === 'string' ? Buffer.from(body) : body] };
  }

  stream(status: number, headers: Headers, _contentLength?: number): BodyStream {
    const parts: Uint8Array[] = [];
    this.#answer = { status, headers, parts };
    return {
      write: async (chunk) => {
        this.#bytes += chunk.length;
        if (this.#bytes > this.#bytesMax) {
          this.#overflow = this.#tooLarge;
          throw new MillraceError('limited', this.#tooLarge);
        }
        parts.push(Buffer.from(chunk));
      },
      end: () => {},
      fail: () => {
        this.#answer = { status: 500, headers: [], parts: [] };
      },
    };
  }
}
