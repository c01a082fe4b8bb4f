import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type SchemaExtra, SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import { COMPANY, column, foreignKey, idColumn, primaryKey, table } from '../testing/catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import { applyExtras, type SchemaView, type TableView } from './extras.ts';
import { realName, viewSchema } from './schema-view.ts';

const say = (what: { table: string; field?: string; relation?: string }, properties: object): SchemaExtra =>
  create(SchemaExtraSchema, { ...what, propertiesJson: Buffer.from(JSON.stringify(properties)) });

const EXTRAS = [
  say({ table: 'EMP' }, { alias: 'staff', label: 'Crew', name_field: 'email' }),
  say({ table: 'emp', field: 'email' }, { alias: 'mail' }),
  say({ table: 'emp', field: 'shown' }, { is_virtual: true, extra_type: 'string' }),
  say({ table: 'emp', relation: 'dept_by_dept_id' }, { alias: 'works_in', always_fetch: true }),
  say(
    { table: 'project', relation: 'dept_by_id' },
    { is_virtual: true, type: 'belongs_to', field: 'id', ref_table: 'dept', ref_field: 'id' },
  ),
  say({ table: 'nowhere' }, { alias: 'lost' }),
];

/** Names that only order tells apart, tables that refer to each other, to themselves and all to one. */
const TANGLE: Catalogue = {
  tables: ['t10', 'T2', 'hub', 'a', 'A'].map((name) =>
    table(
      name,
      [idColumn(), column('hub_id'), column('next_id'), column('self_id')],
      [
        primaryKey('pk', 'id'),
        foreignKey('to_hub', ['hub_id'], 'hub', ['id']),
        foreignKey('to_next', ['next_id'], name === 'a' ? 't10' : 'a', ['id']),
        foreignKey('to_self', ['self_id'], name, ['id']),
      ],
    ),
  ),
};

/** Everything that a table says of itself, as plain data. */
const facts = (one: TableView) => ({
  name: one.name,
  alias: one.alias,
  wireName: one.wireName,
  label: one.label,
  plural: one.plural,
  description: one.description,
  nameField: one.nameField,
  table: one.table,
  fields: one.fields,
  relations: one.relations,
  found: one.fields.map((field) => [one.byFieldName.get(field.name), one.byFieldWireName.get(field.wireName)]),
  led: one.relations.map(({ name, wireName }) => [one.byRelationName.get(name), one.byRelationWireName.get(wireName)]),
});

const CASES: readonly [why: string, catalogue: Catalogue, extras: readonly SchemaExtra[]][] = [
  ['a company', COMPANY, []],
  ['a company of which much is said', COMPANY, EXTRAS],
  ['tables that all refer to each other', TANGLE, []],
  ['nothing', { tables: [] }, EXTRAS],
];
test.each(CASES)('laid out one by one it is what it is laid out at once: %s', (_, catalogue, extras) => {
  const whole = applyExtras(catalogue, extras, 7);
  const view = viewSchema(catalogue, extras, 7);
  expect(view.serviceId).toBe(7);
  expect(view.tables.map(facts)).toEqual(whole.tables.map(facts));
  const look = (index: (from: SchemaView) => SchemaView['byName'], name: string) => [
    index(view).get(name)?.name,
    index(whole).get(name)?.name,
  ];
  for (const name of ['emp', 'EMP', 'staff', 'Dept', 'A', 'a', 'T10', 'hub', 'lost']) {
    for (const index of [(from: SchemaView) => from.byName, (from: SchemaView) => from.byWireName]) {
      const [found, expected] = look(index, name);
      expect(found).toBe(expected);
    }
  }
});

test('a table is the same object, whoever asks', () => {
  const view = viewSchema(COMPANY, EXTRAS, 7);
  expect(view.byName.get('emp')).toBe(view.byWireName.get('staff'));
  expect(view.byName.get('emp')?.fields).toBe(view.tables.find(({ name }) => name === 'emp')?.fields);
});

test('the real name behind an alias', () => {
  expect(['Staff', 'emp', 'mail'].map((name) => realName(name, EXTRAS))).toEqual(['EMP', 'emp', 'mail']);
});
