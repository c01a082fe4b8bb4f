/**
 * Conditions as selectors of `_find` (Mango). A selector may take in more than its condition, never less: CouchDB
 * compares texts by the rules of ICU, under which some that differ are equal, and orders of values have types in them.
 * What comes back is looked at again, by `rechecked`.
 */
import { invalid, MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { type Predicate, predicateOf } from '../residual/evaluate.ts';
import { withoutPrototype } from './types.ts';

const { EQ, GT, GE, LT, LE, IN, BETWEEN, IS_NULL } = Comparator;

/** For numbers: texts have another order here than in the dialect. */
const RANGES: Readonly<Partial<Record<Comparator, string>>> = { [GT]: '$gt', [GE]: '$gte', [LT]: '$lt', [LE]: '$lte' };

/** Names with dots are paths to Mango, and may be members here; those with $ are its words. */
export const PLAIN_NAME = /^[^$\\.][^\\.]*$/;

/** Can a selector take in all that meet this, and `rechecked` decide the rest? */
export function canPush({ field, comparator, operands }: BoundComparison): boolean {
  if (!PLAIN_NAME.test(field)) return false;
  switch (comparator) {
    case EQ:
    case IN:
      return operands.every((operand) => isNumber(operand) || ['string', 'boolean'].includes(typeof operand));
    case GT:
    case GE:
    case LT:
    case LE:
    case BETWEEN:
      return operands.every(isNumber);
    default:
      return comparator === IS_NULL;
  }
}

const isNumber = (value: Wire): boolean => typeof value === 'number' || value instanceof JsonNumber;

/** @throws invalid for words of a native query that are not allowed */
export function selectorOf(condition: Condition): Document {
  switch (condition.kind) {
    case 'all':
      return { $and: narrowed(condition.of.map(selectorOf)) };
    case 'any':
      return { $or: condition.of.map(selectorOf) };
    case 'native':
      // Not one of several choices: what is in it is looked at by the store only.
      return { $and: [allowed(condition.query, 0)] };
    case 'compare':
      return comparisonOf(condition);
    case 'not':
      return negationOf(condition.of);
  }
}

/** Of all that have a value, which is what is above null: texts that are equal to ICU may differ all the same. */
function negationOf(condition: Condition): Document {
  if (condition.kind !== 'compare') throw new MillraceError('internal', 'A negation was left to the database.');
  return member(condition.field, { $gt: null });
}

/** With one choice at most: no index serves more, and PouchDB loses documents where several choices meet. */
function narrowed(parts: readonly Document[]): readonly Document[] {
  const choice = parts.find(isChoice);
  return parts.filter((part) => part === choice || !isChoice(part));
}

const isChoice = (selector: Document): boolean => '$or' in selector;

function comparisonOf({ field, comparator, operands }: BoundComparison): Document {
  const [first = null, second = null] = operands;
  const of = (test: Document): Document => member(field, test);
  switch (comparator) {
    case EQ:
      return of({ $eq: first });
    case IN:
      return of({ $in: operands });
    case BETWEEN:
      return of({ $type: 'number', $gte: first, $lte: second });
    case IS_NULL:
      return { $or: [of({ $exists: false }), of({ $eq: null })] };
    default:
      // Whatever is no number stands in front of all numbers, or behind them.
      return of({ $type: 'number', [RANGES[comparator] ?? '']: first });
  }
}

const member = (field: string, test: Document): Document => withoutPrototype([[field, test]]);

/** The same for a document, exactly; what is written in the store's own words the store has decided. */
export function rechecked(condition: Condition): Predicate {
  const ours = withoutNative(condition);
  return ours ? predicateOf(ours, false) : () => true;
}

function withoutNative(condition: Condition): Condition | undefined {
  if (condition.kind === 'native') return undefined;
  if (condition.kind !== 'all') return condition;
  return { kind: 'all', of: condition.of.flatMap((part) => withoutNative(part) ?? []) };
}

/** The fields that `rechecked` looks at. */
export function fieldsOf(condition: Condition): string[] {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.flatMap(fieldsOf);
    case 'not':
      return fieldsOf(condition.of);
    case 'native':
      return [];
    case 'compare':
      return [condition.field];
  }
}

/** Mango has no words that run programs; those it may get in time are not among these. */
const WORDS: ReadonlySet<string> = new Set(
  [
    ...['and', 'or', 'not', 'nor', 'eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'exists', 'type', 'in', 'nin', 'size', 'mod'],
    ...['regex', 'all', 'elemMatch', 'allMatch', 'keyMapMatch'],
  ].map((word) => `$${word}`),
);

const NATIVE_DEPTH_MAX = 50;
/** Of a pattern: it is tried on every text of the table. */
const PATTERN_LENGTH_MAX = 200;

/** @throws invalid with the word that is not known */
function allowed<T extends Wire>(query: T, depth: number): T {
  if (depth > NATIVE_DEPTH_MAX) throw invalid(`The query is nested deeper than ${NATIVE_DEPTH_MAX} levels.`);
  if (typeof query !== 'object' || query === null || query instanceof JsonNumber) return query;
  for (const [name, value] of Object.entries(query) as [string, Wire][]) {
    const isWord = !Array.isArray(query) && name.startsWith('$');
    if (isWord && !WORDS.has(name))
      throw invalid(`The query has '${name}', which is not a word of CouchDB that may be used.`);
    if (isWord && name === '$regex' && (typeof value !== 'string' || value.length > PATTERN_LENGTH_MAX)) {
      throw invalid(`A pattern must be a text of at most ${PATTERN_LENGTH_MAX} characters.`);
    }
    allowed(value, depth + 1);
  }
  return query;
}
