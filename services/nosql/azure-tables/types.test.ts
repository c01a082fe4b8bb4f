import { describe, expect, test } from 'vitest';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { Wire } from '../document.ts';
import { type EdmValue, entityOf, exactDate, jsonOf, propertyOf, readEntity } from './types.ts';

/** As the store answers to what the client has sent. */
function answered(property: string | boolean | EdmValue): string {
  if (typeof property !== 'object') return JSON.stringify({ 'odata.etag': 'W/"1"', P: property });
  const { type, value } = property;
  const isBare = type === 'Int32' || (type === 'Double' && /\d$/.test(value));
  const annotation = type === 'Int32' ? '' : `"P@odata.type":"Edm.${type}",`;
  return `{"odata.etag":"W/\\"1\\"",${annotation}"P":${isBare ? value : JSON.stringify(value)}}`;
}

const typeOf = (property: string | boolean | EdmValue): string =>
  typeof property === 'object' ? property.type : typeof property;

const LOSSLESS: { wire: Wire; type: string }[] = [
  { wire: '', type: 'string' },
  { wire: 'it\'s \u{1f600} "5.0" \\ $where', type: 'string' },
  { wire: true, type: 'boolean' },
  { wire: 0, type: 'Int32' },
  { wire: 2 ** 31 - 1, type: 'Int32' },
  { wire: -(2 ** 31), type: 'Int32' },
  { wire: 2 ** 31, type: 'Int64' },
  { wire: -(2 ** 53 - 1), type: 'Int64' },
  { wire: new JsonNumber('9007199254740993'), type: 'Int64' },
  { wire: new JsonNumber('-9223372036854775808'), type: 'Int64' },
  { wire: new JsonNumber('5'), type: 'Int64' },
  { wire: new JsonNumber('5.0'), type: 'Double' },
  { wire: 0.1, type: 'Double' },
  { wire: -1.5e-300, type: 'Double' },
  { wire: { $double: 'NaN' }, type: 'Double' },
  { wire: { $double: '-Infinity' }, type: 'Double' },
  { wire: { $date: '2024-02-29T23:59:59.1234567Z' }, type: 'DateTime' },
  { wire: { $uuid: '0b5d0f3e-7f6a-4c55-9a63-0f8d5e1c2a3b' }, type: 'Guid' },
  { wire: { $binary: 'AAECAw==' }, type: 'Binary' },
];

describe('back and forth', () => {
  test.each(LOSSLESS)('$type $wire', ({ wire, type }) => {
    const property = propertyOf(wire, 'P');
    expect(typeOf(property)).toBe(type);
    const { members, etag } = readEntity(answered(property));
    expect(etag).toBe('W/"1"');
    expect(stringifyJson(members['P'])).toBe(stringifyJson(wire));
    expect(jsonOf(members)).toBe(stringifyJson({ P: wire }));
    expect(typeOf(propertyOf(members['P'] ?? null, 'P'))).toBe(type);
  });

  test('doubles of any bits', () => {
    const bits = new DataView(new ArrayBuffer(8));
    for (let round = 0; round < 2000; round++) {
      bits.setUint32(0, Math.floor(Math.random() * 2 ** 32));
      bits.setUint32(4, Math.floor(Math.random() * 2 ** 32));
      const value = bits.getFloat64(0);
      if (!Number.isFinite(value)) continue;
      const { members } = readEntity(answered(propertyOf({ $double: String(value) }, 'P')));
      expect(Number(String(members['P']))).toBe(value);
    }
  });

  test('integers of any size', () => {
    for (let power = 0n; power < 63n; power++) {
      for (const integer of [2n ** power, -(2n ** power) + 1n, 2n ** power - 1n]) {
        const wire = parseJson(Buffer.from(integer.toString())) as Wire;
        const { members } = readEntity(answered(propertyOf(wire, 'P')));
        expect(stringifyJson(members['P'])).toBe(integer.toString());
      }
    }
  });
});

