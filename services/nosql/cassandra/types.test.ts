import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { Wire } from '../document.ts';
import { columnType, decoded, decodedJson, encode, fieldOf, keyFieldOf, sensesOf, stored } from './types.ts';

const ID = '8F14E45F-CEEA-467F-A8F3-5B2A4B6F5C11';
const OF_TIME = '8f14e45f-ceea-11ee-a8f3-5b2a4b6f5c11';
const number = (text: string) => new JsonNumber(text);

const COLUMNS: readonly (readonly [text: string, word: string, kind: string, simple: string, holds: string])[] = [
  ['ascii', 'ascii', 'text', 'string', 'string'],
  ['text', 'text', 'text', 'string', 'string'],
  ['varchar', 'varchar', 'text', 'string', 'string'],
  ['tinyint', 'tinyint', 'integer', 'tinyint', 'number'],
  ['smallint', 'smallint', 'integer', 'smallint', 'number'],
  ['int', 'int', 'integer', 'integer', 'number'],
  ['bigint', 'bigint', 'integer', 'bigint', 'number'],
  ['varint', 'varint', 'integer', 'bigint', 'number'],
  ['decimal', 'decimal', 'decimal', 'decimal', 'number'],
  ['float', 'float', 'double', 'float', 'number'],
  ['double', 'double', 'double', 'double', 'number'],
  ['boolean', 'boolean', 'boolean', 'boolean', 'boolean'],
  ['uuid', 'uuid', 'uuid', 'uuid', 'uuid'],
  ['timeuuid', 'timeuuid', 'uuid', 'timeuuid', 'uuid'],
  ['timestamp', 'timestamp', 'timestamp', 'timestamp', 'date'],
  ['date', 'date', 'word', 'date', 'string'],
  ['time', 'time', 'word', 'time', 'string'],
  ['duration', 'duration', 'word', 'string', 'string'],
  ['inet', 'inet', 'word', 'string', 'string'],
  ['blob', 'blob', 'blob', 'binary', 'binary'],
  ['counter', 'counter', 'counter', 'bigint', 'number'],
  ['list<int>', 'list', 'list', 'array', 'any'],
  ['set<text>', 'set', 'list', 'array', 'any'],
  ['map<text, int>', 'map', 'map', 'array', 'any'],
  ['tuple<int, text>', 'tuple', 'list', 'array', 'any'],
  ['vector<float, 3>', 'vector', 'list', 'array', 'any'],
  ['frozen<list<frozen<map<int, text>>>>', 'list', 'list', 'array', 'any'],
  ['map<text, frozen<list<int>>>', 'map', 'map', 'array', 'any'],
  ['address', 'address', 'map', 'object', 'any'],
  ['frozen<address>', 'address', 'map', 'object', 'any'],
  ['text2', '', 'map', 'object', 'any'],
  ['"Text"', '', 'map', 'object', 'any'],
  ["'org.example.Type'", '', 'map', 'object', 'any'],
  ['constructor', 'constructor', 'map', 'object', 'any'],
];
test.each(COLUMNS)('a column of %s', (text, word, kind, simple, holds) => {
  const type = columnType(text);
  expect(type).toEqual({ text, word, kind, simple });
  expect(fieldOf('a', type)).toEqual({ name: 'a', type: simple, dbType: text, holds });
});

test.each([
  ['uuid', { type: 'string', generated: true }],
  ['timeuuid', { type: 'string', generated: true }],
  ['bigint', { type: 'number', generated: false }],
  ['boolean', { type: 'string', generated: false }],
  ['timestamp', { type: 'any', generated: false }],
  ['blob', { type: 'binary', generated: false }],
  ['date', { type: 'string', generated: false }],
])('a key of %s', (type, key) => {
  expect(keyFieldOf('k', columnType(type))).toEqual({ name: 'k', ...key });
});

const encoded = (value: Wire, type: string): unknown => JSON.parse(encode(value, columnType(type), 'a'));

