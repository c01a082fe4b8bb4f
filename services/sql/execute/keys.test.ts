import { describe, expect, test } from 'vitest';
import type { KeyReader } from '#common/records/keys.ts';
import { memberOf } from '#common/records/values.ts';
import { wireValue } from '#common/testing/bench.ts';
import { column, table, textColumn } from '#common/testing/catalogue.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import type { Param } from '../statement.ts';
import { contextOf, tableOf } from '../testing/views.ts';
import { keyReader } from './keys.ts';

const view = tableOf(contextOf(postgresDialect, { tables: [table('t', [column('id'), textColumn('word')])] }), 't');
const reader = (...names: string[]) =>
  keyReader(
    names.flatMap((name) => view.byFieldName.get(name) ?? []),
    postgresDialect,
  );
const SINGLE = reader('id');
const PAIR = reader('id', 'word');

describe('one key', () => {
  const CASES: readonly (readonly [why: string, keys: KeyReader<Param>, value: unknown, params: unknown])[] = [
    ['a number', SINGLE, 5, [5]],
    ['a number in text', SINGLE, '5', [5]],
    ['a text with a comma', reader('word'), 'a,b', ['a,b']],
    ['an empty text', reader('word'), '', ['']],
    ['a list', PAIR, [5, 'a'], [5, 'a']],
    ['in brackets', PAIR, '(5,a)', [5, 'a']],
    ['without brackets', PAIR, ' 5 , a ', [5, 'a']],
    ['in quotes', PAIR, '5,"a, ""b"""', [5, 'a, "b"']],
    ['an empty part', PAIR, '5,', [5, '']],
    ['too few', PAIR, '5', undefined],
    ['too many', PAIR, [5, 'a', 'b'], undefined],
    ['NULL', SINGLE, null, undefined],
    ['a word for a number', SINGLE, 'x', undefined],
    ['an empty text for a number', SINGLE, '', undefined],
    ['a list for a single one', SINGLE, [1, 2], undefined],
  ];
  test.each(CASES)('%s', (_, keys, value, params) => {
    if (params === undefined)
      expect(() => keys.one(wireValue(value))).toThrow(expect.objectContaining({ code: 'invalid' }));
    else expect(keys.one(wireValue(value)).params).toEqual(params);
  });
});

test('several: those that are none have their error at their place', () => {
  expect(SINGLE.list([1, 'x', 2].map(wireValue))).toEqual([
    { params: [1], shown: '1' },
    { error: expect.objectContaining({ code: 'invalid', context: { field: 'id' } }) },
    { params: [2], shown: '2' },
  ]);
});

test('of records, by names in any case', () => {
  expect(PAIR.ofRecords([{ ID: 1, word: 'a', more: 0 }, { id: 1 }, 'none'])).toEqual([
    { params: [1, 'a'], shown: '1,a' },
    { error: expect.objectContaining({ code: 'invalid', context: { index: 1 } }) },
    { error: expect.objectContaining({ code: 'invalid', context: { index: 2 } }) },
  ]);
});

test.each([
  [{ a: 1, A: 2 }, 'A', 2],
  [{ a: 1 }, 'A', 1],
  [{}, 'toString', undefined],
  [null, 'a', undefined],
  ['text', 'length', undefined],
])('the member of %o by %s', (record, name, value) => {
  expect(memberOf(record, name)).toBe(value);
});
