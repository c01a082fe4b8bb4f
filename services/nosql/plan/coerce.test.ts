import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import type { FieldView } from '#common/schema/extras.ts';
import { wireValue } from '#common/testing/bench.ts';
import type { Wire } from '../document.ts';
import { coercionOf, type DeclaredKind, declaredKind, numberOf, sensesOf } from './coerce.ts';

const digits = (text: string) => new JsonNumber(text);
const declared = (type: string, nativeType = 'declared'): FieldView =>
  ({ wireName: 'f', type, column: { nativeType } }) as unknown as FieldView;

const NUMBERS: readonly (readonly [text: string, number: number | JsonNumber | undefined])[] = [
  ['5', 5],
  [' 5 ', 5],
  ['+5', 5],
  ['-.5', -0.5],
  ['5.', 5],
  ['1e3', 1000],
  ['1E-3', 0.001],
  ['007', 7],
  ['0000000000000000005', 5],
  ['-00000000000000000.5', -0.5],
  ['1234567890123456', 1234567890123456],
  ['9007199254740993', digits('9007199254740993')],
  ['+9007199254740993', digits('9007199254740993')],
  ['0.10000000000000000000001', digits('0.10000000000000000000001')],
  ['.10000000000000000000001', digits('0.10000000000000000000001')],
  ['-.10000000000000000000001', digits('-0.10000000000000000000001')],
  ['90071992547409930.', digits('90071992547409930')],
  ['9007199254740993.e1', digits('9007199254740993e1')],
  ['1e999', digits('1e999')],
  ['-1e999', digits('-1e999')],
  ['1e-999', digits('1e-999')],
  ['0e999', 0],
  ...['', ' ', '-', '.', 'e5', '0x10', '1_000', '1,5', 'NaN', 'Infinity', '1e1000', '5 5', '٣'].map(
    (text) => [text, undefined] as const,
  ),
];
test.each(NUMBERS)('%j as a number', (text, number) => {
  expect(numberOf(text)).toEqual(number);
});

const KINDS: readonly (readonly [type: string, kind: DeclaredKind | undefined])[] = [
  ['integer', 'integer'],
  ['id', 'integer'],
  ['bigint', 'integer'],
  ['user_id_on_create', 'integer'],
  ['decimal', 'decimal'],
  ['money', 'decimal'],
  ['boolean', 'boolean'],
  ['string', 'text'],
  ['longtext', 'text'],
  ['datetime', 'time'],
  ['timestamp_on_update', 'time'],
  ['json', undefined],
  ['integers', undefined],
];
test.each(KINDS)('%s holds %s', (type, kind) => {
  expect(declaredKind(declared(type))).toBe(kind);
});
test('what is seen or a key is not declared', () => {
  expect(['seen', 'key'].map((native) => declaredKind(declared('integer', native)))).toEqual([undefined, undefined]);
  expect(declaredKind(undefined)).toBeUndefined();
});

const DATE = { $date: '2024-01-01T00:00:00.000Z' };
const REFUSED = 'refused';
const VALUES: readonly (readonly [type: string, value: unknown, becomes: unknown])[] = [
  ['integer', null, null],
  ['integer', undefined, null],
  ['integer', 5, 5],
  ['integer', '5', 5],
  ['integer', ' 5.00 ', 5],
  ['integer', true, 1],
  ['integer', false, 0],
  ['integer', digits('9007199254740993'), digits('9007199254740993')],
  ['integer', '9007199254740993', digits('9007199254740993')],
  ['integer', '1.5', REFUSED],
  ['integer', '1e999', REFUSED],
  ['integer', '', REFUSED],
  ['integer', 'five', REFUSED],
  ['integer', [5], REFUSED],
  ['integer', { $gt: 5 }, REFUSED],
  ['decimal', '1.25', 1.25],
  ['decimal', true, 1],
  ['decimal', digits('0.10000000000000000000001'), digits('0.10000000000000000000001')],
  ['decimal', '1e999', digits('1e999')],
  ['decimal', 'Infinity', REFUSED],
  ['decimal', ['1'], REFUSED],
  ['boolean', true, true],
  ['boolean', 1, true],
  ['boolean', 'YES', true],
  ['boolean', ' off ', false],
  ['boolean', '0', false],
  ['boolean', 2, REFUSED],
  ['boolean', '', REFUSED],
  ['boolean', {}, REFUSED],
  ['string', 'x', 'x'],
  ['string', 5, '5'],
  ['string', true, 'true'],
  ['string', digits('1.50'), '1.50'],
  ['string', { $ne: 1 }, REFUSED],
  ['string', ['x'], REFUSED],
  ['date', '2024-01-01', '2024-01-01'],
  ['date', 5, 5],
  ['date', DATE, DATE],
  ['date', true, REFUSED],
  ['date', ['2024'], REFUSED],
  ['json', { any: ['thing'] }, { any: ['thing'] }],
];
test.each(VALUES)('a field of the type %s that is given %j', (type, value, becomes) => {
  const coerce = coercionOf(declared(type));
  if (becomes !== REFUSED) return expect(coerce(value)).toEqual(becomes);
  expect(() => coerce(value)).toThrow(expect.objectContaining({ code: 'invalid', context: { field: 'f' } }));
});

describe('what an operand may stand for', () => {
  const CASES: readonly (readonly [value: unknown, type: string | undefined, senses: readonly Wire[]])[] = [
    [null, undefined, []],
    ['abc', undefined, ['abc']],
    ['5', undefined, ['5', 5]],
    ['1', undefined, ['1', 1, true]],
    ['0', undefined, ['0', 0, false]],
    ['TRUE', undefined, ['TRUE', true]],
    ['yes', undefined, ['yes']],
    ['', undefined, ['']],
    [5, undefined, [5]],
    [true, undefined, [true]],
    ['5', 'integer', [5]],
    ['', 'integer', []],
    [null, 'integer', []],
    ['1', 'boolean', [true]],
    [5, 'string', ['5']],
    ['true', 'string', ['true']],
    ['1', 'date', ['1']],
    ['1', 'json', ['1', 1, true]],
  ];
  test.each(CASES)('%j for %s', (value, type, senses) => {
    expect(sensesOf(wireValue(value), type === undefined ? undefined : declared(type), undefined)).toEqual(senses);
  });
  test('a number that is none', () => {
    expect(() => sensesOf(wireValue('x'), declared('integer'), undefined)).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field: 'f' } }),
    );
  });
  test('and what the store knows beside', () => {
    const senses = (text: string) => (text === '2024' ? [DATE] : []);
    expect(sensesOf(wireValue('2024'), undefined, senses)).toEqual(['2024', 2024, DATE]);
    expect(sensesOf(wireValue('2024'), declared('date'), senses)).toEqual(['2024', DATE]);
    expect(sensesOf(wireValue('2024'), declared('string'), senses)).toEqual(['2024']);
  });
});
