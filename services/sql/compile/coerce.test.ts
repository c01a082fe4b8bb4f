import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { plainValue } from '#common/records/values.ts';
import type { Column } from '#common/schema/catalogue.ts';
import { wireValue } from '#common/testing/bench.ts';
import { column, fieldOf, table } from '#common/testing/catalogue.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { sqliteDialect } from '../sqlite/dialect.ts';
import { coercionOf, isWhole, operandCoercionOf } from './coerce.ts';

const field = (part: Partial<Column>) => fieldOf(table('t', [column('f', part)]));
const REFUSED = Symbol('refused');
const digits = (text: string) => new JsonNumber(text);

const INT: Partial<Column> = { type: 'integer', nativeType: 'int4' };
const SMALL: Partial<Column> = { type: 'integer', nativeType: 'int2' };
const BIG: Partial<Column> = { type: 'bigint', nativeType: 'int8' };
const DECIMAL: Partial<Column> = { type: 'decimal', nativeType: 'numeric' };
const BOOLEAN: Partial<Column> = { type: 'boolean', nativeType: 'bool', json: 'boolean' };
const TEXT: Partial<Column> = { type: 'string', nativeType: 'text', json: 'string' };
const STRICT_TEXT: Partial<Column> = { ...TEXT, nullable: false };
const BYTES: Partial<Column> = { type: 'string', nativeType: 'bytea', json: 'bytes' };
const JSONB: Partial<Column> = { ...TEXT, nativeType: 'jsonb' };
const ARRAY: Partial<Column> = { ...TEXT, nativeType: 'int4[]' };

function given(coerce: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return coerce(value);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid', context: { field: 'f' }, message: expect.stringContaining("'f'") });
    return REFUSED;
  }
}

describe('a value that is written', () => {
  const CASES: readonly (readonly [why: string, part: Partial<Column>, value: unknown, param: unknown])[] = [
    ['a whole number', INT, 7, 7],
    ['a whole number in text', INT, ' -7 ', -7],
    ['the largest of 32 bits', INT, 2147483647, 2147483647n],
    ['beyond 32 bits', INT, 2147483648, REFUSED],
    ['the smallest of 32 bits', INT, '-2147483648', -2147483648n],
    ['the largest of 16 bits', SMALL, 32767, 32767],
    ['beyond 16 bits', SMALL, 32768, REFUSED],
    ['below 16 bits', SMALL, -32769, REFUSED],
    ['the largest of 64 bits', BIG, digits('9223372036854775807'), 9223372036854775807n],
    ['beyond 64 bits', BIG, digits('9223372036854775808'), REFUSED],
    ['beyond a double', BIG, digits('9007199254740993'), 9007199254740993n],
    ['a power that is whole', INT, '1e3', 1000n],
    ['an endless power', INT, '1e999', REFUSED],
    ['a fraction of zeros', INT, '7.00', 7n],
    ['a fraction', INT, 7.5, REFUSED],
    ['true as a number', INT, true, 1],
    ['a word', INT, 'seven', REFUSED],
    ['hexadecimal', INT, '0x10', REFUSED],
    ['an empty text is nothing', INT, '', null],
    ['blanks', INT, ' ', REFUSED],
    ['an object', INT, {}, REFUSED],
    ['a list', INT, [1], REFUSED],
    ['an empty list is nothing', INT, [], null],
    ['a decimal', DECIMAL, 1.5, 1.5],
    ['a decimal keeps its digits', DECIMAL, digits('1.00000000000000000001'), '1.00000000000000000001'],
    ['a long decimal in text', DECIMAL, '12345678901234567.89', '12345678901234567.89'],
    ['a short decimal in text', DECIMAL, '1.50', 1.5],
    ['a decimal beyond a double', DECIMAL, '1e999', REFUSED],
    ['a number beyond a double', DECIMAL, digits('-1e400'), REFUSED],
    ['no decimal', DECIMAL, 'much', REFUSED],
    ['an object for a decimal', DECIMAL, {}, REFUSED],
    ['true', BOOLEAN, true, 't'],
    ['yes', BOOLEAN, 'Yes', 't'],
    ['1', BOOLEAN, 1, 't'],
    ['0', BOOLEAN, 0, 'f'],
    ['any other word', BOOLEAN, 'maybe', 'f'],
    ['an object for a boolean', BOOLEAN, {}, REFUSED],
    ['text', TEXT, 'a', 'a'],
    ['a number for a text', TEXT, 5, '5'],
    ['a long number for a text', TEXT, digits('12345678901234567890'), '12345678901234567890'],
    ['a boolean for a text', TEXT, false, 'false'],
    ['an empty text where nothing may be', TEXT, '', null],
    ['an empty text where something must be', STRICT_TEXT, '', ''],
    ['an object for a text', TEXT, { a: 1 }, REFUSED],
    ['a list for a text', TEXT, ['a'], REFUSED],
    ['NUL', TEXT, 'a\0b', REFUSED],
    ['base64', BYTES, 'AP8=', '\\x00ff'],
    ['base64 for addresses', BYTES, '-_-_', '\\xfbffbf'],
    ['no base64', BYTES, 'a b', REFUSED],
    ['half of base64', BYTES, 'A', REFUSED],
    ['a number for bytes', BYTES, 5, REFUSED],
    ['an object', JSONB, { a: [digits('12345678901234567890')] }, '{"a":[12345678901234567890]}'],
    ['an empty list', JSONB, [], '[]'],
    ['text for JSON goes as it is', JSONB, '{"a":1}', '{"a":1}'],
    ['a number for JSON', JSONB, 5, '5'],
    ['a list', ARRAY, [1, null, 'b"'], '{"1",NULL,"b\\""}'],
    ['an empty list', ARRAY, [], '{}'],
    ['a list in text', ARRAY, '{1,2}', '{1,2}'],
    ['an object for a list', ARRAY, {}, REFUSED],
    ['NULL', STRICT_TEXT, null, null],
    ['undefined', INT, undefined, null],
  ];
  test.each(CASES)('%s', (_, part, value, param) => {
    expect(given(coercionOf(field(part), postgresDialect), value)).toEqual(param);
  });
});

