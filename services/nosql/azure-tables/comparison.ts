/**
 * Comparisons in OData. The store compares a property with a literal of its own type only. What a number is kept as
 * nobody knows here (Int32, Int64, Double), so numbers are compared by residual/.
 */
import { odata } from '@azure/data-tables';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison } from '../engine.ts';
import { tagOf } from '../residual/compare.ts';
import { KEY_NAMES } from './keys.ts';
import { typedOf } from './types.ts';

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
export function isComparable({ field, comparator, operands }: BoundComparison): boolean {
  const [first = null] = operands;
  const fits = (one: Wire): boolean => isOfOtherType(field, one) || typeof one === 'string' || isTagged(one);
  switch (comparator) {
    case Comparator.EQ:
    case Comparator.IN:
      return operands.every((one) => fits(one) || typeof one === 'boolean');
    case Comparator.GT:
    case Comparator.GE:
    case Comparator.LT:
    case Comparator.LE:
    case Comparator.BETWEEN:
      return operands.every(
        (one) => fits(one) && !(typeof one === 'string' && SURROGATES.test(one)) && !isUnordered(one),
      );
    case Comparator.STARTS_WITH:
      return typeof first === 'string' && CASELESS.test(first);
    case Comparator.LIKE:
      return typeof first === 'string' && patternOf(first) !== undefined;
    default:
      return false;
  }
}

const isTagged = (value: Wire): boolean => ['$date', '$uuid', '$binary'].includes(tagOf(value) ?? '');
const isUnordered = (value: Wire): boolean => ['$uuid', '$binary'].includes(tagOf(value) ?? '');

/** Keys are texts, and the store's own moment is one: what else an operand may stand for is not there. */
function isOfOtherType(field: string, value: Wire): boolean {
  if (KEY_NAMES.includes(field)) return typeof value !== 'string';
  return field === 'Timestamp' && tagOf(value) !== '$date';
}

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

function alternatives(field: string, sign: Sign, operand: Wire): string[] {
  if (isOfOtherType(field, operand)) return [];
  if (typeof operand === 'string') return [compare(field, sign, odata` ${operand}`)];
  if (typeof operand === 'boolean') return [compare(field, sign, operand ? 'true' : 'false')];
  const literal = taggedLiteral(operand as Document);
  return literal === undefined ? [] : [compare(field, sign, literal)];
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
