import { describe, expect, test } from 'vitest';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { canCompare, cursorOf, keyOf, readCursor, readingOf } from './request.ts';

const { EQ, NE, GT, LE, IN, BETWEEN, LIKE, STARTS_WITH, CONTAINS, IS_NULL } = Comparator;
const compare = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field, comparator, operands },
});
const all = (...of: Condition[]): Condition => ({ kind: 'all', of });
const any = (...of: Condition[]): Condition => ({ kind: 'any', of });
const UUID = '0b5d0f3e-7f6a-4c55-9a63-0f8d5e1c2a3b';

const FILTERS: { why: string; condition: Condition; filter: string | undefined }[] = [
  { why: 'a text', condition: compare('a', EQ, 'x'), filter: "a eq 'x'" },
  { why: 'quotes', condition: compare('a', EQ, "x' or true or 'y"), filter: "a eq 'x'' or true or ''y'" },
  { why: 'nothing but a quote', condition: compare('a', EQ, "'"), filter: "a eq ''''" },
  { why: 'an empty text', condition: compare('a', EQ, ''), filter: "a eq ''" },
  { why: 'a boolean', condition: compare('a', EQ, true), filter: 'a eq true' },
  {
    why: 'a date',
    condition: compare('a', GT, { $date: '2024-01-31' }),
    filter: "a gt datetime'2024-01-31T00:00:00.0000000Z'",
  },
  {
    why: 'a UUID, or its text',
    condition: compare('a', IN, UUID, { $uuid: UUID }),
    filter: `(a eq '${UUID}' or a eq guid'${UUID}')`,
  },
  { why: 'binary', condition: compare('a', EQ, { $binary: 'AP8=' }), filter: "a eq X'00ff'" },
  { why: 'a range of texts', condition: compare('a', BETWEEN, 'a', "c'"), filter: "(a ge 'a' and a le 'c''')" },
  { why: 'a key, which is a text', condition: compare('RowKey', IN, '5', 5), filter: "RowKey eq '5'" },
  {
    why: 'a tree',
    condition: all(any(compare('a', EQ, 'x'), all(compare('b', EQ, 'y'), compare('c', LE, 'z')))),
    filter: "(a eq 'x' or (b eq 'y' and c le 'z'))",
  },
];
describe('filters', () => {
  test.each(FILTERS)('$why', ({ condition, filter }) => {
    expect(readingOf(condition, undefined)).toEqual({ filter, rest: undefined });
    if (condition.kind === 'compare') expect(canCompare(condition)).toBe(true);
  });

  test('what cannot be is not asked for', () => {
    expect(readingOf(compare('PartitionKey', EQ, 5), undefined)).toBeUndefined();
    expect(readingOf(any(), undefined)).toBeUndefined();
  });

  test('behind a key', () => {
    const reading = readingOf(compare('a', EQ, 'x'), ['p', "r'"]);
    expect(reading?.filter).toBe("(PartitionKey ge 'p' and (PartitionKey gt 'p' or RowKey gt 'r''')) and a eq 'x'");
  });

  test('what one filter has no room for is left', () => {
    const many = Array.from({ length: 16 }, (_, i) => compare(`f${i}`, EQ, 'x'));
    const { filter, rest } = readingOf(all(...many), undefined) ?? {};
    expect(filter?.split(' and ')).toHaveLength(15);
    expect(rest).toEqual({ kind: 'all', of: many.slice(15) });
    const long = compare('a', EQ, 'x'.repeat(10_000));
    expect(readingOf(all(long, compare('b', EQ, 'x')), undefined)).toEqual({
      filter: "b eq 'x'",
      rest: { kind: 'all', of: [long] },
    });
  });
});

const NOT_DECIDED: { why: string; comparison: BoundComparison }[] = [
  { why: 'a member of a member', comparison: compare('a.b', EQ, 'x') },
  { why: 'a name that is a filter', comparison: compare('a eq 1 or b', EQ, 'x') },
  { why: 'a name that is a word', comparison: compare('not', EQ, 'x') },
  { why: 'a name that is a value', comparison: compare('true', EQ, 'x') },
  { why: 'an empty name', comparison: compare('', EQ, 'x') },
  { why: 'a number', comparison: compare('a', EQ, 1) },
  { why: 'a text or a number', comparison: compare('a', IN, '1', 1) },
  { why: 'a range of booleans', comparison: compare('a', GT, true) },
  { why: 'a range of UUIDs', comparison: compare('a', GT, { $uuid: UUID }) },
  { why: 'an order of texts that differs', comparison: compare('a', GT, '\u{1f600}') },
  { why: 'a beginning', comparison: compare('a', STARTS_WITH, 'ab') },
  { why: 'a pattern', comparison: compare('a', LIKE, '1%2') },
  { why: 'a part', comparison: compare('a', CONTAINS, '1') },
  { why: 'what is not there', comparison: compare('a', IS_NULL) },
  { why: 'inequality', comparison: compare('a', NE, 'x') },
  { why: 'an object', comparison: compare('a', EQ, { $gt: '' }) },
];
test.each(NOT_DECIDED)('not decided by the store: $why', ({ comparison }) => {
  expect(canCompare(comparison)).toBe(false);
});

test('what a literal is made of is checked', () => {
  const filter = compare('a', EQ, { $uuid: "x' or true or guid'" });
  expect(() => readingOf(filter, undefined)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('cursors come back', () => {
  expect(readCursor(cursorOf({ token: 'abc' }))).toEqual({ token: 'abc' });
  expect(readCursor(cursorOf({ behind: ['p', "r'"] }))).toEqual({ behind: ['p', "r'"] });
});

test.each(['', 'x', 'bm9uZQ', '!', cursorOf({ behind: ['p'] })])("no cursor: '%s'", (text) => {
  expect(() => readCursor(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

const KEYS: { why: string; key: readonly Wire[]; field: string }[] = [
  { why: 'none', key: [], field: 'PartitionKey' },
  { why: 'half of one', key: ['p'], field: 'RowKey' },
  { why: 'an object', key: [{ $gt: '' }, 'r'], field: 'PartitionKey' },
  { why: 'a boolean', key: ['p', true], field: 'RowKey' },
  { why: 'a slash', key: ['p', 'a/b'], field: 'RowKey' },
  { why: 'a control character', key: ['p\u0007', 'r'], field: 'PartitionKey' },
  { why: 'too long', key: ['p', 'x'.repeat(513)], field: 'RowKey' },
];
test.each(KEYS)('no key: $why', ({ key, field }) => {
  expect(() => keyOf(key)).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
});
