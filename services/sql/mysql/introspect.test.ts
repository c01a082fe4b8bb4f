import mysql from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { Column, Table } from '#common/schema/catalogue.ts';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { mariadb } from './index.ts';

const SCHEMA = `
create table dept (id int primary key auto_increment, name varchar(60) not null, budget decimal(12,2),
  unique key Dept_Name (name));
create table emp (id bigint unsigned primary key auto_increment, dept_id int, first varchar(20) default 'it''s',
  last varchar(20), code bigint, full_name varchar(41) as (concat(first, ' ', last)) virtual, active bit(1) default b'1',
  born date, doc json, made timestamp default current_timestamp, changed timestamp default current_timestamp
  on update current_timestamp, note text, key (code), key (last, first), unique key half (note(10)),
  constraint fk_dept foreign key (dept_id) references dept (id) on delete cascade on update set null);
create table \`Odd \`\`Name\` (\`Mixed Case\` varchar(9), \`a.b\` int, primary key (\`a.b\`, \`Mixed Case\`));
create table child (a varchar(9), b int, constraint fk_odd foreign key (b, a)
  references \`Odd \`\`Name\` (\`a.b\`, \`Mixed Case\`));
create view names as select id, name from dept;
create database other;
create table other.thing (id int primary key, dept_id int, foreign key (dept_id) references millrace.dept (id));
`;

suiteWith('mariadb', 'the catalogue of a MariaDB', () => {
  let server: RunningMariadb;
  let tables: ReadonlyMap<string, Table>;

  const read = async (schema?: string): Promise<ReadonlyMap<string, Table>> => {
    const { host, port, database, user: username, password } = server;
    const config = { host, port, database, username, password, ...(schema && { schema }) };
    const source = mariadb.open(config, { dataDir: '', serviceName: 'test', connectionsMax: 2 });
    const catalogue = await source.introspect(Deadline.after(30_000)).finally(() => source.close());
    return new Map(catalogue.tables.map((table) => [table.name, table]));
  };

  beforeAll(async () => {
    server = await startMariadb();
    const client = await mysql.createConnection({ uri: server.url, multipleStatements: true });
    await client.query(SCHEMA);
    await client.end();
    tables = await read();
  });
  afterAll(() => server?.stop());

  test('the tables and views of the own database', () => {
    const found = [...tables.values()].map(({ name, isView, schemaName }) => `${schemaName} ${name} ${isView}`);
    expect(found.sort()).toEqual([
      'millrace Odd `Name false',
      'millrace child false',
      'millrace dept false',
      'millrace emp false',
      'millrace names true',
    ]);
  });

  test('those of all, and of another one', async () => {
    const all = await read('all');
    expect([...all.keys()].filter((name) => /dept$|thing$/.test(name))).toEqual(['dept', 'other.thing']);
    expect(all.get('other.thing')?.columns[1]?.foreignKey).toMatchObject({ table: 'dept', field: 'id' });
    expect([...all.keys()].some((name) => /^(?:mysql|sys)\./.test(name))).toBe(false);
    const other = await read('other');
    expect([...other.values()].map(({ name, schemaName }) => [name, schemaName])).toEqual([['thing', 'other']]);
    expect(other.get('thing')?.columns[1]?.foreignKey).toBeNull();
  });

  const COLUMNS: readonly [table: string, name: string, expected: Partial<Column>][] = [
    ['dept', 'id', { type: 'id', autoIncrement: true, primaryKey: true, nullable: false, default: null }],
    ['dept', 'name', { type: 'string', length: 60, unique: true, nullable: false, multibyte: true }],
    ['dept', 'budget', { type: 'decimal', precision: 12, scale: 2, nullable: true, default: null }],
    ['emp', 'id', { type: 'bigint', nativeType: 'bigint unsigned', autoIncrement: true }],
    ['emp', 'first', { default: "it's", indexed: false }],
    ['emp', 'code', { type: 'bigint', indexed: true, unique: false }],
    ['emp', 'full_name', { generated: true }],
    ['emp', 'active', { type: 'boolean', json: 'boolean', default: true }],
    ['emp', 'doc', { type: 'string', nativeType: 'json', json: 'string' }],
    ['emp', 'made', { type: 'timestamp_on_create', default: { expression: 'current_timestamp()' } }],
    ['emp', 'changed', { type: 'timestamp_on_update' }],
    ['emp', 'note', { type: 'text', unique: false }],
    [
      'emp',
      'dept_id',
      {
        type: 'reference',
        foreignKey: { table: 'dept', field: 'id', onUpdate: 'SET NULL', onDelete: 'CASCADE' },
      },
    ],
    ['names', 'name', { type: 'string', nullable: false }],
  ];
  test.each(COLUMNS)('%s.%s', (table, name, expected) => {
    expect(tables.get(table)?.columns.find((one) => one.name === name)).toMatchObject(expected);
  });

  test('keys of several columns', () => {
    const odd = tables.get('Odd `Name');
    expect(odd?.primaryKey).toEqual(['a.b', 'Mixed Case']);
    expect(odd?.columns.map(({ name }) => name)).toEqual(['Mixed Case', 'a.b']);
    expect(tables.get('child')?.constraints).toEqual([
      {
        name: 'fk_odd',
        type: 'FOREIGN KEY',
        columns: ['b', 'a'],
        referenced: {
          table: 'Odd `Name',
          columns: ['a.b', 'Mixed Case'],
          onUpdate: 'RESTRICT',
          onDelete: 'RESTRICT',
        },
      },
    ]);
  });

  test('constraints stand in order', () => {
    const names = tables.get('emp')?.constraints.map(({ type, name }) => `${type} ${name}`);
    expect(names).toEqual(['PRIMARY KEY PRIMARY', 'FOREIGN KEY fk_dept']);
  });
});
