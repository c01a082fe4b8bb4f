/** Comparisons in OData. The store compares a property with a literal of its own type only, so each type is asked for. */
import { odata } from '@azure/data-tables';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison } from '../engine.ts';
import { tagOf } from '../residual/compare.ts';
import { KEY_NAMES } from './keys.ts';
import { INT32_MAX, INT32_MIN, typedOf } from './types.ts';

type Sign = 'eq' | 'gt' | 'ge' | 'lt' | 'le';

const SIGNS: Partial<Record<Comparator, Sign>> = {
  [Comparator.EQ]: 'eq',
  [Comparator.IN]: 'eq',
  [Comparator.GT]: 'gt',
  [Comparator.GE]: 'ge',
  [Comparator.LT]: 'lt',
  [Comparator.LE]: 'le',
};

/** Letters have cases, which the dialect does not tell apart in patterns and the store does. */
const CASELESS = /^[\x20-\x40\x5b-\x60\x7b-\x7d]+$/;
/** What is behind it stands in another order by units than by code points. */
const SURROGATES = /[\ud800-\uffff]/;

/** Whether the store decides it as the dialect does. */
export function isComparable({ comparator, operands }: BoundComparison): boolean {
  const [first = null] = operands;
  switch (comparator) {
    case Comparator.EQ:
    case Comparator.IN:
      return operands.length > 0 && operands.every((one) => isOrdered(one) || typeof one === 'boolean' || isTagged(one));
    case Comparator.GT:
    case Comparator.GE:
    case Comparator.LT:
    case Comparator.LE:
    case Comparator.BETWEEN:
      return operands.every((one) => (isOrdered(one) && !SURROGATES.test(String(one))) || tagOf(one) === '$date');
    case Comparator.STARTS_WITH:
      return typeof first === 'string' && CASELESS.test(first);
    case Comparator.LIKE:
      return typeof first === 'string' && patternOf(first) !== undefined;
    default:
      return false;
  }
}

const isTagged = (value: Wire): boolean => ['$date', '$uuid', '$binary'].includes(tagOf(value) ?? '');

/** Of a number: every type of the store that holds it holds it exactly. */
const isOrdered = (value: Wire): boolean =>
  typeof value === 'string' || (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER);

/** Patterns that are a range: `x` and `x%`. */
function patternOf(pattern: string): { readonly text: string; readonly isPrefix: boolean } | undefined {
  const [, text = '', percent] = /^([^%_]+)(%?)$/.exec(pattern) ?? [];
  return CASELESS.test(text) ? { text, isPrefix: percent === '%' } : undefined;
}

/** @returns undefined where no entity can satisfy it */
export function comparisonText({ field, comparator, operands }: BoundComparison): string | undefined {
  const [first = null, second = null] = operands;
  const sign = SIGNS[comparator];
  if (sign) return anyOf(operands.flatMap((operand) => alternatives(field, sign, operand)));
  switch (comparator) {
    case Comparator.BETWEEN: {
      const [low, high] = [anyOf(alternatives(field, 'ge', first)), anyOf(alternatives(field, 'le', second))];
      return low === undefined || high === undefined ? undefined : `${grouped(low)} and ${grouped(high)}`;
    }
    case Comparator.STARTS_WITH:
      return prefixText(field, String(first));
    case Comparator.LIKE: {
      const { text, isPrefix } = patternOf(String(first)) as NonNullable<ReturnType<typeof patternOf>>;
      return isPrefix ? prefixText(field, text) : compare(field, 'eq', odata` ${text}`);
    }
    default:
      throw new Error('Not a comparison that Azure Tables makes.');
  }
}

const anyOf = (texts: readonly string[]): string | undefined => (texts.length === 0 ? undefined : texts.join(' or '));
const grouped = (text: string): string => (text.includes(' or ') ? `(${text})` : text);
const compare = (field: string, sign: Sign, literal: string): string => `${field} ${sign} ${literal.trim()}`;

function prefixText(field: string, prefix: string): string {
  const last = String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  return `${compare(field, 'ge', odata` ${prefix}`)} and ${compare(field, 'lt', odata` ${prefix.slice(0, -1) + last}`)}`;
}

/** One comparison for each type in which a property may hold the value. */
function alternatives(field: string, sign: Sign, operand: Wire): string[] {
  // Keys are texts, and the store's own moment is one.
  if (KEY_NAMES.includes(field) && typeof operand !== 'string') return [];
  if (field === 'Timestamp' && tagOf(operand) !== '$date') return [];
  switch (typeof operand) {
    case 'string':
      return [compare(field, sign, odata` ${operand}`)];
    case 'boolean':
      return [compare(field, sign, operand ? 'true' : 'false')];
    case 'number':
      return numberLiterals(sign, operand).map(([by, literal]) => compare(field, by, literal));
  }
  const literal = taggedLiteral(operand as Document);
  return literal === undefined ? [] : [compare(field, sign, literal)];
}

function numberLiterals(sign: Sign, value: number): [Sign, string][] {
  const double: [Sign, string] = [sign, doubleText(value)];
  if (sign === 'eq' && !Number.isInteger(value)) return [double];
  // Of integers the next one is the limit.
  const by: Sign = Number.isInteger(value) ? sign : sign.startsWith('g') ? 'ge' : 'le';
  const limit = (by.startsWith('g') ? Math.ceil(value) : Math.floor(value)) + 0;
  return [...int32Literals(by, limit), [by, `${limit}L`], double];
}

/** A limit that no Int32 reaches is met by all of them, or by none. */
function int32Literals(sign: Sign, limit: number): [Sign, string][] {
  if (limit <= INT32_MAX && limit >= INT32_MIN) return [[sign, String(limit)]];
  if (sign === 'eq') return [];
  const isMet = sign.startsWith('g') ? limit < 0 : limit > 0;
  return isMet ? [sign.startsWith('g') ? ['ge', String(INT32_MIN)] : ['le', String(INT32_MAX)]] : [];
}

function doubleText(value: number): string {
  const text = String(value + 0);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** The values are none but what types.ts has checked: digits, and signs between them. */
function taggedLiteral(value: Document): string | undefined {
  const typed = typedOf(value, '');
  switch (typed?.type) {
    case 'DateTime':
      return `datetime'${typed.value}'`;
    case 'Guid':
      return `guid'${typed.value}'`;
    case 'Binary':
      return `X'${Buffer.from(String(typed.value), 'base64').toString('hex')}'`;
    default:
      return undefined;
  }
}
