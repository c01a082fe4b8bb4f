import { describe, expect, test } from 'vitest';
import { wireValue } from '#common/testing/bench.ts';
import { COMPANY, column, primaryKey, table, textColumn } from '#common/testing/catalogue.ts';
import { all, any, is } from '#common/testing/words.ts';
import { Selection_Kind as Kind, Order_Nulls as Nulls } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import { outputsOf } from '../plan/selection.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { sqliteDialect } from '../sqlite/dialect.ts';
import { contextOf, tableOf } from '../testing/views.ts';
import { bind, type Template } from './builder.ts';
import { keysetOf } from './keyset.ts';
import { compileByKey, compileByKeys, compileCount, compileList, type ListOptions } from './read.ts';

type Listing = Partial<Parameters<typeof compileList>[0]>;

const bound = (template: Template, keys: unknown[] = [], record: (string | number)[] = []) => {
  const { text, params } = bind(template, { keys: keys.map(wireValue), parameters: [], caller: undefined, record });
  return [text, params];
};
const selection = (...names: string[]) => ({
  $typeName: 'millrace.data.v1.Selection' as const,
  kind: Kind.LISTED,
  names,
});
const order = (field: string, descending = false, nulls: Nulls = Nulls.UNSPECIFIED) => ({
  $typeName: 'millrace.data.v1.Order' as const,
  field,
  descending,
  nulls,
});

function listed(
  read: Listing,
  options: Partial<ListOptions> = {},
  dialect: Dialect = postgresDialect,
  names = ['id'],
): unknown[] {
  const context = contextOf(dialect);
  const emp = tableOf(context, 'emp');
  const outputs = outputsOf(selection(...names), emp, [], dialect, { grouped: true });
  return bound(
    compileList({ order: [], group: [], ...read }, emp, outputs, { limit: undefined, offset: 0, ...options }, context),
  );
}

