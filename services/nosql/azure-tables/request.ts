/** Reads as requests of Azure Tables: filters in OData, what is read of an entity, and where a page begins. */
import { odata } from '@azure/data-tables';
import { invalid } from '#common/errors.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { comparisonText, isComparable } from './comparison.ts';
import { KEY_NAMES, PARTITION_KEY } from './keys.ts';

/** What the store takes in one filter; two are left for where a page begins. */
const COMPARISONS_MAX = 15 - 2;
/** Of the filter as it stands in the address, which has 32 KiB. */
const FILTER_LENGTH_MAX = 16_384;
/** What cannot be told apart from words of OData, or is no name there. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const WORDS = new Set([
  'and',
  'or',
  'not',
  'eq',
  'ne',
  'gt',
  'ge',
  'lt',
  'le',
  'true',
  'false',
  'null',
  'datetime',
  'guid',
]);

export const isSpeakable = (field: string): boolean => NAME.test(field) && !WORDS.has(field.toLowerCase());

export const canCompare = (comparison: BoundComparison): boolean =>
  isSpeakable(comparison.field) && isComparable(comparison);

/** How a read is carried out. */
export interface Reading {
  readonly filter: string | undefined;
  /** What one filter has no room for: decided for the entities that it gives. */
  readonly rest: Condition | undefined;
  /** undefined: whole entities. */
  readonly select: readonly string[] | undefined;
  /** Where all entities that are wanted are in one partition. */
  readonly partition: string | undefined;
}

/** @param condition  of comparisons that all can be compared */
export function readingOf(condition: Condition | undefined, fields: readonly string[] | undefined): Reading {
  const parts = condition === undefined ? [] : condition.kind === 'all' ? [...condition.of] : [condition];
  // What finds entities comes before what only leaves some out.
  parts.sort((a, b) => rankOf(a) - rankOf(b));
  const texts: string[] = [];
  const rest: Condition[] = [];
  let count = 0;
  let length = 0;
  for (const part of parts) {
    const text = filterText(part);
    const [more, longer] = [comparisonsIn(text), encodeURIComponent(text).length + 9];
    if (count + more > COMPARISONS_MAX || length + longer > FILTER_LENGTH_MAX) {
      rest.push(part);
      continue;
    }
    texts.push(parts.length > 1 ? `(${text})` : text);
    count += more;
    length += longer;
  }
  return {
    filter: texts.length > 0 ? texts.join(' and ') : undefined,
    rest: rest.length > 1 ? { kind: 'all', of: rest } : rest[0],
    select: rest.length > 0 ? undefined : selectOf(fields),
    partition: parts.map(partitionIn).find((found) => found !== undefined),
  };
}

/** Key fields come in any case. A name that cannot be said here stands for whole entities. */
export function selectOf(fields: readonly string[] | undefined): readonly string[] | undefined {
  if (!fields?.every(isSpeakable)) return undefined;
  return [...new Set([...KEY_NAMES, ...fields])];
}

function rankOf(condition: Condition): number {
  if (partitionIn(condition) !== undefined) return 0;
  if (condition.kind === 'compare') return KEY_NAMES.includes(condition.field) ? 1 : 2;
  return 3;
}

function partitionIn(condition: Condition): string | undefined {
  if (condition.kind !== 'compare' || condition.field !== PARTITION_KEY) return undefined;
  // A key is a text: what else the operand may stand for is not there.
  const texts = condition.operands.filter((operand) => typeof operand === 'string');
  const isEqual = condition.comparator === Comparator.EQ || condition.comparator === Comparator.IN;
  return isEqual && texts.length === 1 ? texts[0] : undefined;
}

function filterText(condition: Condition): string {
  switch (condition.kind) {
    case 'all':
    case 'any': {
      if (condition.of.length === 0) return condition.kind === 'all' ? ALWAYS : NEVER;
      const texts = condition.of.map(filterText);
      return texts.length === 1
        ? (texts[0] as string)
        : `(${texts.join(condition.kind === 'all' ? ') and (' : ') or (')})`;
    }
    case 'compare':
      return comparisonText(condition) ?? NEVER;
    default:
      throw new Error('Not a condition that Azure Tables decides.');
  }
}

/** Every entity has a key, and none has one that is less than the empty text. */
const ALWAYS = odata`PartitionKey ge ${''}`;
const NEVER = odata`PartitionKey lt ${''}`;

const comparisonsIn = (text: string): number =>
  text.replace(/'(?:[^']|'')*'/g, '').match(/ (?:eq|ne|gt|ge|lt|le) /g)?.length ?? 0;

/** Where a page begins: behind a key, and there behind a page that the store itself has ended. */
export interface Cursor {
  /** PartitionKey and RowKey of the last entity that is not wanted any more. */
  readonly behind?: readonly [string, string];
  /** Of what is behind the key: the rest of its partition, or all others. */
  readonly others?: boolean;
  /** Of the store. */
  readonly token?: string;
}

/** Opaque to clients. */
export const cursorText = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url');

/** @throws MillraceError invalid for what is no cursor */
export function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return {};
  try {
    const { behind, others, token } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    const isKey =
      behind === undefined ||
      (Array.isArray(behind) && behind.length === 2 && behind.every((one) => typeof one === 'string'));
    const isMeant = behind !== undefined || token !== undefined;
    if (isKey && isMeant && (others === undefined || typeof others === 'boolean') && isToken(token)) {
      return {
        ...(behind !== undefined && { behind: behind as unknown as [string, string] }),
        ...(others !== undefined && { others }),
        ...(token !== undefined && { token: token as string }),
      };
    }
  } catch {
    // no cursor either
  }
  throw invalid('The token of the page is not one of this list.', { field: 'offset' });
}

/** As the client makes it of two headers of the answer. */
function isToken(token: unknown): boolean {
  if (token === undefined) return true;
  if (typeof token !== 'string') return false;
  const { nextPartitionKey, nextRowKey } = JSON.parse(Buffer.from(token, 'base64').toString()) as Record<
    string,
    unknown
  >;
  return typeof nextPartitionKey === 'string' && (nextRowKey === undefined || typeof nextRowKey === 'string');
}

/** The filter of one of the two ranges behind a key, each of which the store finds without looking at what is before. */
export function filterBehind({ behind, others }: Cursor, filter: string | undefined): string | undefined {
  if (!behind) return filter;
  const [partition, row] = behind;
  const range = others ? odata`PartitionKey gt ${partition}` : odata`PartitionKey eq ${partition} and RowKey gt ${row}`;
  return filter === undefined ? range : `${range} and (${filter})`;
}
