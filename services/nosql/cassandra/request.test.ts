import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison, Condition, StoreTable } from '../engine.ts';
import { NEVER } from '../plan/conditions.ts';
import { described, layoutOf } from './layout.ts';
import { canCompare, columnsOf, keyRestriction, selectionByKey, selectionOf } from './request.ts';

const { EQ, NE, GT, GE, LT, LE, IN, BETWEEN, LIKE, CONTAINS, STARTS_WITH, ENDS_WITH, IS_NULL } = Comparator;
const compare = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field, comparator, operands },
});
const all = (...of: Condition[]): Condition => ({ kind: 'all', of });

const tableOf = (columns: Record<string, string>, partition: string[], clustering: string[] = []): StoreTable => ({
  name: 'things',
  indexes: [],
  ...described({
    ...{ columns, partition_key: partition, clustering_key: clustering },
    ...{ clustering_order: {}, static: [] },
  }),
});

const COLUMNS = {
  ...{
    id: 'text',
    t: 'text',
    a: 'ascii',
    n: 'int',
    big: 'bigint',
    vi: 'varint',
    de: 'decimal',
    d: 'double',
    f: 'float',
  },
  ...{ b: 'boolean', u: 'uuid', tu: 'timeuuid', at: 'timestamp', day: 'date', bin: 'blob', l: 'list<text>' },
  ...{ m: 'map<text, text>', c: 'counter', 'a "b': 'int', constructor: 'int' },
};
const table = tableOf(COLUMNS, ['id']);
const orders = tableOf({ p: 'text', q: 'int', c: 'int', e: 'text', n: 'int' }, ['p', 'q'], ['c', 'e']);
const UUID = '8f14e45f-ceea-467f-a8f3-5b2a4b6f5c11';

/** With values in their places, as the store reads it. */
function where(condition: Condition, of = table): string | undefined {
  const selection = selectionOf(of, condition);
  if (!selection) return undefined;
  const { text, values } = selection.select('*');
  const left = [...values];
  const spelled = text.replaceAll('fromJson(?)', () => left.shift() ?? 'nothing');
  expect(left).toEqual([]);
  return /^SELECT \* FROM "things"(?: WHERE (.*) ALLOW FILTERING)?$/.exec(spelled)?.[1] ?? '';
}

const restOf = (condition: Condition, of = table): unknown => selectionOf(of, condition)?.rest;

interface Reading {
  readonly why: string;
  readonly condition: Condition;
  readonly of?: StoreTable;
  readonly where: string | undefined;
  readonly rest?: readonly BoundComparison[];
}

