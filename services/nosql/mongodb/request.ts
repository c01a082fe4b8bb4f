/** Conditions and queries as the store's own: operators are ours, names and values stay what they are. */
import { BSONRegExp, type Document as BsonDocument, type Sort } from 'mongodb';
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, SortField } from '../engine.ts';
import { idsOf, toBson } from './types.ts';

/** @throws MillraceError invalid for names and operators that are refused */
export function queryOf(condition: Condition | undefined): BsonDocument {
  if (!condition) return {};
  switch (condition.kind) {
    case 'all':
      return condition.of.length === 0 ? {} : { $and: condition.of.map(queryOf) };
    case 'any':
      return condition.of.length === 0 ? NEVER : { $or: condition.of.map(queryOf) };
    case 'not':
      if (condition.of.kind !== 'compare') throw new Error('NOT stands before comparisons only.');
      return comparisonQuery(condition.of, true);
    case 'compare':
      return comparisonQuery(condition, false);
    case 'native':
      return nativeQuery(condition.query);
  }
}

const NEVER: BsonDocument = { _id: { $in: [] } };

export function sortOf(order: readonly SortField[]): Sort {
  return Object.fromEntries(order.map(({ field, descending }) => [fieldName(field), descending ? -1 : 1]));
}

/** A name that begins with `$` would be an operator. @throws MillraceError invalid */
export function fieldName(name: string): string {
  if (name === '' || name.includes('\0') || name.split('.').some((part) => part.startsWith('$'))) {
    throw invalid(`Invalid field name: '${name}'.`, { field: name });
  }
  return name;
}

const PATTERNS: ReadonlySet<Comparator> = new Set([
  Comparator.LIKE,
  Comparator.CONTAINS,
  Comparator.STARTS_WITH,
  Comparator.ENDS_WITH,
]);

/** Can it be said in the store's words? Names can be at fault, numbers of more digits than it has, a NUL in a pattern. */
export function isSayable({ field, comparator, operands }: BoundComparison): boolean {
  if (PATTERNS.has(comparator) && String(operands[0]).includes('\0')) return false;
  try {
    fieldName(field);
    for (const operand of operands) if (operand instanceof JsonNumber) toBson(operand, field);
    return true;
  } catch {
    return false;
  }
}

function comparisonQuery({ field: name, comparator, operands }: BoundComparison, negated: boolean): BsonDocument {
  const field = fieldName(name);
  if (comparator === Comparator.IS_NULL) return { [field]: negated ? { $ne: null } : null };
  const values = operands.map((operand) => toBson(operand, field));
  const [first, second] = values;
  // A field without a value satisfies neither a comparison nor its negation.
  const equal = (among: unknown[]) => (negated ? { $nin: [null, ...among] } : { $in: among });
  const other = (test: BsonDocument) => (negated ? { $ne: null, $not: test } : test);
  switch (comparator) {
    case Comparator.EQ:
      return { [field]: negated ? { $nin: [null, first] } : { $eq: first } };
    case Comparator.IN:
      return { [field]: equal(values) };
    case Comparator.NE:
      return { [field]: negated ? { $eq: first } : { $nin: [null, first] } };
    case Comparator.GT:
      return { [field]: other({ $gt: first }) };
    case Comparator.GE:
      return { [field]: other({ $gte: first }) };
    case Comparator.LT:
      return { [field]: other({ $lt: first }) };
    case Comparator.LE:
      return { [field]: other({ $lte: first }) };
    case Comparator.BETWEEN:
      return { [field]: other({ $gte: first, $lte: second }) };
    default:
      return {
        [field]: negated ? { $ne: null, $not: pattern(comparator, operands[0]) } : pattern(comparator, operands[0]),
      };
  }
}

