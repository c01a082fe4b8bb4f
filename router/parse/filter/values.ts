/** Where a value of a filter ends, and what it means. Values are data: nothing in them is ever run. */

import type { Operand, Value } from '#proto/data/v1/data_pb.ts';
import { parseMoment } from './moment.ts';
import { moment, parameter, textValue } from './nodes.ts';
import { refusal } from './refusal.ts';
import { CLOSE, COLON, COMMA, DOUBLE_QUOTE, OPEN, type Scanner, SINGLE_QUOTE } from './scan.ts';

/** Where a value stands, which decides what ends it: behind a comparison, in a list, or before the AND of a BETWEEN. */
export type Place = 'condition' | 'list' | 'range';

const NOWHERE: Readonly<Record<Place, number>> = { condition: Infinity, list: Infinity, range: Infinity };

export class ValueReader {
  /** The values read so far; operands refer to them by index. */
  readonly parameters: Value[];
  readonly #scanner: Scanner;
  readonly #params: ReadonlyMap<string, Value>;
  /** For each quote and place: no run of quotes that begins after this index holds a closing one. */
  readonly #unclosed = { "'": { ...NOWHERE }, '"': { ...NOWHERE } };

  constructor(scanner: Scanner, params: ReadonlyMap<string, Value>, parameters: Value[]) {
    this.parameters = parameters;
    this.#scanner = scanner;
    this.#params = params;
  }

  /**
   * Adds one value to `operands`, or those of a list parameter within a list.
   * @param literal quotes and parentheses are part of the text
   */
  read(operands: Operand[], place: Place, literal = false): void {
    const scanner = this.#scanner;
    scanner.blanks();
    const start = scanner.at;
    const close = this.#closingQuote(start, place);
    if (close >= 0) {
      scanner.at = close + 1;
      const quoted = scanner.text.slice(start, scanner.at);
      operands.push(this.#add(textValue(literal ? quoted : (unquoted(quoted) ?? quoted))));
      return;
    }

    const written = this.#bareword(place);
    const replacement = this.#replacement(written);
    if (replacement?.kind.case === 'list') {
      if (place !== 'list') throw refusal(start, `one value: the list ${written} fits IN only`);
      this.#spread(operands, replacement.kind.value.values);
    } else if (replacement !== undefined) operands.push(this.#add(replacement));
    else operands.push(literal ? this.#add(textValue(written)) : this.#meaning(written));
  }

  /** The values of IN: `(a, b)`, or `:list` where the parameter is a list. */
  readList(operands: Operand[]): void {
    const scanner = this.#scanner;
    scanner.blanks();
    const start = scanner.at;
    if (scanner.code() === COLON) {
      const replacement = this.#replacement(this.#bareword('condition'));
      if (replacement?.kind.case !== 'list') throw listRefusal(start, "a list such as ('a', 'b'), or a list parameter");
      this.#spread(operands, replacement.kind.value.values);
      return;
    }
    if (!scanner.symbol(OPEN)) throw listRefusal(start, "a list such as ('a', 'b')");
    scanner.blanks();
    if (scanner.code() === CLOSE) throw listRefusal(scanner.at, 'at least one value');
    do {
      this.read(operands, 'list');
      scanner.blanks();
    } while (scanner.symbol(COMMA));
    if (!scanner.symbol(CLOSE)) throw listRefusal(scanner.at, "',' or ')'");
  }

  /** Unquoted text: a parenthesised expression, a call of now(), or just text. */
  #meaning(written: string): Operand {
    const inner = unwrapped(written);
    if (inner !== undefined || /^now\s*\(/i.test(written)) {
      const found = parseMoment(inner ?? written);
      if (found !== undefined) return moment(found.base, found.offsetSeconds);
    }
    if (inner === undefined) return this.#add(textValue(written));
    const replacement = this.#replacement(inner);
    if (replacement !== undefined && replacement.kind.case !== 'list') return this.#add(replacement);
    return this.#add(textValue(unquoted(inner) ?? inner));
  }

  /** Reads to the end of an unquoted value, without the blanks behind it. */
  #bareword(place: Place): string {
    const scanner = this.#scanner;
    const start = scanner.at;
    let depth = 0;
    let open = start;
    for (; scanner.at < scanner.end; scanner.at++) {
      const code = scanner.code();
      if (code === OPEN) {
        if (depth++ === 0) open = scanner.at;
      } else if (code === CLOSE) {
        if (depth-- === 0) break;
      } else if (depth === 0 && this.#endsBareword(code, place, start)) break;
    }
    if (depth > 0) throw refusal(open, "a ')' that belongs to this '('");

    let end = scanner.at;
    while (end > start && scanner.isBlank(end - 1)) end--;
    return scanner.text.slice(start, end);
  }

  #endsBareword(code: number, place: Place, start: number): boolean {
    if (place === 'list') return code === COMMA;
    const scanner = this.#scanner;
    switch (code | 32) {
      case 0x61: // a
      case 0x6e: // n
      case 0x6f: // o
      case 0x78: // x
        if (scanner.at > start && !scanner.isBlank(scanner.at - 1) && !this.#follows(CLOSE)) return false;
        return this.#ends(scanner.at, place);
      case 0x26: // &
      case 0x7c: // |
        return this.#ends(scanner.at, place);
      default:
        return false;
    }
  }

  #follows(code: number): boolean {
    return this.#scanner.text.charCodeAt(this.#scanner.at - 1) === code;
  }

  /** Whether the operator that ends a value stands at `at`. */
  #ends(at: number, place: Place): boolean {
    const scanner = this.#scanner;
    if (place === 'condition') return scanner.continues(at);
    const back = scanner.at;
    scanner.at = at;
    const yes = place === 'list' ? scanner.code() === COMMA : scanner.keyword('and');
    scanner.at = back;
    return yes;
  }

  /**
   * Index of the quote that closes the one at `start`, -1: there is none, or no quote at `start`. A doubled quote is
   * one quote of the text; of any other, that one closes behind which a value can end. So in each run of quotes only
   * the last can close, and only if it has no partner.
   */
  #closingQuote(start: number, place: Place): number {
    const { text } = this.#scanner;
    const code = this.#scanner.code();
    if (code !== SINGLE_QUOTE && code !== DOUBLE_QUOTE) return -1;
    const quote = code === SINGLE_QUOTE ? "'" : '"';

    // The opening quote is the first of its run.
    let after = afterRun(text, start);
    if ((after - start) % 2 === 0 && this.#canEnd(after, place)) return after - 1;

    // Without this, each quote that nothing closes would be searched for up to the end again.
    const unclosed = this.#unclosed[quote];
    if (start >= unclosed[place]) return -1;
    for (let run = text.indexOf(quote, after); run >= 0; run = text.indexOf(quote, after)) {
      after = afterRun(text, run);
      if ((after - run) % 2 === 1 && this.#canEnd(after, place)) return after - 1;
    }
    unclosed[place] = start;
    return -1;
  }

  /** Whether a quoted value can end before `at`. */
  #canEnd(at: number, place: Place): boolean {
    const scanner = this.#scanner;
    let next = at;
    while (scanner.isBlank(next)) next++;
    if (next >= scanner.end) return true;
    return (place !== 'range' && scanner.text.charCodeAt(next) === CLOSE) || this.#ends(next, place);
  }

  #replacement(written: string): Value | undefined {
    return written.charCodeAt(0) === COLON ? this.#params.get(written) : undefined;
  }