const EQ_ID = compare('id', EQ, 'x');
const IN_ID = compare('id', IN, 'x', 'y');
const READINGS: readonly Reading[] = [
  { why: 'an equality', condition: compare('t', EQ, "it's"), where: `"t" = "it's"` },
  { why: 'numbers, as texts', condition: compare('n', LE, 7), where: '"n" <= "7"' },
  {
    why: 'numbers that no double holds',
    condition: compare('big', GT, new JsonNumber('9007199254740993')),
    where: '"big" > "9007199254740993"',
  },
  { why: 'a range', condition: compare('n', BETWEEN, 1, 5), where: '"n" >= "1" AND "n" <= "5"' },
  { why: 'two bounds', condition: all(compare('n', GT, 1), compare('n', LT, 5)), where: '"n" > "1" AND "n" < "5"' },
  {
    why: 'three bounds',
    condition: all(compare('n', GT, 1), compare('n', LT, 5), compare('n', GE, 3)),
    where: '"n" > "1" AND "n" < "5"',
    rest: [compare('n', GE, 3)],
  },
  {
    why: 'an equality beside a bound of its column',
    condition: all(compare('n', GT, 1), compare('n', EQ, 5)),
    where: '"n" = "5"',
    rest: [compare('n', GT, 1)],
  },
  {
    why: 'two equalities',
    condition: all(compare('t', EQ, 'a'), compare('t', EQ, 'b')),
    where: '"t" = "a"',
    rest: [compare('t', EQ, 'b')],
  },
  {
    why: 'a range beside a bound',
    condition: all(compare('n', BETWEEN, 1, 5), compare('n', LT, 4)),
    where: '"n" >= "1" AND "n" <= "5"',
    rest: [compare('n', LT, 4)],
  },
  { why: 'identifiers', condition: IN_ID, where: '"id" IN ("x", "y")' },
  {
    why: 'identifiers beside other conditions',
    condition: all(compare('t', EQ, 'a'), IN_ID, compare('n', GT, 1)),
    where: '"id" IN ("x", "y")',
    rest: [compare('t', EQ, 'a'), compare('n', GT, 1)],
  },
  {
    why: 'identifiers, of which one is named',
    condition: all(IN_ID, EQ_ID, compare('t', EQ, 'a')),
    where: '"id" = "x" AND "t" = "a"',
    rest: [IN_ID],
  },
  { why: 'a key that nobody has', condition: compare('id', EQ, ''), where: undefined },
  { why: 'a text that is empty', condition: compare('t', EQ, ''), where: '"t" = ""' },
  {
    why: 'a part of a key that is empty',
    condition: all(compare('p', EQ, ''), compare('q', EQ, 1)),
    of: orders,
    where: '"p" = "" AND "q" = "1"',
  },
  {
    why: 'a key of several columns first',
    condition: all(compare('n', EQ, 1), compare('c', GT, 2), compare('q', EQ, 3), compare('p', EQ, 'x')),
    of: orders,
    where: '"q" = "3" AND "p" = "x" AND "n" = "1" AND "c" > "2"',
  },
  {
    why: 'a double without an upper end, above which are infinity and NaN',
    condition: compare('d', GT, 1),
    where: '"d" > 1 AND "d" <= 1.7976931348623157E308',
  },
  {
    why: 'a double without a lower end',
    condition: compare('d', LE, 1.5),
    where: '"d" <= 1.5 AND "d" >= -1.7976931348623157E308',
  },
  { why: 'a float', condition: compare('f', GE, 0.5), where: '"f" >= 0.5 AND "f" <= 3.4028235E38' },
  {
    why: 'a double with two ends',
    condition: all(compare('d', GE, 1), compare('d', LT, 2)),
    where: '"d" >= 1 AND "d" < 2',
  },
  { why: 'a double in a range', condition: compare('d', BETWEEN, 1, 2), where: '"d" >= 1 AND "d" <= 2' },
  { why: 'a date', condition: compare('at', LT, { $date: '2026-01-31' }), where: '"at" < "2026-01-31T00:00:00.000Z"' },
  { why: 'a name with a quote', condition: compare('a "b', EQ, 1), where: '"a ""b" = "1"' },
  { why: 'a name of the prototype', condition: compare('constructor', EQ, 1), where: '"constructor" = "1"' },
  {
    why: 'CQL in a value',
    condition: compare('t', EQ, `'; DROP TABLE things; -- "`),
    where: String.raw`"t" = "'; DROP TABLE things; -- \""`,
  },
  { why: 'what never holds', condition: NEVER, where: undefined },
  { why: 'no condition of all', condition: all(), where: '' },
];
test.each(READINGS)('a read: $why', ({ condition, of, where: expected, rest }) => {
  expect(where(condition, of)).toBe(expected);
  expect(restOf(condition, of)).toEqual(rest && { kind: 'all', of: rest });
});

test('no value is part of a statement', () => {
  const value = "x' OR '1'='1";
  const selection = selectionOf(table, all(compare('t', EQ, value), compare('id', IN, value, 'y')));
  expect(selection?.select('*').text).not.toContain('OR');
});

test.each([
  ['nothing', EQ_ID, false],
  ['what a statement cannot say', all(EQ_ID, IN_ID), true],
] as const)('what is left over: %s', (_, condition, expected) => {
  expect(selectionOf(table, condition)?.rest !== undefined).toBe(expected);
});

