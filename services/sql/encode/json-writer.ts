/**
 * Rows to JSON without objects: column values are copied as bytes into one growing buffer. A row costs its bytes and
 * little else, which is what a list of a thousand rows spends its time on.
 */
import type { ResultColumn, Rows } from '../statement.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const HEX = Buffer.from('0123456789abcdef');
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** Short escapes of JSON by byte; 0: none. */
const SHORT_ESCAPE = new Uint8Array(128);
SHORT_ESCAPE[QUOTE] = QUOTE;
SHORT_ESCAPE[BACKSLASH] = BACKSLASH;
SHORT_ESCAPE[0x08] = 0x62;
SHORT_ESCAPE[0x09] = 0x74;
SHORT_ESCAPE[0x0a] = 0x6e;
SHORT_ESCAPE[0x0c] = 0x66;
SHORT_ESCAPE[0x0d] = 0x72;

/** How the columns of one result are written: made once for a statement, used for each of its runs. */
export class RowFormat {
  readonly columns: readonly ResultColumn[];
  /** `{"id":`, `,"name":` … in front of each value. */
  readonly prefixes: readonly Uint8Array[];
  /** Bytes that a row needs beside its values. */
  readonly overhead: number;
  /** What the last result took: the first size of the next buffer. */
  sizeHint = 1024;
  /** Every column is handed over as text, however many there are. */
  readonly allHidden: boolean;

  constructor(columns: readonly ResultColumn[], allHidden = false) {
    this.columns = columns;
    this.allHidden = allHidden;
    let first = true;
    this.prefixes = columns.map((column) => {
      if (column.hidden) return Buffer.alloc(0);
      const prefix = Buffer.from(`${first ? '{' : ','}${JSON.stringify(column.name)}:`);
      first = false;
      return prefix;
    });
    // A value may add two quotes, or be `false`/`null` where the database sent fewer bytes.
    this.overhead = this.prefixes.reduce((sum, prefix) => sum + prefix.length + 8, 4);
  }
}

export class JsonWriter {
  readonly #format: RowFormat;
  readonly #ends: number[] = [];
  readonly #hidden: (string | null)[] = [];
  #out: Buffer;
  #at = 0;
  #empty = true;

  constructor(format: RowFormat) {
    this.#format = format;
    this.#out = Buffer.allocUnsafe(format.sizeHint);
  }

  get count(): number {
    return this.#ends.length;
  }

  get bytes(): number {
    return this.#at;
  }

  /**
   * Appends one row whose values are text in wire order: int32 length (-1: NULL), then the bytes.
   * @param at     where the first length stands
   * @param bytes  how long the row is, for the room it may need
   */
  appendRow(source: Buffer, at: number, bytes: number): void {
    const { columns, prefixes, overhead } = this.#format;
    this.#room(bytes + overhead);
    if (this.#ends.length > 0) this.#out[this.#at++] = COMMA;
    this.#empty = true;
    let position = at;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as ResultColumn;
      const length = source.readInt32BE(position);
      const start = position + 4;
      const end = length < 0 ? start : start + length;
      position = end;
      if (column.hidden) {
        this.#hidden.push(length < 0 ? null : source.toString('utf8', start, end));
        continue;
      }
      this.#copy(prefixes[i] as Uint8Array);
      this.#empty = false;
      if (length < 0) this.#copy(NULL);
      else this.#value(column, source, start, end);
    }
    if (this.#empty) this.#out[this.#at++] = 0x7b;
    this.#out[this.#at++] = 0x7d;
    this.#ends.push(this.#at);
  }

  /** The same for a format whose columns are all hidden: `count` values stand in the row. */
  appendHidden(source: Buffer, at: number, count: number): void {
    let position = at;
    for (let i = 0; i < count; i++) {
      const length = source.readInt32BE(position);
      position += 4;
      this.#hidden.push(length < 0 ? null : source.toString('utf8', position, position + length));
      position += Math.max(0, length);
    }
    this.#ends.push(this.#at);
  }

  finish(affected: number): Rows {
    const size = this.#at;
    // A little above the last size, never so much that a rare big answer makes all others waste memory.
    this.#format.sizeHint = Math.min(256 * 1024, Math.max(256, size + (size >> 3)));
    return {
      count: this.#ends.length,
      json: this.#out.subarray(0, size),
      ends: this.#ends,
      hidden: this.#hidden,
      affected,
    };
  }

  #value(column: ResultColumn, source: Buffer, start: number, end: number): void {
    switch (column.json) {
      case 'number':
        return this.#number(source, start, end);
      case 'boolean':
        return this.#copy(source[start] === 0x74 ? TRUE : FALSE);
      case 'bytes':
        return this.#base64(source, start, end);
      default:
        return this.#string(source, start, end);
    }
  }