const TAKEN: readonly (readonly [type: string, value: Wire, json: unknown])[] = [
  ['text', '', ''],
  ['text', '\'; DROP TABLE x; -- "\u0000😀', '\'; DROP TABLE x; -- "\u0000😀'],
  ['ascii', '~', '~'],
  ['tinyint', -128, '-128'],
  ['tinyint', '127', '127'],
  ['smallint', -32768, '-32768'],
  ['int', 2147483647, '2147483647'],
  ['int', -0, '0'],
  ['int', '-007', '-7'],
  ['int', `${'0'.repeat(50)}7`, '7'],
  ['bigint', number('-9223372036854775808'), '-9223372036854775808'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['varint', number(`-1${'0'.repeat(100)}`), `-1${'0'.repeat(100)}`],
  ['varint', 1e21, `1${'0'.repeat(21)}`],
  ['varint', -1.25e60, `-125${'0'.repeat(58)}`],
  ['decimal', 1.5, '1.5'],
  ['decimal', 1e21, `1${'0'.repeat(21)}`],
  ['decimal', 1e-7, '1e-7'],
  ['decimal', number('12345678901234567890123456789012345678'), '12345678901234567890123456789012345678'],
  ['decimal', number('-0.12345678901234567890123456789012345678'), '-0.12345678901234567890123456789012345678'],
  ['decimal', number('1e400'), '1e400'],
  ['double', 1.7976931348623157e308, 1.7976931348623157e308],
  ['double', number('0.1000000000000000055'), 0.1],
  ['float', -3.4028234663852886e38, -3.4028234663852886e38],
  ['boolean', true, true],
  ['boolean', 'false', false],
  ['uuid', ID, ID.toLowerCase()],
  ['timeuuid', OF_TIME.toUpperCase(), OF_TIME],
  ['timestamp', '2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['timestamp', '2026-01-31 12:34', '2026-01-31T12:34:00.000Z'],
  ['timestamp', '2026-01-31T12:34:56', '2026-01-31T12:34:56.000Z'],
  ['timestamp', '2026-01-31T12:34:56.7Z', '2026-01-31T12:34:56.700Z'],
  ['timestamp', '2026-01-31T23:30:00-05:30', '2026-02-01T05:00:00.000Z'],
  ['timestamp', '2026-01-31 00:00:00+0530', '2026-01-30T18:30:00.000Z'],
  ['timestamp', '2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['timestamp', '0001-01-01', '0001-01-01T00:00:00.000Z'],
  ['timestamp', 0, '1970-01-01T00:00:00.000Z'],
  ['timestamp', { $date: '2026-01-31T12:00:00Z' }, '2026-01-31T12:00:00.000Z'],
  ['timestamp', { $date: -1 }, '1969-12-31T23:59:59.999Z'],
  ['blob', 'AAEC/w==', '0x000102ff'],
  ['blob', { $binary: '' }, '0x'],
  ['date', '2024-02-29', '2024-02-29'],
  ['date', '-0044-03-15', '-0044-03-15'],
  ['time', '23:59:59.123456789', '23:59:59.123456789'],
  ['duration', '1y2mo3d4h5m6s', '1y2mo3d4h5m6s'],
  ['duration', '-P1Y2M3DT4H', '-P1Y2M3DT4H'],
  ['inet', '192.0.2.1', '192.0.2.1'],
  ['inet', '2001:db8::1', '2001:db8::1'],
  ['list<int>', [], []],
  ['set<text>', ['a', 'b'], ['a', 'b']],
  ['list<varint>', [1, number('12345678901234567890')], [1, '12345678901234567890']],
  ['list<varint>', [1e21], [`1${'0'.repeat(21)}`]],
  ['vector<float, 2>', [0.5, 1], [0.5, 1]],
  ['tuple<int, text>', [1, null], [1, null]],
  ['map<text, frozen<list<decimal>>>', { a: [number('0.12345678901234567890')] }, { a: ['0.12345678901234567890'] }],
  ['map<text, int>', { constructor: 1, $gt: 2 }, { constructor: 1, $gt: 2 }],
  ['address', { street: 'x', number: null }, { street: 'x', number: null }],
];
describe('written', () => {
  test.each(TAKEN)('%s: %j', (type, value, json) => {
    expect(encoded(value, type)).toEqual(json);
  });

  test.each([...new Set(COLUMNS.map(([type]) => type))])('%s: null', (type) => {
    expect(encode(null, columnType(type), 'a')).toBe('null');
    expect(stored(null, columnType(type), 'a')).toBeNull();
  });

  test('a name of the prototype stays a name', () => {
    const value = parseJson(Buffer.from('{"__proto__":1}')) as Wire;
    expect(encode(value, columnType('map<text, int>'), 'a')).toBe('{"__proto__":1}');
  });
});

const REFUSED: readonly (readonly [type: string, values: readonly Wire[]])[] = [
  ['text', [1, true, ['a'], { a: 1 }, number('12345678901234567890')]],
  ['ascii', ['é', 1]],
  ['tinyint', [128, -129, 1.5, '1.5', '', ' 1', '1e2', '+1', '0x1', true, Number.NaN, [1], { $gt: 1 }]],
  ['smallint', [32768, -32769]],
  ['int', [2147483648, -2147483649, number('1e400')]],
  ['bigint', [number('9223372036854775808'), '-9223372036854775809', 1e21]],
  ['varint', [1.5, 'x']],
  ['decimal', ['1', true, {}, number('1e2147483648'), number('1e-99999999999')]],
  ['double', ['1', number('1e400'), number('-1e400'), 'NaN', true]],
  ['float', [3.5e38, -1e39, '0.5']],
  ['boolean', ['yes', 'TRUE', '', 0, 1, [true]]],
  ['uuid', ['', 'x', ID.slice(1), `${ID}0`, ` ${ID}`, 1, { $oid: ID }]],
  ['timeuuid', [ID, '']],
  [
    'timestamp',
    [
      ...['2026-02-30', '2023-02-29', '2026-13-01', '2026-01-31T25:00:00Z', '2026-01-31T12:60', '2026', 'now', ''],
      ...[
        '31.01.2026',
        '2026-01-31T12:00:00+99:99',
        '0000-01-01',
        '-0001-01-01',
        '10000-01-01',
        '2026-01-31T12:00:00z',
      ],
      ...[1.5, 1e300, 8.64e15, true, null, { date: 1 }, ['2026-01-31']].map((one) => ({ $date: one })),
      ...[{ $date: '2026-01-31', more: 1 }, {}, [], true, number('12345678901234567890')],
    ],
  ],
  ['blob', ['!', 'AAE', 'AA=A', 'AA\n==', 1, { $binary: 1 }, { $binary: null }, { $binary: 'AA==', more: 1 }]],
  ['date', ['2026-02-30', '5', 'today', '', '2026-1-1', 5, '2026-01-31T00:00:00Z']],
  ['time', ['24:00:00', '12:60:00', '12:00', '1', '', '12:00:00.1234567890', 1]],
  ['duration', ['x', '', '1', 'P', 1]],
  ['inet', ['localhost', 'example.com', '1', '1.2.3', '1.2.3.4.5', 'fe80::1%lo', '', 1]],
  ['list<int>', ['a', 1, { 0: 1 }, number('12345678901234567890')]],
  ['vector<float, 2>', ['[1,2]']],
  ['map<text, int>', [[], 'a', 1, number('12345678901234567890')]],
  ['address', [[1], 'a', true]],
  ['counter', [1, '1']],
];
test.each(REFUSED.flatMap(([type, values]) => values.map((value) => ({ type, value }))))(
  'refused, by the name of its field: $type $value',
  ({ type, value }) => {
    expect(() => encode(value, columnType(type), 'place')).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field: 'place' } }),
    );
  },
);