describe('where fractions are cut off', () => {
  const CASES: readonly (readonly [value: unknown, param: unknown])[] = [
    [7.9, 7n],
    ['-7.9', -7n],
    ['.9', 0n],
    ['79e-1', 7n],
    ['9223372036854775807.5', 9223372036854775807n],
    ['9223372036854775808.5', REFUSED],
    ['1e30', REFUSED],
  ];
  test.each(CASES)('%s', (value, param) => {
    expect(given(coercionOf(field({ type: 'integer', nativeType: 'integer' }), sqliteDialect), value)).toEqual(param);
  });
});

describe('the operand of a condition', () => {
  const CASES: readonly (readonly [why: string, part: Partial<Column>, value: unknown, param: unknown])[] = [
    ['an empty text is one', TEXT, '', ''],
    ['an empty text for a number is nothing', INT, '', null],
    ['a fraction is cut off', INT, '7.9', 7n],
    ['a word for a number', INT, 'x', REFUSED],
    ['beyond its type', INT, '2147483648', REFUSED],
    ['NULL', INT, null, null],
  ];
  test.each(CASES)('%s', (_, part, value, param) => {
    expect(given(operandCoercionOf(field(part), postgresDialect), value)).toEqual(param);
  });
});

test.each([
  [INT, true],
  [BIG, true],
  [DECIMAL, false],
  [TEXT, false],
])('equal values have equal text: %o', (part, expected) => {
  expect(isWhole(field(part))).toBe(expected);
});

test.each([
  ['a', 'a'],
  [5, 5],
  [true, true],
  [null, null],
  [
    [1, ['b']],
    [1, ['b']],
  ],
])('a Value as it travels: %o', (sent, plain) => {
  expect(plainValue(wireValue(sent))).toEqual(plain);
});

test('a Value keeps the digits that a double would lose', () => {
  const value = wireValue(0);
  expect(plainValue({ ...value, kind: { case: 'number', value: '9007199254740993' } })).toEqual(
    digits('9007199254740993'),
  );
  expect(plainValue(undefined)).toBeNull();
});
