import { describe, expect, test } from 'vitest';
import type { Column, Table } from '#common/schema/catalogue.ts';
import type { AggregateName, FieldDefinition } from '../dialect.ts';
import { arrayLiteral, postgresDialect as dialect } from './dialect.ts';

const column = (part: Partial<Column>): Column => ({
  name: 'a',
  type: 'integer',
  dbType: 'integer',
  nativeType: 'int4',
  json: 'number',
  length: null,
  precision: null,
  scale: null,
  default: null,
  nullable: true,
  autoIncrement: false,
  generated: false,
  fixedLength: false,
  multibyte: false,
  primaryKey: false,
  unique: false,
  indexed: false,
  foreignKey: null,
  ...part,
});
const table: Table = {
  name: 'odd.t',
  schemaName: 'odd',
  tableName: `t "x" o'y`,
  isView: false,
  columns: [],
  primaryKey: [],
  constraints: [],
};

test('placeholders are numbered, and cast where a type is given', () => {
  expect([dialect.placeholder(1), dialect.placeholder(2, 'int4')]).toEqual(['$1', '$2::int4']);
});

test.each([
  ['int4', '"a" = any($3::int4[])'],
  ['"hr"."mood"', '"a" = any($3::"hr"."mood"[])'],
  ['json', '"a"::text = any($3::text[])'],
  ['int4[]', '"a"::text = any($3::text[])'],
])('a list of %s is one parameter', (nativeType, sql) =>
  expect(dialect.inList?.('"a"', 3, column({ nativeType }))).toBe(sql),
);

test.each([
  ['nothing', [], '{}'],
  ['NULL and the text NULL', [null, 'NULL'], '{NULL,"NULL"}'],
  ['quotes, backslashes, braces, commas', ['a"b', 'c\\d', '{,}'], '{"a\\"b","c\\\\d","{,}"}'],
  ['numbers and flags', [1, 2n, true, false], '{"1","2","t","f"}'],
  ['bytes', [new Uint8Array([0, 255])], '{"\\\\x00ff"}'],
])('array of %s', (_why, values, literal) => expect(arrayLiteral(values)).toBe(literal));

test.each([
  ['timestamp', 0, 'current_timestamp'],
  ['timestamp', -90, "(current_timestamp + interval '-90 seconds')"],
  ['date', -604_800, '(current_date + -7)'],
  ['date', 3600, "(current_date + interval '3600 seconds')"],
  ['time', 60, "(localtime + interval '60 seconds')"],
] as const)('moment: %s %i', (base, offset, sql) => expect(dialect.moment(base, offset)).toBe(sql));

const AGGREGATES: readonly [AggregateName, Partial<Column> | undefined, string][] = [
  ['COUNT', undefined, 'number'],
  ['COUNT', { json: 'string', type: 'string' }, 'number'],
  ['SUM', { type: 'reference' }, 'number'],
  ['SUM', { type: 'bigint' }, 'string'],
  ['SUM', { type: 'decimal' }, 'string'],
  ['SUM', { type: 'double' }, 'number'],
  ['AVG', { type: 'integer' }, 'string'],
  ['AVG', { type: 'double' }, 'number'],
  ['MAX', { type: 'bigint' }, 'number'],
  ['MAX', { type: 'decimal' }, 'string'],
  ['MIN', { type: 'date', json: 'string' }, 'string'],
];
test.each(AGGREGATES)('%s of %o is a %s', (name, part, json) =>
  expect(dialect.aggregateJson(name, part && column(part))).toBe(json),
);

test('many rows are one array for each column', () => {
  const columns = [
    column({ name: 'id' }),
    column({ name: 'tags"', nativeType: 'text[]' }),
    column({ name: 'm', nativeType: '"hr"."mood"' }),
  ];
  const rows = [
    [1, '{a,b}', 'sad'],
    [null, '{}', null],
  ];
  expect(dialect.insertMany?.(table, columns, rows, 'returning "id"')).toEqual({
    text:
      `insert into "odd"."t ""x"" o'y" ("id", "tags""", "m") select v0, v1::text[], v2::"hr"."mood" ` +
      'from unnest($1::int4[], $2::text[], $3::text[]) as r(v0, v1, v2) returning "id"',
    params: ['{"1",NULL}', '{"{a,b}","{}"}', '{"sad",NULL}'],
  });
});

test('the estimate names the table as a text', () => {
  expect(dialect.estimateSql?.(table)).toContain(`'"odd"."t ""x"" o''y"'::regclass`);
});

