/** Fields that the database computes: functions on columns, and virtual fields. */
import { beforeAll, expect, test } from 'vitest';
import type { Ask } from '#common/testing/bench.ts';
import { allFields, fields, insert, is, read, update } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define } from './company.ts';

const uses = (fn: string, ...use: string[]) => ({ db_function: [{ use, function: fn }] });
const TABLE = {
  name: 'computed',
  field: [
    { name: 'id', type: 'integer', is_primary_key: true },
    { name: 'code', type: 'string', allow_null: true, ...uses('UPPER(TRIM({value}))', 'INSERT', 'UPDATE') },
    { name: 'shown', type: 'string', allow_null: true, ...uses("COALESCE({value}, 'none')", 'SELECT') },
    { name: 'found', type: 'string', allow_null: true, ...uses('LOWER({value})', 'FILTER') },
    { name: 'qty', type: 'integer', allow_null: true },
    { name: 'twice', type: 'integer', is_virtual: true, ...uses('qty * 2', 'SELECT') },
    { name: 'both', type: 'string', is_virtual: true, ...uses("code || '/' || found", 'SELECT') },
    {
      name: 'big',
      type: 'boolean',
      is_virtual: true,
      ...uses('CASE WHEN qty > 10 THEN TRUE ELSE FALSE END', 'SELECT'),
    },
    { name: 'total', type: 'integer', is_virtual: true, is_aggregate: true, ...uses('SUM(qty)', 'SELECT') },
  ],
};
const RECORDS = [
  { id: 1, code: ' ab ', shown: null, found: 'Up', qty: 5 },
  { id: 2, code: 'cd', shown: 'text', found: 'UP', qty: 20 },
  { id: 3, code: 'cd', shown: null, found: 'down', qty: 7 },
];
const FIRST = { id: 1, code: 'AB', shown: 'none', found: 'Up', qty: 5, twice: 10, both: 'AB/Up', big: false };

const ids = (...list: number[]) => ({ json: list.map((id) => ({ id })) });
const by = (filter: NonNullable<Parameters<typeof read>[1]>['filter']): Ask =>
  read('computed', { filter: filter as never, order: [{ field: 'id' }], ...fields('id') });

const CASES: readonly [why: string, ask: Ask, gives: unknown][] = [
  ['one record', read('computed', { target: Target.ONE, ...allFields }, { keys: [1] }), { json: FIRST }],
  [
    'fields by name',
    read('computed', { ...fields('both', 'twice'), order: [{ field: 'id' }], limit: 1 }),
    { json: [{ both: 'AB/Up', twice: 10 }] },
  ],
  ['a condition on a column with a function', by(is('found', '=', 'up')), ids(1, 2)],
  ['one of a list', by(is('found', 'in', 'up', 'other')), ids(1, 2)],
  ['a part of it', by(is('found', 'contains', 'ow')), ids(3)],
  ['a condition on a virtual field', by(is('twice', '>', 10)), ids(2, 3)],
  ['between', by(is('twice', 'between', 10, 14)), ids(1, 3)],
  ['one of a list of numbers', by(is('twice', 'in', 14, 40)), ids(2, 3)],
  ['a virtual text', by(is('both', 'starts with', 'CD/')), ids(2, 3)],
  ['a virtual truth', by(is('big', '=', true)), ids(2)],
  [
    'groups',
    read('computed', { group: ['code'], order: [{ field: 'code' }], ...fields('code', 'total') }),
    {
      json: [
        { code: 'AB', total: 5 },
        { code: 'CD', total: 27 },
      ],
    },
  ],
  [
    'the order of a computed field that is shown',
    read('computed', { order: [{ field: 'twice', descending: true }], ...fields('id', 'twice'), limit: 1 }),
    { json: [{ id: 2, twice: 40 }] },
  ],
];

