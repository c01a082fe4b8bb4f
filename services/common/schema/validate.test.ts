import { expect, test } from 'vitest';
import { fieldOf, idColumn, table } from '../testing/catalogue.ts';
import type { FieldView } from './extras.ts';
import { isReadOnly, validate } from './validate.ts';

const plain = fieldOf(table('t', [idColumn('f')]));
const field = (validation: FieldView['validation'], more: Partial<FieldView> = {}): FieldView => ({
  ...plain,
  ...more,
  validation,
});
const PICK = { picklist: ['red', 'green', 'blue'] };
const regexp = (pattern: string) => ({ regexp: Buffer.from(pattern).toString('base64') });

const CASES: readonly (readonly [name: string, rule: object, good: readonly unknown[], bad: readonly unknown[]])[] = [
  ['not_null', {}, ['', 0, false, 'a'], [null, undefined]],
  ['not_empty', {}, ['a', 1, null], ['', 0, '0', false]],
  ['not_zero', {}, [1, '1'], [0, '0']],
  ['email', {}, ['a@b.c', '', null], ['a', 'a@b', 'a b@c.d', '@b.c']],
  ['url', {}, ['http://x', 'ftp://x/y', ''], ['x', 'http://']],
  ['int', {}, [5, '-5', ' 7 ', null], [1.5, 'x', '0x10', true]],
  ['int', { formats: ['hex'] }, ['0x1F'], ['017x', '1F']],
  ['int', { formats: ['octal'] }, ['017', '0o17'], ['0x1F']],
  ['int', { range: { min: 1, max: 9 } }, [1, 9, '5'], [0, 10]],
  ['int', { range: { min: 1 } }, [1, 1e9], [0]],
  ['float', {}, [1.5, '1e3', ''], ['x', Number.NaN]],
  ['boolean', {}, [true, 'yes', 0, 'OFF', null], ['maybe', 2]],
  ['match', regexp('/^[a-c]+$/'), ['abc', '', null], ['abd', 'ABC']],
  ['match', regexp('#^[a-c]+$#i'), ['ABC'], ['ABD']],
  ['picklist', {}, ['red', '', null], ['yellow', 'Red']],
  ['multi_picklist', {}, ['red', 'red,blue', 'red, blue', ''], ['red,yellow']],
  ['multi_picklist', { min: 2, max: 2, delimiter: ';' }, ['red;blue'], ['red', 'red;green;blue']],
  ['unknown_rule', {}, ['anything', null], []],
];
test.each(CASES)('%s %o', (name, rule, good, bad) => {
  const one = field({ [name]: rule as never }, PICK);
  for (const value of good) expect(validate(one, value, false), String(value)).toBe('take');
  for (const value of bad) {
    expect(() => validate(one, value, false), String(value)).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field: 'f' } }),
    );
  }
});

test('create_only fails on changes', () => {
  expect(validate(field({ create_only: {} }), 1, false)).toBe('take');
  expect(() => validate(field({ create_only: {} }), 1, true)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a failure may drop the field, or have its own words', () => {
  expect(validate(field({ email: { on_fail: 'ignore_field' } }), 'x', false)).toBe('drop');
  expect(() => validate(field({ email: { on_fail: 'Write to us.' } }), 'x', false)).toThrow('Write to us.');
});

test('all of several rules count', () => {
  const one = field({ not_null: {}, int: { range: { max: 5 } } });
  expect(validate(one, 5, false)).toBe('take');
  expect(() => validate(one, 6, false)).toThrow();
  expect(() => validate(one, null, false)).toThrow();
});

test.each([
  ['match', {}],
  ['match', regexp('no delimiters')],
  ['match', regexp('/(/')],
  ['picklist', {}],
  ['multi_picklist', {}],
])('%s that is incomplete is nobody else’s fault', (name, rule) => {
  expect(() => validate(field({ [name]: rule as never }), 'x', false)).toThrow(
    expect.objectContaining({ code: 'internal' }),
  );
});

test.each([
  ['a plain field', field(null), false],
  ['a virtual one', field(null, { isVirtual: true, column: null }), true],
  [
    'a generated one',
    field(null, { column: { ...(plain.column as NonNullable<FieldView['column']>), generated: true } }),
    true,
  ],
  ['one that is said to be', field({ api_read_only: {} }), true],
])('never written: %s', (_, one, readOnly) => {
  expect(isReadOnly(one)).toBe(readOnly);
});