test('refused at once: millions of digits', () => {
  const before = performance.now();
  expect(() => encode('9'.repeat(5_000_000), columnType('bigint'), 'a')).toThrow();
  expect(performance.now() - before).toBeLessThan(1_000);
});

const READ: readonly (readonly [type: string, json: string | null, text: string])[] = [
  ['text', null, 'null'],
  ['text', 'null', 'null'],
  ['text', '"null"', '"null"'],
  ['varint', '12345678901234567890', '12345678901234567890'],
  ['decimal', '1.10', '1.10'],
  ['double', 'null', 'null'],
  ['timestamp', '"2026-01-31 12:00:00.000Z"', '{"$date":"2026-01-31T12:00:00.000Z"}'],
  ['blob', '"0x000102ff"', '{"$binary":"AAEC/w=="}'],
  ['blob', '"0x"', '{"$binary":""}'],
  ['time', '"10:00:00.000000000"', '"10:00:00"'],
  ['time', '"10:00:00.050000000"', '"10:00:00.05"'],
  ['time', '"10:00:00"', '"10:00:00"'],
  ['inet', '"192.0.2.1"', '"192.0.2.1"'],
  ['inet', '"2001:db8:0:0:0:0:0:1"', '"2001:db8::1"'],
  ['inet', '"0:0:0:0:0:0:0:0"', '"::"'],
  ['list<timestamp>', '["2026-01-31 12:00:00.000Z"]', '["2026-01-31 12:00:00.000Z"]'],
  ['map<int, text>', '{"1": "a"}', '{"1": "a"}'],
];
test.each(READ)('read: %s %s', (type, json, text) => {
  expect(decodedJson(json, columnType(type))).toBe(text);
});