const REFUSED: readonly [why: string, field: object][] = [
  ['no SQL', uses('(select 1)', 'SELECT')],
  ['no statement behind it', uses('1; drop table computed', 'SELECT')],
  ['a function that is not known', uses('sleep(5)', 'SELECT')],
  ['a field that there is not', uses('nosuch + 1', 'SELECT')],
  ['other fields where it is written', uses('qty', 'INSERT')],
  ['an unknown use', uses('1', 'GROUP')],
  ['a function of the server', { db_function: [{ use: ['SELECT'], function: 'f', function_type: 'server' }] }],
  ['no function', { db_function: [{ use: ['SELECT'] }] }],
  ['no list', { db_function: 'UPPER({value})' }],
];

export function tryFunctions(bench: () => Bench): void {
  const field = (definition: object): Ask => ({
    action: { case: 'defineParts', value: { table: 'computed', kind: 1, mode: 3 } },
    records: [definition],
  });
  beforeAll(async () => {
    await bench().ask(define([TABLE]));
    await bench().ask(insert('computed', RECORDS));
  });

  test.each(CASES)('%s', async (_, ask, gives) => {
    expect(await bench().outcome(ask)).toEqual(gives);
  });

  test('many records at once are written by the function as well', async () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ id: 100 + i, code: ` x${i} ` }));
    await bench().ask(insert('computed', many));
    const some = read('computed', { filter: is('id', 'in', 100, 149), order: [{ field: 'id' }], ...fields('code') });
    expect(await bench().outcome(some)).toEqual({ json: [{ code: 'X0' }, { code: 'X49' }] });
    const more = Array.from({ length: 50 }, (_, i) => ({ id: 200 + i, code: ` y${i} ` }));
    expect(await bench().import(insert('computed', undefined), [more])).toEqual({ json: { count: 50 } });
    const others = read('computed', { filter: is('id', 'in', 200), ...fields('code') });
    expect(await bench().outcome(others)).toEqual({ json: [{ code: 'Y0' }] });
    await bench().ask({
      action: { case: 'delete', value: { table: 'computed', target: Target.FILTER, filter: is('id', '>=', 100) } },
    });
  });

  test('a change is written by the function', async () => {
    const change = update('computed', Target.ONE, { code: ' new ' }, fields('code'), { keys: [3] });
    expect(await bench().outcome(change)).toEqual({ json: { code: 'NEW' } });
    await bench().ask(update('computed', Target.ONE, { code: 'cd' }, {}, { keys: [3] }));
  });

  test('a virtual field is not written', async () => {
    const record = insert('computed', [{ id: 50, twice: 7 }]);
    expect(await bench().outcome(record)).toEqual({ json: [{ id: 50 }], dropped: ['twice'] });
    await bench().ask({ action: { case: 'delete', value: { table: 'computed', target: Target.ONE } }, keys: [50] });
  });

  test.each(REFUSED)('not taken: %s', async (_, definition) => {
    expect(await bench().outcome(field({ name: 'qty', ...definition }))).toEqual({ code: 'invalid', field: 'qty' });
  });

  test('described as it was given, changed and taken back', async () => {
    const describe = async (name: string): Promise<unknown> => {
      const { json } = (await bench().outcome({
        action: { case: 'describeParts', value: { table: 'computed', kind: 1, names: [name], target: Target.ONE } },
      })) as { json: { db_function: unknown } };
      return json.db_function;
    };
    expect(await describe('twice')).toEqual([{ use: ['SELECT'], function: 'qty * 2', function_type: 'database' }]);
    await bench().ask(field({ name: 'twice', db_function: [{ use: ['SELECT'], function: 'qty * 3' }] }));
    expect(await bench().outcome(read('computed', { target: Target.ONE, ...fields('twice') }, { keys: [1] }))).toEqual({
      json: { twice: 15 },
    });
    await bench().ask(field({ name: 'twice', db_function: null }));
    expect(await describe('twice')).toBeNull();
    expect(
      await bench().outcome(read('computed', { target: Target.ONE, ...fields('twice') }, { keys: [1] })),
    ).toMatchObject({
      code: 'invalid',
    });
    await bench().ask(field({ name: 'twice', db_function: [{ use: ['SELECT'], function: 'qty * 2' }] }));
  });
}
