import { describe, expect, test } from 'vitest';
import type { JsonKind } from '#common/schema/catalogue.ts';
import type { ResultColumn } from '../statement.ts';
import { type DriverValue, jsonText, RowFormat, RowWriter } from './row-writer.ts';

const CASES: readonly (readonly [why: string, kind: JsonKind, value: DriverValue, written: string])[] = [
  ['NULL', 'number', null, 'null'],
  ['a number', 'number', 1.5, '1.5'],
  ['a whole number that a double would round', 'number', 9007199254740993n, '9007199254740993'],
  ['digits', 'number', '-12345678901234567890.50', '-12345678901234567890.50'],
  ['digits that JSON would not take', 'number', '007', '"007"'],
  ['a word in a column of numbers', 'number', 'many', '"many"'],
  ['no number', 'number', Number.NaN, '"NaN"'],
  ['an infinite number', 'number', Number.NEGATIVE_INFINITY, '"-Infinity"'],
  ['digits in a column of texts', 'string', '12', '"12"'],
  ['a number in a column of texts', 'string', 12, '12'],
  ['quotes and control characters', 'string', 'a"\\\n\u0001', '"a\\"\\\\\\n\\u0001"'],
  ['any other character', 'string', 'ö☃😀', '"ö☃😀"'],
  ['half a character', 'string', '\ud83d', '"\\ud83d"'],
  ['bytes', 'bytes', Buffer.from([0, 255]), '"AP8="'],
  ['bytes in a column of texts', 'string', Buffer.from([0, 255]), '"AP8="'],
  ['text in a column of bytes', 'bytes', 'ab', '"YWI="'],
  ['1 as true', 'boolean', 1, 'true'],
  ['0 as false', 'boolean', 0n, 'false'],
  ['a word for true', 'boolean', ' Yes ', 'true'],
  ['any other word', 'boolean', 'perhaps', 'false'],
  ['a bit', 'boolean', Buffer.from('1'), 'true'],
];

test.each(CASES)('%s as %s', (_, kind, value, written) => {
  expect(jsonText(value, kind)).toBe(written);
});

const COLUMNS: readonly ResultColumn[] = [
  { name: 'key', json: 'number', hidden: true },
  { name: 'a "b"', json: 'string' },
  { name: 'n', json: 'number' },
];

function write(columns: readonly ResultColumn[], rows: readonly (readonly DriverValue[])[], affected = 0) {
  const writer = new RowWriter(new RowFormat(columns));
  for (const row of rows) writer.append(row);
  const result = writer.finish(affected);
  return { ...result, json: Buffer.from(result.json).toString() };
}

describe('rows', () => {
  test('none', () => {
    expect(write(COLUMNS, [], 3)).toEqual({ count: 0, json: '', ends: [], hidden: [], affected: 3 });
  });
  test('with hidden columns beside', () => {
    const first = '{"a \\"b\\"":"ö","n":1}';
    const second = '{"a \\"b\\"":null,"n":null}';
    const ends = [Buffer.byteLength(first), Buffer.byteLength(first) + 1 + second.length];
    expect(
      write(COLUMNS, [
        [7n, 'ö', 1],
        [Buffer.from('x'), null],
      ]),
    ).toEqual({
      ...{ count: 2, json: `${first},${second}`, ends, hidden: ['7', 'eA=='], affected: 0 },
    });
  });
  test('of hidden columns alone', () => {
    expect(write(COLUMNS.slice(0, 1), [[1], [null]])).toMatchObject({ json: '{},{}', hidden: ['1', null] });
  });
  test('longer than anything before', () => {
    const pads = [10, 100_000, 3, 1_000_000].map((length) => '☃'.repeat(length));
    const { json, ends } = write(
      [{ name: 'v', json: 'string' }],
      pads.map((pad) => [pad]),
    );
    expect(JSON.parse(`[${json}]`)).toEqual(pads.map((v) => ({ v })));
    expect(ends.at(-1)).toBe(Buffer.byteLength(json));
  });
});

test('what one result took is the size to begin the next with, within bounds', () => {
  const format = new RowFormat([{ name: 'v', json: 'string' }]);
  const sizeAfter = (length: number): number => {
    const writer = new RowWriter(format);
    writer.append(['x'.repeat(length)]);
    writer.finish(0);
    return format.sizeHint;
  };
  expect(sizeAfter(5000)).toBe('{"v":""}'.length + 5000);
  expect(sizeAfter(5_000_000)).toBeLessThan(1_000_000);
  expect(sizeAfter(1)).toBe(1024);
});
