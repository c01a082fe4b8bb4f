/** Reads the text of a filter into the tree that connectors understand. Rules and examples: docs/filters.md. */

import { FILTER_DEPTH_MAX, FILTER_LENGTH_MAX, FILTER_NODES_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import type { Filter, Operand, Value } from '#proto/data/v1/data_pb.ts';
import { all, any, comparison, nesting, not } from './nodes.ts';
import { IS_NOT_NULL, type Operator } from './operators.ts';
import { fieldRefusal, refusal } from './refusal.ts';
import { CLOSE, type Logic, OPEN, Scanner } from './scan.ts';
import { ValueReader } from './values.ts';

/**
 * A blank filter has no tree. Equal filters with other values have equal trees: each value is an entry of `parameters`.
 * XOR uses its operands twice, so that a tree may hold the same node in two places: change none in place.
 * @param params replacement values, keys with their colon (':n'); a list may stand for the list of an IN
 * @param parameters  the values are added to these, and counted behind them
 * @throws MillraceError invalid: at which character (1-based, in UTF-16 units) and what was expected there, with
 *   context { position, expected }
 */
export function parseFilter(
  text: string,
  params: ReadonlyMap<string, Value>,
  parameters: Value[] = [],
): { filter: Filter | undefined; parameters: Value[] } {
  if (text.length > FILTER_LENGTH_MAX) {
    throw refusal(FILTER_LENGTH_MAX, `the end: a filter has ${FILTER_LENGTH_MAX} characters at most`);
  }
  const parser = new Parser(text, params, parameters);
  return { filter: parser.filter(), parameters };
}

class Parser {
  readonly values: ValueReader;
  readonly #scanner: Scanner;
  /** The logical operator behind what was read last. */
  #logic: Logic | undefined;
  /** Comparisons of the tree so far. */
  #nodes = 0;
  /** Whether XOR or NOR made levels that are not in the text. */
  #desugared = false;

  constructor(text: string, params: ReadonlyMap<string, Value>, parameters: Value[]) {
    this.#scanner = new Scanner(text);
    this.values = new ValueReader(this.#scanner, params, parameters);
  }

  filter(): Filter | undefined {
    const scanner = this.#scanner;
    scanner.blanks();
    if (scanner.at === scanner.end) return undefined;
    const filter = this.#expression(0);
    if (scanner.at < scanner.end) throw refusal(scanner.at, 'a logical operator or the end');
    if (this.#desugared && nesting(filter) > FILTER_DEPTH_MAX) throw this.#tooDeep();
    return filter;
  }

  /** Alternatives: the loosest operators, OR and NOR. */
  #expression(depth: number): Filter {
    const first = this.#exclusive(depth);
    if (this.#logic !== 'or' && this.#logic !== 'nor') return first;
    let filters = [first];
    while (this.#logic === 'or' || this.#logic === 'nor') {
      const joint = this.#logic;
      filters.push(this.#exclusive(depth));
      if (joint === 'nor') {
        this.#desugared = true;
        filters = [not(any(filters))];
      }
    }
    return filters.length === 1 ? filters[0]! : any(filters);
  }

  #exclusive(depth: number): Filter {
    const before = this.#nodes;
    let left = this.#conjunction(depth);
    while (this.#logic === 'xor') {
      const right = this.#conjunction(depth);
      this.#count(this.#nodes - before);
      this.#desugared = true;
      left = all([any([left, right]), not(all([left, right]))]);
    }
    return left;
  }

  #conjunction(depth: number): Filter {
    const first = this.#term(depth);
    if (this.#logic !== 'and') return first;
    const filters = [first];
    while (this.#logic === 'and') filters.push(this.#term(depth));
    return all(filters);
  }

  /** A condition, a group in parentheses, or NOT and one of these; and the logical operator behind it. */
  #term(depth: number): Filter {
    if (depth > FILTER_DEPTH_MAX) throw this.#tooDeep();
    const scanner = this.#scanner;
    scanner.blanks();
    if (scanner.keyword('not')) return not(this.#term(depth + 1));
    const filter = scanner.symbol(OPEN) ? this.#group(depth + 1) : this.#condition();
    scanner.blanks();
    this.#logic = scanner.logic();
    return filter;
  }

  #group(depth: number): Filter {
    const filter = this.#expression(depth);
    if (!this.#scanner.symbol(CLOSE)) throw refusal(this.#scanner.at, "a logical operator or ')'");
    return filter;
  }

  #condition(): Filter {
    const scanner = this.#scanner;
    const start = scanner.at;
    if (start === scanner.end || scanner.code() === CLOSE) throw refusal(start, 'a condition');
    this.#count(1);
    const field = scanner.name();
    if (field === undefined) throw this.#misread(start);
    scanner.blanks();
    const behind = scanner.at;
    const negated = scanner.keyword('not');
    if (negated) scanner.blanks();
    const operator = scanner.operator();
    if (operator === undefined || (negated && operator.takes === 'nothing')) throw this.#misread(start, behind);
    const filter = comparison(field, operator.comparator, this.#operands(operator));
    return negated || operator === IS_NOT_NULL ? not(filter) : filter;
  }

  #operands(operator: Operator): Operand[] {
    const operands: Operand[] = [];
    switch (operator.takes) {
      case 'value':
        this.values.read(operands, 'condition');
        break;
      case 'text':
        this.values.read(operands, 'condition', true);
        break;
      case 'list':
        this.values.readList(operands);
        break;
      case 'range':
        this.values.read(operands, 'range');
        this.#scanner.blanks();
        if (!this.#scanner.keyword('and')) throw refusal(this.#scanner.at, 'AND and the upper value of BETWEEN');
        this.values.read(operands, 'condition');
        break;
      case 'nothing':
        break;
    }
    return operands;
  }

  #count(comparisons: number): void {
    this.#nodes += comparisons;
    if (this.#nodes > FILTER_NODES_MAX) {
      throw invalid(`Invalid filter request: it has more than ${FILTER_NODES_MAX} comparisons.`, {
        position: this.#scanner.at + 1,
        expected: `${FILTER_NODES_MAX} comparisons at most`,
      });
    }
  }

  #tooDeep() {
    return refusal(this.#scanner.at, `${FILTER_DEPTH_MAX} levels of parentheses and NOT at most`);
  }

  /**
   * No condition starts at `start`.
   * @param operatorAt where the operator was due, if a name stood before it
   */
  #misread(start: number, operatorAt?: number) {
    const { text } = this.#scanner;
    const symbol = text.slice(start).search(/[=<>!]/);
    if (symbol >= 0) return fieldRefusal(start, text.slice(start, start + symbol).trim());
    if (operatorAt !== undefined) return refusal(operatorAt, 'a comparison operator');
    return fieldRefusal(start, text.slice(start).split(/\s/, 1)[0]!);
  }
}
