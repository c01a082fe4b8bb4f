import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { describeTable } from '#common/schema/describe.ts';
import { applyExtras, type SchemaView } from '#common/schema/extras.ts';
import { COMPANY, column, idColumn, primaryKey, table } from '#common/testing/catalogue.ts';
import { SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import {
  DefineMode,
  DefinePartsSchema,
  DefineTablesSchema,
  DropPartsSchema,
  DropTablesSchema,
  PartKind,
} from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { type DefinitionAction, type DefinitionPlan, planDefinition } from './definition.ts';

const stored = (what: { table: string; field?: string; relation?: string }, properties: object) =>
  create(SchemaExtraSchema, { ...what, propertiesJson: Buffer.from(JSON.stringify(properties)) });
const VIEW = applyExtras(
  {
    tables: [
      ...COMPANY.tables,
      { ...table('greet', [column('id')]), isView: true },
      table('hr.note', [idColumn()], [primaryKey('p', 'id')]),
    ],
  },
  [
    stored({ table: 'project' }, { alias: 'undertaking', label: 'Job' }),
    stored({ table: 'emp', field: 'email' }, { alias: 'mail', label: 'Mail', description: 'x' }),
    stored(
      { table: 'project', relation: 'dept_by_id' },
      { is_virtual: true, type: 'belongs_to', field: 'id', ref_table: 'dept', ref_field: 'id', alias: 'home' },
    ),
  ],
  7,
);

const CREATE = { mode: DefineMode.CREATE };
const tables = (part: { table?: string; mode?: DefineMode; checkExist?: boolean } = {}): DefinitionAction => ({
  case: 'defineTables',
  value: create(DefineTablesSchema, { ...CREATE, ...part }),
});
const parts = (
  tableName: string,
  kind: PartKind,
  part: { name?: string; mode?: DefineMode } = {},
): DefinitionAction => ({
  case: 'defineParts',
  value: create(DefinePartsSchema, { ...CREATE, table: tableName, kind, ...part }),
});
const dropTables = (...names: string[]): DefinitionAction => ({
  case: 'dropTables',
  value: create(DropTablesSchema, { tables: names }),
});
const dropParts = (tableName: string, kind: PartKind, ...names: string[]): DefinitionAction => ({
  case: 'dropParts',
  value: create(DropPartsSchema, { table: tableName, kind, names }),
});
const { FIELD, RELATION } = PartKind;

/** An engine that takes references with the columns only, as SQLite does. */
const INLINE: Dialect = {
  ...postgresDialect,
  alters: { dropColumn: false, addConstraint: false, dropsReferences: true },
};

/** Statements as their texts. */
const plan = (action: DefinitionAction, body?: unknown, dialect = postgresDialect, view: SchemaView = VIEW) => {
  const { statements, ...rest } = planDefinition(action, body, view, dialect);
  return { ...rest, statements: statements.map(({ text }) => text) };
};
const extrasOf = ({ extras }: Pick<DefinitionPlan, 'extras'>) =>
  extras.map(({ table: name, field, relation, propertiesJson }) => [
    [name, field, relation].filter(Boolean).join('/'),
    propertiesJson.length > 0 ? JSON.parse(Buffer.from(propertiesJson).toString()) : 'forget',
  ]);

const ID = { name: 'id', type: 'id' };

describe('creating tables', () => {
  test('a table with what is stored beside it', () => {
    const made = plan(tables(), [
      {
        name: 'unit',
        label: 'Department',
        description: 'where',
        field: [ID, { name: 'name', type: 'string', length: 60, is_unique: true, label: 'Name', alias: 'title' }],
      },
    ]);
    expect(made.statements).toEqual([
      'create table "unit" ("id" serial not null primary key, "name" varchar(60) not null)',
      'create unique index "undx_unit_name" on "unit" ("name")',
    ]);
    expect(extrasOf(made)).toEqual([
      ['unit', { label: 'Department', description: 'where' }],
      ['unit/name', { alias: 'title' }],
    ]);
    expect(made.names).toEqual(['unit']);
  });

  const CYCLE = [
    {
      name: 'b',
      field: [ID, { name: 'a_id', type: 'reference', ref_table: 'A', ref_field: 'ID', ref_on_delete: 'cascade' }],
    },
    { name: 'a', field: [ID, { name: 'b_id', type: 'reference', ref_table: 'b', allow_null: true }] },
  ];
  test('references wait until every table of the request exists', () => {
    expect(plan(tables(), { resource: CYCLE }).statements).toEqual([
      'create table "b" ("id" serial not null primary key, "a_id" integer not null)',
      'create table "a" ("id" serial not null primary key, "b_id" integer)',
      'alter table "b" add constraint "fk_b_a_id" foreign key ("a_id") references "a" ("id") on delete cascade',
      'alter table "a" add constraint "fk_a_b_id" foreign key ("b_id") references "b" ("id")',
    ]);
  });
  test('or stand with the column where an engine has no other way', () => {
    expect(plan(tables(), CYCLE, INLINE).statements).toEqual([
      'create table "b" ("id" serial not null primary key, "a_id" integer not null references "a" ("id") on delete cascade)',
      'create table "a" ("id" serial not null primary key, "b_id" integer references "b" ("id"))',
    ]);
  });

  const FIELDS: readonly [why: string, field: object[], columns: string, more?: string[]][] = [
    ['synonyms', [{ name: 'k', type: 'pk' }], '"k" serial not null primary key'],
    [
      'a key of text',
      [{ name: 'k', type: 'string', is_primary_key: true }],
      '"k" varchar(255) not null, primary key ("k")',
    ],
    [
      'a key of several fields',
      [ID, { name: 'k', type: 'integer', is_primary_key: true, is_unique: '0' }],
      '"id" serial not null, "k" integer not null, primary key ("id", "k")',
    ],
    ['type(length)', [{ name: 'a', type: ' decimal ( 10 , 2 ) ', allow_null: true }], '"a" numeric(10,2)'],
    ['sizes as text', [{ name: 'a', type: 'string', size: '30', allow_null: 'true' }], '"a" varchar(30)'],
    ['odd names', [{ name: 'a"; drop table x; --', type: 'text' }], '"a""; drop table x; --" text not null'],
    [
      'an index',
      [{ name: 'a', type: 'text', is_index: true }],
      '"a" text not null',
      ['create index "ndx_t_a" on "t" ("a")'],
    ],
    ['nothing virtual', [ID, { name: 'v', type: 'float', is_virtual: true }], '"id" serial not null primary key'],
    [
      'a reference to a table of another schema',
      [{ name: 'n', type: 'fk', ref_table: 'HR.note' }],
      '"n" integer not null',
      ['alter table "t" add constraint "fk_t_n" foreign key ("n") references "hr"."note" ("id")'],
    ],
  ];
  test.each(FIELDS)('%s', (_why, field, columns, more = []) => {
    expect(plan(tables(), [{ name: 't', field }]).statements).toEqual([`create table "t" (${columns})`, ...more]);
  });

  test('one field need not be in a list, nor one table', () => {
    expect(plan(tables(), { resource: { name: 't', field: ID } }).names).toEqual(['t']);
  });

  test('types that only we know are stored', () => {
    const made = plan(tables(), [
      {
        name: 't',
        field: [
          { name: 'a', type: 'user_id_on_create' },
          { name: 'v', type: 'float', is_virtual: true },
          { name: 'c', type: 'string', picklist: 'x, y', validation: ['email'] },
        ],
      },
    ]);
    expect(extrasOf(made)).toEqual([
      ['t/a', { extra_type: 'user_id_on_create' }],
      ['t/v', { extra_type: 'float', is_virtual: true }],
      ['t/c', { picklist: ['x', 'y'], validation: { email: {} } }],
    ]);
  });

  test('a long index name is cut, and stays one of its own', () => {
    const long = 'x'.repeat(60);
    const field = [
      { name: `${long}1`, type: 'text', is_index: true },
      { name: `${long}2`, type: 'text', is_index: true },
    ];
    const indexes = plan(tables(), [{ name: 't', field }]).statements.slice(1);
    const names = indexes.map((statement) => /"([^"]+)"/.exec(statement)?.[1] ?? '');
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(60);
  });
});