/** LIKE and its kin find letters of either case, as in SQL services. `\z` is the end, and not the line end before it. */
function pattern(comparator: Comparator, operand: Wire | undefined): BSONRegExp {
  const text = String(operand ?? '');
  switch (comparator) {
    case Comparator.LIKE:
      return new BSONRegExp(likePattern(text), 'is');
    case Comparator.CONTAINS:
      return new BSONRegExp(escaped(text), 'is');
    case Comparator.STARTS_WITH:
      return new BSONRegExp(`^${escaped(text)}`, 'is');
    case Comparator.ENDS_WITH:
      return new BSONRegExp(`${escaped(text)}\\z`, 'is');
    default:
      throw invalid('A comparison of the filter is not known to this version.');
  }
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** `%` any characters, `_` one, `\` takes the meaning of the next one. */
function likePattern(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === '\\' && at + 1 < text.length) out += escaped(text[++at] as string);
    else if (letter === '%') out += '.*';
    else out += letter === '_' ? '.' : escaped(letter);
  }
  return `^${out}\\z`;
}

/** What a caller's own query may say: nothing in it runs code, reads elsewhere, or writes. */
const JOINING = new Set(['$and', '$or', '$nor']);
const TESTING = new Set([
  ...['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$not', '$exists', '$type', '$size', '$all'],
  ...['$elemMatch', '$mod', '$regex', '$options'],
]);
const QUERY_DEPTH_MAX = 32;

/** @throws MillraceError invalid that names the operator */
export function nativeQuery(query: Document, depth = 0): BsonDocument {
  if (depth > QUERY_DEPTH_MAX) throw invalid('The filter is nested too deep.');
  // Without a prototype: `__proto__` is a name like any other.
  const out: BsonDocument = Object.create(null);
  for (const [name, value] of Object.entries(query)) {
    if (!name.startsWith('$')) {
      out[fieldName(name)] = testOf(value, name, depth);
      continue;
    }
    if (!JOINING.has(name)) throw refused(name);
    if (!Array.isArray(value) || !value.every(isObject)) throw invalid(`'${name}' takes a list of conditions.`);
    out[name] = value.map((one) => nativeQuery(one as Document, depth + 1));
  }
  return out;
}

/** What is said of one field. */
function testOf(value: Wire, field: string, depth: number): unknown {
  if (depth > QUERY_DEPTH_MAX) throw invalid('The filter is nested too deep.');
  if (!isObject(value) || !hasOperator(value)) return plainValue(value, field);
  // Without a prototype: `__proto__` is a name like any other.
  const out: BsonDocument = Object.create(null);
  for (const [name, inner] of Object.entries(value as Document)) {
    if (!TESTING.has(name)) throw refused(name);
    out[name] = operandOf(name, inner, field, depth + 1);
  }
  return out;
}

function operandOf(operator: string, value: Wire, field: string, depth: number): unknown {
  switch (operator) {
    case '$in':
    case '$nin':
    case '$all':
      if (!Array.isArray(value)) throw invalid(`'${operator}' takes a list.`, { field });
      return value.flatMap((one) => (field === '_id' ? idsOf(one as Wire) : [toBson(one as Wire, field)]));
    case '$regex':
    case '$options':
      if (typeof value === 'string' || (isObject(value) && Object.hasOwn(value, '$regularExpression'))) {
        return toBson(value, field);
      }
      throw invalid(`'${operator}' takes a text.`, { field });
    case '$not':
      return isObject(value) ? testOf(value, field, depth) : toBson(value, field);
    case '$elemMatch':
      if (!isObject(value)) throw invalid("'$elemMatch' takes an object.", { field });
      return hasOperator(value) && !JOINING.has(Object.keys(value)[0] as string)
        ? testOf(value, field, depth)
        : nativeQuery(value as Document, depth);
    default:
      return plainValue(value, field);
  }
}

/** Texts of 24 hexadecimal characters are identifiers where they stand for one (database-api §9.1). */
const plainValue = (value: Wire, field: string): unknown => (field === '_id' ? idsOf(value)[0] : toBson(value, field));

/** Tags such as `$oid` are values. */
const TAGS =
  /^\$(?:oid|id|date|uuid|binary|number(?:Decimal|Long|Int|Double)|timestamp|regularExpression|minKey|maxKey)$/;

function hasOperator(value: Wire): boolean {
  const names = Object.keys(value as Document);
  return names.some((name) => name.startsWith('$')) && !(names.length === 1 && TAGS.test(names[0] as string));
}

const isObject = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);

const refused = (operator: string) => invalid(`The operator '${operator}' is not allowed in a filter.`, { operator });
