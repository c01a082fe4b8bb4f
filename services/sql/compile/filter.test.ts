import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { TableAccess } from '#common/schema/table-access.ts';
import { all, any, apart, is, not } from '#common/testing/words.ts';
import {
  type Comparator,
  type Filter,
  FilterSchema,
  Moment_Base as MomentBase,
  OperandSchema,
  ShapeSchema,
} from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import { bindContextOf } from '../execute/context.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { sqliteDialect } from '../sqlite/dialect.ts';
import { contextOf, tableOf } from '../testing/views.ts';
import { bind, SqlBuilder } from './builder.ts';
import { compileFilters } from './filter.ts';

function compiled(filters: readonly (Filter | undefined)[], dialect: Dialect, context = contextOf(dialect)) {
  const builder = new SqlBuilder(context);
  const sql = compileFilters(filters, tableOf(context, 'emp'), builder);
  const { params } = bind(builder.finish([]), bindContextOf({ keys: [], parameters: [], caller: undefined } as never));
  return { sql, params };
}

const days = (base: MomentBase, offsetSeconds: number) =>
  create(OperandSchema, { kind: { case: 'moment', value: { base, offsetSeconds } } });

type Case = readonly [why: string, filter: Filter, sql: string, params: readonly unknown[]];

const POSTGRES: readonly Case[] = [
  ['equal', is('id', '=', 5), '"id" = $1::int4', [5]],
  ['not equal', is('id', '!=', 5), '"id" <> $1::int4', [5]],
  ['in any case', is('ID', '>=', 5), '"id" >= $1::int4', [5]],
  ['of a text', is('name', '<', 5), '"name" < $1::text', ['5']],
  ['of a boolean', is('active', '=', 'yes'), '"active" = $1::int4', ['t']],
  ['is null', is('email', 'is null'), '"email" is null', []],
  ['in', is('id', 'in', 1, '2'), '"id" = any($1::int4[])', ['{"1","2"}']],
  ['between', is('id', 'between', 1, 2), '"id" between $1::int4 and $2::int4', [1, 2]],
  ['like', is('name', 'like', 'a%'), '"name"::text like $1::text', ['a%']],
  ['like on a number', is('id', 'contains', 1), '"id"::text like $1::text', ['%1%']],
  ['starts with, and its wildcards stay', is('name', 'starts with', 'a_'), '"name"::text like $1::text', ['a_%']],
  ['ends with', is('name', 'ends with', 'a'), '"name"::text like $1::text', ['%a']],
  ['a text is never SQL', is('name', '=', `' or 1=1 --`), '"name" = $1::text', [`' or 1=1 --`]],
  ['now', is('name', '<', days(MomentBase.TIMESTAMP, 0)), '"name" < current_timestamp', []],
  ['a week ago', is('name', '<', days(MomentBase.DATE, -7 * 86_400)), '"name" < (current_date + -7)', []],
  ['and', all(is('id', '>', 1), is('id', '<', 9)), '("id" > $1::int4) and ("id" < $2::int4)', [1, 9]],
  ['or', any(is('id', '=', 1), is('id', '=', 9)), '("id" = $1::int4) or ("id" = $2::int4)', [1, 9]],
  ['not', not(is('id', '=', 1)), 'not ("id" = $1::int4)', [1]],
  ['and of nothing', all(), 'true', []],
  ['or of nothing', any(), 'false', []],
  [
    'a related record',
    is('dept_by_dept_id.name', '=', 'x'),
    'exists (select 1 from "public"."dept" "r1" where "r1"."id" = "public"."emp"."dept_id" and ("name" = $1::text))',
    ['x'],
  ],
  [
    'through a table between',
    is('project_by_emp_project.title', 'is null'),
    'exists (select 1 from "public"."emp_project" "r1" where "r1"."emp_id" = "public"."emp"."id" and ' +
      'exists (select 1 from "public"."project" "r2" where "r2"."id" = "r1"."project_id" and ("title" is null)))',
    [],
  ],
  [
    'a relation of a relation to itself',
    is('emp_by_boss_id.dept_by_dept_id.name', '=', 'x'),
    'exists (select 1 from "public"."emp" "r1" where "r1"."boss_id" = "public"."emp"."id" and (' +
      'exists (select 1 from "public"."dept" "r2" where "r2"."id" = "r1"."dept_id" and ("name" = $1::text))))',
    ['x'],
  ],
];