describe('changing tables', () => {
  test('POST of a table that is there adds what is new and drops nothing', () => {
    const field = [
      { name: 'ID', type: 'id' },
      { name: 'city', type: 'string', length: 30, allow_null: true, is_unique: true },
    ];
    const made = plan(tables(), [{ name: 'DEPT', field }]);
    expect(made.statements).toEqual([
      'alter table "public"."dept" add column "city" varchar(30)',
      'create unique index "undx_dept_city" on "public"."dept" ("city")',
    ]);
    expect(made.names).toEqual(['dept']);
  });

  test('PUT drops the fields that are not named, and what was stored about them', () => {
    const body = { field: [ID, { name: 'name', type: 'string' }, { name: 'active', type: 'boolean' }] };
    const made = plan(tables({ table: 'emp', mode: DefineMode.REPLACE }), body);
    expect(made.statements).toEqual(
      ['email', 'dept_id', 'boss_id'].map((name) => `alter table "public"."emp" drop column "${name}"`),
    );
    expect(extrasOf(made)).toEqual(['email', 'dept_id', 'boss_id'].map((name) => [`emp/${name}`, 'forget']));
  });

  test.each([DefineMode.REPLACE, DefineMode.MERGE])('mode %i without fields leaves the fields alone', (mode) => {
    const made = plan(tables({ table: 'dept', mode }), { label: 'Dept', plural: 'Deps' });
    expect(made.statements).toEqual([]);
    expect(extrasOf(made)).toEqual([['dept', { plural: 'Deps' }]]);
  });

  test('labels and aliases are taken back by null', () => {
    const body = { alias: null, label: null, field: [{ name: 'title', type: 'string', label: 'T' }] };
    expect(extrasOf(plan(tables({ table: 'project', mode: DefineMode.MERGE }), body))).toEqual([
      ['project', { alias: null, label: null }],
      ['project/title', { label: 'T' }],
    ]);
  });

  test('an index and a reference can be given later', () => {
    const made = plan(parts('emp', FIELD, { name: 'name' }), { is_index: true });
    expect(made.statements).toEqual(['create index "ndx_emp_name" on "public"."emp" ("name")']);
    const reference = plan(parts('emp_project', FIELD), [
      { name: 'id', is_foreign_key: true, ref_table: 'dept', ref_field: 'id' },
    ]);
    expect(reference.statements).toEqual([
      'alter table "public"."emp_project" add constraint "fk_emp_project_id" foreign key ("id") references "public"."dept" ("id")',
    ]);
  });

  test('fields by their own path', () => {
    const made = plan(parts('dept', FIELD, { name: 'zip' }), { type: 'string', allow_null: true, length: 10 });
    expect(made.statements).toEqual(['alter table "public"."dept" add column "zip" varchar(10)']);
    expect(made.names).toEqual(['zip']);
  });

  test('a field that exists is left as it is', () => {
    expect(plan(parts('emp', FIELD), [{ name: 'NAME', type: 'string' }])).toEqual({
      statements: [],
      extras: [],
      names: ['name'],
    });
  });
});

