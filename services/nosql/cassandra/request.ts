/** Reads as CQL: names quoted, values bound, as JSON that the store reads itself. */
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison, Condition, DocumentKey, StoreTable } from '../engine.ts';
import { isNever } from '../plan/conditions.ts';
import { type Layout, layoutOf, quoted, typeOf } from './layout.ts';
import { type ColumnType, encode } from './types.ts';

export interface Statement {
  readonly text: string;
  readonly values: readonly string[];
}

/** Identifiers of one condition: each is a read of a partition. */
const IN_MAX = 100;
/** Keys and indexes take 64 KiB of UTF-8, and the store refuses to look for more. */
const TEXT_MAX = 0xffff / 3;
/** Beyond them are infinity and NaN, which have no value on the wire. */
const LARGEST: Readonly<Record<string, string>> = { double: '1.7976931348623157E308', float: '3.4028235E38' };
/** With all of its digits. */
const SMALLEST_FLOAT = 1.17549435e-38;

const ORDERED: ReadonlySet<ColumnType['kind']> = new Set(['text', 'integer', 'decimal', 'double', 'timestamp']);
const EQUALLED: ReadonlySet<ColumnType['kind']> = new Set([...ORDERED, 'boolean', 'uuid']);

/** Whether Cassandra decides it as the dialect does. */
export function canCompare({ field, comparator, operands }: BoundComparison, table: StoreTable): boolean {
  const { columns, partition } = layoutOf(table);
  const { indexes } = table;
  const type = columns.get(field);
  if (!type || !operands.every((one) => isOfType(one, type, field))) return false;
  if (type.kind === 'text' && indexes.some(({ fields, analyzes }) => analyzes && fields[0] === field)) return false;
  switch (comparator) {
    case Comparator.EQ:
      return EQUALLED.has(type.kind);
    case Comparator.IN:
      // Of other columns the store takes none.
      if (partition.length !== 1 || partition[0] !== field || operands.includes('')) return false;
      return EQUALLED.has(type.kind) && operands.length <= IN_MAX;
    case Comparator.GT:
    case Comparator.GE:
    case Comparator.LT:
    case Comparator.LE:
    case Comparator.BETWEEN:
      return ORDERED.has(type.kind);
    default:
      return false;
  }
}

function isOfType(operand: Wire, type: ColumnType, name: string): boolean {
  if (typeof operand === 'string' && (operand.length > TEXT_MAX || !['text', 'uuid'].includes(type.kind))) return false;
  // What a float or a double would round is another number.
  if (type.kind === 'double' && operand instanceof JsonNumber) return false;
  if (type.word === 'float' && !isFloat(Number(operand))) return false;
  try {
    return encode(operand, type, name) !== 'null';
  } catch {
    return false;
  }
}

/** Six digits are the same number as a float of the store. */
const isFloat = (number: number): boolean =>
  number === 0 || (Number(number.toPrecision(6)) === number && Math.abs(number) >= SMALLEST_FLOAT);

/** @param fields  undefined: all columns; names that are none are left out, the key comes in any case */
export function columnsOf(layout: Layout, fields: readonly string[] | undefined): string[] {
  if (!fields) return [...layout.columns.keys()];
  const roots = fields.map((field) => (layout.columns.has(field) ? field : (field.split('.')[0] ?? '')));
  return [...new Set([...layout.key, ...roots.filter((name) => layout.columns.has(name))])];
}

export interface Selection {
  /** @param what  of the records, as CQL */
  readonly select: (what: string) => Statement;
  /** What the statement cannot say beside the rest: decided for whole records that it gives. */
  readonly rest: Condition | undefined;
}

/** @returns undefined: there can be nothing */
export function selectionOf(table: StoreTable, condition: Condition | undefined): Selection | undefined {
  if (condition && isNever(condition)) return undefined;
  const layout = layoutOf(table);
  const { said, rest } = sayable(condition ? comparisonsOf(condition) : [], layout);
  if (said.some((part) => isOfEmptyKey(part, layout))) return undefined;
  const values: string[] = [];
  const restricted = restrictions(said, layout, values).join(' AND ');
  const where = restricted === '' ? '' : ` WHERE ${restricted} ALLOW FILTERING`;
  return {
    select: (what) => ({ text: `SELECT ${what} FROM ${quoted(table.name)}${where}`, values }),
    rest: rest.length > 0 ? { kind: 'all', of: rest } : undefined,
  };
}

/** No record has one, which the store does not say: it refuses to look for it. */
const isOfEmptyKey = ({ field, comparator, operands }: BoundComparison, { partition }: Layout): boolean =>
  partition.length === 1 && partition[0] === field && comparator === Comparator.EQ && operands[0] === '';

