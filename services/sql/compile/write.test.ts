import { describe, expect, test } from 'vitest';
import { is } from '#common/testing/words.ts';
import { hiddenOutputs } from '../plan/selection.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { sqliteDialect } from '../sqlite/dialect.ts';
import type { Param } from '../statement.ts';
import { contextOf, tableOf } from '../testing/views.ts';
import { bind, type Template } from './builder.ts';
import {
  bulkInsert,
  compileDeleteByFilter,
  compileDeleteByKey,
  compileInsert,
  compileUpdateByFilter,
  compileUpdateByKey,
} from './write.ts';

const context = contextOf(postgresDialect);
const emp = tableOf(context, 'emp');
const field = (...names: string[]) => names.flatMap((name) => emp.byFieldName.get(name) ?? []);
const key = hiddenOutputs(field('id'), postgresDialect);
const role = is('dept_id', '=', 3);

const CASES: readonly (readonly [
  why: string,
  template: Template,
  record: readonly Param[],
  text: string,
  params: readonly Param[],
])[] = [
  [
    'insert',
    compileInsert(emp, field('name', 'active'), key, context),
    ['x', 't'],
    'insert into "public"."emp" ("name", "active") values ($1::text, $2::int4) returning "id"',
    ['x', 't'],
  ],
  [
    'insert without an answer',
    compileInsert(emp, field('name'), [], context),
    ['x'],
    'insert into "public"."emp" ("name") values ($1::text)',
    ['x'],
  ],
  [
    'update by key',
    compileUpdateByKey(emp, field('name'), field('id'), undefined, key, context),
    ['x', 5],
    'update "public"."emp" set "name" = $1::text where "id" = $2::int4 returning "id"',
    ['x', 5],
  ],
  [
    'update by a composite key, under a condition',
    compileUpdateByKey(emp, field('name'), field('id', 'dept_id'), role, [], context),
    ['x', 5, 6],
    'update "public"."emp" set "name" = $1::text where "id" = $2::int4 and "dept_id" = $3::int4 and ("dept_id" = $4::int4)',
    ['x', 5, 6, 3],
  ],
  [
    'update by filter',
    compileUpdateByFilter(emp, field('name', 'email'), [is('id', '<', 9), role], context),
    ['x', null],
    'update "public"."emp" set "name" = $1::text, "email" = $2::text where ("id" < $3::int4) and ("dept_id" = $4::int4)',
    ['x', null, 9, 3],
  ],
  [
    'delete by key, under a condition',
    compileDeleteByKey(emp, field('id'), role, key, context),
    [5],
    'delete from "public"."emp" where "id" = $1::int4 and ("dept_id" = $2::int4) returning "id"',
    [5, 3],
  ],
  ['delete all', compileDeleteByFilter(emp, [undefined, undefined], [], context), [], 'delete from "public"."emp"', []],
  [
    'delete by filter',
    compileDeleteByFilter(emp, [is('id', '<', 9)], key, context),
    [],
    'delete from "public"."emp" where ("id" < $1::int4) returning "id"',
    [9],
  ],
];

test.each(CASES)('%s', (_, template, record, text, params) => {
  const bound = bind(template, { keys: [], parameters: [], caller: undefined, record });
  expect([bound.text, bound.params]).toEqual([text, params]);
});

describe('many records by one statement', () => {
  test('where the engine has a form for it, whose text does not depend on how many', () => {
    const many = bulkInsert(emp, field('name', 'active'), key, context);
    const one = many?.([['x', 't']]);
    const two = many?.([
      ['x', 't'],
      [null, 'f'],
    ]);
    expect(one?.text).toBe(two?.text);
    expect(two?.params).toEqual(['{"x",NULL}', '{"t","f"}']);
    expect(two?.columns).toEqual(key.map(({ column }) => column));
  });
  test('not where it has none', () => {
    expect(bulkInsert(emp, field('name'), key, contextOf(sqliteDialect))).toBeUndefined();
  });
});
