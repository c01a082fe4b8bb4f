import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ResultColumn } from '../statement.ts';
import { JsonWriter, RowFormat } from './json-writer.ts';

/** A row as the wire brings it. */
function wireRow(values: readonly (string | null)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const head = Buffer.alloc(4);
      if (value === null) {
        head.writeInt32BE(-1);
        return head;
      }
      const bytes = Buffer.from(value);
      head.writeInt32BE(bytes.length);
      return Buffer.concat([head, bytes]);
    }),
  );
}

function write(columns: readonly ResultColumn[], rows: readonly (readonly (string | null)[])[]) {
  const writer = new JsonWriter(new RowFormat(columns));
  for (const row of rows) {
    const bytes = wireRow(row);
    writer.appendRow(bytes, 0, bytes.length);
  }
  return writer.finish(0);
}

const CASES = [
  { why: 'a number keeps its digits', json: 'number', text: '9007199254740993', written: '9007199254740993' },
  { why: 'a numeric keeps its scale', json: 'number', text: '-12.3400', written: '-12.3400' },
  { why: 'NaN is no JSON number', json: 'number', text: 'NaN', written: '"NaN"' },
  { why: '-Infinity neither', json: 'number', text: '-Infinity', written: '"-Infinity"' },
  { why: 'true', json: 'boolean', text: 't', written: 'true' },
  { why: 'false', json: 'boolean', text: 'f', written: 'false' },
  { why: 'quotes and backslashes are escaped', json: 'string', text: 'a"b\\c', written: '"a\\"b\\\\c"' },
  { why: 'control characters are escaped', json: 'string', text: '\u0001\n', written: '"\\u0001\\n"' },
  { why: 'an empty text stays empty', json: 'string', text: '', written: '""' },
  { why: 'an empty bytea', json: 'bytes', text: '\\x', written: '""' },
  { why: 'one byte', json: 'bytes', text: '\\xff', written: '"/w=="' },
  { why: 'four bytes', json: 'bytes', text: '\\x000102ff', written: '"AAEC/w=="' },
] as const;

test.each(CASES)('$why', ({ json, text, written }) => {
  const rows = write([{ name: 'v', json }], [[text]]);
  expect(Buffer.from(rows.json).toString()).toBe(`{"v":${written}}`);
});

test('hidden columns are handed over, not written', () => {
  const rows = write(
    [
      { name: 'k', json: 'number', hidden: true },
      { name: 'a', json: 'string' },
      { name: 'b', json: 'string' },
    ],
    [
      ['1', 'x', null],
      [null, '', 'y'],
    ],
  );
  expect(Buffer.from(rows.json).toString()).toBe('{"a":"x","b":null},{"a":"","b":"y"}');
  expect(rows.hidden).toEqual(['1', null]);
  expect(rows.ends.map((end, i) => rows.json.subarray(i === 0 ? 0 : rows.ends[i - 1]! + 1, end).length)).toEqual([
    18, 16,
  ]);
});

test('a row of hidden columns only is an empty object', () => {
  const rows = write([{ name: 'k', json: 'string', hidden: true }], [['1'], ['2']]);
  expect(Buffer.from(rows.json).toString()).toBe('{},{}');
});

test('any text and any bytes survive', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.uint8Array())), (rows) => {
      const written = write(
        [
          { name: 'te"xt', json: 'string' },
          { name: 'bytes', json: 'bytes' },
        ],
        rows.map(([text, bytes]) => [text, `\\x${Buffer.from(bytes).toString('hex')}`]),
      );
      expect(JSON.parse(`[${Buffer.from(written.json).toString()}]`)).toEqual(
        rows.map(([text, bytes]) => ({ 'te"xt': text, bytes: Buffer.from(bytes).toString('base64') })),
      );
    }),
  );
});
