/** The few forms of protobuf's wire format that the codecs by hand need, on one buffer that is used again and again. */

import { KIB, MIB } from '../bounds.ts';

const INITIAL_BYTES = 64 * KIB;
/** Room that one huge message needed is given back. */
const KEPT_BYTES = 4 * MIB;
/** Nested messages are written before their length is known: this much room is left for it. */
const LENGTH_BYTES = 4;

/** Wire types: what a field is written as. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
/** Field number and wire type as they stand in front of a field. */
export const tag = (field: number, type: number): number => (field << 3) | type;

export class ByteWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #at = 0;

  reset(): void {
    this.#at = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  }

  /** What was written, in memory of its own. */
  copy(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#at);
    this.#buffer.copy(bytes, 0, 0, this.#at);
    return bytes;
  }

  varint(value: number): void {
    this.#room(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  /** An unsigned number of up to 32 bits; left out where it is 0, as proto3 has it. */
  uintField(key: number, value: number): void {
    if (value === 0) return;
    this.varint(key);
    this.varint(value);
  }

  /** An unsigned number of up to 64 bits. */
  uint64Field(key: number, value: bigint): void {
    if (value === 0n) return;
    this.varint(key);
    this.#room(10);
    let rest = value;
    while (rest > 0x7fn) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#at++] = Number(rest);
  }

  fixed64Field(key: number, value: bigint): void {
    if (value === 0n) return;
    this.varint(key);
    this.#room(8);
    this.#at = this.#buffer.writeBigUInt64LE(value, this.#at);
  }

  bytesField(key: number, bytes: Uint8Array): void {
    this.varint(key);
    this.varint(bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  stringField(key: number, text: string): void {
    this.varint(key);
    // Short ASCII is the rule: its length is known beforehand, and a loop is faster than a call out of the engine.
    if (text.length < 64 && this.#ascii(text)) return;
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.#room(length);
    this.#at += this.#buffer.write(text, this.#at);
  }

  /** @returns what endNested wants to know */
  beginNested(key: number): number {
    this.varint(key);
    this.#room(LENGTH_BYTES);
    const start = this.#at;
    this.#at += 1; // most are short: one byte of length
    return start;
  }

  endNested(start: number): void {
    const length = this.#at - start - 1;
    if (length < 0x80) {
      this.#buffer[start] = length;
      return;
    }
    const more = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.#room(more);
    this.#buffer.copyWithin(start + 1 + more, start + 1, this.#at);
    this.#at += more;
    let rest = length;
    for (let i = 0; i < more; i++) {
      this.#buffer[start + i] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[start + more] = rest;
  }

  #ascii(text: string): boolean {
    this.#room(text.length + 1);
    const start = this.#at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#buffer[start + 1 + i] = code;
    }
    this.#buffer[start] = text.length;
    this.#at = start + 1 + text.length;
    return true;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Up to 32 bits; of a longer one the low bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('The message ends within a number.');
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('A number of the message is too long.');
  }

  varint64(): bigint {
    let low = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('The message ends within a number.');
      low += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return BigInt(low);
    }
    // What is beyond 49 bits; the rest of a number that is too long is refused there.
    return BigInt(low) + (BigInt(this.varint()) << 49n);
  }

  fixed64(): bigint {
    const end = this.#at + 8;
    if (end > this.#bytes.length) throw new RangeError('The message ends within a number.');
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8);
    this.#at = end;
    return view.getBigUint64(0, true);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('The message ends within a field.');
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  string(): string {
    const bytes = this.bytes();
    if (bytes.length < 24) {
      let text = '';
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i] as number;
        if (byte > 0x7f) return decode(bytes);
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return decode(bytes);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#at += 4;
    else if (wireType === 1) this.#at += 8;
    else throw new RangeError('A field of the message cannot be skipped.');
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