describe('relations', () => {
  const virtual = { is_virtual: true, type: 'belongs_to', field: 'id', ref_table: 'Project', ref_field: 'id' };

  test('a virtual one is stored under the name that follows from it', () => {
    const made = plan(parts('dept', RELATION), [{ name: 'x', alias: 'home', ref_service_id: 7, ...virtual }]);
    expect(made.names).toEqual(['project_by_id']);
    expect(extrasOf(made)).toEqual([
      [
        'dept/project_by_id',
        {
          alias: 'home',
          is_virtual: true,
          type: 'belongs_to',
          field: 'id',
          ref_service_id: 7,
          ref_table: 'project',
          ref_field: 'id',
        },
      ],
    ]);
  });

  test('many to many is named by its junction', () => {
    const junction = { junction_table: 'emp_project', junction_field: 'emp_id', junction_ref_field: 'project_id' };
    const made = plan(parts('dept', RELATION), [{ name: 'x', ...virtual, type: 'many_many', ...junction }]);
    expect(made.names).toEqual(['project_by_emp_project']);
  });

  test('one that was found gets extras only', () => {
    const body = { alias: 'works_in', label: 'Dept By Dept Id', type: 'has_many', ref_table: 'project' };
    const made = plan(parts('emp', RELATION, { name: 'dept_by_dept_id', mode: DefineMode.MERGE }), body);
    expect(extrasOf(made)).toEqual([['emp/dept_by_dept_id', { alias: 'works_in' }]]);
  });

  test('a virtual one is changed by name, the rest of it stays', () => {
    const change = (body: object) =>
      extrasOf(plan(parts('project', RELATION, { name: 'dept_by_id', mode: DefineMode.MERGE }), body));
    expect(change({ alias: null })).toEqual([['project/dept_by_id', { alias: null }]]);
    expect(change({ ref_table: 'emp' })).toEqual([
      ['project/dept_by_id', 'forget'],
      ['project/emp_by_id', expect.objectContaining({ alias: 'home', type: 'belongs_to', ref_table: 'emp' })],
    ]);
  });

  test('dropping a virtual one forgets it, dropping a real one drops its key', () => {
    expect(plan(dropParts('project', RELATION, 'home'))).toMatchObject({ statements: [], names: ['home'] });
    expect(plan(dropParts('emp', RELATION, 'dept_by_dept_id')).statements).toEqual([
      'alter table "public"."emp" drop constraint "fk_dept"',
    ]);
  });
});

