/** Stored procedures and functions of a real PostgreSQL. */
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { withKey } from './client.ts';
import { Shop } from './shop.ts';

const PREPARE = `
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
  create schema other;
  create function other.hidden() returns text language sql as $$ select 'other' $$;
`;

const f = (call: string) => `_func/${call}`;
const params = (value: unknown) => ({ method: 'POST', body: { params: value } });

const CASES: Case[] = [
  { name: 'the resources of the service', path: '', contains: ['"_proc"', '"_func"'] },
  { name: 'functions', path: '_func?as_list=true', contains: ['"add"', '"other.hidden"'], lacks: ['trig', 'rename'] },
  { name: 'procedures', path: '_proc', answers: { resource: [{ name: 'rename' }, { name: 'touch' }] } },
  {
    name: 'a description',
    path: '_func?ids=add',
    contains: [
      '"return_type":"bigint"',
      '"name":"a","position":1,"param_type":"IN","type":"integer"',
      '"name":"b","position":2',
    ],
  },
  { name: 'the description of none', path: '_func?ids=nosuch', status: 404 },
  { name: 'one value', path: f('add(1,2)'), text: '3' },
  { name: 'a default', path: f('add(1)'), text: '11' },
  { name: 'by the query', path: f('add?b=5&a=1'), text: '6' },
  { name: 'by position in the body', path: f('add'), ...params([1, 2]), text: '3' },
  { name: 'by name in the body', path: f('add'), ...params({ B: 2, a: { value: 1 } }), text: '3' },
  { name: 'as a list of names and values', path: f('add'), ...params([{ name: 'a', value: 7 }]), text: '17' },
  { name: 'as text', path: f('add'), ...params('3, 4'), text: '7' },
  { name: 'beyond 2^53', path: f('big'), text: '9007199254740993' },
  { name: 'nothing', path: f('nothing'), text: '[]' },
  { name: 'null', path: f('nil'), text: 'null' },
  {
    name: 'SQL is a value',
    path: f('greet'),
    ...params(["x'); drop table item; --"]),
    text: `"Hello, x'); drop table item; --"`,
  },
  {
    name: 'rows',
    path: f('cheaper(5)'),
    text: '[{"id":1,"name":"one","price":1.1000000000,"tags":"{a,b}"},{"id":3,"name":"three","price":3.0000000000,"tags":null}]',
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
  { name: 'an unknown one', path: f('nosuch'), status: 404, contains: ['nosuch'] },
  { name: 'a procedure is no function', path: f('rename(1,x)'), status: 404 },
  { name: 'a wrong type', path: f('add(x,1)'), status: 400, contains: ["'a'"] },
  { name: 'an exception', path: f('refuse'), status: 400, lacks: ['secret'] },
  { name: 'another verb', path: f('add'), method: 'DELETE', status: 400 },
  { name: 'POST without a name', path: '_func', method: 'POST', body: {}, status: 400 },
  {
    name: 'a procedure with results',
    path: '_proc/rename',
    ...params({ which: 2, name: 'zwei' }),
    answers: { name: 'ZWEI', was: 'two' },
    after: ['shop/_table/item/2?fields=name', { name: 'zwei' }],
  },
  { name: 'a procedure without', path: '_proc/touch(1)', text: '[]' },
];

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres;
  let shop: Shop;
  beforeAll(async () => {
    postgres = await startPostgres();
    const client = new PgClient(postgres.url);
    await client.connect();
    await client.query(PREPARE);
    await client.end();
    const { host, port, database, user: username, password } = postgres;
    const config = { host, port, database, username, password };
    shop = await Shop.open({ MILLRACE_REQUEST_TIMEOUT_MS: '3000' }, { type: 'pgsql', config });
  });
  afterAll(async () => {
    await shop?.close();
    await postgres?.stop();
  });

  test.each(CASES)('$name', (row) => check(shop.admin, { ...row, path: `shop/${row.path}`.replace(/\/$/, '') }));

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
    ];
    test.each(ALLOWED)('$name', async (row) => {
      const role = await shop.role({ component: '_func/add', verb_mask: 1 }, { component: '_func/', verb_mask: 1 });
      await check(shop.product.anyone.as(withKey((await shop.app(role)).api_key)), row);
    });
  });
});

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
