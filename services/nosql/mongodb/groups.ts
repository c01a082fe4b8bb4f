/** Groups as MongoDB counts and sums them: taken only where its answer is to the digit what would be made here. */
import { type Document as BsonDocument, ObjectId, Timestamp } from 'mongodb';
import { GROUPS_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import type { Grouping, StoreGroup, StoreTable, Tally } from '../engine.ts';
import { isSayable } from './request.ts';

/**
 * Kinds of values, each by what is behind all of it in the order of BSON (`$type` is not known to all that speak its
 * protocol). Of objects, lists and binaries another one may be equal here, or none.
 */
const KINDS: readonly (readonly [end: unknown, kind: string])[] = [
  [null, 'odd'],
  ['', 'number'],
  [{}, 'text'],
  [new ObjectId('0'.repeat(24)), 'odd'],
  [false, 'identifier'],
  [new Date(-8.64e15), 'truth'],
  [new Timestamp({ t: 0, i: 0 }), 'date'],
];
/** Up to there a double holds every whole number, and so every sum of some. */
const WHOLE_MAX = Number.MAX_SAFE_INTEGER;

/** What others that speak MongoDB's protocol say to stages, operators and commands that they have not. */
const UNKNOWN: ReadonlySet<unknown> = new Set([59, 115, 168, 238, 15952, 40324]);

/** A name with a dot may be one of a member as well; identifiers are shown in another way than they are kept. */
export function canGroup({ by, tallied }: Grouping, { native }: StoreTable): boolean {
  const isPlain = (field: string): boolean =>
    field !== '_id' && !field.includes('.') && isSayable({ kind: 'compare', field, comparator: 0, operands: [] });
  const hasCollation = typeof native === 'object' && native !== null && 'collation' in native;
  return !hasCollation && by.every(isPlain) && tallied.every(({ field }) => isPlain(field));
}

/** The groups, with what tells whether they are as they would be here. */
export function pipelineOf(query: BsonDocument, { by, tallied }: Grouping): BsonDocument[] {
  const group: BsonDocument = {
    _id: Object.fromEntries(by.map((field, at) => [`key${at}`, present(field)])),
    count: { $sum: 1 },
  };
  for (const [at, field] of by.entries())
    Object.assign(group, numbered(at, { keyKinds: kindsOf(field), keySum: sumOf(field) }));
  for (const [at, { field, sums, compares }] of tallied.entries()) {
    const value = present(field);
    const isNumber = { $eq: [kindOf(value), 'number'] };
    const values = { $sum: { $cond: [{ $eq: [value, null] }, 0, 1] } };
    Object.assign(group, numbered(at, { values }));
    if (sums || compares) {
      const [min, max] = [{ $min: value }, { $max: value }];
      Object.assign(group, numbered(at, { kinds: kindsOf(field), sum: sumOf(field), min, max }));
    }
    if (sums) {
      const numbers = { $sum: { $cond: [isNumber, 1, 0] } };
      const fractions = { $max: { $cond: [isNumber, { $ne: [{ $mod: [value, 1] }, 0] }, false] } };
      const least = { $min: { $cond: [isNumber, value, null] } };
      const most = { $max: { $cond: [isNumber, value, null] } };
      Object.assign(group, numbered(at, { numbers, fractions, least, most }));
    }
  }
  // One more than may be says that there are too many.
  return [{ $match: query }, { $group: group }, { $limit: GROUPS_MAX + 1 }];
}

const numbered = (at: number, members: BsonDocument): BsonDocument =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [`${name}${at}`, value]));

/** One that is absent is NULL. */
const present = (field: string): BsonDocument => ({ $ifNull: [`$${field}`, null] });

/** Decimals, NaN and infinities make one of their own of every sum. */
const sumOf = (field: string): BsonDocument => ({ $sum: `$${field}` });

const kindsOf = (field: string): BsonDocument => ({ $addToSet: kindOf(present(field)) });

function kindOf(value: BsonDocument): unknown {
  const kind = KINDS.toReversed().reduce<unknown>(
    (rest, [end, one]) => ({ $cond: [{ $lt: [value, { $literal: end }] }, one, rest] }),
    'odd',
  );
  return { $cond: [{ $eq: [value, null] }, 'null', kind] };
}

/**
 * @param next  the rows of the pipeline, one after the other
 * @returns undefined where values are of such kinds that the answer would be another one here, or the server cannot
 */
export async function readGroups(
  next: () => Promise<Document | undefined>,
  grouping: Grouping,
): Promise<readonly StoreGroup[] | undefined> {
  const groups: StoreGroup[] = [];
  try {
    for (let row = await next(); row; row = await next()) {
      const group = groupOf(row, grouping);
      if (!group) return undefined;
      groups.push(group);
    }
    return groups;
  } catch (error) {
    if (UNKNOWN.has((MillraceError.from(error).cause as { code?: unknown } | undefined)?.code)) return undefined;
    throw error;
  }
}

function groupOf(row: Document, { by, tallied }: Grouping): StoreGroup | undefined {
  const key = row['_id'] as Document;
  const tallies: Tally[] = [];
  for (const at of by.keys()) {
    if (kindsIn(row[`keyKinds${at}`]).includes('odd') || !isNumber(row[`keySum${at}`])) return undefined;
  }
  for (const [at, { sums, compares }] of tallied.entries()) {
    const of = (name: string): Wire => row[`${name}${at}`] ?? null;
    const kinds = kindsIn(of('kinds')).filter((kind) => kind !== 'null');
    if (compares && (kinds.length > 1 || kinds.includes('odd'))) return undefined;
    if ((sums || compares) && !isNumber(of('sum'))) return undefined;
    if (sums && (of('fractions') === true || !isExact(of('numbers'), of('least'), of('most')))) return undefined;
    const [sum, numbers] = sums ? [Number(of('sum')), Number(of('numbers'))] : [0, 0];
    tallies.push({ count: Number(of('values')), numbers, sum, min: of('min'), max: of('max') });
  }
  return { values: by.map((_, at) => key[`key${at}`] ?? null), count: Number(row['count']), tallies };
}

const kindsIn = (value: Wire | undefined): readonly string[] => (value ?? []) as readonly string[];

const isNumber = (value: Wire | undefined): boolean => typeof value === 'number' || value instanceof JsonNumber;

const isExact = (count: Wire, least: Wire, most: Wire): boolean =>
  Number(count) * Math.max(Math.abs(Number(least)), Math.abs(Number(most))) <= WHOLE_MAX;