describe('a list', () => {
  const CASES: readonly (readonly [
    why: string,
    read: Listing,
    options: Partial<ListOptions>,
    sql: string,
    params: unknown[],
  ])[] = [
    ['of all', {}, {}, '', []],
    ['with a limit', {}, { limit: 5 }, ' limit $1::int8', [5]],
    ['with an offset', {}, { offset: 5 }, ' offset $1::int8', [5]],
    ['with both', {}, { limit: 1, offset: 5 }, ' limit $1::int8 offset $2::int8', [1, 5]],
    ['in order', { order: [order('name', true), order('ID')] }, {}, ' order by "name" desc, "id" asc', []],
    [
      'NULL where it is wanted',
      { order: [order('email', false, Nulls.FIRST), order('id', true, Nulls.LAST)] },
      {},
      ' order by "email" asc nulls first, "id" desc nulls last',
      [],
    ],
    [
      'of what matches',
      { filter: is('id', '=', 1), rowFilter: is('id', '>', 0) },
      { limit: 9 },
      ' where ("id" = $1::int4) and ("id" > $2::int4) limit $3::int8',
      [1, 0, 9],
    ],
    [
      'an OR cannot open what the role closes',
      { filter: any(all(), is('id', '=', 1)), rowFilter: is('id', '>', 0) },
      {},
      ' where ((true) or ("id" = $1::int4)) and ("id" > $2::int4)',
      [1, 0],
    ],
  ];
  test.each(CASES)('%s', (_, read, options, sql, params) => {
    expect(listed(read, options)).toEqual([`select "id" from "public"."emp"${sql}`, params]);
  });

  test('of groups, their order and their condition', () => {
    const read = {
      group: ['dept_id'],
      having: all(is('COUNT(*)', '>', 1), any(is('sum_id', '<=', '9.5'), is('dept_id', 'is null'))),
      order: [order('count_all', true)],
    };
    expect(listed(read, {}, postgresDialect, ['dept_id', 'COUNT(*)'])).toEqual([
      'select "dept_id", count(*) from "public"."emp" group by "dept_id" having (count(*) > $1) and ' +
        '((sum("id") <= $2) or ("dept_id" is null)) order by count(*) desc',
      [1, 9.5],
    ]);
  });

  test('an offset without a limit, for an engine that needs one', () => {
    expect(listed({}, { offset: 5 }, sqliteDialect)[0]).toBe('select "id" from "public"."emp" limit ?1 offset ?2');
  });

  const REFUSED: readonly [why: string, read: Listing, field: string][] = [
    ['an order by nothing', { order: [order('nothing')] }, 'nothing'],
    ['a group by nothing', { group: ['nothing'] }, 'nothing'],
    ['a condition on what is no group', { group: ['dept_id'], having: is('name', '=', 'x') }, 'name'],
    [
      'a condition on an aggregate of nothing',
      { group: ['dept_id'], having: is('SUM(nothing)', '>', 1) },
      'SUM(nothing)',
    ],
    ['a text for an aggregate', { group: ['dept_id'], having: is('COUNT(*)', '>', 'x') }, 'having'],
    ['a pattern for an aggregate', { group: ['dept_id'], having: is('COUNT(*)', 'like', 1) }, 'having'],
  ];
  test.each(REFUSED)('not %s', (_, read, field) => {
    expect(() => listed(read)).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});

describe('pages that follow each other', () => {
  const context = contextOf(postgresDialect, {
    tables: [
      ...COMPANY.tables,
      table(
        'pair',
        [column('a', { nullable: false }), textColumn('b', { nullable: false })],
        [primaryKey('pk', 'a', 'b')],
      ),
    ],
  });
  const page = (name: string, orders: ReturnType<typeof order>[], behind: boolean, key: unknown[] = []) => {
    const view = tableOf(context, name);
    const columns = keysetOf(orders, view);
    const template = compileList(
      { order: orders, group: [] },
      view,
      outputsOf(selection(), view, [], postgresDialect),
      { limit: 2, offset: 0, keyset: { columns, behind } },
      context,
    );
    return bound(template, behind ? [key] : []);
  };
  const CASES: readonly (readonly [why: string, sql: unknown[], wanted: unknown[]])[] = [
    ['the first', page('emp', [], false), ['select 1 from "public"."emp" order by "id" asc limit $1::int8', [2]]],
    [
      'the next by the key',
      page('emp', [], true, [7]),
      ['select 1 from "public"."emp" where "id" > $1::int4 order by "id" asc limit $2::int8', [7, 2]],
    ],
    [
      'the next by an order',
      page('emp', [order('name', true)], true, ['x', 7]),
      [
        'select 1 from "public"."emp" where "name" <= $1::text and ("name" < $2::text or ("name" = $3::text and "id" < $4::int4)) order by "name" desc, "id" desc limit $5::int8',
        ['x', 'x', 'x', 7, 2],
      ],
    ],
    [
      'a composite key of which a part is in the order',
      page('pair', [order('b')], true, ['x', 1]),
      [
        'select 1 from "public"."pair" where "b" >= $1::text and ("b" > $2::text or ("b" = $3::text and "a" > $4::int4)) order by "b" asc, "a" asc limit $5::int8',
        ['x', 'x', 'x', 1, 2],
      ],
    ],
  ];
  test.each(CASES)('%s', (_, sql, wanted) => expect(sql).toEqual(wanted));

  const REFUSED: readonly [why: string, make: () => unknown, field: string][] = [
    ['by a field that may be NULL', () => page('emp', [order('email')], false), 'after'],
    ['by a field that there is not', () => page('emp', [order('nothing')], false), 'nothing'],
    ['behind too few values', () => page('emp', [order('name')], true, ['x']), 'after'],
    ['behind a value of another type', () => page('emp', [], true, ['x']), 'id'],
  ];
  test.each(REFUSED)('not %s', (_, make, field) => {
    expect(make).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});

describe('by keys', () => {
  const context = contextOf(postgresDialect);
  const emp = tableOf(context, 'emp');
  const keys = ['id', 'name'].flatMap((name) => emp.byFieldName.get(name) ?? []);
  const record = (index: number) => (given: { record: readonly unknown[] }) => given.record[index] as string;
  const outputs = outputsOf(selection('name'), emp, [], postgresDialect);

  test('one', () => {
    expect(bound(compileByKey(emp, outputs, keys.slice(0, 1), record, undefined, context), [], [5])).toEqual([
      'select "name" from "public"."emp" where "id" = $1::int4',
      [5],
    ]);
  });
  test('one by a composite key, which the role may not see', () => {
    expect(bound(compileByKey(emp, outputs, keys, record, is('active', '=', true), context), [], [5, 'x'])).toEqual([
      'select "name" from "public"."emp" where "id" = $1::int4 and "name" = $2::text and ("active" = $3::int4)',
      [5, 'x', 't'],
    ]);
  });
  test('many, by one parameter', () => {
    const template = compileByKeys(emp, outputs, keys[0]!, is('id', '>', 0), context);
    const { text, params } = template.bind([1, 2], { keys: [], parameters: [], caller: undefined, record: [] });
    expect([text, params]).toEqual([
      'select "name" from "public"."emp" where "id" = any($1::int4[]) and ("id" > $2::int4)',
      ['{"1","2"}', 0],
    ]);
  });
  test('how many match', () => {
    expect(bound(compileCount({ filter: is('id', '>', 1) }, emp, context))).toEqual([
      'select count(*) from "public"."emp" where ("id" > $1::int4)',
      [1],
    ]);
  });
});