describe('dropping', () => {
  test('those that refer go first; virtual relations to them are forgotten', () => {
    const made = plan(dropTables('dept', 'EMP', 'emp_project'));
    expect(made.statements).toEqual(['emp_project', 'emp', 'dept'].map((name) => `drop table "public"."${name}"`));
    expect(extrasOf(made)).toEqual([
      ...['dept', 'emp', 'emp_project'].map((name) => [name, 'forget']),
      ['project/dept_by_id', 'forget'],
    ]);
    expect(made.names).toEqual(['dept', 'emp', 'emp_project']);
  });

  test('a field goes with what is stored about it and the virtual relations over it', () => {
    const made = plan(dropParts('dept', FIELD, 'id', 'nosuch'));
    expect(made.statements).toEqual(['alter table "public"."dept" drop column "id"']);
    expect(extrasOf(made)).toEqual([
      ['dept/id', 'forget'],
      ['project/dept_by_id', 'forget'],
    ]);
  });
});

test('a description may be sent back as it came', () => {
  for (const one of VIEW.tables) {
    const body = JSON.parse(JSON.stringify(describeTable(VIEW, one)));
    const made = plan(tables({ table: one.name, mode: DefineMode.REPLACE }), body);
    expect([one.name, made.statements, extrasOf(made)]).toEqual([one.name, [], []]);
  }
});

