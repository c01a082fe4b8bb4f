/** Conditions and orders in MongoDB's words. Values are BSON values: none of them is ever an operator. */
import { invalid } from '#common/errors.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, SortField } from '../engine.ts';
import { idCandidates, toBson } from './types.ts';

export type Query = Map<string, unknown>;

const SYMBOLS: Partial<Record<Comparator, string>> = {
  [Comparator.GT]: '$gt',
  [Comparator.GE]: '$gte',
  [Comparator.LT]: '$lt',
  [Comparator.LE]: '$lte',
};

const query = (name: string, value: unknown): Query => new Map([[name, value]]);

/** undefined: all documents. @throws MillraceError invalid for what no filter may hold */
export function queryOf(condition: Condition | undefined): Query {
  return condition ? compile(condition) : new Map();
}

function compile(condition: Condition): Query {
  switch (condition.kind) {
    case 'all':
      return condition.of.length === 0 ? new Map() : query('$and', condition.of.map(compile));
    case 'any':
      return condition.of.length === 0 ? query('$nor', [new Map()]) : query('$or', condition.of.map(compile));
    case 'not':
      if (condition.of.kind !== 'compare') throw new Error('NOT stands before comparisons only.');
      return negated(condition.of);
    case 'compare':
      return query(fieldOf(condition.field), operatorsOf(condition));
    case 'native':
      return nativeQuery(condition.query);
  }
}

/** The field has a value, and it does not compare so. */
function negated(comparison: BoundComparison): Query {
  const field = fieldOf(comparison.field);
  if (comparison.comparator === Comparator.IS_NULL) return query(field, query('$ne', null));
  const inner = operatorsOf(comparison);
  return query('$and', [query(field, query('$not', inner)), query(field, query('$ne', null))]);
}

/** A field name stands where operators stand, too: those that look like one find nothing anywhere. */
export function fieldOf(name: string): string {
  if (name === '' || name.includes('\0') || name.split('.').some((part) => part.startsWith('$'))) {
    throw invalid(`Invalid or unparsable field in filter request: '${name}'`, { field: name });
  }
  return name;
}

function operatorsOf({ field, comparator, operands }: BoundComparison): Query {
  const [first = null, second = null] = operands;
  const symbol = SYMBOLS[comparator];
  if (symbol) return query(symbol, toBson(first, field));
  switch (comparator) {
    case Comparator.EQ:
    case Comparator.IN:
      return query('$in', [...new Set(operands.flatMap((one) => valuesOf(one, field)))]);
    case Comparator.BETWEEN:
      return new Map([
        ['$gte', toBson(first, field)],
        ['$lte', toBson(second, field)],
      ]);
    case Comparator.IS_NULL:
      return query('$eq', null);
    default:
      return new Map([
        ['$regex', patternOf(comparator, String(first))],
        ['$options', 'is'],
      ]);
  }
}

const valuesOf = (operand: Wire, field: string): unknown[] =>
  field === '_id' ? idCandidates(operand) : [toBson(operand, field)];

/** In time that is the text's length times the pattern's: what was found once is never searched again. */
export function patternOf(comparator: Comparator, text: string): string {
  const quoted = escaped(text);
  switch (comparator) {
    case Comparator.CONTAINS:
      return quoted;
    case Comparator.STARTS_WITH:
      return `^${quoted}`;
    case Comparator.ENDS_WITH:
      return `${quoted}\\z`;
    default:
      return likePattern(text);
  }
}

function likePattern(text: string): string {
  const parts = text.split('%').map((part) => part.split('_').map(escaped).join('.'));
  const [first = '', ...others] = parts;
  const last = others.pop();
  if (last === undefined) return `^${first}\\z`;
  const between = others.filter((part) => part !== '').map((part) => `(?>.*?${part})`);
  return `^${first}${between.join('')}${last === '' ? '' : `.*${last}\\z`}`;
}

const escaped = (text: string): string =>
  text.replace(/[\\^$.*+?()[\]{}|/#\s-]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));

export function sortOf(order: readonly SortField[]): Map<string, 1 | -1> {
  return new Map(order.map(({ field, descending }) => [fieldOf(field), descending ? -1 : 1]));
}

/** What filters in MongoDB's own words may say. Nothing of it runs code, reads other collections or writes. */
const LOGIC = new Set(['$and', '$or', '$nor']);
const OPERATORS = new Set([
  ...['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$not', '$exists', '$type', '$all', '$size'],
  ...['$elemMatch', '$mod', '$regex', '$options', '$bitsAllClear', '$bitsAllSet', '$bitsAnyClear', '$bitsAnySet'],
  ...['$geoWithin', '$geoIntersects', '$near', '$nearSphere', '$geometry', '$maxDistance', '$minDistance', '$box'],
  ...['$center', '$centerSphere', '$polygon'],
]);
const TAGS = /^\$(?:oid|id|date|number\w+|uuid|binary|timestamp|regularExpression|minKey|maxKey)$/;

/** @throws MillraceError invalid that names an operator that is not allowed */
export function nativeQuery(given: Document): Query {
  const made: Query = new Map();
  for (const [name, value] of Object.entries(given)) {
    if (LOGIC.has(name)) {
      if (!Array.isArray(value)) throw refused(name, 'takes a list of filters');
      made.set(
        name,
        value.map((one) => nativeQuery(documentOf(one, name))),
      );
    } else if (name.startsWith('$')) throw refused(name, 'is not allowed in a filter');
    else made.set(fieldOf(name), nativeValue(value, name));
  }
  return made;
}

function nativeValue(value: Wire, field: string): unknown {
  if (Array.isArray(value)) return value.map((one: Wire) => nativeValue(one, field));
  if (typeof value !== 'object' || value === null || !isDocument(value)) return single(value, field);
  const names = Object.keys(value);
  if (!names.some((name) => name.startsWith('$'))) {
    return new Map(names.map((name) => [name, nativeValue(value[name] as Wire, `${field}.${name}`)]));
  }
  const [only = ''] = names;
  if (names.length === 1 && TAGS.test(only)) return toBson(value, field);
  const operators: Query = new Map();
  for (const name of names) {
    if (!OPERATORS.has(name)) throw refused(name, 'is not allowed in a filter');
    const inner = value[name] as Wire;
    // $elemMatch holds a filter, or operators for the elements themselves.
    const isFilter =
      name === '$elemMatch' && isDocument(inner) && !Object.keys(inner).some((one) => OPERATORS.has(one));
    operators.set(name, isFilter ? nativeQuery(inner) : nativeValue(inner, field));
  }
  return operators;
}

const single = (value: Wire, field: string): unknown => {
  if (field !== '_id') return toBson(value, field);
  return idCandidates(value)[0];
};

const isDocument = (value: Wire): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('text' in value && 'toJSON' in value);

function documentOf(value: Wire, name: string): Document {
  if (isDocument(value)) return value;
  throw refused(name, 'takes a list of filters');
}

const refused = (name: string, reason: string) => invalid(`The operator '${name}' ${reason}.`, { field: 'filter' });
