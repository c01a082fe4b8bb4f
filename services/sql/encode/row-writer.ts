/** Rows as a driver gives them (arrays of values) to JSON bytes, without objects in between. */
import { KIB } from '#common/bounds.ts';
import type { JsonKind } from '#common/schema/catalogue.ts';
import type { ResultColumn, Rows } from '../statement.ts';
import { ANSWER_BYTES_MAX, answerTooLarge } from './answer-size.ts';

/** Whole numbers that a double may not hold, and decimals, as bigint or as their digits. */
export type DriverValue = bigint | number | string | Buffer | null;

const COMMA = 0x2c;
const FIRST_BYTES = 1024;
/** One rare big answer must not make all later buffers big. */
const HINT_BYTES_MAX = 256 * KIB;
/** A UTF-16 unit takes three bytes of UTF-8 at most. */
const BYTES_PER_UNIT = 3;
/** A JSON number, as drivers give those that a double would not hold. */
const DIGITS = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const TRUE_WORDS = new Set(['1', 'true', 't', 'yes', 'y', 'on']);

/** How the columns of one statement are written: made once, used for each of its runs. */
export class RowFormat {
  readonly columns: readonly ResultColumn[];
  /** `{"id":`, `,"name":` … in front of each value; empty for hidden ones. */
  readonly prefixes: readonly string[];
  /** What the last result took: the first size of the next buffer. */
  sizeHint = FIRST_BYTES;

  constructor(columns: readonly ResultColumn[]) {
    this.columns = columns;
    let first = true;
    this.prefixes = columns.map((column) => {
      if (column.hidden) return '';
      const prefix = `${first ? '{' : ','}${JSON.stringify(column.name)}:`;
      first = false;
      return prefix;
    });
  }
}

export class RowWriter {
  readonly #format: RowFormat;
  readonly #ends: number[] = [];
  readonly #hidden: (string | null)[] = [];
  #out: Buffer;
  #at = 0;

  constructor(format: RowFormat) {
    this.#format = format;
    this.#out = Buffer.allocUnsafe(format.sizeHint);
  }

  get bytes(): number {
    return this.#at;
  }

  append(row: readonly DriverValue[]): void {
    const { columns, prefixes } = this.#format;
    let json = '';
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as ResultColumn;
      const value = row[i] ?? null;
      if (column.hidden) this.#hidden.push(hiddenText(value));
      else json += prefixes[i] + jsonText(value, column.json);
    }
    json += json === '' ? '{}' : '}';
    this.#room(json.length * BYTES_PER_UNIT + 1);
    if (this.#ends.length > 0) this.#out[this.#at++] = COMMA;
    this.#at += this.#out.write(json, this.#at);
    this.#ends.push(this.#at);
    if (this.#at > ANSWER_BYTES_MAX) throw answerTooLarge();
  }

  finish(affected: number): Rows {
    this.#format.sizeHint = Math.min(HINT_BYTES_MAX, Math.max(FIRST_BYTES, this.#at));
    return {
      count: this.#ends.length,
      json: this.#out.subarray(0, this.#at),
      ends: this.#ends,
      hidden: this.#hidden,
      affected,
    };
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#out.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#out.length * 2));
    this.#out.copy(grown, 0, 0, this.#at);
    this.#out = grown;
  }
}

/**
 * Any column may hold a value of any class, whatever its type says. What does not fit its column is written as what it
 * is: text in a number column as a string, a number in a date column as a number.
 */
export function jsonText(value: DriverValue, kind: JsonKind): string {
  if (value === null) return 'null';
  if (kind === 'boolean') return truth(value) ? 'true' : 'false';
  if (kind === 'bytes') return `"${base64(typeof value === 'object' ? value : Buffer.from(String(value)))}"`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === 'object') return `"${base64(value)}"`;
  return kind === 'number' && DIGITS.test(value) ? value : JSON.stringify(value);
}

function truth(value: NonNullable<DriverValue>): boolean {
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  return TRUE_WORDS.has(value.toString().trim().toLowerCase());
}

function hiddenText(value: DriverValue): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? base64(value) : String(value);
}

const base64 = (bytes: Buffer): string => bytes.toString('base64');
