import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { endsOf } from '#common/schema/relation-ends.ts';
import { TableAccess } from '#common/schema/table-access.ts';
import { fields, is } from '#common/testing/words.ts';
import { type Filter, RelatedSchema, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { outputsOf } from '../plan/selection.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { contextOf, tableOf } from '../testing/views.ts';
import { compileBranch } from './related.ts';

const open = contextOf(postgresDialect);
const ruled = (...rules: { table: string; rowFilter: Filter }[]) =>
  new TableAccess(create(ShapeSchema, { service: 'db', rules: rules.map((rule) => ({ verbs: 1, ...rule })) }));

function compiled(
  owner: string,
  name: string,
  related: object,
  outputs: 'count' | undefined,
  access = open.access,
): unknown[] {
  const table = tableOf(open, owner);
  const relation = table.byRelationName.get(name)!;
  const ends = endsOf(relation, table, open.view);
  const id = ends.far.byFieldName.get('id')!;
  const context = { ...open, access, maxRecords: 50 };
  const { template } = compileBranch(
    create(RelatedSchema, related),
    ends,
    outputs ?? outputsOf(fields(id.name).selection as never, ends.far, [], postgresDialect),
    context,
  );
  const { text, params } = template.bind([1, 2], { keys: [], parameters: [], caller: undefined, record: [] });
  return [text, params];
}

describe('what belongs to several records, by one statement', () => {
  const CASES: readonly (readonly [why: string, sql: unknown[], wanted: unknown[]])[] = [
    [
      'what refers to them',
      compiled('dept', 'emp_by_dept_id', {}, undefined),
      [
        'select "dept_id", "id" from "public"."emp" where "dept_id" = any($1::int4[]) limit $2::int8',
        ['{"1","2"}', 50],
      ],
    ],
    [
      'ordered, cut and filtered',
      compiled(
        'dept',
        'emp_by_dept_id',
        { order: [{ field: 'name', descending: true }], limit: 7, filter: is('id', '>', 3) },
        undefined,
      ),
      [
        'select "dept_id", "id" from "public"."emp" where "dept_id" = any($1::int4[]) and ("id" > $2::int4) order by "name" desc limit $3::int8',
        ['{"1","2"}', 3, 7],
      ],
    ],
    [
      'no more than the service shows',
      compiled('dept', 'emp_by_dept_id', { limit: 999 }, undefined),
      [
        'select "dept_id", "id" from "public"."emp" where "dept_id" = any($1::int4[]) limit $2::int8',
        ['{"1","2"}', 50],
      ],
    ],
    [
      'how many they are',
      compiled('dept', 'emp_by_dept_id', {}, 'count'),
      [
        'select "dept_id", count(*) from "public"."emp" where "dept_id" = any($1::int4[]) group by "dept_id"',
        ['{"1","2"}'],
      ],
    ],
    [
      'only those that the role sees',
      compiled('dept', 'emp_by_dept_id', {}, undefined, ruled({ table: 'emp', rowFilter: is('id', '=', 9) })),
      [
        'select "dept_id", "id" from "public"."emp" where "dept_id" = any($1::int4[]) and ("id" = $2::int4) limit $3::int8',
        ['{"1","2"}', 9, 50],
      ],
    ],
    [
      'through a table between, of which the role sees a part',
      compiled(
        'emp',
        'project_by_emp_project',
        {},
        undefined,
        ruled({ table: 'project', rowFilter: is('id', '=', 8) }, { table: 'emp_project', rowFilter: is('id', '=', 9) }),
      ),
      [
        'select "near of the relation", "id" from "public"."project" join (select "emp_id" as "near of the relation", ' +
          '"project_id" as "link of the relation" from "public"."emp_project" where "emp_id" = any($2::int4[]) and ("id" = $1::int4)) "r1" ' +
          'on "id" = "r1"."link of the relation" where ("id" = $3::int4) limit $4::int8',
        [9, '{"1","2"}', 8, 50],
      ],
    ],
  ];
  test.each(CASES)('%s', (_, sql, wanted) => expect(sql).toEqual(wanted));

  test('not what may not be read', () => {
    const access = new TableAccess(create(ShapeSchema, { service: 'db', rules: [{ table: 'emp', verbs: 2 }] }));
    expect(() => compiled('dept', 'emp_by_dept_id', {}, undefined, access)).toThrow(
      expect.objectContaining({ code: 'denied' }),
    );
  });
});