test.each([
  ['int', '7', 7],
  ['varint', number('12345678901234567890'), number('12345678901234567890')],
  ['decimal', 1.5, 1.5],
  ['double', number('0.1000000000000000055'), 0.1],
  ['boolean', 'true', true],
  ['uuid', ID, ID.toLowerCase()],
  ['timestamp', '2026-01-31', { $date: '2026-01-31T00:00:00.000Z' }],
  ['blob', 'AA==', { $binary: 'AA==' }],
  ['time', '10:00:00', '10:00:00'],
  ['text', "it's", "it's"],
] as const)('what the store will have: %s %j', (type, value, expected) => {
  expect(stored(value, columnType(type), 'a')).toEqual(expected);
});

test.each([
  ['2026-01-31', [{ $date: '2026-01-31T00:00:00.000Z' }]],
  ['2026-01-31T01:00:00+01:00', [{ $date: '2026-01-31T00:00:00.000Z' }]],
  ['2026-02-30', []],
  ['7', []],
])('what a text of a condition may mean: %s', (text, senses) => {
  expect(sensesOf(text)).toEqual(senses);
});

/** What the store shows of what it was given, for the types whose JSON is another one. */
const shown = (json: string, kind: string): string =>
  kind === 'integer' || kind === 'decimal' ? JSON.parse(json) : kind === 'timestamp' ? json.replace('T', ' ') : json;

const digits = fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n });
const VALUES: readonly (readonly [type: string, values: fc.Arbitrary<Wire>])[] = [
  ['text', fc.string({ unit: 'binary' })],
  [
    'bigint',
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((one) => parseJson(Buffer.from(`${one}`)) as Wire),
  ],
  [
    'varint',
    fc
      .oneof(
        digits,
        fc.integer({ min: 18, max: 300 }).map((zeros) => 10n ** BigInt(zeros)),
      )
      .map((one) => parseJson(Buffer.from(`${one}`)) as Wire),
  ],
  [
    'decimal',
    fc
      .tuple(digits, fc.integer({ min: -400, max: 400 }))
      .map(([one, exponent]) => parseJson(Buffer.from(`${one}e${exponent}`)) as Wire),
  ],
  ['double', fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0)],
  [
    'timestamp',
    fc
      .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
      .map((one) => ({ $date: one.toISOString() })),
  ],
  ['blob', fc.uint8Array().map((one) => ({ $binary: Buffer.from(one).toString('base64') }))],
];
test.each(VALUES)('%s comes back as it was', (text, values) => {
  const type = columnType(text);
  fc.assert(
    fc.property(values, (value) => {
      const back = decoded(shown(encode(value, type, 'a'), type.kind), type);
      expect(stringifyJson(back)).toBe(stringifyJson(value));
      expect(stringifyJson(stored(value, type, 'a'))).toBe(stringifyJson(value));
    }),
  );
});
