import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { Column, Table } from '#common/schema/catalogue.ts';
import type { SqlSource } from '../engine.ts';
import { engine } from './index.ts';

const SCHEMA = `
  create table dept (id integer primary key autoincrement not null, name varchar(60) not null, budget decimal(12,2),
    unique (name));
  create unique index undx_dept_name on dept (name);
  create table emp (id INTEGER PRIMARY KEY, dept_id integer references DEPT (ID) on delete cascade, boss int references emp,
    code bigint references dept (id), first text default 'it''s', last text, full text generated always as (first || last),
    stored text as (first) stored);
  create index ndx_last on emp (last, first);
  create index lower_first on emp (lower(first));
  create unique index partial_code on emp (code) where code > 0;
  create table defaults (n integer default 7, neg integer default -1, paren integer default (0), b tinyint(1) default 0,
    t boolean default true, at timestamp default CURRENT_TIMESTAMP, none text default null, word text default "w",
    num varchar(5) default 5, big bigint default 9007199254740993, expr text default (lower('A')));
  create table "Odd ""Name" ("Mixed Case" text, "a.b" nvarchar(20), constraint pk primary key ("a.b", "Mixed Case"));
  create table child (a text, b text, foreign key (b, a) references "Odd ""Name");
  create table no_row_id (k integer primary key, v text) without rowid;
  create table descending (k integer primary key desc);
  create table no_key (v);
  create table strict_one (k int primary key, v any, r real, n blob) strict;
  create table dangling (id integer references nosuch (id));
  create view names as select id, name, count(*) as n from dept group by id, name;
  create table vanishing (v text);
  create view broken as select v from vanishing;
  drop table vanishing;
  create virtual table words using fts5 (body);
`;

const folder = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'));
let source: SqlSource;
let tables: ReadonlyMap<string, Table>;

beforeAll(async () => {
  const database = new Database(join(folder, 'a.sqlite'));
  database.exec(SCHEMA);
  database.close();
  source = engine.open({ database: 'a.sqlite' }, { dataDir: folder, serviceName: 'test', connectionsMax: 4 });
  const catalogue = await source.introspect(Deadline.after(30_000));
  tables = new Map(catalogue.tables.map((table) => [table.name, table]));
});
afterAll(async () => {
  await source.close();
  rmSync(folder, { recursive: true });
});

function column(path: string): Column {
  const [table, name] = path.split('/') as [string, string];
  const found = tables.get(table)?.columns.find((one) => one.name === name);
  if (!found) throw new Error(`${path} is missing`);
  return found;
}

test('tables and views, without what SQLite keeps for itself or cannot read', () => {
  expect([...tables.keys()]).toEqual(
    ['Odd "Name', 'child', 'dangling', 'defaults', 'dept', 'descending', 'emp', 'names', 'no_key', 'no_row_id'].concat([
      'strict_one',
      'words',
    ]),
  );
  expect([...tables.values()].filter(({ isView }) => isView).map(({ name }) => name)).toEqual(['names']);
});

const COLUMNS: readonly [path: string, expected: Partial<Column>][] = [
  ['dept/id', { type: 'id', dbType: 'integer', autoIncrement: true, primaryKey: true, nullable: false, unique: false }],
  ['dept/name', { type: 'string', dbType: 'varchar(60)', length: 60, precision: null, nullable: false, unique: true }],
  ['dept/budget', { type: 'decimal', length: 12, precision: 12, scale: 2, nullable: true, json: 'number' }],
  ['emp/id', { type: 'id', dbType: 'integer', autoIncrement: true, nullable: false }],
  [
    'emp/dept_id',
    {
      type: 'reference',
      foreignKey: { table: 'dept', field: 'id', onUpdate: 'NO ACTION', onDelete: 'CASCADE' },
    },
  ],
  [
    'emp/boss',
    {
      type: 'reference',
      foreignKey: { table: 'emp', field: 'id', onUpdate: 'NO ACTION', onDelete: 'NO ACTION' },
    },
  ],
  ['emp/code', { type: 'bigint', unique: false, indexed: false }],
  ['emp/first', { type: 'text', default: "it's", indexed: false }],
  ['emp/last', { indexed: true, generated: false }],
  ['emp/full', { generated: true, type: 'text' }],
  ['emp/stored', { generated: true }],
  ['Odd "Name/Mixed Case', { primaryKey: true, autoIncrement: false, unique: false, nullable: false }],
  ['Odd "Name/a.b', { multibyte: true, fixedLength: false, length: 20 }],
  ['child/a', { foreignKey: null }],
  ['no_row_id/k', { type: 'integer', primaryKey: true, autoIncrement: false, nullable: false }],
  ['descending/k', { type: 'integer', autoIncrement: false }],
  ['no_key/v', { type: 'string', dbType: '', json: 'string' }],
  ['strict_one/k', { type: 'integer', autoIncrement: false, nullable: false }],
  ['strict_one/v', { type: 'string' }],
  ['strict_one/r', { type: 'float' }],
  ['strict_one/n', { type: 'binary', json: 'bytes' }],
  ['dangling/id', { type: 'integer', foreignKey: null }],
  ['names/name', { type: 'string', dbType: 'varchar(60)', primaryKey: false }],
  ['names/n', { type: 'string', dbType: '' }],
  ['words/body', { type: 'string' }],
];
test.each(COLUMNS)('column %s', (path, expected) => {
  expect(column(path)).toMatchObject(expected);
});

const DEFAULTS: readonly [name: string, expected: Column['default']][] = [
  ['n', 7],
  ['neg', -1],
  ['paren', 0],
  ['b', false],
  ['t', true],
  ['at', { expression: 'CURRENT_TIMESTAMP' }],
  ['none', null],
  ['word', 'w'],
  ['num', '5'],
  ['big', '9007199254740993'],
  ['expr', { expression: "lower('A')" }],
];
test.each(DEFAULTS)('default of %s', (name, expected) => {
  expect(column(`defaults/${name}`).default).toEqual(expected);
});

const KEYS: readonly [table: string, key: string[]][] = [
  ['dept', ['id']],
  ['Odd "Name', ['a.b', 'Mixed Case']],
  ['no_row_id', ['k']],
  ['no_key', []],
  ['names', []],
];
test.each(KEYS)('primary key of %s', (table, key) => {
  expect(tables.get(table)?.primaryKey).toEqual(key);
});

describe('constraints', () => {
  const names = (table: string) => tables.get(table)?.constraints.map(({ name, type }) => `${type} ${name}`);
  test('of indexes; a row number needs none', () => {
    expect(names('dept')).toEqual(['UNIQUE sqlite_autoindex_dept_1', 'UNIQUE undx_dept_name']);
    expect(names('Odd "Name')).toEqual(['PRIMARY KEY sqlite_autoindex_Odd "Name_1']);
  });
  test('of several columns that refer to the key of another table', () => {
    expect(tables.get('child')?.constraints).toEqual([
      {
        name: 'fk_child_b_a',
        type: 'FOREIGN KEY',
        columns: ['b', 'a'],
        referenced: {
          table: 'Odd "Name',
          columns: ['a.b', 'Mixed Case'],
          onUpdate: 'NO ACTION',
          onDelete: 'NO ACTION',
        },
      },
    ]);
  });
});
