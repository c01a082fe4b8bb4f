/**
 * One forward pass over the text of a filter: blanks, names, keywords, operators. Each method starts at the cursor and,
 * if it finds what it is asked for, leaves the cursor behind it.
 */

import {
  BY_WORD,
  ENDS_WITH,
  EQ,
  GE,
  GT,
  IS_NOT_NULL,
  IS_NULL,
  LE,
  LT,
  NE,
  type Operator,
  STARTS_WITH,
} from './operators.ts';

export type Logic = 'and' | 'or' | 'xor' | 'nor';

export const SINGLE_QUOTE = 0x27;
export const DOUBLE_QUOTE = 0x22;
export const OPEN = 0x28;
export const CLOSE = 0x29;
export const COMMA = 0x2c;
export const COLON = 0x3a;
const AMPERSAND = 0x26;
const BAR = 0x7c;

/** Longest operator of one word: contains. */
const WORD_LENGTH_MAX = 8;

const BLANK = 1;
const LETTER = 2;
const DIGIT = 4;
const DASH = 8;
/** A keyword ends before anything but these. */
const WORD = LETTER | DIGIT;
const NAME = LETTER | DIGIT | DASH;

const KINDS = new Uint8Array(128);
for (const blank of '\t\n\v\f\r ') KINDS[blank.charCodeAt(0)] = BLANK;
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$') KINDS[letter.charCodeAt(0)] = LETTER;
for (const digit of '0123456789.') KINDS[digit.charCodeAt(0)] = DIGIT;
KINDS['-'.charCodeAt(0)] = DASH;

const UNICODE_BLANKS = new Set(
  [0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff].concat(
    Array.from({ length: 11 }, (_, i) => 0x2000 + i),
  ),
);

/** Names that would hide a logical operator; in double quotes they are names. */
const RESERVED = new Set(['and', 'or', 'xor', 'nor', 'not']);

export class Scanner {
  readonly text: string;
  readonly end: number;
  at = 0;

  constructor(text: string) {
    this.text = text;
    this.end = text.length;
  }

  /** Code unit at the cursor, NaN at the end. */
  code(): number {
    return this.text.charCodeAt(this.at);
  }

