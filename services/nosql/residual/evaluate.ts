/** Decides conditions here, for what the store does not: over documents that were read, as SQL means it. */
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { compareValues, isList } from './compare.ts';
import { likeMatcher } from './like.ts';
import { getter } from './path.ts';

export type Predicate = (document: Document) => boolean;

/** Of a value that is there. */
type Matcher = (value: Wire) => boolean;

/**
 * @param condition  in normal form: NOT before comparisons only
 * @param elements   as Pushdown has it
 */
export function predicateOf(condition: Condition, elements: boolean): Predicate {
  switch (condition.kind) {
    case 'all': {
      const parts = condition.of.map((part) => predicateOf(part, elements));
      return (document) => parts.every((part) => part(document));
    }
    case 'any': {
      const parts = condition.of.map((part) => predicateOf(part, elements));
      return (document) => parts.some((part) => part(document));
    }
    case 'not':
      if (condition.of.kind !== 'compare') throw new Error('NOT stands before comparisons only.');
      return comparing(condition.of, elements, true);
    case 'compare':
      return comparing(condition, elements, false);
    case 'native':
      throw new Error('What is written in the words of the store only the store decides.');
  }
}

/** A field without a value satisfies neither a comparison nor its negation, as in SQL. */
function comparing(comparison: BoundComparison, elements: boolean, negated: boolean): Predicate {
  const get = getter(comparison.field, elements);
  if (comparison.comparator === Comparator.IS_NULL) {
    return (document) => isAbsent(get(document)) !== negated;
  }
  const single = matcherOf(comparison);
  const matches: Matcher = elements ? (value) => (isList(value) ? value.some(single) : single(value)) : single;
  return (document) => {
    const value = get(document);
    return value !== null && value !== undefined && matches(value) !== negated;
  };
}

const isAbsent = (value: Wire | undefined): boolean => value === null || value === undefined;

function matcherOf({ comparator, operands }: BoundComparison): Matcher {
  const [operand = null, high = null] = operands;
  switch (comparator) {
    case Comparator.EQ:
      return equals(operand);
    case Comparator.NE:
      return (value) => compareValues(value, operand) !== 0;
    case Comparator.GT:
      return (value) => (compareValues(value, operand) ?? 0) > 0;
    case Comparator.GE:
      return (value) => (compareValues(value, operand) ?? -1) >= 0;
    case Comparator.LT:
      return (value) => (compareValues(value, operand) ?? 0) < 0;
    case Comparator.LE:
      return (value) => (compareValues(value, operand) ?? 1) <= 0;
    case Comparator.IN:
      return among(operands);
    case Comparator.BETWEEN:
      return (value) => (compareValues(value, operand) ?? -1) >= 0 && (compareValues(value, high) ?? 1) <= 0;
    case Comparator.LIKE:
      return onText(likeMatcher(String(operand)));
    case Comparator.CONTAINS: {
      const part = String(operand).toLowerCase();
      return onText((text) => text.toLowerCase().includes(part));
    }
    case Comparator.STARTS_WITH: {
      const part = String(operand).toLowerCase();
      return onText((text) => text.toLowerCase().startsWith(part));
    }
    case Comparator.ENDS_WITH: {
      const part = String(operand).toLowerCase();
      return onText((text) => text.toLowerCase().endsWith(part));
    }
    default:
      return () => false;
  }
}

const onText =
  (matches: (text: string) => boolean): Matcher =>
  (value) =>
    typeof value === 'string' && matches(value);

function equals(operand: Wire): Matcher {
  if (typeof operand === 'string' || typeof operand === 'boolean') return (value) => value === operand;
  return (value) => compareValues(value, operand) === 0;
}

/** Texts and plain numbers are looked up, of which there may be thousands. */
function among(operands: readonly Wire[]): Matcher {
  const plain = new Set(operands.filter((one) => typeof one !== 'object'));
  const others = operands.filter((one) => typeof one === 'object' || typeof one === 'number').map(equals);
  return (value) =>
    plain.has(value as string) || (typeof value === 'object' && others.some((matches) => matches(value)));
}
