/**
 * Chunked bodies, read strictly (RFC 9112 §7.1): a size in hexadecimal digits, a line end, so many bytes, a line end.
 * Extensions and trailers are refused: nobody needs them, and proxies disagree about where they end.
 */
import type { Refusal } from '../refusal.ts';

const MALFORMED: Refusal = { status: 400, message: 'The chunked body is malformed.' };
const SIZE = /^[0-9A-Fa-f]{1,8}$/;
/** Eight digits and a line end. */
const SIZE_LINE_BYTES_MAX = 10;
const CR = 0x0d;
const LF = 0x0a;

/** Takes the bytes of a body. */
export interface Sink {
  add(chunk: Uint8Array): Refusal | undefined;
}

export class ChunkedDecoder {
  readonly #body: Sink;
  /** Bytes of the current chunk still to come. */
  #left = 0;
  #expect: 'size' | 'data' | 'line end' | 'last line end' | 'nothing' = 'size';

  constructor(body: Sink) {
    this.#body = body;
  }

  /** True behind the last line end. */
  get done(): boolean {
    return this.#expect === 'nothing';
  }

  /**
   * Takes what it can from the front of `input`.
   *
   * @returns bytes taken, or why this is no body for us
   */
  read(input: Buffer): number | Refusal {
    let at = 0;
    while (at < input.length && !this.done) {
      const taken = this.#step(input, at);
      if (typeof taken !== 'number') return taken;
      if (taken === 0) break; // a line that is not whole yet
      at += taken;
    }
    return at;
  }

  #step(input: Buffer, at: number): number | Refusal {
    if (this.#expect === 'size') return this.#size(input, at);
    if (this.#expect === 'data') return this.#data(input.subarray(at, at + this.#left));
    if (input[at] !== CR) return MALFORMED;
    if (at + 1 === input.length) return 0;
    if (input[at + 1] !== LF) return MALFORMED;
    this.#expect = this.#expect === 'last line end' ? 'nothing' : 'size';
    return 2;
  }

  #size(input: Buffer, at: number): number | Refusal {
    const line = input.toString('latin1', at, Math.min(at + SIZE_LINE_BYTES_MAX, input.length));
    const end = line.indexOf('\r\n');
    if (end < 0) return line.length < SIZE_LINE_BYTES_MAX && /^[0-9A-Fa-f]{0,8}\r?$/.test(line) ? 0 : MALFORMED;
    const digits = line.slice(0, end);
    if (!SIZE.test(digits)) return MALFORMED;
    this.#left = Number.parseInt(digits, 16);
    this.#expect = this.#left === 0 ? 'last line end' : 'data';
    return end + 2;
  }

  #data(data: Buffer): number | Refusal {
    this.#left -= data.length;
    if (this.#left === 0) this.#expect = 'line end';
    return this.#body.add(data) ?? data.length;
  }
}