  /** The digits as they are; what is no JSON number (NaN, Infinity, a column that became a text) is written as text. */
  #number(source: Buffer, start: number, end: number): void {
    if (numberEnd(source, start, end) !== end) return this.#string(source, start, end);
    const out = this.#out;
    let at = this.#at;
    for (let i = start; i < end; i++) out[at++] = source[i] as number;
    this.#at = at;
  }

  #string(source: Buffer, start: number, end: number): void {
    const out = this.#out;
    let at = this.#at;
    out[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = source[i] as number;
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
        this.#at = at;
        return this.#escaped(source, i, end);
      }
      out[at++] = byte;
    }
    out[at++] = QUOTE;
    this.#at = at;
  }

  /** The rest of a string from its first byte that needs an escape. */
  #escaped(source: Buffer, start: number, end: number): void {
    let added = 0;
    for (let i = start; i < end; i++) {
      const byte = source[i] as number;
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) added += SHORT_ESCAPE[byte] === 0 ? 5 : 1;
    }
    this.#room(end - start + added + this.#format.overhead + (source.length - end));
    const out = this.#out;
    let at = this.#at;
    for (let i = start; i < end; i++) {
      const byte = source[i] as number;
      const short = byte < 128 ? (SHORT_ESCAPE[byte] as number) : 0;
      if (short !== 0) {
        out[at++] = BACKSLASH;
        out[at++] = short;
      } else if (byte < 0x20) {
        at += out.write('\\u00', at, 'latin1');
        out[at++] = HEX[byte >> 4] as number;
        out[at++] = HEX[byte & 15] as number;
      } else out[at++] = byte;
    }
    out[at++] = QUOTE;
    this.#at = at;
  }

  /** bytea arrives as \x and hex digits. */
  #base64(source: Buffer, start: number, end: number): void {
    const out = this.#out;
    let at = this.#at;
    out[at++] = QUOTE;
    for (let i = start + 2; i < end; i += 6) {
      const a = byteAt(source, i);
      const b = i + 2 < end ? byteAt(source, i + 2) : -1;
      const c = i + 4 < end ? byteAt(source, i + 4) : -1;
      out[at++] = BASE64[a >> 2] as number;
      out[at++] = BASE64[((a & 3) << 4) | (b < 0 ? 0 : b >> 4)] as number;
      out[at++] = b < 0 ? 0x3d : (BASE64[((b & 15) << 2) | (c < 0 ? 0 : c >> 6)] as number);
      out[at++] = c < 0 ? 0x3d : (BASE64[c & 63] as number);
    }
    out[at++] = QUOTE;
    this.#at = at;
  }

  #copy(bytes: Uint8Array): void {
    const out = this.#out;
    let at = this.#at;
    for (let i = 0; i < bytes.length; i++) out[at++] = bytes[i] as number;
    this.#at = at;
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#out.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#out.length * 2));
    this.#out.copy(grown, 0, 0, this.#at);
    this.#out = grown;
  }
}

const MINUS = 0x2d;
const DOT = 0x2e;

/** Where the JSON number that begins at `start` ends; `start` where there is none. */
function numberEnd(source: Buffer, start: number, end: number): number {
  const first = source[start] === MINUS ? start + 1 : start;
  let at = digitsEnd(source, first, end);
  if (at === first || (source[first] === 0x30 && at > first + 1)) return start;
  if (at < end && source[at] === DOT) {
    const fraction = at + 1;
    at = digitsEnd(source, fraction, end);
    if (at === fraction) return start;
  }
  // e and E differ in one bit.
  if (at < end && ((source[at] as number) | 0x20) === 0x65) {
    const sign = source[at + 1];
    const exponent = sign === MINUS || sign === 0x2b ? at + 2 : at + 1;
    at = digitsEnd(source, exponent, end);
    if (at === exponent) return start;
  }
  return at;
}

function digitsEnd(source: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (source[at] as number) >= 0x30 && (source[at] as number) <= 0x39) at++;
  return at;
}

function byteAt(source: Buffer, at: number): number {
  return (hexDigit(source[at] as number) << 4) | hexDigit(source[at + 1] as number);
}

function hexDigit(byte: number): number {
  return byte < 0x3a ? byte - 0x30 : byte - 0x57;
}