/** Of one column a statement takes one equality, or one lower and one upper bound. */
function sayable(
  parts: readonly BoundComparison[],
  { partition }: Layout,
): { said: BoundComparison[]; rest: BoundComparison[] } {
  const said: BoundComparison[] = [];
  const taken = new Set<string>();
  // What names partitions finds records at once.
  const ranks = new Map(parts.map((part) => [part, rankOf(part, partition)]));
  const byUse = parts.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  for (const part of byUse) {
    const places = placesOf(part);
    // Beside several identifiers the store takes no condition on a column with an index.
    const isAlone = said.some(({ comparator }) => comparator === Comparator.IN);
    if (isAlone || places.some((place) => taken.has(place))) continue;
    for (const place of places) taken.add(place);
    said.push(part);
  }
  return { said, rest: parts.filter((part) => !said.includes(part)) };
}

function rankOf({ field, comparator }: BoundComparison, partition: readonly string[]): number {
  if (comparator === Comparator.IN) return 1;
  if (comparator !== Comparator.EQ) return 3;
  return partition.includes(field) ? 0 : 2;
}

function placesOf({ field, comparator }: BoundComparison): string[] {
  const [low, high] = [`${field}\0>`, `${field}\0<`];
  switch (comparator) {
    case Comparator.LT:
    case Comparator.LE:
      return [high];
    case Comparator.GT:
    case Comparator.GE:
      return [low];
    default:
      return [low, high];
  }
}

export const shown = (columns: readonly string[]): string =>
  columns.map((name) => `toJson(${quoted(name)})`).join(', ');

/** One document. @throws MillraceError invalid that names the field */
export function selectionByKey(table: StoreTable, columns: readonly string[], key: DocumentKey): Statement {
  const { where, values } = keyRestriction(layoutOf(table), key);
  return { text: `SELECT ${shown(columns)} FROM ${quoted(table.name)} WHERE ${where}`, values };
}

/** Of a whole key, or the first parts of one. @throws MillraceError invalid that names the field */
export function keyRestriction(
  layout: Layout,
  key: DocumentKey,
): { readonly where: string; readonly values: string[] } {
  const names = layout.key.slice(0, key.length);
  return {
    where: names.map((name) => `${quoted(name)} = fromJson(?)`).join(' AND '),
    values: names.map((name, at) => {
      const value = encode(key[at] ?? null, typeOf(layout, name), name);
      if (value === 'null') throw noKey(name);
      return value;
    }),
  };
}

/** Of a record that has none, or of a request that does not say it. */
export const noKey = (name: string): MillraceError =>
  invalid(`Required field '${name}' can not be NULL.`, { field: name });

/** Parts that are joined by AND: all that is pushed. */
export function comparisonsOf(condition: Condition): readonly BoundComparison[] {
  switch (condition.kind) {
    case 'compare':
      return [condition];
    case 'all':
      return condition.of.flatMap(comparisonsOf);
    default:
      throw new Error('Not a condition that Cassandra can decide.');
  }
}

const SIGNS: Partial<Record<Comparator, string>> = {
  [Comparator.EQ]: '=',
  [Comparator.GT]: '>',
  [Comparator.GE]: '>=',
  [Comparator.LT]: '<',
  [Comparator.LE]: '<=',
};

/** The same for WHERE and IF. @param values  what is bound is put behind these */
export function restrictions(parts: readonly BoundComparison[], layout: Layout, values: string[]): string[] {
  const restricted = parts.map((part) => restriction(part, typeOf(layout, part.field), values));
  const ends = parts.flatMap((part) => {
    const { field } = part;
    const { kind, word } = typeOf(layout, field);
    const places = placesOf(part);
    if (kind !== 'double' || places.length === 2) return [];
    const others = parts.filter((one) => one !== part && one.field === field).flatMap(placesOf);
    if (!others.every((place) => places.includes(place))) return [];
    const end = LARGEST[word];
    return [`${quoted(field)} ${isLow(part) ? `<= ${end}` : `>= -${end}`}`];
  });
  return [...restricted, ...ends];
}

const isLow = ({ comparator }: BoundComparison): boolean =>
  comparator === Comparator.GT || comparator === Comparator.GE;

function restriction({ field, comparator, operands }: BoundComparison, type: ColumnType, values: string[]): string {
  const name = quoted(field);
  const bound = (operand: Wire): string => {
    values.push(encode(operand, type, field));
    return 'fromJson(?)';
  };
  const [first = null, second = null] = operands;
  switch (comparator) {
    case Comparator.IN:
      return `${name} IN (${operands.map(bound).join(', ')})`;
    case Comparator.BETWEEN:
      return `${name} >= ${bound(first)} AND ${name} <= ${bound(second)}`;
    default:
      return `${name} ${SIGNS[comparator]} ${bound(first)}`;
  }
}