  #spread(operands: Operand[], values: readonly Value[]): void {
    if (values.length === 0) throw listRefusal(this.#scanner.at, 'at least one value in the list parameter before it');
    for (const each of values) operands.push(this.#add(each));
  }

  #add(value: Value): Operand {
    return parameter(this.parameters.push(value) - 1);
  }
}

const listRefusal = (at: number, expected: string) =>
  refusal(at, expected, 'Filter value lists must be wrapped in parentheses.');

/** First index behind the run of equal characters that begins at `start`. */
function afterRun(text: string, start: number): number {
  const code = text.charCodeAt(start);
  let at = start + 1;
  while (text.charCodeAt(at) === code) at++;
  return at;
}

/** The text between quotes, its doubled quotes made one; undefined: it is not quoted as a whole. */
function unquoted(text: string): string | undefined {
  const quote = text.charAt(0);
  if ((quote !== "'" && quote !== '"') || text.length < 2 || !text.endsWith(quote)) return undefined;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}

/** The text within the parentheses that enclose all of it, without blanks around it; undefined: none do. */
function unwrapped(text: string): string | undefined {
  if (!text.startsWith('(') || !text.endsWith(')')) return undefined;
  let depth = 0;
  for (let at = 0; at < text.length - 1; at++) {
    const code = text.charCodeAt(at);
    if (code === OPEN) depth++;
    else if (code === CLOSE && --depth === 0) return undefined;
  }
  return text.slice(1, -1).trim();
}
