/** Definitions through a real database and back: what was asked for is what `_schema` then describes. */
import { create } from '@bufbuild/protobuf';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeTable } from '#common/schema/describe.ts';
import { applyExtras, type SchemaView } from '#common/schema/extras.ts';
import { type SchemaExtra, SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import {
  DefineMode,
  DefinePartsSchema,
  DefineTablesSchema,
  DropPartsSchema,
  DropTablesSchema,
  PartKind,
} from '#proto/data/v1/data_pb.ts';
import { type RunningPostgres, startPostgres } from '../../../deploy/testing/postgres.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { introspect } from '../postgres/introspect.ts';
import { type DefinitionAction, planDefinition } from './definition.ts';

const nullable = { allow_null: true };
const FIRST = [
  {
    name: 'dept',
    label: 'Department',
    description: 'where people work',
    field: [
      { name: 'id', type: 'id' },
      { name: 'name', type: 'string', length: 60, is_unique: true },
      { name: 'budget', type: 'decimal', precision: 12, scale: 2, ...nullable },
    ],
  },
];
const SECOND = [
  {
    name: 'emp_project',
    field: [
      { name: 'id', type: 'id' },
      { name: 'emp_id', type: 'reference', ref_table: 'emp', ref_field: 'id', ref_on_delete: 'CASCADE' },
      { name: 'project_id', type: 'reference', ref_table: 'project', ref_field: 'id', ref_on_delete: 'CASCADE' },
      { name: 'hours', type: 'integer', default: 0 },
    ],
  },
  {
    name: 'emp',
    field: [
      { name: 'id', type: 'id' },
      { name: 'email', type: 'string', length: 120, ...nullable, is_unique: true },
      { name: 'active', type: 'boolean', default: true },
      { name: 'dept_id', type: 'reference', ref_table: 'dept', ref_field: 'id', ...nullable },
      { name: 'boss_id', type: 'reference', ref_table: 'emp', ref_field: 'id', ...nullable },
      { name: 'seen', type: 'timestamp', default: { expression: 'CURRENT_TIMESTAMP' }, ...nullable },
      { name: 'owner', type: 'user_id_on_create' },
      { name: 'word', type: 'string', default: 'it\'s \\ "odd"', ...nullable },
    ],
  },
  {
    name: 'project',
    field: [
      { name: 'id', type: 'id' },
      { name: 'title', type: 'string' },
    ],
  },
];
const KINDS: readonly (readonly [type: object, simple: string, dbType: string])[] = [
  [{ type: 'string' }, 'string', 'character varying(255)'],
  [{ type: 'string', length: 4, fixed_length: true }, 'string', 'character(4)'],
  [{ type: 'string', length: 20, supports_multibyte: true }, 'string', 'character varying(20)'],
  [{ type: 'text' }, 'string', 'text'],
  [{ type: 'integer' }, 'integer', 'integer'],
  [{ type: 'bigint' }, 'bigint', 'bigint'],
  [{ type: 'smallint' }, 'integer', 'smallint'],
  [{ type: 'boolean' }, 'boolean', 'boolean'],
  [{ type: 'float' }, 'double', 'real'],
  [{ type: 'double' }, 'double', 'double precision'],
  [{ type: 'decimal' }, 'decimal', 'numeric'],
  [{ type: 'decimal(7,3)' }, 'decimal', 'numeric(7,3)'],
  [{ type: 'money' }, 'money', 'money'],
  [{ type: 'date' }, 'date', 'date'],
  [{ type: 'time' }, 'time', 'time without time zone'],
  [{ type: 'timetz' }, 'timetz', 'time with time zone'],
  [{ type: 'datetime' }, 'timestamp', 'timestamp without time zone'],
  [{ type: 'timestamp' }, 'timestamp', 'timestamp without time zone'],
  [{ type: 'timestamptz' }, 'timestamptz', 'timestamp with time zone'],
  [{ type: 'datetimetz' }, 'timestamptz', 'timestamp with time zone'],
  [{ type: 'user_id' }, 'user_id', 'integer'],
  [{ type: 'timestamp_on_update' }, 'timestamp_on_update', 'timestamp without time zone'],
  [{ type: 'uuid' }, 'uuid', 'uuid'],
  [{ type: 'json' }, 'string', 'json'],
  [{ type: 'jsonb' }, 'string', 'jsonb'],
  [{ type: 'binary' }, 'string', 'bytea'],
  [{ type: 'inet' }, 'string', 'inet'],
];

suiteWith('postgres', 'definitions on a real database', () => {
  let server: RunningPostgres;
  let client: pg.Client;
  const stored = new Map<string, SchemaExtra>();
  let view: SchemaView;

  const refresh = async (): Promise<void> => {
    const query = async (text: string, values: string[]) =>
      (await client.query<(string | null)[]>({ text, values, rowMode: 'array' })).rows;
    view = applyExtras(await introspect(query, undefined), [...stored.values()], 12);
  };
  /** What a service does with a plan: statements in one transaction, then what is stored, then the catalogue again. */
  const run = async (action: DefinitionAction, body?: unknown): Promise<readonly string[]> => {
    const { statements, extras, names } = planDefinition(action, body, view, postgresDialect);
    await client.query('begin');
    try {
      for (const { text } of statements) await client.query(text);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    }
    for (const { table, field, relation, propertiesJson } of extras) {
      stored.set(
        `${table}/${field}/${relation}`,
        create(SchemaExtraSchema, { table, field, relation, propertiesJson }),
      );
    }
    await refresh();
    return names;
  };
  const define = (body: object, mode: DefineMode = DefineMode.CREATE) =>
    run({ case: 'defineTables', value: create(DefineTablesSchema, { mode }) }, body);
  const described = (name: string) =>
    describeTable(view, view.byName.get(name)!) as {
      field: Record<string, unknown>[];
      related: Record<string, unknown>[];
      constraints: Record<string, unknown>;
    };

  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'off' } });
    client = new pg.Client({ connectionString: server.url, types: { getTypeParser: () => String } as never });
    await client.connect();
    await refresh();
    expect(await define(FIRST)).toEqual(['dept']);
    expect(await define(SECOND)).toEqual(['emp_project', 'emp', 'project']);
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  test('a table comes back as it was asked for', () => {
    expect(described('dept')).toMatchObject({
      label: 'Department',
      plural: 'Departments',
      description: 'where people work',
      primary_key: ['id'],
      field: [
        { name: 'id', type: 'id', db_type: 'integer', auto_increment: true, required: false, default: null },
        { name: 'name', db_type: 'character varying(60)', length: 60, precision: 60, required: true, is_unique: true },
        { name: 'budget', db_type: 'numeric(12,2)', length: 12, precision: 12, scale: 2, allow_null: true },
      ],
      related: [
        { name: 'emp_by_emp', type: 'many_many' },
        { name: 'emp_by_dept_id', type: 'has_many' },
      ],
      constraints: { dept_pkey: { constraint_type: 'PRIMARY KEY', table_schema: 'public', column_name: 'id' } },
    });
  });

  test('references, defaults and types that only we know', () => {
    expect(described('emp').field.slice(2)).toMatchObject([
      { name: 'active', default: true, required: false },
      { name: 'dept_id', type: 'reference', is_foreign_key: true, ref_table: 'dept', ref_field: 'id' },
      { name: 'boss_id', type: 'reference', ref_table: 'emp' },
      { name: 'seen', type: 'timestamp', default: { expression: 'CURRENT_TIMESTAMP' } },
      { name: 'owner', type: 'user_id_on_create', db_type: 'integer' },
      { name: 'word', default: 'it\'s \\ "odd"' },
    ]);
    expect(described('emp').related.map((relation) => relation['name'])).toEqual([
      'dept_by_dept_id',
      'emp_by_boss_id',
      'dept_by_emp',
      'project_by_emp_project',
      'emp_project_by_emp_id',
    ]);
    expect(described('project').related[0]).toMatchObject({ name: 'emp_by_emp_project', ref_on_delete: 'CASCADE' });
  });

  test('every simple type', async () => {
    await define([
      { name: 'kinds', field: KINDS.map(([type], index) => ({ name: `f${index}`, ...nullable, ...type })) },
    ]);
    const got = described('kinds').field.map((field) => [field['type'], field['db_type']]);
    expect(got).toEqual(KINDS.map(([, simple, dbType]) => [simple, dbType]));
  });

  test('odd names survive', async () => {
    const name = 'a "b" \\ c; drop table dept; --';
    await define([{ name, field: [{ name, type: 'string', default: "');--", is_index: true, is_unique: true }] }]);
    expect(described(name).field).toMatchObject([{ name, default: "');--", is_unique: true }]);
    expect(view.byName.get('dept')).toBeDefined();
  });

  test('a description may be sent back, and fields come and go', async () => {
    const before = described('emp');
    await define([before], DefineMode.REPLACE);
    expect(described('emp')).toEqual(before);
    const parts = { table: 'dept', kind: PartKind.FIELD };
    const city = { name: 'city', type: 'string', length: 30, ...nullable, label: 'Town', is_index: true };
    await run({ case: 'defineParts', value: create(DefinePartsSchema, { ...parts, mode: DefineMode.CREATE }) }, [city]);
    expect(described('dept').field[3]).toMatchObject({ name: 'city', label: 'Town', length: 30, is_index: true });
    await run({ case: 'dropParts', value: create(DropPartsSchema, { ...parts, names: ['city', 'nosuch'] }) });
    expect(described('dept').field).toHaveLength(3);
  });

  test('a relation that was found is dropped with its key', async () => {
    const drop = { table: 'emp', kind: PartKind.RELATION, names: ['emp_by_boss_id'] };
    await run({ case: 'dropParts', value: create(DropPartsSchema, drop) });
    expect(described('emp').field[4]).toMatchObject({ name: 'boss_id', type: 'integer', is_foreign_key: false });
  });

  test('tables that refer to each other go in one request', async () => {
    const tables = ['dept', 'project', 'emp', 'emp_project'];
    const names = await run({ case: 'dropTables', value: create(DropTablesSchema, { tables }) });
    expect(names).toEqual(tables);
    expect(tables.map((name) => view.byName.get(name))).toEqual([undefined, undefined, undefined, undefined]);
  });
});