const SQLITE: readonly Case[] = [
  ['equal', is('id', '=', 5), '"id" = ?1', [5]],
  ['of a boolean', is('active', '=', 'yes'), '"active" = ?1', [1]],
  ['in', is('id', 'in', 1, '2'), '"id" in (select value from json_each(?1))', ['[1,2]']],
  ['like', is('id', 'like', '1%'), '"id" like ?1', ['1%']],
  ['or of nothing', any(), '0', []],
];

describe.each([
  ['postgres', postgresDialect, POSTGRES],
  ['sqlite', sqliteDialect, SQLITE],
] as const)('%s', (_, dialect, cases) => {
  test.each(cases)('%s', (_why, filter, sql, params) => {
    expect(compiled([filter], dialect)).toEqual({ sql: `(${sql})`, params });
  });
});

test('values beside the shape are read when it is bound, and give the same text', () => {
  const context = contextOf(postgresDialect);
  const { filter, parameters } = apart(any(is('id', 'in', 1, 2), is('name', 'contains', 'x')));
  const builder = new SqlBuilder(context);
  const sql = compileFilters([filter], tableOf(context, 'emp'), builder);
  const template = builder.finish([]);
  const bound = bind(template, { keys: [], parameters, caller: undefined, record: [] });
  expect([sql, bound.params]).toEqual([
    '(("id" = any($1::int4[])) or ("name"::text like $2::text))',
    ['{"1","2"}', '%x%'],
  ]);
});

test("the caller's condition and the role's are joined as trees", () => {
  const { sql } = compiled([any(is('id', '=', 1), is('id', '=', 2)), is('active', '=', true)], postgresDialect);
  expect(sql).toBe('(("id" = $1::int4) or ("id" = $2::int4)) and ("active" = $3::int4)');
  expect(compiled([undefined, undefined], postgresDialect).sql).toBeUndefined();
});

describe('refused', () => {
  const CASES: readonly [why: string, filter: Filter, error: object][] = [
    ['an unknown field', is('nothing', '=', 1), { code: 'invalid', context: { field: 'nothing' } }],
    ['an unknown relation', is('nothing.id', '=', 1), { code: 'invalid', context: { field: 'nothing.id' } }],
    [
      'an unknown field of a relation',
      is('dept_by_dept_id.nothing', '=', 1),
      { code: 'invalid', context: { field: 'nothing' } },
    ],
    ['no value', is('id', '='), { code: 'invalid' }],
    ['no pattern', is('name', 'like'), { code: 'invalid' }],
    ['a value of another type', is('id', '=', 'x'), { code: 'invalid', context: { field: 'id' } }],
    [
      'words of another kind of store',
      create(FilterSchema, { node: { case: 'native', value: 0 } }),
      { context: { field: 'filter' } },
    ],
    ['a node of a newer version', create(FilterSchema, {}), { code: 'invalid' }],
    [
      'a comparison of a newer version',
      create(FilterSchema, { node: { case: 'comparison', value: { field: 'id', comparator: 99 as Comparator } } }),
      { code: 'invalid' },
    ],
  ];
  test.each(CASES)('%s', (_, filter, error) => {
    expect(() => compiled([filter], postgresDialect)).toThrow(expect.objectContaining(error));
  });
});

describe("a related table under the role's rules", () => {
  const filter = is('dept_by_dept_id.name', '=', 'x');
  const ruled = (...rules: { table: string; verbs?: number; rowFilter?: Filter }[]) => ({
    ...contextOf(postgresDialect),
    access: new TableAccess(create(ShapeSchema, { service: 'db', rules })),
  });

  test('is not looked at before its rules are known', () => {
    const wanted = { code: 'denied', context: { rules_wanted: ['dept'] } };
    expect(() => compiled([filter], postgresDialect, ruled())).toThrow(expect.objectContaining(wanted));
  });
  test('is not looked at where it may not be read', () => {
    const denied = expect.objectContaining({ code: 'denied', context: undefined });
    expect(() => compiled([filter], postgresDialect, ruled({ table: 'Dept', verbs: 2 }))).toThrow(denied);
  });
  test('shows only the records that the role sees', () => {
    const { sql, params } = compiled(
      [filter],
      postgresDialect,
      ruled({ table: 'dept', verbs: 1, rowFilter: is('id', '>', 3) }),
    );
    expect(sql).toContain('and ("name" = $1::text) and ("id" > $2::int4)');
    expect(params).toEqual(['x', 3]);
  });
});