test.each([
  ['person', '"person"'],
  ['hr.person', '"hr"."person"'],
  ['hr.a.b', '"hr"."a.b"'],
  ['.x', '".x"'],
  ['a"b', '"a""b"'],
])('new table %s', (name, sql) => expect(dialect.tableSql(name)).toBe(sql));

test.each([
  ['a', 64],
  ['ö', 32],
])('a name of %s that the server would cut is refused', (character, times) => {
  const name = character.repeat(times);
  const refused = expect.objectContaining({ code: 'invalid' });
  for (const made of [name, `public.${name}`, `${name}.t`]) expect(() => dialect.tableSql(made)).toThrow(refused);
  expect(() => dialect.columnSql(field({ name }))).toThrow(refused);
  expect(dialect.tableSql(name.slice(1))).toBe(`"${name.slice(1)}"`);
});

const field = (part: Partial<FieldDefinition>): FieldDefinition => ({
  name: 'f',
  type: 'string',
  length: null,
  precision: null,
  scale: null,
  default: null,
  nullable: true,
  autoIncrement: false,
  primaryKey: false,
  unique: false,
  indexed: false,
  fixedLength: false,
  multibyte: false,
  reference: null,
  ...part,
});

describe('columns', () => {
  const key = { autoIncrement: true, primaryKey: true, nullable: false };
  const COLUMNS: readonly [Partial<FieldDefinition>, string][] = [
    [{ type: 'id', ...key }, 'serial not null primary key'],
    [{ type: 'bigid', ...key }, 'bigserial not null primary key'],
    [{ type: 'integer', ...key }, 'serial not null primary key'],
    [{ type: 'id', ...key, primaryKey: false }, 'serial not null'],
    [{ type: 'string', nullable: false }, 'varchar(255) not null'],
    [{ type: 'string', length: 60 }, 'varchar(60)'],
    [{ type: 'string', length: 4, fixedLength: true }, 'char(4)'],
    [{ type: 'string', length: 20, multibyte: true }, 'varchar(20)'],
    [{ type: 'text' }, 'text'],
    [{ type: 'decimal' }, 'numeric'],
    [{ type: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)'],
    [{ type: 'decimal', length: 10 }, 'numeric(10)'],
    [{ type: 'float' }, 'real'],
    [{ type: 'double' }, 'double precision'],
    [{ type: 'money' }, 'money'],
    [{ type: 'datetime' }, 'timestamp'],
    [{ type: 'datetimetz' }, 'timestamp with time zone'],
    [{ type: 'timestamp_on_create', nullable: false }, 'timestamp not null default current_timestamp'],
    [{ type: 'user_id' }, 'integer'],
    [{ type: 'reference' }, 'integer'],
    [{ type: 'binary' }, 'bytea'],
    [{ type: 'jsonb' }, '"jsonb"'],
    [{ type: 'gizmo', length: 3 }, '"gizmo"(3)'],
    [{ type: 'integer', default: 7 }, 'integer default 7'],
    [{ type: 'integer', default: '7; drop table x' }, "integer default '7; drop table x'"],
    [{ type: 'string', default: `o'x` }, "varchar(255) default 'o''x'"],
    [{ type: 'string', default: `\\'` }, `varchar(255) default E'\\\\'''`],
    [{ type: 'string', default: 'now()' }, "varchar(255) default 'now()'"],
    [{ type: 'string', default: true }, "varchar(255) default 'true'"],
    [{ type: 'integer', default: true }, 'integer default 1'],
    [{ type: 'boolean', default: 0 }, 'boolean default false'],
    [{ type: 'boolean', default: 'yes' }, 'boolean default true'],
    [{ type: 'timestamp', default: 'CURRENT_TIMESTAMP' }, 'timestamp default current_timestamp'],
    [{ type: 'timestamp', default: { expression: 'NOW()' } }, 'timestamp default now()'],
    [{ type: 'uuid', default: { expression: 'gen_random_uuid()' } }, '"uuid" default gen_random_uuid()'],
  ];
  test.each(COLUMNS)('%o', (part, sql) => expect(dialect.columnSql(field(part))).toBe(`"f" ${sql}`));

  test.each([
    [{ type: 'array' }],
    [{ type: 'object' }],
    [{ type: 'string', autoIncrement: true }],
    [{ type: 'boolean', default: 'perhaps' }],
    [{ type: 'timestamp', default: { expression: 'pg_sleep(9)' } }],
    [{ type: 'timestamp', default: { expression: 'now(); drop table x' } }],
  ])('refused by name: %o', (part) => {
    expect(() => dialect.columnSql(field(part))).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining("'f'") }),
    );
  });
});
