/** Expressions of DynamoDB: names and values stand in them as placeholders only. */
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { type Attributes, attributeOf, isNumberHeld } from './types.ts';

/** What one IN takes. */
const IN_MAX = 100;
/** Letters have cases, which the dialect does not tell apart and DynamoDB does. */
const CASELESS = /^[\x20-\x40\x5b-\x60\x7b-\x7e]+$/;

export interface Piece {
  readonly text: string;
  /** Redundant parentheses are refused, so it is known who needs them. */
  readonly binds: 'atom' | 'not' | 'and' | 'or';
}

/** Gives out placeholders, one for each name and each value. */
export class Placeholders {
  readonly #names = new Map<string, string>();
  readonly #values: Attributes = {};
  #count = 0;

  name(name: string): string {
    const known = this.#names.get(name) ?? `#n${this.#names.size}`;
    this.#names.set(name, known);
    return known;
  }

  value(value: Wire): string {
    const placeholder = `:v${this.#count++}`;
    this.#values[placeholder] = attributeOf(value, 'value');
    return placeholder;
  }

  /** As requests have them. */
  entries(): { ExpressionAttributeNames?: Record<string, string>; ExpressionAttributeValues?: Attributes } {
    return {
      ...(this.#names.size > 0 && {
        ExpressionAttributeNames: Object.fromEntries([...this.#names].map(([name, known]) => [known, name])),
      }),
      ...(this.#count > 0 && { ExpressionAttributeValues: this.#values }),
    };
  }
}

/** Whether DynamoDB decides it as the dialect does. @param keys  names that are no paths, whatever dots they have */
export function canCompare({ field, comparator, operands }: BoundComparison, keys: readonly string[]): boolean {
  if (field === '' || (field.includes('.') && !keys.includes(field))) return false;
  const [first = null] = operands;
  switch (comparator) {
    case Comparator.IS_NULL:
      return true;
    case Comparator.EQ:
    case Comparator.NE:
    case Comparator.IN:
      return operands.every((one) => typeof one === 'boolean' || isOrdered(one) || isBinary(one));
    case Comparator.GT:
    case Comparator.GE:
    case Comparator.LT:
    case Comparator.LE:
    case Comparator.BETWEEN:
      return operands.every(isOrdered) && operands.every((one) => kindOf(one) === kindOf(first));
    case Comparator.CONTAINS:
    case Comparator.STARTS_WITH:
      return typeof first === 'string' && CASELESS.test(first);
    case Comparator.LIKE:
      return typeof first === 'string' && likeParts(first) !== undefined;
    default:
      return false;
  }
}

export const isBinary = (value: Wire): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).join() === '$binary';

export const kindOf = (value: Wire): 'number' | 'string' | 'other' =>
  typeof value === 'number' || value instanceof JsonNumber ? 'number' : typeof value === 'string' ? 'string' : 'other';

const isOrdered = (value: Wire): boolean =>
  typeof value === 'string' || (kindOf(value) === 'number' && isNumberHeld(String(value)));

/** Patterns that DynamoDB has functions for: `x%`, `%x%`, and none. */
function likeParts(pattern: string): { readonly by: Comparator; readonly text: string } | undefined {
  const [, before = '', text = '', after = ''] = /^(%?)([^%_]+)(%?)$/.exec(pattern) ?? [];
  if (!CASELESS.test(text) || (before && !after)) return undefined;
  return { by: before ? Comparator.CONTAINS : after ? Comparator.STARTS_WITH : Comparator.EQ, text };
}

/** @param condition  of comparisons that all can be compared */
export function pieceOf(condition: Condition, given: Placeholders): Piece {
  switch (condition.kind) {
    case 'all':
      return joined(
        'and',
        condition.of.map((part) => pieceOf(part, given)),
      );
    case 'any':
      return joined(
        'or',
        condition.of.map((part) => pieceOf(part, given)),
      );
    case 'not':
      return negated(condition.of as BoundComparison, given);
    case 'compare':
      return comparisonOf(condition, given);
    case 'native':
      throw new Error('There are no queries in words of DynamoDB.');
  }
}

export function joined(binds: 'and' | 'or', pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (pieces.length === 1 && first) return first;
  const text = pieces.map((piece) => (piece.binds === 'or' || piece.binds === 'and' ? `(${piece.text})` : piece.text));
  return { binds, text: text.join(binds === 'and' ? ' AND ' : ' OR ') };
}

const atom = (text: string): Piece => ({ text, binds: 'atom' });
const not = ({ text, binds }: Piece): Piece => ({
  text: binds === 'atom' ? `NOT ${text}` : `NOT (${text})`,
  binds: 'not',
});

/** The field has a value, for which it does not hold. */
function negated(comparison: BoundComparison, given: Placeholders): Piece {
  if (comparison.comparator === Comparator.IS_NULL) return present(comparison.field, given);
  return joined('and', [...presence(comparison.field, given), not(comparisonOf(comparison, given))]);
}

const present = (field: string, given: Placeholders): Piece => joined('and', presence(field, given));

const presence = (field: string, given: Placeholders): Piece[] => [
  atom(`attribute_exists(${given.name(field)})`),
  not(isOfType(field, 'NULL', given)),
];

const isOfType = (field: string, type: string, given: Placeholders): Piece =>
  atom(`attribute_type(${given.name(field)}, ${given.value(type)})`);

const SIGNS: Partial<Record<Comparator, string>> = {
  [Comparator.EQ]: '=',
  [Comparator.GT]: '>',
  [Comparator.GE]: '>=',
  [Comparator.LT]: '<',
  [Comparator.LE]: '<=',
};

function comparisonOf({ field, comparator, operands }: BoundComparison, given: Placeholders): Piece {
  const name = given.name(field);
  const [first = null, second = null] = operands;
  const sign = SIGNS[comparator];
  if (sign) return atom(`${name} ${sign} ${given.value(first)}`);
  switch (comparator) {
    case Comparator.IS_NULL:
      return joined('or', [atom(`attribute_not_exists(${name})`), isOfType(field, 'NULL', given)]);
    case Comparator.NE:
      return joined('and', [...presence(field, given), atom(`${name} <> ${given.value(first)}`)]);
    case Comparator.BETWEEN:
      // Not by its own BETWEEN, which refuses limits that are the wrong way round.
      return joined('and', [atom(`${name} >= ${given.value(first)}`), atom(`${name} <= ${given.value(second)}`)]);
    case Comparator.IN:
      return joined('or', inPieces(name, operands, given));
    case Comparator.STARTS_WITH:
      return atom(`begins_with(${name}, ${given.value(first)})`);
    case Comparator.CONTAINS:
      // Lists and sets contain things as well.
      return joined('and', [isOfType(field, 'S', given), atom(`contains(${name}, ${given.value(first)})`)]);
    case Comparator.LIKE: {
      const { by, text } = likeParts(String(first)) as NonNullable<ReturnType<typeof likeParts>>;
      return comparisonOf({ kind: 'compare', field, comparator: by, operands: [text] }, given);
    }
    default:
      throw new Error('Not a comparison that DynamoDB can make.');
  }
}

function inPieces(name: string, operands: readonly Wire[], given: Placeholders): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < operands.length; at += IN_MAX) {
    const some = operands.slice(at, at + IN_MAX).map((one) => given.value(one));
    pieces.push(atom(`${name} IN (${some.join(', ')})`));
  }
  return pieces;
}
