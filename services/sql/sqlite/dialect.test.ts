import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import type { FieldDefinition } from '../dialect.ts';
import { sqliteDialect as dialect } from './dialect.ts';
import { columnType } from './types.ts';

const database = new Database(':memory:');
afterAll(() => database.close());

const PLAIN: FieldDefinition = {
  name: 'f',
  type: 'string',
  length: null,
  precision: null,
  scale: null,
  default: undefined,
  nullable: true,
  autoIncrement: false,
  primaryKey: false,
  unique: false,
  indexed: false,
  fixedLength: false,
  multibyte: false,
  reference: null,
};

describe('a column of a new table', () => {
  // The simple types read back are those that were asked for, as far as SQLite can tell them apart.
  const CASES: readonly [field: Partial<FieldDefinition>, sql: string, type: string][] = [
    [
      { type: 'id', autoIncrement: true, primaryKey: true, nullable: false },
      '"f" integer not null primary key autoincrement',
      'integer',
    ],
    [{ type: 'string' }, '"f" varchar(255)', 'string'],
    [{ type: 'string', length: 60, nullable: false }, '"f" varchar(60) not null', 'string'],
    [{ type: 'string', length: 4, fixedLength: true }, '"f" char(4)', 'string'],
    [{ type: 'string', length: 20, multibyte: true }, '"f" nvarchar(20)', 'string'],
    [{ type: 'text' }, '"f" text', 'text'],
    [{ type: 'boolean', default: true }, '"f" tinyint(1) default 1', 'boolean'],
    [{ type: 'boolean', default: 'off' }, '"f" tinyint(1) default 0', 'boolean'],
    [{ type: 'integer', default: 7 }, '"f" integer default 7', 'integer'],
    [{ type: 'bigint' }, '"f" bigint', 'bigint'],
    [{ type: 'smallint' }, '"f" smallint', 'integer'],
    [{ type: 'decimal', precision: 12, scale: 2 }, '"f" decimal(12,2)', 'decimal'],
    [{ type: 'money' }, '"f" decimal(19,4)', 'decimal'],
    [{ type: 'double' }, '"f" double', 'double'],
    [{ type: 'float' }, '"f" float', 'float'],
    [{ type: 'binary' }, '"f" blob', 'binary'],
    [{ type: 'date' }, '"f" date', 'date'],
    [{ type: 'time' }, '"f" time', 'time'],
    [{ type: 'datetime' }, '"f" datetime', 'datetime'],
    [{ type: 'reference' }, '"f" integer', 'integer'],
    [{ type: 'timestamp_on_create', nullable: false }, '"f" timestamp not null default current_timestamp', 'timestamp'],
    [{ type: 'timestamp', default: { expression: 'NOW()' } }, '"f" timestamp default current_timestamp', 'timestamp'],
    [{ type: 'date', default: 'CURRENT_DATE' }, '"f" date default current_date', 'date'],
    [{ type: 'string', default: "it's" }, "\"f\" varchar(255) default 'it''s'", 'string'],
    [{ type: 'string', name: 'a "b' }, '"a ""b" varchar(255)', 'string'],
    [{ type: 'varchar', length: 40 }, '"f" varchar(40)', 'string'],
    [{ type: 'unsigned big int' }, '"f" unsigned big int', 'bigint'],
  ];
  test.each(CASES)('%j', (field, sql, type) => {
    const definition = { ...PLAIN, ...field };
    expect(dialect.columnSql(definition)).toBe(sql);
    database.exec(`drop table if exists t; create table t (${sql})`);
    const [found] = database.pragma('table_info(t)') as [{ name: string; type: string }];
    expect([found.name, columnType(found.type).type]).toEqual([definition.name, type]);
  });

  const REFUSED: readonly Partial<FieldDefinition>[] = [
    { type: 'array' },
    { type: 'integer, "g" text' },
    { type: 'text) --' },
    { type: 'integer references dept' },
    { type: 'text not null' },
    { type: 'text', default: { expression: "(select 'x')" } },
    { type: 'boolean', default: 'perhaps' },
    { type: 'string', autoIncrement: true, primaryKey: true },
  ];
  test.each(REFUSED)('refused: %j', (field) => {
    expect(() => dialect.columnSql({ ...PLAIN, ...field })).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field: 'f' } }),
    );
  });
});

const TYPES: readonly [declared: string, type: string][] = [
  ['INT', 'integer'],
  ['int(11)', 'integer'],
  ['TINYINT(1)', 'boolean'],
  ['int(1)', 'boolean'],
  ['INT8', 'bigint'],
  ['BOOL', 'boolean'],
  ['NUMERIC(10)', 'decimal'],
  ['double precision', 'double'],
  ['REAL', 'float'],
  ['money', 'money'],
  ['timestamp with time zone', 'timestamp'],
  ['DATETIME', 'datetime'],
  ['DATE', 'date'],
  ['TIME', 'time'],
  ['VARBINARY(10)', 'binary'],
  ['LONGTEXT', 'text'],
  ['CLOB', 'text'],
  ['uuid', 'uuid'],
  ['json', 'string'],
  ['character varying(10)', 'string'],
  ['POINT', 'string'],
  ['', 'string'],
];
test.each(TYPES)('declared %s', (declared, type) => {
  expect(columnType(declared).type).toBe(type);
});

const MOMENTS: readonly [base: 'timestamp' | 'date' | 'time', offset: number, same: string][] = [
  ['timestamp', 0, 'current_timestamp'],
  ['date', 0, 'current_date'],
  ['time', 0, 'current_time'],
  ['timestamp', 90, "datetime('now', '+90 seconds')"],
  ['date', -86_400, "date('now', '-1 day')"],
];
test.each(MOMENTS)('moment %s %i', (base, offset, same) => {
  const text = `select ${dialect.moment(base, offset)} = ${same} as same`;
  expect(database.prepare(text).get()).toEqual({ same: 1 });
});
