import { describe, expect, test } from 'vitest';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import { attributeOf, attributesOf, canonicalNumber, documentOf, jsonOf, keyText, wireOf } from './types.ts';

const LOSSLESS: { wire: Wire; type: string }[] = [
  { wire: '', type: 'S' },
  { wire: "it's \u{1f600} \u0000 $where", type: 'S' },
  { wire: true, type: 'BOOL' },
  { wire: null, type: 'NULL' },
  { wire: 0, type: 'N' },
  { wire: -1.5e-100, type: 'N' },
  { wire: new JsonNumber('12345678901234567890123456789012345678'), type: 'N' },
  { wire: new JsonNumber('-0.12345678901234567890123456789012345678'), type: 'N' },
  { wire: { $binary: 'AAEC/w==' }, type: 'B' },
  { wire: { $binary: '' }, type: 'B' },
  { wire: { $set: ['a', 'b'] }, type: 'SS' },
  { wire: { $set: [1, new JsonNumber('9007199254740993')] }, type: 'NS' },
  { wire: { $set: [{ $binary: 'AA==' }, { $binary: '' }] }, type: 'BS' },
  { wire: [], type: 'L' },
  { wire: [1, [null, { a: [] }]], type: 'L' },
  { wire: {}, type: 'M' },
  { wire: { $gt: 1, 'a.b': { $where: 'x' }, constructor: 1 }, type: 'M' },
  { wire: { $map: { $set: 'no set' } }, type: 'M' },
  { wire: { $map: { $binary: { $map: { $map: 1 } } } }, type: 'M' },
  { wire: { $set: ['a'], more: 1 }, type: 'M' },
];

describe('back and forth', () => {
  test.each(LOSSLESS)('$type $wire', ({ wire, type }) => {
    const value = attributeOf(wire, 'a');
    expect(Object.keys(value)).toEqual([type]);
    expect(stringifyJson(wireOf(value))).toBe(stringifyJson(wire));
    expect(jsonOf({ a: value })).toBe(stringifyJson({ a: wire }));
  });

  test('documents of anything', () => {
    for (let round = 0; round < 500; round++) {
      const document = parseJson(Buffer.from(stringifyJson(anyDocument(4)))) as Document;
      const attributes = attributesOf(document);
      expect(stringifyJson(documentOf(attributes))).toBe(stringifyJson(document));
      expect(jsonOf(attributes)).toBe(stringifyJson(document));
    }
  });
});

const pick = <T>(...of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;

function anyValue(depth: number): Wire {
  switch (Math.floor(Math.random() * (depth > 0 ? 8 : 6))) {
    case 0:
      return pick('', 'text', '\ud83d\ude00', '"\\', '$x');
    case 1:
      return pick(true, false, null);
    case 2:
      return Number((Math.random() * 10 ** pick(0, 3, 9, 15)).toPrecision(pick(1, 8, 15)));
    case 3:
      return new JsonNumber(`${pick('', '-')}${pick('1', '98765432109876543210', '0.123456789012345678901234567891')}`);
    case 4:
      return { $binary: Buffer.from(pick('', 'a', 'abc')).toString('base64') };
    case 5:
      return { $set: pick<Wire[]>(['x'], [1, 2.5], [{ $binary: 'AA==' }]) };
    case 6:
      return Array.from({ length: pick(0, 1, 3) }, () => anyValue(depth - 1));
    default:
      return anyDocument(depth - 1);
  }
}

const anyDocument = (depth: number): Document =>
  Object.fromEntries(['a', 'b.c', '$gt', 'constructor'].slice(0, pick(2, 3, 4)).map((name) => [name, anyValue(depth)]));

const REFUSED: { why: string; wire: Wire }[] = [
  { why: 'a number of 39 digits', wire: new JsonNumber('123456789012345678901234567890123456789') },
  { why: 'a number that is too large', wire: 1e126 },
  { why: 'a number that is too small', wire: 1e-131 },
  { why: 'binary that is none', wire: { $binary: '!' } },
  { why: 'a set of nothing', wire: { $set: [] } },
  { why: 'a set of several kinds', wire: { $set: ['a', 1] } },
  { why: 'a set with an element twice', wire: { $set: ['a', 'a'] } },
  { why: 'a set with a number twice, spelled otherwise', wire: { $set: [1, new JsonNumber('1.0')] } },
  { why: 'a set of lists', wire: { $set: [[1]] } },
  { why: 'a map that is none', wire: { $map: 1 } },
  { why: 'a name of the prototype', wire: JSON.parse('{"b":{"__proto__":1}}') },
  { why: 'an empty name', wire: { '': 1 } },
];
test.each(REFUSED)('refused: $why', ({ wire }) => {
  expect(() => attributesOf({ a: wire })).toThrow(
    expect.objectContaining({ code: 'invalid', context: { field: expect.stringMatching(/^a/) } }),
  );
});

const NUMBERS = [
  { texts: ['1', '1.0', '+1', '01', '10e-1', '0.1E1'], canonical: '1e0' },
  { texts: ['-120', '-1.2e2', '-120.00'], canonical: '-12e1' },
  { texts: ['0', '-0', '0.000', '0e5'], canonical: '0' },
  { texts: ['100000000000000000000', '1E+20'], canonical: '1e20' },
  { texts: ['0.05', '.05', '5e-2'], canonical: '5e-2' },
];
test.each(NUMBERS)('one number: $texts', ({ texts, canonical }) => {
  expect(texts.map(canonicalNumber)).toEqual(texts.map(() => canonical));
});

test('keys of one text each', () => {
  const text = (...values: object[]): string =>
    keyText(Object.fromEntries(values.map((value, i) => [`k${i}`, value])) as never, ['k0', 'k1']);
  expect(text({ S: 'a' }, { N: '1.0' })).toBe(text({ S: 'a' }, { N: '1' }));
  expect(text({ S: 'a,"b' }, { S: 'c' })).not.toBe(text({ S: 'a' }, { S: 'b,"c' }));
  expect(text({ B: new Uint8Array([1]) }, { N: '1' })).toBe(text({ B: new Uint8Array([1]) }, { N: '1' }));
});

test('some members, in the order in which they are asked for', () => {
  const item = attributesOf({ a: 1, b: 2 });
  expect(jsonOf(item, ['b', 'constructor', 'a'])).toBe('{"b":2,"a":1}');
});
