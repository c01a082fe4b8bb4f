/** Writes a filter tree as text that parses to the same tree: for logs, for stored filters, and to test the parser. */

import { invalid, type MillraceError } from '#common/errors.ts';
import type { Comparison, Filter, Moment, Operand, Value } from '#proto/data/v1/data_pb.ts';
import { CLOCK_NAMES } from './moment.ts';
import { needsParentheses } from './nodes.ts';
import { BY_COMPARATOR, type Takes } from './operators.ts';
import { Scanner } from './scan.ts';

/** Text that CONTAINS and its like read back as it is: one word without anything that could end it. */
const PLAIN_WORD = /^[\p{L}\p{N}_@%.-]+$/u;

/**
 * Canonical text of a tree. Values that cannot stand in the text (anything but text, and odd text behind CONTAINS,
 * STARTS WITH, ENDS WITH) become `params` with the keys ':p0', ':p1', …
 * A list node of one filter is written as that filter. The text of a tree near the bounds may be longer than a filter
 * that is read may be, because every value is quoted.
 * @param parameters values of the operands that are parameters
 * @throws MillraceError invalid: the tree has a hole (an empty list, an unknown comparator, a missing parameter, a
 *   moment behind CONTAINS and its like)
 */
export function printFilter(
  filter: Filter,
  parameters: readonly Value[],
): { text: string; params: Map<string, Value> } {
  const printer = new Printer(parameters);
  return { text: printer.filter(filter), params: printer.params };
}

class Printer {
  readonly params = new Map<string, Value>();
  readonly #parameters: readonly Value[];

  constructor(parameters: readonly Value[]) {
    this.#parameters = parameters;
  }

  filter(filter: Filter): string {
    const { node } = filter;
    switch (node.case) {
      case 'comparison':
        return this.#comparison(node.value, false);
      case 'not': {
        const inner = node.value;
        return inner.node.case === 'comparison'
          ? this.#comparison(inner.node.value, true)
          : `NOT ${this.#within(inner, 'not')}`;
      }
      case 'all':
      case 'any':
        return this.#list(node.value.filters, node.case);
      default:
        throw hole('an empty node');
    }
  }

  #list(filters: readonly Filter[], kind: 'all' | 'any'): string {
    if (filters.length === 0) throw hole('an empty list');
    if (filters.length === 1) return this.filter(filters[0]!);
    return filters.map((each) => this.#within(each, kind)).join(kind === 'all' ? ' AND ' : ' OR ');
  }

  #within(filter: Filter, parent: 'all' | 'any' | 'not'): string {
    const text = this.filter(filter);
    return needsParentheses(filter, parent) ? `(${text})` : text;
  }

  #comparison({ field, comparator, operands }: Comparison, negated: boolean): string {
    const operator = BY_COMPARATOR.get(comparator);
    if (operator === undefined) throw hole('an unknown comparator');
    const name = printName(field);
    if (operator.takes === 'nothing') return `${name} ${negated ? 'IS NOT NULL' : 'IS NULL'}`;
    const values = operands.map((each) => this.#operand(each, operator.takes));
    return `${name} ${negated ? 'NOT ' : ''}${operator.written} ${joined(values, operator.takes)}`;
  }

  #operand({ kind }: Operand, takes: Takes): string {
    switch (kind.case) {
      case 'parameter': {
        const value = this.#parameters[kind.value];
        if (value === undefined) throw hole('a parameter without a value');
        return this.#value(value, takes);
      }
      case 'value':
        return this.#value(kind.value, takes);
      case 'moment':
        if (takes === 'text') throw hole('a moment where text is due');
        return printMoment(kind.value);
      default:
        throw hole('an empty operand');
    }
  }

  #value(value: Value, takes: Takes): string {
    if (value.kind.case === 'text') {
      const text = value.kind.value;
      if (takes !== 'text') return `'${text.replaceAll("'", "''")}'`;
      if (PLAIN_WORD.test(text)) return text;
    }
    const key = `:p${this.params.size}`;
    this.params.set(key, value);
    return key;
  }
}

function joined(values: readonly string[], takes: Takes): string {
  const [first, second] = values;
  if (first === undefined) throw hole('a comparison without a value');
  if (takes === 'list') return `(${values.join(', ')})`;
  if (takes !== 'range') return first;
  if (second === undefined) throw hole('a range without an upper value');
  return `${first} AND ${second}`;
}

function printMoment({ base, offsetSeconds }: Moment): string {
  const clock = CLOCK_NAMES.get(base);
  if (clock === undefined) throw hole('an unknown moment');
  if (offsetSeconds === 0) return `(${clock})`;
  return `(${clock} ${offsetSeconds < 0 ? '-' : '+'} ${Math.abs(offsetSeconds)} seconds)`;
}

/** A name as it is, if it reads as one; otherwise in double quotes. */
function printName(field: string): string {
  if (field === '') throw hole('a field without a name');
  const scanner = new Scanner(field);
  return scanner.name() === field && scanner.at === scanner.end ? field : `"${field.replaceAll('"', '""')}"`;
}

const hole = (what: string): MillraceError => invalid(`The filter cannot be written: it has ${what}.`);
