import { describe, expect, test } from 'vitest';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { canCompare, cursorText, filterBehind, readCursor, readingOf, selectOf } from './request.ts';

const compare = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field, comparator, operands },
});
const { EQ, NE, GT, GE, IN, BETWEEN, LIKE, STARTS_WITH, ENDS_WITH, CONTAINS, IS_NULL } = Comparator;
const all = (...of: Condition[]): Condition => ({ kind: 'all', of });
const any = (...of: Condition[]): Condition => ({ kind: 'any', of });

const FILTERS: { why: string; condition: Condition; filter: string }[] = [
  { why: 'a text', condition: compare('a', EQ, 'x'), filter: "a eq 'x'" },
  { why: 'a quote', condition: compare('a', EQ, "x' or true or 'y"), filter: "a eq 'x'' or true or ''y'" },
  { why: 'an empty text', condition: compare('a', EQ, ''), filter: "a eq ''" },
  { why: 'a boolean', condition: compare('a', EQ, true), filter: 'a eq true' },
  {
    why: 'a date',
    condition: compare('a', GT, { $date: '2024-01-31' }),
    filter: "a gt datetime'2024-01-31T00:00:00.0000000Z'",
  },
  {
    why: 'a UUID, or its text',
    condition: compare('a', IN, '0B5D0F3E-7F6A-4C55-9A63-0F8D5E1C2A3B', {
      $uuid: '0B5D0F3E-7F6A-4C55-9A63-0F8D5E1C2A3B',
    }),
    filter: "a eq '0B5D0F3E-7F6A-4C55-9A63-0F8D5E1C2A3B' or a eq guid'0b5d0f3e-7f6a-4c55-9a63-0f8d5e1c2a3b'",
  },
  { why: 'binary', condition: compare('a', EQ, { $binary: 'AP8=' }), filter: "a eq X'00ff'" },
  { why: 'a range of texts', condition: compare('a', BETWEEN, 'a', 'c'), filter: "a ge 'a' and a le 'c'" },
  { why: 'a prefix', condition: compare('a', STARTS_WITH, '12-'), filter: "a ge '12-' and a lt '12.'" },
  {
    why: 'a prefix with a quote behind',
    condition: compare('a', STARTS_WITH, '1&'),
    filter: "a ge '1&' and a lt '1'''",
  },
  { why: 'a pattern that is a prefix', condition: compare('a', LIKE, '12%'), filter: "a ge '12' and a lt '13'" },
  { why: 'a pattern without wildcards', condition: compare('a', LIKE, '12'), filter: "a eq '12'" },
  { why: 'a key, which is a text', condition: compare('RowKey', IN, '5', 5), filter: "RowKey eq '5'" },
  { why: 'a key that is no text', condition: compare('RowKey', EQ, true), filter: "PartitionKey lt ''" },
  { why: 'a range of keys that are no texts', condition: compare('RowKey', GT, 5), filter: "PartitionKey lt ''" },
  { why: 'nothing', condition: any(), filter: "PartitionKey lt ''" },
  {
    why: 'a tree',
    condition: all(
      any(compare('a', EQ, 'x'), all(compare('b', EQ, 'y'), compare('c', EQ, 'z'))),
      compare('PartitionKey', EQ, 'p'),
    ),
    filter: "(PartitionKey eq 'p') and ((a eq 'x') or ((b eq 'y') and (c eq 'z')))",
  },
];
describe('filters', () => {
  test.each(FILTERS)('$why', ({ condition, filter }) => {
    expect(readingOf(condition, undefined)).toMatchObject({ filter, rest: undefined });
    if (condition.kind === 'compare') expect(canCompare(condition)).toBe(true);
  });
});