const ASKED: { wire: Wire; property: EdmValue }[] = [
  { wire: { $int64: 5 }, property: { type: 'Int64', value: '5' } },
  { wire: { $int64: '-7' }, property: { type: 'Int64', value: '-7' } },
  { wire: { $double: 5 }, property: { type: 'Double', value: '5.0' } },
  { wire: { $date: '2024-01-31' }, property: { type: 'DateTime', value: '2024-01-31T00:00:00.0000000Z' } },
];
test.each(ASKED)('asked for by its type: $wire', ({ wire, property }) => {
  expect(propertyOf(wire, 'P')).toEqual(property);
});

const REFUSED: { why: string; wire: Wire }[] = [
  { why: 'a list', wire: [1] },
  { why: 'an empty list', wire: [] },
  { why: 'an object', wire: { a: 1 } },
  { why: 'an empty object', wire: {} },
  { why: 'an unknown tag', wire: { $where: '1' } },
  { why: 'a tag and more', wire: { $date: '2024-01-31', a: 1 } },
  { why: 'a tag of the prototype', wire: JSON.parse('{"__proto__": 1}') },
  { why: 'a tag that objects have', wire: { constructor: 'x' } },
  { why: 'an integer of 65 bits', wire: new JsonNumber('9223372036854775809') },
  { why: 'a fraction that is no double', wire: new JsonNumber('0.10000000000000000001') },
  { why: 'a date that is none', wire: { $date: '2024-02-30' } },
  { why: 'a date before 1601', wire: { $date: '1600-12-31T23:59:59Z' } },
  { why: 'an object for a date', wire: { $date: { $gt: 1 } } },
  { why: 'a UUID that is none', wire: { $uuid: "x' or true" } },
  { why: 'binary that is none', wire: { $binary: '!' } },
  { why: 'a fraction as Int64', wire: { $int64: 1.5 } },
  { why: 'a text as double', wire: { $double: 'one' } },
  { why: 'nothing as double', wire: { $double: '' } },
];
test.each(REFUSED)('refused: $why', ({ wire }) => {
  expect(() => propertyOf(wire, 'P')).toThrow(expect.objectContaining({ code: 'invalid', context: { field: 'P' } }));
});

const NAMES = ['', 'a.b', '$a', 'a b', 'a-b', '1a', 'x'.repeat(256), 'odata.etag', 'P@odata.type', 'etag', 'rowKey'];
test.each([...NAMES, '__proto__'])("no name: '%s'", (name) => {
  const document = JSON.parse(JSON.stringify({ PLACE: 1 }).replace('PLACE', name));
  expect(() => entityOf(document)).toThrow(expect.objectContaining({ code: 'invalid', context: { field: name } }));
});

test('what the protocol says is no data, and no name is special', () => {
  const { members } = readEntity(
    '{"odata.etag":"W/1","PartitionKey":"p","RowKey":"r","Timestamp":"2024-01-01T00:00:00Z","etag":"mine","timestamp":1,"__proto__":2,"gone":null}',
  );
  const names = ['PartitionKey', 'RowKey', 'Timestamp', 'etag', 'timestamp', '__proto__'];
  expect(Object.keys(members)).toEqual(names);
  expect(jsonOf(members, ['RowKey', 'none', 'gone', 'odata.etag', 'constructor', 'timestamp'])).toBe(
    '{"RowKey":"r","timestamp":1}',
  );
});

const DATES = [
  { text: '2024-01-31T10:00:00+00:00', date: '2024-01-31T10:00:00.0000000Z' },
  { text: '2024-01-31 10:00:00', date: '2024-01-31T10:00:00.0000000Z' },
  { text: '2024-01-31T23:30:00.5-02:00', date: '2024-02-01T01:30:00.5000000Z' },
  { text: '2024-01-31T10:00:00+0200', date: '2024-01-31T08:00:00.0000000Z' },
  { text: '2024-01-31T10:00Z', date: '2024-01-31T10:00:00.0000000Z' },
  { text: '2024-13-01', date: undefined },
  { text: '2024-01-31T25:00:00Z', date: undefined },
  { text: 'yesterday', date: undefined },
];
test.each(DATES)('date $text', ({ text, date }) => {
  expect(exactDate(text)).toBe(date);
});
