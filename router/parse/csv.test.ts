import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { toCsv } from '../encode/csv.ts';
import { parseCsv } from './csv.ts';

const READ = [
  {
    why: 'the recorded body',
    text: 'title,rate\n"From, CSV",1.5\nPlain,2\n',
    records: [
      { title: 'From, CSV', rate: '1.5' },
      { title: 'Plain', rate: '2' },
    ],
  },
  { why: 'CRLF', text: 'a,b\r\n1,2\r\n', records: [{ a: '1', b: '2' }] },
  { why: 'CR', text: 'a,b\r1,2', records: [{ a: '1', b: '2' }] },
  { why: 'no line end at the end', text: 'a\n1', records: [{ a: '1' }] },
  {
    why: 'quotes, commas and line breaks in quotes',
    text: 'a,b\n"say ""hi""","1,\r\n2"\n',
    records: [{ a: 'say "hi"', b: '1,\r\n2' }],
  },
  { why: 'a quote inside of a plain cell', text: 'a\n5" disk\n', records: [{ a: '5" disk' }] },
  { why: 'empty cells', text: 'a,b,c\n,"",\n', records: [{ a: '', b: '', c: '' }] },
  { why: 'an empty cell at the very end', text: 'a,b\n1,', records: [{ a: '1', b: '' }] },
  { why: 'a missing cell', text: 'a,b\n1\n', records: [{ a: '1', b: null }] },
  { why: 'a cell too many', text: 'a\n1,2\n', records: [{ a: '1', '#2': '2' }] },
  { why: 'an empty cell too many', text: 'a\n1,\n', records: [{ a: '1' }] },
  { why: 'blank lines', text: '\na\n\n1\n\n', records: [{ a: '1' }] },
  { why: 'only a header', text: 'a,b\n', records: [] },
  { why: 'nothing', text: '', records: [] },
];
test.each(READ)('$why', ({ text, records }) => {
  expect(parseCsv(text).map((record) => ({ ...record }))).toEqual(records);
});

test('a column may be called __proto__', () => {
  expect(Object.entries(parseCsv('__proto__\nx')[0]!)).toEqual([['__proto__', 'x']]);
});

test.each([
  { why: 'an open quote', text: 'a\n1\n"2\n3', line: 3 },
  { why: 'text behind a quote', text: 'a,b\n"1"x,2', line: 2 },
])('refused: $why', ({ text, line }) => {
  expect(() => parseCsv(text)).toThrow(MillraceError);
  expect(() => parseCsv(text)).toThrow(new RegExp(`line ${line}\\b`));
});

test('what was written is read again', () => {
  const texts = fc.oneof(fc.string(), fc.constantFrom('', '"', ',', '\r\n', ' ', '""', '\\"', 'a,"b'));
  const table = fc
    .uniqueArray(
      texts.filter((name) => name !== '__proto__'),
      { minLength: 1, maxLength: 5 },
    )
    .chain((names) => {
      const row = fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), texts)));
      return fc.array(
        row.map((cells) => Object.fromEntries(cells)),
        { minLength: 1, maxLength: 5 },
      );
    });
  fc.assert(
    fc.property(table, (records) => {
      expect(parseCsv(toCsv(records)).map((record) => ({ ...record }))).toEqual(records);
    }),
    { numRuns: 1000 },
  );
});