const NOT_PUSHED: { why: string; comparison: BoundComparison }[] = [
  { why: 'a member of a member', comparison: compare('a.b', EQ, 'x') },
  { why: 'a name that is a filter', comparison: compare('a eq 1 or b', EQ, 'x') },
  { why: 'a name that is a word', comparison: compare('Not', EQ, 'x') },
  { why: 'an empty name', comparison: compare('', EQ, 'x') },
  { why: 'a number', comparison: compare('a', EQ, 1) },
  { why: 'a text or a number', comparison: compare('a', IN, '1', 1) },
  { why: 'a range of UUIDs', comparison: compare('a', GT, { $uuid: '0b5d0f3e-7f6a-4c55-9a63-0f8d5e1c2a3b' }) },
  { why: 'a range of booleans', comparison: compare('a', GT, true) },
  { why: 'an order of texts that differs', comparison: compare('a', GT, '\u{1f600}') },
  { why: 'a prefix with cases', comparison: compare('a', STARTS_WITH, 'ab') },
  { why: 'an empty prefix', comparison: compare('a', STARTS_WITH, '') },
  { why: 'a pattern with a gap', comparison: compare('a', LIKE, '1%2') },
  { why: 'a suffix', comparison: compare('a', ENDS_WITH, '1') },
  { why: 'a part', comparison: compare('a', CONTAINS, '1') },
  { why: 'what is not there', comparison: compare('a', IS_NULL) },
  { why: 'inequality', comparison: compare('a', NE, 'x') },
  { why: 'an object', comparison: compare('a', EQ, { $gt: '' }) },
];
test.each(NOT_PUSHED)('not decided by the store: $why', ({ comparison }) => {
  expect(canCompare(comparison)).toBe(false);
});

test('what one filter has no room for is left, keys first', () => {
  const many = Array.from({ length: 12 }, (_, i) => compare(`f${i}`, EQ, 'x'));
  const key = compare('PartitionKey', EQ, 'p');
  const few = compare('RowKey', GE, 'r');
  const { filter, rest, partition, select } = readingOf(all(...many, few, key), ['a']);
  expect(filter?.startsWith("(PartitionKey eq 'p') and (RowKey ge 'r') and (f0 eq 'x')")).toBe(true);
  expect({ rest, partition, select }).toEqual({ rest: many[11], partition: 'p', select: undefined });
  const long = compare('a', EQ, ' '.repeat(10_000));
  expect(readingOf(all(long, few), undefined)).toMatchObject({ filter: "(RowKey ge 'r')", rest: long });
});

const SELECTS = [
  { fields: undefined, select: undefined },
  { fields: [], select: ['PartitionKey', 'RowKey'] },
  { fields: ['a', 'RowKey', 'a'], select: ['PartitionKey', 'RowKey', 'a'] },
  { fields: ['a', 'b,c'], select: undefined },
];
test.each(SELECTS)('fields $fields', ({ fields, select }) => {
  expect(selectOf(fields)).toEqual(select);
});

const token = Buffer.from(JSON.stringify({ nextPartitionKey: '1!4!cA--', nextRowKey: 'x' })).toString('base64');
const CURSORS = [{ token }, { behind: ['p', "r'"] }, { behind: ['p', ''], others: true, token }] as const;
test.each(CURSORS)('cursor %j', (cursor) => {
  expect(readCursor(cursorText(cursor))).toEqual(cursor);
});

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const NO_CURSORS = [
  '',
  'x',
  encoded(null),
  encoded({}),
  encoded({ behind: ['p'] }),
  encoded({ behind: [1, 2] }),
  encoded({ token: 'x' }),
  encoded({ token: { nextPartitionKey: 'x' } }),
  encoded({ token: Buffer.from('{"nextPartitionKey":1}').toString('base64') }),
  encoded({ behind: ['p', 'r'], others: 1 }),
];
test.each(NO_CURSORS)('no cursor: %s', (text) => {
  expect(() => readCursor(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('the two ranges behind a key', () => {
  const behind = ['p', "r'"] as const;
  expect(filterBehind({ behind }, undefined)).toBe("PartitionKey eq 'p' and RowKey gt 'r'''");
  expect(filterBehind({ behind, others: true }, 'a eq 1 or a eq 2')).toBe("PartitionKey gt 'p' and (a eq 1 or a eq 2)");
  expect(filterBehind({}, 'a eq 1')).toBe('a eq 1');
});
