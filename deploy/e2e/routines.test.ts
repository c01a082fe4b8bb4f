/** Stored procedures and functions of a real PostgreSQL and a real MariaDB. */
import mysql from 'mysql2/promise';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMariadb } from '../testing/mariadb.ts';
import { startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { withKey } from './client.ts';
import { Shop } from './shop.ts';

const POSTGRES = `
  create table item (id int primary key, name text, price numeric(30,10), tags text[]);
  insert into item values (1, 'one', 1.10, '{a,b}'), (2, 'two', 12345678901234567.1, null), (3, 'three', 3, null);
  create function add(a int, b int default 10) returns bigint language sql as $$ select a::bigint + b $$;
  create function big() returns bigint language sql as $$ select 9007199254740993 $$;
  create function nothing() returns void language sql as $$ select $$;
  create function nil() returns text language sql as $$ select null::text $$;
  create function greet(name text) returns text language sql as $$ select 'Hello, ' || name $$;
  create function cheaper(than numeric) returns setof item language sql as $$ select * from item where price < than order by id $$;
  create function names() returns table (n text, l int) language sql as $$ select name, length(name) from item order by id $$;
  create function split(whole text, out head text, out tail text) language sql as $$ select left(whole, 1), substr(whole, 2) $$;
  create function ids() returns setof int language sql as $$ select id from item order by id $$;
  create function over(a int) returns text language sql as $$ select 'int' $$;
  create function over(a int, b int) returns text language sql as $$ select 'two ints' $$;
  create function refuse() returns int language plpgsql as $$ begin raise exception 'secret of the house'; end $$;
  create function slow() returns int language sql as $$ select 1 from pg_sleep(60) $$;
  create function trig() returns trigger language plpgsql as $$ begin return new; end $$;
  create procedure rename(which int, inout name text, out was text) language plpgsql as $$
    begin select i.name into was from item i where i.id = which; update item i set name = rename.name where i.id = which;
      name := upper(name); end $$;
  create procedure touch(which int) language sql as $$ update item set price = price where id = which $$;
  create procedure stop() language plpgsql as $$ begin raise exception 'secret of the house'; end $$;
  create schema other;
  create function other.hidden() returns text language sql as $$ select 'other' $$;
`;

const MARIADB = [
  'create table item (id int primary key, name varchar(20), price decimal(30,10), sold tinyint(1))',
  "insert into item values (1, 'one', 1.10, true), (2, 'two', 12345678901234567.1, null), (3, 'three', 3, false)",
  'create function `add`(a int, b int) returns bigint deterministic return a + b',
  'create function big() returns bigint deterministic return 9007199254740993',
  'create function nil() returns text deterministic return null',
  "create function greet(name varchar(90)) returns varchar(99) deterministic return concat('Hello, ', name)",
  `create function refuse() returns int deterministic
    begin signal sqlstate '45000' set message_text = 'secret of the house'; return 1; end`,
  'create function slow() returns int deterministic return sleep(60)',
  `create procedure \`rename\`(which int, inout name varchar(20), out was varchar(20))
    begin select i.name into was from item i where i.id = which; update item i set i.name = name where i.id = which;
      set name = upper(name); end`,
  'create procedure touch(which int) update item set price = price where id = which',
  "create procedure stop() signal sqlstate '45000' set mysql_errno = 30001, message_text = 'secret of the house'",
  'create procedure cheaper(than decimal(30,10)) select * from item where price < than order by id',
  `create procedure both_sets(than int, out total int)
    begin select id from item where id < than order by id; select name from item where id > than; select count(*) into total from item; end`,
  'create procedure counted(out total int) begin set total = 0; select count(*) as total from item; end',
  'create procedure twice() select 1 as a, 2 as b, 3 as a',
  'create procedure sleepy() select sleep(60) as slept',
  'create database other',
  "create function other.hidden() returns text deterministic return 'other'",
];

const f = (call: string) => `_func/${call}`;
const p = (call: string) => `_proc/${call}`;
const params = (value: unknown, more: object = {}) => ({ method: 'POST', body: { params: value, ...more } });

const CASES: Case[] = [
  { name: 'the resources of the service', path: '', contains: ['"_proc"', '"_func"'] },
  {
    name: 'a description',
    path: '_func?ids=add',
    contains: [
      '"return_type":"bigint"',
      '"name":"a","position":1,"param_type":"IN","type":"integer"',
      '"name":"b","position":2',
    ],
  },
  {
    name: 'the description of a procedure',
    path: '_proc?ids=rename',
    contains: ['"return_type":null', '"name":"name","position":2,"param_type":"INOUT"', '"param_type":"OUT"'],
  },
  { name: 'the description of none', path: '_func?ids=nosuch', status: 404 },
  { name: 'one value', path: f('add(1,2)'), text: '3' },
  { name: 'by the query', path: f('add?b=5&a=1'), text: '6' },
  { name: 'by position in the body', path: f('add'), ...params([1, 2]), text: '3' },
  { name: 'more than there are', path: f('add'), ...params([1, 2, 3]), text: '3' },
  { name: 'by name in the body', path: f('add'), ...params({ B: 2, a: { value: 1 } }), text: '3' },
  {
    name: 'as a list of names and values',
    path: f('add'),
    ...params([
      { name: 'b', value: 10 },
      { name: 'a', value: 7 },
    ]),
    text: '17',
  },
  { name: 'as text', path: f('add'), ...params('3, 4'), text: '7' },
  { name: 'a lookup', path: f('greet'), ...params(['{user.email}']), text: '"Hello, admin@example.com"' },
  { name: 'NULL', path: f('add'), ...params([null, 2]), text: 'null' },
  { name: 'beyond 2^53', path: f('big'), text: '9007199254740993' },
  { name: 'null', path: f('nil'), text: 'null' },
  { name: 'as another type', path: f('add?a=1&b=2&returns=string'), text: '"3"' },
  {
    name: 'SQL is a value',
    path: f('greet'),
    ...params(["x'); drop table item; --"]),
    text: `"Hello, x'); drop table item; --"`,
  },
  { name: 'any text', path: f('greet'), ...params(['"\\ \' ö☃😀\n']), answers: 'Hello, "\\ \' ö☃😀\n' },
  { name: 'quotes in the path are part of the value', path: f("greet('x')"), text: `"Hello, 'x'"` },
  { name: 'an unknown one', path: f('nosuch'), status: 404, contains: ['nosuch'] },
  { name: 'an unknown procedure', path: p('nosuch(1)'), status: 404, contains: ['nosuch'] },
  { name: 'SQL is no name', path: p('touch`(1); drop table item'), status: 404 },
  { name: 'a procedure is no function', path: f('rename(1,x)'), status: 404 },
  { name: 'a function is no procedure', path: p('add(1,2)'), status: 404 },
  { name: 'a wrong type', path: f('add(x,1)'), status: 400, contains: ["'a'"] },
  { name: 'an exception', path: f('refuse'), status: 400, lacks: ['secret'] },
  { name: 'an exception of a procedure', path: p('stop'), status: 400, lacks: ['secret'] },
  { name: 'another verb', path: f('add'), method: 'DELETE', status: 400 },
  { name: 'POST without a name', path: '_func', method: 'POST', body: {}, status: 400 },
  {
    name: 'a procedure with results',
    path: p('rename'),
    ...params({ which: 2, name: 'zwei' }),
    answers: { name: 'ZWEI', was: 'two' },
    after: ['shop/_table/item/2?fields=name', { name: 'zwei' }],
  },
  {
    name: 'a procedure without what it may be given',
    path: p('rename'),
    ...params({ which: 9 }),
    answers: { name: null, was: null },
  },
  {
    name: 'results as other types',
    path: p('rename'),
    ...params({ which: 2, name: '42' }, { schema: { NAME: 'integer', was: 'bool' } }),
    answers: { name: 42, was: false },
  },
  {
    name: 'types that are none',
    path: p('rename'),
    ...params({ which: 9 }, { schema: { name: 5 } }),
    status: 400,
    contains: ['schema'],
  },
  { name: 'one result only', path: p('rename(2,drei)?returns=string'), text: '"DREI"' },
  { name: 'a procedure without results', path: p('touch(1)'), text: '[]' },
];

const OF_POSTGRES: Case[] = [
  { name: 'functions', path: '_func?as_list=true', contains: ['"add"', '"other.hidden"'], lacks: ['trig', 'rename'] },
  {
    name: 'procedures',
    path: '_proc',
    answers: { resource: [{ name: 'rename' }, { name: 'stop' }, { name: 'touch' }] },
  },
  { name: 'a default', path: f('add(1)'), text: '11' },
  { name: 'a default, by name', path: f('add'), ...params([{ name: 'a', value: 7 }]), text: '17' },
  { name: 'nothing', path: f('nothing'), text: '[]' },
  {
    name: 'rows',
    path: f('cheaper(5)'),
    text: '[{"id":1,"name":"one","price":1.1000000000,"tags":"{a,b}"},{"id":3,"name":"three","price":3.0000000000,"tags":null}]',
  },
  {
    name: 'rows with other types',
    path: f('cheaper'),
    ...params([2], { schema: { id: 'string' } }),
    contains: [/^\{"id":"1"/],
  },
  {
    name: 'the columns of a result, described',
    path: '_func?ids=names',
    contains: ['"return_type":"string"', '"name":"n","position":1,"param_type":"OUT"', '"name":"l","position":2'],
  },
  { name: 'one row', path: f('cheaper(2)'), contains: [/^\{"id":1/] },
  { name: 'no row', path: f('cheaper(0)'), text: '[]' },
  { name: 'a table', path: f('names'), contains: ['{"n":"one","l":3}'] },
  { name: 'several results', path: f('split(abc)'), answers: { head: 'a', tail: 'bc' } },
  { name: 'a set of values', path: f('ids'), answers: [{ ids: 1 }, { ids: 2 }, { ids: 3 }] },
  { name: 'the first value only', path: f('names?returns=string'), text: '"one"' },
  { name: 'one of a name, by its parameters', path: f('over(1,2)'), text: '"two ints"' },
  { name: 'another of that name', path: f('over(1)'), text: '"int"' },
  { name: 'another schema', path: f('other.hidden'), text: '"other"' },
];

const OF_MARIADB: Case[] = [
  { name: 'functions', path: '_func?as_list=true', contains: ['"add"', '"slow"'], lacks: ['hidden', 'rename'] },
  { name: 'procedures', path: '_proc', contains: ['"rename"', '"touch"'], lacks: ['"add"'] },
  { name: 'one value less', path: f('add(1)'), text: 'null' },
  {
    name: 'rows',
    path: p('cheaper(5)'),
    text: '[{"id":1,"name":"one","price":1.1000000000,"sold":true},{"id":3,"name":"three","price":3.0000000000,"sold":false}]',
  },
  {
    name: 'rows with other types',
    path: p('cheaper'),
    ...params([2], { schema: { id: 'string' } }),
    contains: [/^\[\{"id":"1",/],
  },
  { name: 'one row', path: p('cheaper(2)'), contains: [/^\[\{"id":1,/] },
  { name: 'no row', path: p('cheaper(0)'), text: '[]' },
  { name: 'rows in a wrapper', path: p('cheaper(2)?wrapper=items'), contains: [/^\{"items":\[\{"id":1,/] },
  { name: 'the first value only', path: p('cheaper'), ...params([5], { returns: 'string' }), text: '"1"' },
  {
    name: 'several sets beside a result',
    path: p('both_sets(2)'),
    answers: { resource: [[{ id: 1 }], [{ name: 'three' }]], total: 3 },
  },
  {
    name: 'in a wrapper',
    path: p('both_sets'),
    ...params([2], { wrapper: 'sets' }),
    answers: { sets: [[{ id: 1 }], [{ name: 'three' }]], total: 3 },
  },
  {
    name: 'a set without rows is none',
    path: p('both_sets(3)'),
    answers: { resource: [{ id: 1 }, { id: 2 }], total: 3 },
  },
  { name: 'a row that is named as a result', path: p('counted'), text: '{"total":3}' },
  { name: 'columns of one name', path: p('twice'), text: '[{"a":[1,3],"b":2}]' },
  { name: 'a procedure that takes too long', path: p('sleepy'), status: 503 },
  { name: 'another database', path: f('other.hidden'), status: 404 },
];

interface Server {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

async function preparedPostgres(): Promise<Server> {
  const postgres = await startPostgres();
  const client = new PgClient(postgres.url);
  await client.connect();
  await client.query(POSTGRES);
  await client.end();
  return postgres;
}

async function preparedMariadb(): Promise<Server> {
  const mariadb = await startMariadb();
  const client = await mysql.createConnection(mariadb.url);
  for (const statement of MARIADB) await client.query(statement);
  await client.end();
  return mariadb;
}

function tryRoutines(type: string, prepare: () => Promise<Server>, cases: readonly Case[]): void {
  let server: Server;
  let shop: Shop;
  beforeAll(async () => {
    server = await prepare();
    const { host, port, database, user: username, password } = server;
    const config = { host, port, database, username, password };
    shop = await Shop.open({ MILLRACE_REQUEST_TIMEOUT_MS: '3000' }, { type, config });
  });
  afterAll(async () => {
    await shop?.close();
    await server?.stop();
  });

  test.each(cases)('$name', (row) => check(shop.admin, { ...row, path: `shop/${row.path}`.replace(/\/$/, '') }));

  test('what takes too long is ended', async () => {
    expect((await shop.admin.send('GET', 'shop/_func/slow')).status).toBe(503);
  });

  describe('by a role', () => {
    const ALLOWED: Case[] = [
      { name: 'what is allowed', path: 'shop/_func/add(1,2)', text: '3' },
      { name: 'in another spelling', path: 'shop/_func/ADD(1,2)', text: '3' },
      { name: 'what is not', path: 'shop/_func/big', status: 401 },
      { name: 'the arguments are not part of the name', path: 'shop/_func/big(add)', status: 401 },
      { name: 'nor is a path in them', path: 'shop/_func/big(/_func/add)', status: 401 },
      { name: 'POST', path: 'shop/_func/add', ...params([1, 2]), status: 401 },
      { name: 'the list', path: 'shop/_func?as_list=true', answers: { resource: ['add'] } },
      { name: 'a procedure that is allowed', path: 'shop/_proc/touch(1)', text: '[]' },
      { name: 'a procedure that is not', path: 'shop/_proc/rename(1,x)', status: 401 },
    ];
    test.each(ALLOWED)('$name', async (row) => {
      const components = ['_func/add', '_func/', '_proc/touch'];
      const role = await shop.role(...components.map((component) => ({ component, verb_mask: 1 })));
      await check(shop.product.anyone.as(withKey((await shop.app(role)).api_key)), row);
    });
  });
}

suiteWith('postgres', 'PostgreSQL', () => tryRoutines('pgsql', preparedPostgres, [...CASES, ...OF_POSTGRES]));
suiteWith('mariadb', 'MariaDB', () => tryRoutines('mariadb', preparedMariadb, [...CASES, ...OF_MARIADB]));

describe('SQLite', () => {
  test.each(['_proc', '_func', '_func/x'])('has no %s', async (resource) => {
    const shop = await Shop.open();
    try {
      await check(shop.admin, { name: '', path: `shop/${resource}`, status: 404 });
    } finally {
      await shop.close();
    }
  });
});
