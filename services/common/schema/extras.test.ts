import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import { COMPANY, column, primaryKey, table, textColumn } from '../testing/catalogue.ts';
import { applyExtras, type SchemaView } from './extras.ts';

type Said = readonly [what: { table: string; field?: string; relation?: string }, properties: unknown];
const say = (...said: Said[]) =>
  said.map(([what, properties]) =>
    create(SchemaExtraSchema, { ...what, propertiesJson: Buffer.from(JSON.stringify(properties)) }),
  );
const view = (...said: Said[]): SchemaView => applyExtras(COMPANY, say(...said), 7);
const names = (items: readonly { wireName: string }[] | undefined) => items?.map((item) => item.wireName);

test('without extras everything follows from the catalogue', () => {
  const plain = view();
  expect(plain.serviceId).toBe(7);
  expect(names(plain.tables)).toEqual(['dept', 'emp', 'emp_project', 'project']);
  expect(plain.byName.get('EMP_Project')).toMatchObject({ label: 'Emp Project', plural: 'Emp Projects', alias: null });
  expect(plain.byWireName.get('dept')?.byFieldWireName.get('NAME')).toMatchObject({ label: 'Name', type: 'string' });
});

test('tables are in natural order, whatever their case', () => {
  const tables = ['t10', 'T2', 'b', 'A', 'a'].map((name) => table(name, []));
  expect(names(applyExtras({ tables }, [], 1).tables)).toEqual(['A', 'a', 'b', 'T2', 't10']);
});

test('an alias replaces the name of a table on the wire, and only there', () => {
  const { byName, byWireName } = view([{ table: 'EMP' }, { alias: 'staff', label: 'Crew', name_field: 'email' }]);
  expect(byWireName.get('Staff')).toMatchObject({ name: 'emp', label: 'Crew', plural: 'Crews', nameField: 'email' });
  expect(byWireName.get('emp')).toBeUndefined();
  expect(byName.get('emp')).toBe(byWireName.get('staff'));
  expect(byName.get('staff')).toBeUndefined();
});

test('a field takes alias, type, validation and picklist from what is stored', () => {
  const emp = view([
    { table: 'emp', field: 'Email' },
    {
      alias: 'mail',
      extra_type: 'user_id',
      picklist: 'a, b',
      validation: { email: { on_fail: 'no' }, not_null: null },
    },
  ]).byName.get('emp');
  expect(emp?.byFieldWireName.get('email')).toBeUndefined();
  expect(emp?.byFieldWireName.get('mail')).toMatchObject({
    name: 'email',
    type: 'user_id',
    picklist: ['a', 'b'],
    validation: { email: { on_fail: 'no' }, not_null: {} },
    isVirtual: false,
  });
});

const REQUIRED: readonly [why: string, field: ReturnType<typeof column>, extra: object, expected: boolean][] = [
  ['not nullable', column('a', { nullable: false }), {}, true],
  ['nullable', column('a'), {}, false],
  ['with a default', column('a', { nullable: false, default: 0 }), {}, false],
  ['with an expression', column('a', { nullable: false, default: { expression: 'now()' } }), {}, false],
  ['counting up', column('a', { nullable: false, autoIncrement: true }), {}, false],
  ['generated', column('a', { nullable: false, generated: true }), {}, false],
  ['said to be', column('a'), { required: true }, true],
  ['said not to be', column('a', { nullable: false }), { required: false }, false],
];
test.each(REQUIRED)('required: %s', (_why, field, extra, expected) => {
  const { byName } = applyExtras({ tables: [table('t', [field])] }, say([{ table: 't', field: 'a' }, extra]), 1);
  expect(byName.get('t')?.fields[0]?.required).toBe(expected);
});

test('virtual fields come last; a column is never virtual', () => {
  const emp = view(
    [
      { table: 'emp', field: 'Total' },
      { is_virtual: true, extra_type: 'float', is_aggregate: true },
    ],
    [{ table: 'emp', field: 'email' }, { is_virtual: true }],
    [{ table: 'emp', field: 'gone' }, { label: 'Gone' }],
  ).byName.get('emp');
  expect(emp?.fields.map((field) => [field.name, field.isVirtual])).toEqual([
    ...['id', 'name', 'email', 'active', 'dept_id', 'boss_id'].map((name) => [name, false]),
    ['Total', true],
  ]);
  expect(emp?.byFieldName.get('total')).toMatchObject({
    type: 'float',
    column: null,
    isAggregate: true,
    required: false,
  });
});

test('an alias of a relation replaces its name', () => {
  const emp = view([
    { table: 'emp', relation: 'dept_by_dept_id' },
    { alias: 'works_in', always_fetch: true },
  ]).byName.get('emp');
  expect(emp?.byRelationWireName.get('dept_by_dept_id')).toBeUndefined();
  expect(emp?.byRelationWireName.get('WORKS_IN')).toMatchObject({ name: 'dept_by_dept_id', alwaysFetch: true });
  expect(emp?.byRelationName.get('dept_by_dept_id')?.alias).toBe('works_in');
});

test('a virtual relation stands behind those that were found', () => {
  const stored = { is_virtual: true, type: 'belongs_to', field: 'id', ref_table: 'dept', ref_field: 'id' };
  const project = view([{ table: 'project', relation: 'dept_by_id' }, stored]).byName.get('project');
  expect(names(project?.relations)).toEqual(['emp_by_emp_project', 'emp_project_by_project_id', 'dept_by_id']);
  expect(project?.relations[2]).toMatchObject({ isVirtual: true, fields: ['id'], refTable: 'dept', junction: null });
});

test.each([
  ['no type', { is_virtual: true, field: 'id', ref_table: 'dept', ref_field: 'id' }],
  ['no table', { is_virtual: true, type: 'has_many', field: 'id', ref_field: 'id' }],
  ['no junction', { is_virtual: true, type: 'many_many', field: 'id', ref_table: 'dept', ref_field: 'id' }],
  ['not virtual', { type: 'belongs_to', field: 'id', ref_table: 'dept', ref_field: 'id' }],
  ['no object', ['x']],
])('what is stored of a relation and is none has no effect: %s', (_why, stored) => {
  const project = view([{ table: 'project', relation: 'x' }, stored]).byName.get('project');
  expect(project?.byRelationName.get('x')).toBeUndefined();
});

test('names that differ by case only are told apart', () => {
  const fields = [textColumn('Name'), textColumn('name')];
  const { byName } = applyExtras({ tables: [table('t', fields, [primaryKey('p', 'name')])] }, [], 1);
  const found = ['Name', 'name'].map((name) => byName.get('t')?.byFieldWireName.get(name)?.column?.name);
  expect(found).toEqual(['Name', 'name']);
});
