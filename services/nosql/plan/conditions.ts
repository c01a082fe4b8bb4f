/**
 * The filter tree of an operation as a condition with its values in place, in a form that stores and residual/ can
 * take: NOT stands before comparisons only (which keeps SQL's NULL, as a field without a value satisfies neither a
 * comparison nor its negation), NULL operands are gone, and each operand has a type.
 */
import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { plainValue } from '#common/records/values.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { type RelationPath, relationPath } from '#common/schema/relation-path.ts';
import {
  Comparator,
  type Comparison,
  type Filter,
  type Moment,
  Moment_Base as MomentBase,
  type Operand,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { compareValues, tagOf } from '../residual/compare.ts';
import { isDeclared } from '../table-view.ts';
import { type Senses, sensesOf } from './coerce.ts';

export interface Binding {
  readonly parameters: readonly Value[];
  readonly senses: Senses;
  /** The store takes conditions in its own words. */
  readonly takesNative: boolean;
  /** What conditions on fields of related documents come to. */
  readonly joins?: Joins;
}

/** A condition on related documents, as one on the values that lead to them. */
export interface Join {
  /** One of them meets it. */
  readonly some: Condition;
  readonly none: Condition;
}

/** By the comparison as the filter has it. */
export type Joins = ReadonlyMap<Comparison, Join>;

export const ALWAYS: Condition = { kind: 'all', of: [] };
export const NEVER: Condition = { kind: 'any', of: [] };

export const isAlways = (condition: Condition): boolean => condition.kind === 'all' && condition.of.length === 0;
export const isNever = (condition: Condition): boolean => condition.kind === 'any' && condition.of.length === 0;

/** Filters joined by AND; undefined: there is no condition. @throws MillraceError invalid that names the field */
export function bindFilters(
  filters: readonly (Filter | undefined)[],
  table: TableView,
  binding: Binding,
): Condition | undefined {
  const parts = filters.flatMap((filter) => (filter ? [bindFilter(filter, table, binding, false)] : []));
  const joined = joinAll(parts);
  return isAlways(joined) ? undefined : joined;
}

function bindFilter(filter: Filter, table: TableView, binding: Binding, negated: boolean): Condition {
  const { node } = filter;
  switch (node.case) {
    case 'comparison':
      return bindComparison(node.value, table, binding, negated);
    case 'not':
      return bindFilter(node.value, table, binding, !negated);
    case 'all':
    case 'any': {
      const parts = node.value.filters.map((inner) => bindFilter(inner, table, binding, negated));
      return (node.case === 'all') !== negated ? joinAll(parts) : joinAny(parts);
    }
    case 'native':
      return bindNative(node.value, binding, negated);
    default:
      throw invalid('The filter is empty or not known to this version.');
  }
}

/** The words themselves are judged by the engine, which knows them. */
function bindNative(index: number, { parameters, takesNative }: Binding, negated: boolean): Condition {
  const text = plainValue(parameters[index]);
  if (!takesNative || negated || typeof text !== 'string') {
    throw invalid('A filter of this service is text: an object is none.', { field: 'filter' });
  }
  const query = parseJson(Buffer.from(text));
  if (typeof query !== 'object' || query === null || Array.isArray(query)) {
    throw invalid('The filter must be an object.', { field: 'filter' });
  }
  return Object.keys(query).length === 0 ? ALWAYS : { kind: 'native', query: query as Document };
}

export function joinAll(parts: readonly Condition[]): Condition {
  if (parts.some(isNever)) return NEVER;
  const of = parts.flatMap((part) => (part.kind === 'all' ? part.of : [part]));
  return of.length === 1 ? (of[0] as Condition) : { kind: 'all', of };
}

export function joinAny(parts: readonly Condition[]): Condition {
  if (parts.some(isAlways)) return ALWAYS;
  const of = parts.flatMap((part) => (part.kind === 'any' ? part.of : [part]));
  return of.length === 1 ? (of[0] as Condition) : { kind: 'any', of };
}

/** `relation.field`, unless a field of that name is declared. */
export const relatedPath = (name: string, table: TableView): RelationPath | undefined =>
  isDeclared(name, table) ? undefined : relationPath(name, table);

function bindComparison(comparison: Comparison, table: TableView, binding: Binding, negated: boolean): Condition {
  const join = binding.joins?.get(comparison);
  if (join) return negated ? join.none : join.some;
  if (relatedPath(comparison.field, table)) {
    throw invalid('Fields of related records are no part of this condition.', { field: comparison.field });
  }
  const known = table.byFieldWireName.get(comparison.field);
  const field = known?.name ?? comparison.field;
  const { comparator, operands } = comparison;
  const compare = (by: Comparator, values: readonly Wire[]): Condition => {
    const one: BoundComparison = { kind: 'compare', field, comparator: by, operands: values };
    return negated ? { kind: 'not', of: one } : one;
  };
  const senses = operands.map((operand) => operandSenses(operand, comparison.field, known, binding));
  // Nothing compares with NULL, neither as it stands nor negated.
  const hasNull = senses.some((some) => some.length === 0);
  switch (comparator) {
    case Comparator.IS_NULL:
      return compare(comparator, []);
    case Comparator.EQ:
    case Comparator.NE: {
      const among = senses[0] ?? [];
      const isNegated = (comparator === Comparator.NE) !== negated;
      if (among.length === 0) return NEVER;
      return equal(field, among, isNegated);
    }
    case Comparator.IN: {
      const among = distinct(senses.flat());
      if (hasNull && negated) return NEVER;
      return among.length === 0 ? NEVER : equal(field, among, negated);
    }
    case Comparator.LIKE:
    case Comparator.CONTAINS:
    case Comparator.STARTS_WITH:
    case Comparator.ENDS_WITH: {
      const text = operandText(operands[0], comparison.field, binding);
      return text === undefined ? NEVER : compare(...likeOf(comparator, text));
    }
    case Comparator.BETWEEN: {
      if (hasNull) return NEVER;
      const [low = [], high = []] = senses;
      const pairs = low.flatMap((from) => high.flatMap((to) => (isOneType(from, to) ? [[from, to]] : [])));
      return alternatives(
        pairs.map((pair) => compare(comparator, pair)),
        field,
        negated,
      );
    }
    case Comparator.GT:
    case Comparator.GE:
    case Comparator.LT:
    case Comparator.LE: {
      if (hasNull) return NEVER;
      const ordered = (senses[0] ?? []).filter((one) => typeof one !== 'boolean' || senses[0]?.length === 1);
      return alternatives(
        ordered.map((one) => compare(comparator, [one])),
        field,
        negated,
      );
    }
    default:
      throw invalid('A comparison of the filter is not known to this version.');
  }
}

/** One of several readings of the same operand; negated: none of them. */
function alternatives(readings: readonly Condition[], field: string, negated: boolean): Condition {
  if (!negated) return joinAny(readings);
  // What compares with no reading at all is still something that is there.
  if (readings.length === 0)
    return { kind: 'not', of: { kind: 'compare', field, comparator: Comparator.IS_NULL, operands: [] } };
  return joinAll(readings);
}

function equal(field: string, among: readonly Wire[], negated: boolean): Condition {
  const comparator = among.length === 1 ? Comparator.EQ : Comparator.IN;
  const one: BoundComparison = { kind: 'compare', field, comparator, operands: among };
  return negated ? { kind: 'not', of: one } : one;
}

/** What is a pattern stays one; the rest is a text that is searched for. */
function likeOf(comparator: Comparator, text: string): [Comparator, readonly Wire[]] {
  if (comparator === Comparator.LIKE) return [comparator, [text]];
  if (!/[%_]/.test(text)) return [comparator, [text]];
  const before = comparator === Comparator.STARTS_WITH ? '' : '%';
  const after = comparator === Comparator.ENDS_WITH ? '' : '%';
  return [Comparator.LIKE, [`${before}${text}${after}`]];
}

const isOneType = (a: Wire, b: Wire): boolean =>
  typeof a !== 'boolean' && compareValues(a, b) !== undefined && tagOf(a) === tagOf(b);

const distinct = (values: readonly Wire[]): Wire[] => [...new Set(values)];

function operandSenses(
  operand: Operand,
  name: string,
  field: FieldView | undefined,
  { parameters, senses }: Binding,
): readonly Wire[] {
  const { kind } = operand;
  if (kind.case === 'moment') {
    const text = momentText(kind.value);
    return [text, ...(senses?.(text) ?? [])];
  }
  return sensesOf(operandValue(operand, name, parameters), field, senses);
}

function operandText(operand: Operand | undefined, name: string, { parameters }: Binding): string | undefined {
  if (!operand) throw invalid(`The condition on '${name}' has no value.`);
  const plain = plainValue(operandValue(operand, name, parameters));
  return plain === null || plain === undefined ? undefined : String(plain);
}

function operandValue({ kind }: Operand, name: string, parameters: readonly Value[]): Value | undefined {
  if (kind.case === 'value') return kind.value;
  if (kind.case === 'parameter') return parameters[kind.value];
  throw invalid(`A value of the condition on '${name}' is not known to this version.`);
}

/** UTC, as databases write it. */
function momentText({ base, offsetSeconds }: Moment): string {
  const text = new Date(Date.now() + offsetSeconds * 1000).toISOString();
  switch (base) {
    case MomentBase.DATE:
      return text.slice(0, 10);
    case MomentBase.TIME:
      return text.slice(11, 19);
    default:
      return text.replace('T', ' ').slice(0, 19);
  }
}
