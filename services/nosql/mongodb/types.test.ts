import fc from 'fast-check';
import { BSON, type Document as BsonDocument } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { JsonNumber, parseJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import { documentJson } from './bson-json.ts';
import { idsOf, membersToBson, senses, toBson } from './types.ts';

const jsonOf = (document: BsonDocument): string => documentJson(Buffer.from(BSON.serialize(document)));
const there = (document: Document): string => jsonOf(membersToBson(document));

describe('there and back', () => {
  const VALUES: readonly (readonly [string, string])[] = [
    ['whole numbers', '[0,1,-1,2147483647,-2147483648,2147483648,9007199254740991]'],
    ['64 bits', '[9223372036854775807,-9223372036854775808,9007199254740993]'],
    ['fractions', '[0.1,-2.5,1e+300,5e-324]'],
    ['a zero below zero', '[-0.0]'],
    ['decimals', '{"$numberDecimal":"1.50"}'],
    ['an ObjectId', '{"$oid":"5f0000000000000000000001"}'],
    ['a date', '{"$date":"2024-01-31T10:00:00+00:00"}'],
    ['a date with milliseconds', '{"$date":"2024-01-31T10:00:00.123+00:00"}'],
    ['a date beyond the calendar', '{"$date":{"$numberLong":"253402300800000"}}'],
    ['a UUID', '{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}'],
    ['bytes', '{"$binary":{"base64":"AAEC/w==","subType":"00"}}'],
    ['bytes of a kind', '{"$binary":{"base64":"AAEC","subType":"80"}}'],
    ['no bytes', '{"$binary":{"base64":"","subType":"00"}}'],
    ['a timestamp', '{"$timestamp":{"t":4294967295,"i":1}}'],
    ['a regular expression', '{"$regularExpression":{"pattern":"^a\\"b","options":"i"}}'],
    ['the ends of all values', '[{"$minKey":1},{"$maxKey":1}]'],
    ['no number', '[{"$numberDouble":"NaN"},{"$numberDouble":"-Infinity"}]'],
    ['texts', '["","ü€😀","quote \\" and \\\\ back","line\\nend"]'],
    ['nothing', '[null,true,false]'],
    ['members of members', '{"a":{"b":[{"c":[]},{}]},"d e":1,"x.y":2}'],
  ];
  test.each(VALUES)('%s', (_, json) => {
    const value = parseJson(Buffer.from(`{"v":${json}}`)) as Document;
    expect(there(value)).toBe(`{"v":${json}}`);
  });

  test('more digits than a double has stay digits', () => {
    expect(there({ v: new JsonNumber('0.12345678901234567890') })).toBe(
      '{"v":{"$numberDecimal":"0.12345678901234567890"}}',
    );
  });

  test('_id is a plain text, and nothing else', () => {
    expect(
      jsonOf({ _id: idsOf('5F0000000000000000000001')[0], ref: toBson({ $oid: '5f0000000000000000000001' }, 'ref') }),
    ).toBe('{"_id":"5f0000000000000000000001","ref":{"$oid":"5f0000000000000000000001"}}');
  });

  test('any JSON', () => {
    const name = fc
      .string()
      .filter((text) => !text.startsWith('$') && !text.includes('\0') && text !== '_id' && text !== '__proto__');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        ...[fc.string({ unit: 'grapheme' }), fc.boolean(), fc.constant(null), fc.integer(), fc.maxSafeInteger()],
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 5 }), (document) => {
        const back = JSON.parse(there(document as Document)) as unknown;
        expect(back).toEqual(JSON.parse(JSON.stringify(document)));
      }),
    );
  });

  test('only some members', () => {
    const bytes = Buffer.from(BSON.serialize({ _id: 1, a: { b: 1 }, c: 'x', d: [1] }));
    expect(documentJson(bytes, new Set(['d', '_id']))).toBe('{"_id":1,"d":[1]}');
  });

  test('a member named __proto__ is one', () => {
    const document = parseJson(Buffer.from('{"__proto__":{"a":1},"constructor":2}')) as Document;
    expect(there(document)).toBe('{"__proto__":{"a":1},"constructor":2}');
  });
});

test.each<[string, Document]>([
  ['an operator', { $set: { a: 1 } }],
  ['an operator further in', { a: { $gt: '' } }],
  ['an operator in a list', { a: [{ $where: 'x' }] }],
  ['an operator beside a tag', { a: { $oid: '5f0000000000000000000001', $gt: 1 } }],
  ['a tag for the whole', { $oid: '5f0000000000000000000001' }],
  ['code', { a: { $code: 'x' } }],
  ['a NUL in a name', { 'a\0b': 1 }],
  ['no identifier', { a: { $oid: 'x' } }],
  ['no date', { a: { $date: 'yesterday' } }],
  ['no base64', { a: { $binary: '***' } }],
  ['no UUID', { a: { $uuid: 'x' } }],
  ['a number beyond 64 bits', { a: { $numberLong: '9223372036854775808' } }],
  ['more digits than a decimal holds', { a: new JsonNumber('1.23456789012345678901234567890123456') }],
])('refused: %s', (_, document) => {
  expect(() => membersToBson(document)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('dates are read in every form', () => {
  const at = (value: Wire) => (toBson({ $date: value }, 'a') as Date).toISOString();
  expect(at('2024-01-31T10:00:00+02:00')).toBe('2024-01-31T08:00:00.000Z');
  expect(at('2024-01-31 10:00:00')).toBe('2024-01-31T10:00:00.000Z');
  expect(at('2024-01-31')).toBe('2024-01-31T00:00:00.000Z');
  expect(at(1706695200)).toBe('2024-01-31T10:00:00.000Z');
  expect(Math.abs(Date.parse(at('')) - Date.now())).toBeLessThan(5000);
});

test.each<[string, readonly Wire[]]>([
  ['5F0000000000000000000001', [{ $oid: '5f0000000000000000000001' }]],
  ['2024-01-31', [{ $date: '2024-01-31' }]],
  ['2024-01-31 10:00', [{ $date: '2024-01-31 10:00' }]],
  ['2024-13-31', []],
  ['hello', []],
])('what else %s may be', (text, expected) => expect(senses(text)).toEqual(expected));

test('what a path names', () => {
  expect(idsOf('5f0000000000000000000001').map(String)).toEqual([
    '5f0000000000000000000001',
    '5f0000000000000000000001',
  ]);
  expect(idsOf('7').map((id) => JSON.stringify(id))).toEqual(['"7"', '7']);
  expect(idsOf('007')).toEqual(['007']);
  expect(idsOf('x')).toEqual(['x']);
});
