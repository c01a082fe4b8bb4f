/**
 * What a condition says of fields whose type is known, as those of a key, or columns: a text that was written in a
 * filter may stand for values of several types, of which such a field holds one.
 */
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from './document.ts';
import type { BoundComparison, Condition, FieldHolds } from './engine.ts';
import { joinAll, joinAny, NEVER } from './plan/conditions.ts';

type TypeOf = (field: string) => FieldHolds | undefined;

/** @param typeOf  undefined: it may hold anything */
export function narrowed(condition: Condition, typeOf: TypeOf): Condition {
  switch (condition.kind) {
    case 'all':
      return joinAll(condition.of.map((part) => narrowed(part, typeOf)));
    case 'any':
      return joinAny(condition.of.map((part) => narrowed(part, typeOf)));
    case 'not': {
      const inner = narrowed(condition.of, typeOf);
      return inner === NEVER ? present(condition.of as BoundComparison) : { kind: 'not', of: inner };
    }
    case 'compare':
      return narrowedComparison(condition, typeOf(condition.field));
    case 'native':
      return condition;
  }
}

function narrowedComparison(comparison: BoundComparison, type: FieldHolds | undefined): Condition {
  const { comparator, operands } = comparison;
  if (type === undefined || type === 'any' || comparator === Comparator.IS_NULL) return comparison;
  const fitting = operands.filter((one) => isOfType(one, type)).map((one) => (type === 'uuid' ? lowered(one) : one));
  switch (comparator) {
    case Comparator.IN:
      if (fitting.length === 1) return { ...comparison, comparator: Comparator.EQ, operands: fitting };
      return fitting.length === 0 ? NEVER : { ...comparison, operands: fitting };
    case Comparator.NE:
      return fitting.length === 0 ? present(comparison) : { ...comparison, operands: fitting };
    default:
      return fitting.length === operands.length ? { ...comparison, operands: fitting } : NEVER;
  }
}

const present = ({ field }: BoundComparison): Condition => ({
  kind: 'not',
  of: { kind: 'compare', field, comparator: Comparator.IS_NULL, operands: [] },
});

/** As stores write them, whoever asks for them. */
const lowered = (value: Wire): Wire => (typeof value === 'string' ? value.toLowerCase() : value);

function isOfType(value: Wire, type: FieldHolds): boolean {
  if (type === 'string' || type === 'uuid') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'number') return typeof value === 'number' || value instanceof JsonNumber;
  return typeof value === 'object' && value !== null && Object.keys(value).join() === `$${type}`;
}
