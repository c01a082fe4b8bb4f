/** Reads as CQL: names quoted, values bound, as JSON that the store reads itself. */
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
/** Above them are infinity and NaN, which have no value on the wire. */
const LARGEST: Readonly<Record<string, string>> = { double: '1.7976931348623157E308', float: '3.4028235E38' };

const ORDERED: ReadonlySet<ColumnType['kind']> = new Set(['text', 'integer', 'decimal', 'double', 'timestamp']);
const EQUALLED: ReadonlySet<ColumnType['kind']> = new Set([...ORDERED, 'boolean', 'uuid']);

/** Whether Cassandra decides it as the dialect does. */
export function canCompare({ field, comparator, operands }: BoundComparison, table: StoreTable): boolean {
  const { columns, partition } = layoutOf(table);
  const type = columns.get(field);
  if (!type || !operands.every((one) => isOfType(one, type, field))) return false;
  switch (comparator) {
    case Comparator.EQ:
      return EQUALLED.has(type.kind);
    case Comparator.IN:
      // Of other columns the store takes none.
      return EQUALLED.has(type.kind) && operands.length <= IN_MAX && partition.length === 1 && partition[0] === field;
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
  if (typeof operand === 'string' && !['text', 'uuid'].includes(type.kind)) return false;
  // What a float or a double would round is another number.
  if (type.kind === 'double' && operand instanceof JsonNumber) return false;
  if (type.word === 'float' && Math.abs(Number(operand)) > Number(LARGEST['float'])) return false;
  try {
    return encode(operand, type, name) !== 'null';
  } catch {
    return false;
  }
}

/** @param fields  undefined: all columns; names that are none are left out, the key comes in any case */
export function columnsOf(layout: Layout, fields: readonly string[] | undefined): string[] {
  if (!fields) return [...layout.columns.keys()];
  const roots = fields.map((field) => (layout.columns.has(field) ? field : (field.split('.')[0] ?? '')));
  return [...new Set([...layout.key, ...roots.filter((name) => layout.columns.has(name))])];
}

export interface Selection {
  readonly statement: Statement;
  /** What the statement cannot say beside the rest: decided for the records that it gives. */
  readonly rest: Condition | undefined;
}

/**
 * @param whatOf  what is selected, for what the records are needed for: the rest wants all of a record
 * @returns undefined: there can be nothing
 */
export function selectionOf(
  table: StoreTable,
  condition: Condition | undefined,
  whatOf: (hasRest: boolean) => string,
): Selection | undefined {
  if (condition && isNever(condition)) return undefined;
  const { said, rest } = sayable(condition ? comparisonsOf(condition) : []);
  const values: string[] = [];
  const where = restrictions(said, layoutOf(table), values);
  const text = [
    `SELECT ${whatOf(rest.length > 0)} FROM ${quoted(table.name)}`,
    ...(where.length > 0 ? [`WHERE ${where.join(' AND ')} ALLOW FILTERING`] : []),
  ].join(' ');
  return { statement: { text, values }, rest: rest.length > 0 ? { kind: 'all', of: rest } : undefined };
}

/** Of one column a statement takes one equality, or one lower and one upper bound. */
function sayable(parts: readonly BoundComparison[]): { said: BoundComparison[]; rest: BoundComparison[] } {
  const said: BoundComparison[] = [];
  const taken = new Set<string>();
  // What names records by their key finds them at once.
  const byUse = parts.toSorted((a, b) => rankOf(a) - rankOf(b));
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

const RANKS: Partial<Record<Comparator, number>> = { [Comparator.IN]: 1, [Comparator.EQ]: 0 };
const rankOf = ({ comparator }: BoundComparison): number => RANKS[comparator] ?? 2;

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

/** @throws MillraceError invalid that names the field */
export function keyRestriction(
  layout: Layout,
  key: DocumentKey,
): { readonly where: string; readonly values: string[] } {
  return {
    where: layout.key.map((name) => `${quoted(name)} = fromJson(?)`).join(' AND '),
    values: layout.key.map((name, at) => encode(key[at] ?? null, typeOf(layout, name), name)),
  };
}

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
  const ends = parts.flatMap(({ field, comparator }) => {
    const { kind, word } = typeOf(layout, field);
    const isOpen = kind === 'double' && (comparator === Comparator.GT || comparator === Comparator.GE);
    const isEnded = parts.some((one) => one.field === field && ENDING.has(one.comparator));
    return isOpen && !isEnded ? [`${quoted(field)} <= ${LARGEST[word]}`] : [];
  });
  return [...restricted, ...ends];
}

const ENDING: ReadonlySet<Comparator> = new Set([Comparator.LT, Comparator.LE, Comparator.BETWEEN, Comparator.EQ]);

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
