/** Conditions as OData, and keys as Azure takes them. */
import { odata } from '@azure/data-tables';
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { pageToken, readPageToken } from '#common/page-token.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, DocumentKey } from '../engine.ts';
import { narrowed } from '../narrow.ts';
import { isNever } from '../plan/conditions.ts';
import { exactDate, isName, PARTITION_KEY, propertyOf, ROW_KEY } from './types.ts';

/** Comparisons of one filter: Azure takes no more. */
const COMPARISONS_MAX = 15;
/** A URL of 32 KiB, encoded. */
const FILTER_LENGTH_MAX = 8_000;
/** Of OData: where one of them stands nobody reads a field. */
const WORDS: ReadonlySet<string> = new Set([
  ...['and', 'or', 'not', 'eq', 'ne', 'gt', 'ge', 'lt', 'le'],
  ...['true', 'false', 'null', 'datetime', 'guid', 'X', 'binary'],
]);
const KEY_LENGTH_MAX = 512;
const KEY_REFUSED = /[/\\#?\u0000-\u001f\u007f-\u009f]/;
const isKeyField = (field: string): boolean => field === PARTITION_KEY || field === ROW_KEY;

/** Azure puts texts in the order of UTF-16 units, which is that of code points where there are no half pairs. */
const isPlainText = (value: Wire): value is string => typeof value === 'string' && !/[\ud800-\uffff]/.test(value);
const isTagged = (value: Wire, ...tags: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && tags.includes(Object.keys(value).join());

const isDate = (value: Wire): boolean =>
  isTagged(value, '$date') && exactDate((value as Document)['$date'] ?? null) !== undefined;

/** Whether Azure decides it as the dialect does. Numbers of other types do not compare there as they do here. */
export function canCompare({ field, comparator, operands }: BoundComparison): boolean {
  if (!isName(field) || WORDS.has(field)) return false;
  const isOfKey = isKeyField(field);
  switch (comparator) {
    case Comparator.EQ:
    case Comparator.IN:
      // A key is a text: what is none is left out.
      return isOfKey || operands.every(isEqualled);
    case Comparator.GT:
    case Comparator.GE:
    case Comparator.LT:
    case Comparator.LE:
    case Comparator.BETWEEN: {
      const areDates = operands.every(isDate);
      return areDates || operands.every(isPlainText) || (isOfKey && operands.every((one) => typeof one !== 'string'));
    }
    default:
      return false;
  }
}

const isEqualled = (value: Wire): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || isDate(value) || isTagged(value, '$uuid', '$binary');

export interface Reading {
  /** undefined: everything. */
  readonly filter: string | undefined;
  /** What is too long for a request: decided for the entities that it gives. */
  readonly rest: Condition | undefined;
}

/** @param behind  PartitionKey and RowKey of the last one that was read. @returns undefined: there can be nothing */
export function readingOf(
  condition: Condition | undefined,
  behind: readonly string[] | undefined,
): Reading | undefined {
  const known = condition && narrowed(condition, (field) => (isKeyField(field) ? 'string' : undefined));
  if (known && isNever(known)) return undefined;
  const pieces = behind ? [behindOf(behind)] : [];
  const rest: Condition[] = [];
  for (const part of known === undefined ? [] : known.kind === 'all' ? known.of : [known]) {
    const piece = pieceOf(part);
    const all = [...pieces, piece];
    const count = all.reduce((sum, one) => sum + one.comparisons, 0);
    const length = all.reduce((sum, one) => sum + one.text.length, 0);
    if (count <= COMPARISONS_MAX && length <= FILTER_LENGTH_MAX) pieces.push(piece);
    else rest.push(part);
  }
  return {
    filter: pieces.length > 0 ? pieces.map(({ text }) => text).join(' and ') : undefined,
    rest: rest.length > 0 ? { kind: 'all', of: rest } : undefined,
  };
}

interface Piece {
  readonly text: string;
  readonly comparisons: number;
}

function behindOf([partition = '', row = '']: readonly string[]): Piece {
  const from = odata`PartitionKey ge ${partition}`;
  const text = `(${from} and (${odata`PartitionKey gt ${partition}`} or ${odata`RowKey gt ${row}`}))`;
  return { text, comparisons: 3 };
}

function pieceOf(condition: Condition): Piece {
  switch (condition.kind) {
    case 'all':
    case 'any': {
      const pieces = condition.of.map(pieceOf);
      return joined(pieces, condition.kind === 'all' ? ' and ' : ' or ');
    }
    case 'compare':
      return comparisonOf(condition);
    default:
      throw new Error('Not a condition that Azure can decide.');
  }
}

const joined = (pieces: readonly Piece[], word: string): Piece => ({
  text: `(${pieces.map(({ text }) => text).join(word)})`,
  comparisons: pieces.reduce((sum, one) => sum + one.comparisons, 0),
});

const SIGNS: Partial<Record<Comparator, string>> = {
  [Comparator.EQ]: 'eq',
  [Comparator.GT]: 'gt',
  [Comparator.GE]: 'ge',
  [Comparator.LT]: 'lt',
  [Comparator.LE]: 'le',
};

function comparisonOf({ field, comparator, operands }: BoundComparison): Piece {
  const one = (sign: string, operand: Wire): Piece => ({
    text: `${field} ${sign} ${literalOf(operand)}`,
    comparisons: 1,
  });
  const [first = null, second = null] = operands;
  if (comparator === Comparator.IN)
    return joined(
      operands.map((operand) => one('eq', operand)),
      ' or ',
    );
  if (comparator === Comparator.BETWEEN) return joined([one('ge', first), one('le', second)], ' and ');
  return one(SIGNS[comparator] ?? 'eq', first);
}

/** Only texts need to be escaped: the others have been read, and are written anew. */
function literalOf(value: Wire): string {
  if (typeof value === 'string') return odata`eq ${value}`.slice('eq '.length);
  if (typeof value === 'boolean') return String(value);
  if (isTagged(value, '$date')) return `datetime'${exactDate((value as Document)['$date'] ?? null) ?? ''}'`;
  const property = propertyOf(value, 'value');
  const text = typeof property === 'object' ? property.value : String(property);
  return isTagged(value, '$uuid') ? `guid'${text}'` : `X'${Buffer.from(text, 'base64').toString('hex')}'`;
}

/** @throws MillraceError invalid that names the field */
export function keyOf(key: DocumentKey): { readonly partitionKey: string; readonly rowKey: string } {
  return { partitionKey: keyText(PARTITION_KEY, key[0]), rowKey: keyText(ROW_KEY, key[1]) };
}

export const keyIn = (document: Document) => keyOf([document[PARTITION_KEY] ?? null, document[ROW_KEY] ?? null]);

const NAMES: Readonly<Record<string, string>> = { [PARTITION_KEY]: 'partition', [ROW_KEY]: 'row' };

/** Texts of what is missing as clients know them (database-api §9.3). */
function keyText(field: string, value: Wire | undefined): string {
  if (value === undefined || value === null) {
    throw invalid(`No valid ${NAMES[field]} key found in request.`, { field });
  }
  const isText = typeof value === 'string' || typeof value === 'number' || value instanceof JsonNumber;
  const text = String(value);
  if (!isText) throw invalid(`The key field '${field}' must be a text.`, { field });
  if (text.length > KEY_LENGTH_MAX) throw invalid(`The key field '${field}' is too long.`, { field });
  if (KEY_REFUSED.test(text)) {
    throw invalid(`The key field '${field}' must be without / \\ # ? and control characters.`, { field });
  }
  return text;
}

/** Where a page ended: Azure's own token, or behind an entity. */
export type Cursor = { readonly token: string } | { readonly behind: readonly string[] };

export const cursorOf = (cursor: Cursor): string =>
  'token' in cursor ? pageToken(['t', cursor.token]) : pageToken(['k', ...cursor.behind]);

/** @throws MillraceError invalid for what is no cursor */
export function readCursor(text: string): Cursor {
  const [kind, ...values] = readPageToken(text);
  if (kind === 't' && values.length === 1) return { token: values[0] as string };
  if (kind === 'k' && values.length === 2) return { behind: values };
  throw invalid('The token of the page is not one of this list.', { field: 'offset' });
}