  blanks(): void {
    while (this.#kind(this.at) === BLANK) this.at++;
  }

  isBlank(at: number): boolean {
    return this.#kind(at) === BLANK;
  }

  symbol(code: number): boolean {
    if (this.code() !== code) return false;
    this.at++;
    return true;
  }

  /** @param word in lower case; the text may have any case */
  keyword(word: string): boolean {
    const after = this.at + word.length;
    for (let i = 0; i < word.length; i++) {
      // Bit 32 tells the cases of an ASCII letter apart, and no other code unit meets a letter by it.
      if ((this.text.charCodeAt(this.at + i) | 32) !== word.charCodeAt(i)) return false;
    }
    if ((this.#kind(after) & WORD) !== 0) return false;
    this.at = after;
    return true;
  }

  logic(): Logic | undefined {
    switch (this.code() | 32) {
      case AMPERSAND | 32:
        return this.#twice(AMPERSAND) ? 'and' : undefined;
      case BAR:
        return this.#twice(BAR) ? 'or' : undefined;
      case 0x61:
        return this.keyword('and') ? 'and' : undefined;
      case 0x6f:
        return this.keyword('or') ? 'or' : undefined;
      case 0x78:
        return this.keyword('xor') ? 'xor' : undefined;
      case 0x6e:
        return this.keyword('nor') ? 'nor' : undefined;
      default:
        return undefined;
    }
  }

  /** A field name: a word that is neither a number nor a logical operator, or anything in double quotes. */
  name(): string | undefined {
    const start = this.at;
    if (!this.#skipName()) return undefined;
    return this.text.charCodeAt(start) === DOUBLE_QUOTE
      ? this.text.slice(start + 1, this.at - 1).replaceAll('""', '"')
      : this.text.slice(start, this.at);
  }

  operator(): Operator | undefined {
    const next = this.text.charCodeAt(this.at + 1);
    switch (this.code()) {
      case 0x3d:
        return this.#past(1, EQ);
      case 0x21:
        return next === 0x3d ? this.#past(2, NE) : undefined;
      case 0x3c:
        if (next === 0x3d) return this.#past(2, LE);
        return next === 0x3e ? this.#past(2, NE) : this.#past(1, LT);
      case 0x3e:
        return next === 0x3d ? this.#past(2, GE) : this.#past(1, GT);
      default:
        return this.#wordOperator();
    }
  }

  /**
   * Whether a logical operator stands at `at` and a condition behind it: parentheses and NOTs, a name, an operator.
   * That is what tells an operator from a word of a value (`name = Rock and Roll`). It reads no further than that
   * operator, and no two of these looks read the same text more than a few times, so that all of them are linear.
   */
  continues(at: number): boolean {
    const back = this.at;
    this.at = at;
    const yes = this.logic() !== undefined && this.#startsCondition();
    this.at = back;
    return yes;
  }

  #startsCondition(): boolean {
    do this.blanks();
    while (this.symbol(OPEN) || this.keyword('not'));
    if (!this.#skipName()) return false;
    this.blanks();
    if (this.keyword('not')) this.blanks();
    const operator = this.operator();
    if (operator?.takes !== 'list') return operator !== undefined;
    this.blanks();
    return this.code() === OPEN || this.code() === COLON;
  }

  #skipName(): boolean {
    if (this.code() === DOUBLE_QUOTE) return this.#skipQuotedName();
    const start = this.at;
    if (this.#kind(start) === DASH) return false;
    let kinds = 0;
    for (let kind = this.#kind(this.at); (kind & NAME) !== 0; kind = this.#kind(this.at)) {
      kinds |= kind;
      this.at++;
    }
    // Digits and dots alone are a number.
    if ((kinds & LETTER) === 0) return false;
    return this.at - start > 3 || !RESERVED.has(this.text.slice(start, this.at).toLowerCase());
  }

  /** The cursor is on the first quote; a doubled quote inside is one quote. */
  #skipQuotedName(): boolean {
    const start = this.at;
    let close = this.text.indexOf('"', start + 1);
    while (close >= 0 && this.text.charCodeAt(close + 1) === DOUBLE_QUOTE) close = this.text.indexOf('"', close + 2);
    if (close <= start + 1) return false;
    this.at = close + 1;
    return true;
  }

  #wordOperator(): Operator | undefined {
    const start = this.at;
    while (this.#kind(this.at) === LETTER && this.at - start <= WORD_LENGTH_MAX) this.at++;
    if (this.at === start || (this.#kind(this.at) & WORD) !== 0) return undefined;
    const word = this.text.slice(start, this.at).toLowerCase();
    switch (word) {
      case 'is':
        return this.#nullness();
      case 'starts':
        return this.#with(STARTS_WITH);
      case 'ends':
        return this.#with(ENDS_WITH);
      default:
        return BY_WORD.get(word);
    }
  }

  #nullness(): Operator | undefined {
    this.blanks();
    const negated = this.keyword('not');
    if (negated) this.blanks();
    if (!this.keyword('null')) return undefined;
    return negated ? IS_NOT_NULL : IS_NULL;
  }

  #with(operator: Operator): Operator | undefined {
    this.blanks();
    return this.keyword('with') ? operator : undefined;
  }

  #twice(code: number): boolean {
    if (this.code() !== code || this.text.charCodeAt(this.at + 1) !== code) return false;
    this.at += 2;
    return true;
  }

  #past(length: number, operator: Operator): Operator {
    this.at += length;
    return operator;
  }

  #kind(at: number): number {
    if (at >= this.end) return 0;
    const code = this.text.charCodeAt(at);
    if (code < 128) return KINDS[code]!;
    return UNICODE_BLANKS.has(code) ? BLANK : LETTER;
  }
}
