import { expect, test } from 'vitest';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Rows } from '../statement.ts';
import { arrayOf, firstRows, rowAt } from './rows.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const piece = (json: string): Uint8Array => Buffer.from(json);
const ROWS: Rows = {
  count: 3,
  json: piece('{"a":1},{"a":22},{"ö":3}'),
  ends: [7, 16, 25],
  hidden: ['1', 'x', '22', null, '3', 'z'],
  affected: 0,
};
const NONE: Rows = { count: 0, json: new Uint8Array(), ends: [], hidden: [], affected: 0 };

test.each([
  [ROWS, '[{"a":1},{"a":22},{"ö":3}]'],
  [NONE, '[]'],
])('as one list', (rows, list) => {
  expect(text(arrayOf(rows))).toBe(list);
});

test.each([
  [[], '[]'],
  [['1'], '[1]'],
  [['1', '{"ö":2}'], '[1,{"ö":2}]'],
])('pieces as one list: %o', (pieces, list) => {
  expect(text(arrayOfPieces(pieces.map(piece)))).toBe(list);
});

test('one row of them', () => {
  expect([0, 1, 2].map((index) => text(rowAt(ROWS, index)))).toEqual(['{"a":1}', '{"a":22}', '{"ö":3}']);
});

test.each([
  [0, '[]', []],
  [1, '[{"a":1}]', ['1', 'x']],
  [2, '[{"a":1},{"a":22}]', ['1', 'x', '22', null]],
  [9, '[{"a":1},{"a":22},{"ö":3}]', ROWS.hidden],
])('the first %i', (count, list, hidden) => {
  const first = firstRows(ROWS, count);
  expect([text(arrayOf(first)), first.hidden, first.ends.length]).toEqual([list, hidden, first.count]);
});
