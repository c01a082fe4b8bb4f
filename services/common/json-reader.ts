/**
 * The careful JSON reader: slower than `JSON.parse`, but it names the place and the reason of a mistake, and keeps the
 * digits of numbers that a double would change. `json.ts` decides when it is needed.
 */
import { invalid, type MillraceError } from './errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A number whose digits a double cannot hold: 9007199254740993, 0.10000000000000000001, 1e400. */
export class JsonNumber {
  /** As it was written: a valid JSON number. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** `JSON.stringify` knows no way to write bare digits: it gets a string, `stringifyJson` writes the number. */
  toJSON(): string {
    return this.text;
  }

  toString(): string {
    return this.text;
  }
}

/** @param at offset of the mistake in the text; people count from 1 */
export const malformedJson = (at: number, reason: string): MillraceError =>
  invalid(`Malformed JSON at character ${at + 1}: ${reason}.`);

/**
 * Reads one JSON document.
 *
 * @param text its nesting is bounded by the caller
 * @throws invalid, with the position and what was expected there
 */
export function readJson(text: string): unknown {
  return new JsonReader(text).document();
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    this.#take(SPACE);
    const value = this.#value();
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#fail('expected the end');
    return value;
  }

  #value(): unknown {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
    }
    const literal = this.#take(LITERAL);
    if (literal) return literal === 'null' ? null : literal === 'true';
    const number = this.#take(NUMBER);
    if (number) return isHeldByDouble(number) ? Number(number) : new JsonNumber(number);
    return this.#fail('expected a value');
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at++;
    this.#take(SPACE);
    if (this.#skip('}')) return object;
    do {
      this.#take(SPACE);
      if (this.#text[this.#at] !== '"') this.#fail('expected a key in double quotes');
      const key = this.#string();
      this.#take(SPACE);
      if (!this.#skip(':')) this.#fail("expected ':'");
      this.#take(SPACE);
      setOwn(object, key, this.#value());
      this.#take(SPACE);
    } while (this.#skip(','));
    if (!this.#skip('}')) this.#fail("expected ',' or '}'");
    return object;
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    this.#take(SPACE);
    if (this.#skip(']')) return array;
    do {
      this.#take(SPACE);
      array.push(this.#value());
      this.#take(SPACE);
    } while (this.#skip(','));
    if (!this.#skip(']')) this.#fail("expected ',' or ']'");
    return array;
  }

  #string(): string {
    const open = this.#at++;
    let escaped = false;
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) break;
      if (Number.isNaN(code)) this.#fail('expected a closing quote');
      if (code < 0x20) this.#fail('a control character in a string must be escaped');
      if (code === BACKSLASH) {
        escaped = true;
        if (!this.#take(ESCAPE)) this.#fail('no such escape');
        this.#at--;
      }
    }
    this.#at++;
    const literal = this.#text.slice(open, this.#at);
    return escaped ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(reason: string): never {
    throw malformedJson(this.#at, this.#at < this.#text.length ? reason : `${reason}, found the end`);
  }
}

/** A key is data: `__proto__` becomes a property like any other, as `JSON.parse` has it. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

/** Whether a double prints the same number again, however it is spelled (1.10, 1e2). */
function isHeldByDouble(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && canonical(String(value)) === canonical(text);
}

/** Sign, significant digits and power of ten: one spelling for each number. */
function canonical(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  let first = 0;
  while (digits[first] === '0') first++;
  if (first === digits.length) return '0';
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  const power = Number(exponent) - fraction.length + (digits.length - end);
  return `${mantissa.startsWith('-') ? '-' : ''}${digits.slice(first, end)}e${power}`;
}
