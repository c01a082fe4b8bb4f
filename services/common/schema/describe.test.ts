import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import { COMPANY, foreignKey, table } from '../testing/catalogue.ts';
import { describeEntry, describeField, describeRelation, describeTable } from './describe.ts';
import { applyExtras } from './extras.ts';

const view = applyExtras(
  COMPANY,
  [
    create(SchemaExtraSchema, {
      table: 'dept',
      propertiesJson: Buffer.from('{"alias":"unit","label":"Department","description":"where people work"}'),
    }),
    create(SchemaExtraSchema, { table: 'dept', field: 'name', propertiesJson: Buffer.from('{"alias":"title"}') }),
  ],
  12,
);
const dept = view.byName.get('dept')!;
const emp = view.byName.get('emp')!;

/** As text: the order of keys counts. */
const text = (value: unknown) => JSON.stringify(value);

test('a field, key by key', () => {
  expect(text(describeField(dept.byFieldName.get('name')!))).toBe(
    text({
      alias: 'title',
      name: 'name',
      label: 'Name',
      description: null,
      native: [],
      type: 'string',
      db_type: 'character varying(60)',
      length: 60,
      precision: 60,
      scale: null,
      default: null,
      required: true,
      allow_null: false,
      fixed_length: false,
      supports_multibyte: false,
      auto_increment: false,
      is_primary_key: false,
      is_unique: true,
      is_index: false,
      is_foreign_key: false,
      ref_table: null,
      ref_field: null,
      ref_on_update: null,
      ref_on_delete: null,
      picklist: null,
      validation: null,
      db_function: null,
      is_virtual: false,
      is_aggregate: false,
    }),
  );
});

test('a reference says where it leads', () => {
  expect(describeField(emp.byFieldName.get('dept_id')!)).toMatchObject({
    type: 'reference',
    is_foreign_key: true,
    ref_table: 'dept',
    ref_field: 'id',
    ref_on_update: 'NO ACTION',
    ref_on_delete: 'NO ACTION',
  });
});

test('a relation, key by key', () => {
  expect(text(describeRelation(view, dept.relations[0]!))).toBe(
    text({
      alias: null,
      name: 'emp_by_emp',
      label: 'Emp By Emp',
      description: null,
      native: [],
      type: 'many_many',
      field: 'id',
      is_virtual: false,
      ref_service_id: 12,
      ref_table: 'emp',
      ref_field: 'id',
      ref_on_update: 'NO ACTION',
      ref_on_delete: 'NO ACTION',
      junction_service_id: 12,
      junction_table: 'emp',
      junction_field: 'dept_id',
      junction_ref_field: 'boss_id',
      always_fetch: false,
      flatten: false,
      flatten_drop_prefix: false,
    }),
  );
  expect(describeRelation(view, dept.relations[1]!)).toMatchObject({
    junction_service_id: null,
    junction_table: null,
    junction_field: null,
    junction_ref_field: null,
  });
});

test('a table, key by key', () => {
  const described = describeTable(view, dept);
  expect(Object.keys(described).join(' ')).toBe(
    'alias name label description native plural is_view primary_key name_field field related constraints access',
  );
  expect(described).toMatchObject({
    alias: 'unit',
    name: 'dept',
    label: 'Department',
    plural: 'Departments',
    description: 'where people work',
    is_view: false,
    primary_key: ['id'],
    access: 31,
  });
});

test('constraints by lower-case name', () => {
  const { constraints } = describeTable(view, dept) as { constraints: Record<string, unknown> };
  expect(Object.keys(constraints)).toEqual(['dept_pkey', 'dept_name']);
  expect(text(constraints['dept_name'])).toBe(
    text({
      constraint_type: 'UNIQUE',
      constraint_schema: 'public',
      constraint_name: 'Dept_Name',
      table_schema: 'public',
      table_name: 'dept',
      column_name: 'name',
      referenced_table_schema: null,
      referenced_table_name: null,
      referenced_column_name: null,
      update_rule: null,
      delete_rule: null,
    }),
  );
});

test('a key over several columns names them all, and where they lead', () => {
  const tables = [table('hr.a', []), table('b', [], [foreignKey('f', ['x', 'y'], 'hr.a', ['p', 'q'])])];
  const both = applyExtras({ tables }, [], 1);
  expect(describeTable(both, both.byName.get('b')!)['constraints']).toMatchObject({
    f: {
      column_name: ['x', 'y'],
      referenced_table_schema: 'hr',
      referenced_table_name: 'a',
      referenced_column_name: ['p', 'q'],
      delete_rule: 'NO ACTION',
    },
  });
  expect(describeTable(both, both.byName.get('hr.a')!)['constraints']).toEqual([]);
});

test('where records are meant, aliases are names', () => {
  const described = describeTable(view, dept, 'wire') as { name: string; field: { name: string }[] };
  expect('alias' in described).toBe(false);
  expect(described.name).toBe('unit');
  expect(described.field.map((field) => field.name)).toEqual(['id', 'title', 'budget']);
});

test.each([
  ['real', 'alias name label description native plural is_view access', 'dept'],
  ['wire', 'name label description native plural is_view access', 'unit'],
] as const)('an entry of a list by %s names', (naming, keys, name) => {
  const entry = describeEntry(dept, naming);
  expect(Object.keys(entry).join(' ')).toBe(keys);
  expect(entry).toMatchObject({ name, access: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] });
});