type Refusal = readonly [
  why: string,
  code: string,
  word: string,
  action: DefinitionAction,
  body?: unknown,
  dialect?: Dialect,
];
const one = (field: object, extra: object = {}) => [{ name: 't', field: [ID, { name: 'f', ...field }], ...extra }];
const REFUSALS: readonly Refusal[] = [
  ['no body', 'invalid', 'No data in schema create request', tables()],
  ['an empty list', 'invalid', 'No data in schema create request', tables(), { resource: [] }],
  ['no body to change', 'invalid', 'No data in schema update request', tables({ mode: DefineMode.MERGE })],
  ['a text', 'invalid', 'object', tables(), ['x']],
  ['no name', 'invalid', 'valid name', tables(), [{ field: [ID] }]],
  ['a name with a NUL', 'invalid', 'character', tables(), [{ name: 'a\0', field: [ID] }]],
  ['a name with a slash', 'invalid', 'character', tables(), [{ name: 'a/b', field: [ID] }]],
  ['no fields', 'invalid', 'No valid fields', tables(), [{ name: 't' }]],
  [
    'virtual fields only',
    'invalid',
    'No valid fields',
    tables(),
    [{ name: 't', field: { name: 'v', type: 'float', is_virtual: true } }],
  ],
  ['fields that are none', 'invalid', "'field'", tables(), [{ name: 't', field: 'id' }]],
  ['a field twice', 'invalid', "'ID'", tables(), [{ name: 't', field: [ID, { name: 'ID', type: 'text' }] }]],
  [
    'a table twice',
    'invalid',
    "'T'",
    tables(),
    [
      { name: 't', field: ID },
      { name: 'T', field: ID },
    ],
  ],
  ['raw options', 'invalid', "'options'", tables(), [{ name: 't', field: ID, options: 'engine=x' }]],
  ['raw sql', 'invalid', "'sql'", tables(), one({ type: 'text', sql: 'text' })],
  ['raw type extras', 'invalid', "'type_extras'", tables(), one({ type: 'text', type_extras: 'x' })],
  [
    'raw functions',
    'invalid',
    "'db_function'",
    tables(),
    one({ type: 'text', db_function: [{ function: 'f({value})' }] }),
  ],
  ['a type of words that are none', 'invalid', "'f'", tables(), one({ type: 'text collate "C"' })],
  ['a type of words that say more', 'invalid', "'f'", tables(), one({ type: 'integer references dept' })],
  ['a type with SQL', 'invalid', "'type'", tables(), one({ type: 'int) ; drop table x' })],
  ['no type', 'invalid', "'type'", tables(), one({})],
  ['a length of zero', 'invalid', "'length'", tables(), one({ type: 'string', length: 0 })],
  ['a length that is none', 'invalid', "'length'", tables(), one({ type: 'string', length: 'x' })],
  ['a flag that is none', 'invalid', "'allow_null'", tables(), one({ type: 'string', allow_null: 'x' })],
  ['a default that is none', 'invalid', "'default'", tables(), one({ type: 'string', default: [1] })],
  [
    'an expression that is not on the list',
    'invalid',
    "'f'",
    tables(),
    one({ type: 'string', default: { expression: 'f()' } }),
  ],
  ['an alias that is none', 'invalid', "'alias'", tables(), one({ type: 'string', alias: 1 })],
  ['a reference to nowhere', 'invalid', "'ref_table'", tables(), one({ type: 'reference' })],
  ['a reference to no table', 'invalid', "'nosuch'", tables(), one({ type: 'reference', ref_table: 'nosuch' })],
  [
    'a reference to no field',
    'invalid',
    "'ref_field'",
    tables(),
    one({ type: 'reference', ref_table: 'emp', ref_field: 'x' }),
  ],
  [
    'an unknown action',
    'invalid',
    "'ref_on_delete'",
    tables(),
    one({ type: 'reference', ref_table: 'emp', ref_on_delete: 'x; y' }),
  ],
  ['an alias that is taken', 'invalid', "'alias'", tables(), [{ name: 't', alias: 'Emp', field: ID }]],
  ['a table that exists', 'conflict', "'dept'", tables({ checkExist: true }), [{ name: 'dept', field: ID }]],
  [
    'PUT of an unknown table',
    'not_found',
    'nosuch',
    tables({ mode: DefineMode.REPLACE }),
    [{ name: 'nosuch', field: ID }],
  ],
  ['POST to an unknown table', 'not_found', 'nosuch', tables({ table: 'nosuch' }), { field: ID }],
  ['another type', 'unsupported', "'type'", parts('emp', FIELD), [{ name: 'name', type: 'integer' }], INLINE],
  ['another length', 'invalid', "'length'", parts('dept', FIELD), [{ name: 'name', length: 61 }]],
  ['another default', 'unsupported', "'default'", parts('emp', FIELD), [{ name: 'active', default: false }], INLINE],
  [
    'another nullability',
    'unsupported',
    "'allow_null'",
    parts('emp', FIELD),
    [{ name: 'name', allow_null: true }],
    INLINE,
  ],
  [
    'another reference',
    'invalid',
    "'dept_id'",
    parts('emp', FIELD),
    [{ name: 'dept_id', type: 'reference', ref_table: 'project' }],
  ],
  ['a key later', 'invalid', "'k'", parts('dept', FIELD), [{ name: 'k', type: 'integer', is_primary_key: true }]],
  ['a field alias that is taken', 'invalid', "'alias'", parts('emp', FIELD), [{ name: 'name', alias: 'MAIL' }]],
  [
    'a reference later',
    'invalid',
    "'name'",
    parts('emp', FIELD),
    [{ name: 'name', is_foreign_key: true, ref_table: 'dept' }],
    INLINE,
  ],
  ['fields of an unknown table', 'not_found', 'nosuch', parts('nosuch', FIELD), [ID]],
  ['an unknown relation', 'not_found', "'emp'", parts('emp', RELATION), [{ name: 'nosuch', alias: 'x' }]],
  ['a relation without a type', 'invalid', "'type'", parts('emp', RELATION), [{ name: 'x', is_virtual: true }]],
  [
    'a relation to another service, and no table of it',
    'invalid',
    "'ref_table'",
    parts('emp', RELATION),
    [{ name: 'x', is_virtual: true, type: 'has_one', ref_service_id: 8 }],
  ],
  [
    'a relation to what is no service',
    'invalid',
    "'ref_service_id'",
    parts('emp', RELATION),
    [{ name: 'x', is_virtual: true, type: 'has_one', ref_service_id: 'crm' }],
  ],
  [
    'a relation over no field',
    'invalid',
    "'field'",
    parts('emp', RELATION),
    [{ name: 'x', is_virtual: true, type: 'has_one', ref_table: 'dept', ref_field: 'id', field: 'x' }],
  ],
  [
    'a relation that was found',
    'invalid',
    "'dept_by_dept_id'",
    parts('emp', RELATION),
    [{ name: 'x', is_virtual: true, type: 'belongs_to', ref_table: 'dept', ref_field: 'id', field: 'dept_id' }],
  ],
  ['dropping nothing', 'invalid', 'No data in schema delete request', dropTables()],
  ['dropping an unknown table', 'not_found', 'nosuch', dropTables('nosuch')],
  ['dropping a view', 'invalid', "'greet'", dropTables('greet')],
  ['dropping an unknown relation', 'not_found', "'emp'", dropParts('emp', RELATION, 'nosuch')],
  ['dropping many to many', 'unsupported', "'emp'", dropParts('dept', RELATION, 'emp_by_emp')],
  ['dropping a key of another table', 'unsupported', "'emp'", dropParts('dept', RELATION, 'emp_by_dept_id')],
  [
    'dropping a field where that is not possible',
    'unsupported',
    "'name'",
    dropParts('emp', FIELD, 'name'),
    undefined,
    INLINE,
  ],
];
const CASES = REFUSALS.map(([why, code, word, action, body, dialect]) => ({ why, code, word, action, body, dialect }));
test.each(CASES)('refused: $why', ({ code, word, action, body, dialect }) => {
  expect(() => plan(action, body, dialect)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(word) }),
  );
});