describe('what the store compares', () => {
  const ordered = [EQ, GT, GE, LT, LE];
  const TYPED: readonly (readonly [name: string, value: Wire, comparators: readonly Comparator[]])[] = [
    ['t', 'x', ordered],
    ['a', 'x', ordered],
    ['n', 1, ordered],
    ['big', new JsonNumber('9007199254740993'), ordered],
    ['vi', new JsonNumber('12345678901234567890'), ordered],
    ['de', new JsonNumber('0.12345678901234567890'), ordered],
    ['d', 0.1, ordered],
    ['f', 0.1, ordered],
    ['b', true, [EQ]],
    ['u', UUID, [EQ]],
    ['tu', '8f14e45f-ceea-11ee-a8f3-5b2a4b6f5c11', [EQ]],
    ['at', { $date: '2026-01-31T00:00:00.000Z' }, ordered],
    ['constructor', 1, ordered],
    ['day', '2026-01-31', []],
    ['bin', { $binary: 'AA==' }, []],
    ['l', ['x'], []],
    ['m', { a: 'x' }, []],
    ['c', 1, []],
    // Not of their column's type.
    ['a', 'é', []],
    ['t', 1, []],
    ['t', null, []],
    ['n', 1.5, []],
    ['n', 2147483648, []],
    ['n', '1', []],
    ['n', true, []],
    ['de', new JsonNumber('1e9999999999'), []],
    ['d', new JsonNumber('0.12345678901234567890'), []],
    ['d', new JsonNumber('1e999'), []],
    ['f', 0.1234567, []],
    ['f', 1e39, []],
    ['f', 1e-40, []],
    ['b', 'true', []],
    ['u', 'x', []],
    ['tu', UUID, []],
    ['at', '2026-01-31', []],
    ['at', { $date: '2026-02-30' }, []],
    ['at', { $gt: '' }, []],
    // None of its columns.
    ['nothing', 1, []],
    ['toString', 1, []],
    ['t.x', 'x', []],
  ];
  test.each(TYPED)('%s: %j', (name, value, comparators) => {
    const compared = [...ordered, NE, LIKE, CONTAINS, STARTS_WITH, ENDS_WITH].filter((comparator) =>
      canCompare(compare(name, comparator, value), table),
    );
    expect(compared).toEqual(comparators);
  });

  const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `k${n}`);
  test.each([
    ['a range', compare('n', BETWEEN, 1, 2), table, true],
    ['a range of something else', compare('n', BETWEEN, 1, 'x'), table, false],
    ['no value', compare('n', IS_NULL), table, false],
    ['identifiers', compare('id', IN, 'x', 'y'), table, true],
    ['so many identifiers', compare('id', IN, ...many(100)), table, true],
    ['too many identifiers', compare('id', IN, ...many(101)), table, false],
    ['an empty identifier', compare('id', IN, 'x', ''), table, false],
    ['a text as long as a key', compare('id', EQ, 'x'.repeat(21_845)), table, true],
    ['a longer one', compare('id', EQ, 'x'.repeat(21_846)), table, false],
    ['identifiers of another type', compare('id', IN, 'x', 1), table, false],
    ['values of another column', compare('t', IN, 'x', 'y'), table, false],
    ['a part of a key', compare('p', IN, 'x', 'y'), orders, false],
    ['a clustering column', compare('c', IN, 1, 2), orders, false],
  ] as const)('%s', (_, condition, of, expected) => {
    expect(canCompare(condition, of)).toBe(expected);
  });
});

describe('columns', () => {
  const layout = layoutOf(orders);
  test.each([
    ['all', undefined, ['p', 'q', 'c', 'e', 'n']],
    ['the key in any case', [], ['p', 'q', 'c', 'e']],
    ['once', ['n', 'n', 'c'], ['p', 'q', 'c', 'e', 'n']],
    ['of their members', ['n.x'], ['p', 'q', 'c', 'e', 'n']],
    ['none that are not there', ['toString', '"; DROP', '__proto__'], ['p', 'q', 'c', 'e']],
  ])('%s', (_, names, expected) => {
    expect(columnsOf(layout, names)).toEqual(expected);
  });
});

describe('by the key', () => {
  test('all of it', () => {
    expect(selectionByKey(orders, ['n'], ['x', 1, 2, 'y'])).toEqual({
      text: 'SELECT toJson("n") FROM "things" WHERE "p" = fromJson(?) AND "q" = fromJson(?) AND "c" = fromJson(?) AND "e" = fromJson(?)',
      values: ['"x"', '"1"', '"2"', '"y"'],
    });
  });
  test('of its partition', () => {
    expect(keyRestriction(layoutOf(orders), ['x', 1]).values).toEqual(['"x"', '"1"']);
  });
  test.each([
    ['nothing', ['x', 1, null, 'y'], 'c'],
    ['another type', ['x', 'one', 2, 'y'], 'q'],
    ['an operator', ['x', 1, 2, { $gt: '' }], 'e'],
  ] as const)('refused: %s', (_, key, field) => {
    expect(() => selectionByKey(orders, ['n'], key)).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field } }),
    );
  });
});
