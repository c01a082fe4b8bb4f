/** A JSON list of records, or one in a `resource` member: cut at its commas; what is in a record is read later. */
import { invalid, type MillraceError } from '#common/errors.ts';
import { asBuffer } from '#common/json.ts';
import type { Gathered } from './gathered.ts';
import type { Splitter } from './pieces.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LINE_END = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** In front of the list: a byte order mark as its bytes, the wrapper. */
const BEGINNING = /^(?:\xef\xbb\xbf)?\s*(\{\s*"resource"\s*:\s*)?\[$/;
/** More than any of that may be; no body of options can hide there. */
const AROUND_BYTES_MAX = 1000;

export class JsonSplitter implements Splitter {
  #place: 'before' | 'list' | 'behind' = 'before';
  /** What stands around the list. */
  #around = '';
  #isWrapped = false;
  #line = 1;
  /** Of the record that is being cut; 0: none has begun. */
  #recordLine = 0;
  #isFirst = true;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  push(chunk: Uint8Array, records: Gathered): void {
    const bytes = asBuffer(chunk); // line ends inside of records are written over
    for (let at = 0; at < bytes.length; )
      at = this.#place === 'list' ? this.#record(bytes, at, records) : this.#other(bytes, at);
  }

  end(): void {
    if (this.#place !== 'behind') throw this.#malformed('the list never ends');
    if (this.#around.trim() !== (this.#isWrapped ? '}' : '')) throw this.#malformed('expected the end');
  }

  /** Up to the list, or behind it. @returns where to go on */
  #other(bytes: Buffer, start: number): number {
    const bracket = this.#place === 'before' ? bytes.indexOf(OPEN_BRACKET, start) : -1;
    const end = bracket < 0 ? bytes.length : bracket + 1;
    const text = bytes.toString('latin1', start, end);
    this.#around += text;
    if (this.#around.length > AROUND_BYTES_MAX) throw this.#malformed('expected nothing but the list of records');
    for (const character of text) if (character === '\n') this.#line++;
    if (bracket >= 0) {
      const beginning = BEGINNING.exec(this.#around);
      if (!beginning) throw this.#malformed('expected a list of records, or one in "resource" and nothing beside it');
      this.#isWrapped = beginning[1] !== undefined;
      this.#around = '';
      this.#place = 'list';
    }
    return end;
  }

  /** Up to the comma or the bracket behind a record. @returns where to go on */
  #record(bytes: Buffer, start: number, records: Gathered): number {
    let at = start;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#inString = false;
        if (byte === LINE_END) {
          // A record stays a line, and this one no JSON.
          this.#line++;
          bytes[at] = CARRIAGE_RETURN;
        }
        continue;
      }
      if (byte <= SPACE) {
        if (byte === LINE_END) this.#line++;
        bytes[at] = SPACE;
        continue;
      }
      if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_BRACKET)) break;
      if (this.#recordLine === 0) this.#recordLine = this.#line;
      // '[' and '{', ']' and '}' differ in this one bit.
      const folded = byte | 0x20;
      if (byte === QUOTE) this.#inString = true;
      else if (folded === 0x7b) this.#depth++;
      else if (folded === 0x7d) this.#depth--;
    }
    if (this.#recordLine > 0) records.append(bytes.subarray(start, at), this.#recordLine);
    if (at === bytes.length) return at;
    this.#close(bytes[at] === CLOSE_BRACKET, records);
    return at + 1;
  }

  #close(isLast: boolean, records: Gathered): void {
    const isEmpty = this.#recordLine === 0;
    if (isEmpty && !(isLast && this.#isFirst)) throw this.#malformed('expected a record');
    if (!isEmpty) records.close(this.#recordLine);
    this.#isFirst = false;
    this.#recordLine = 0;
    if (isLast) this.#place = 'behind';
  }

  #malformed(reason: string): MillraceError {
    return invalid(`Malformed JSON in line ${this.#line}: ${reason}.`, { line: this.#line });
  }
}
