/** What cannot be done is refused for what it is, changes nothing, and tells nothing of what lies behind the API. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import mysql from 'mysql2/promise';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { freePort, until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const BODY_BYTES_MAX = 262_144;
const TIMEOUT_MS = 1500;
const LATE = /^503 \{"error":\{"code":503,/;

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    MILLRACE_BODY_BYTES_MAX: String(BODY_BYTES_MAX),
    MILLRACE_REQUEST_TIMEOUT_MS: String(TIMEOUT_MS),
  });
});
afterAll(() => product?.stop());

const TABLE = {
  name: 'item',
  field: [
    { name: 'id', type: 'id' },
    { name: 'name', type: 'string', size: 20, allow_null: false },
    { name: 'amount', type: 'integer', allow_null: true },
    { name: 'day', type: 'date', allow_null: true },
  ],
};
const ITEMS = [
  { id: 1, name: 'one', amount: 1, day: '2024-01-31' },
  { id: 2, name: 'two', amount: 2, day: null },
];

const ITEM = '_table/item';
const post = (name: string, body: Case['body'], more: Partial<Case> = {}): Case => ({
  name,
  method: 'POST',
  path: ITEM,
  body,
  status: 400,
  ...more,
});
/** An unparsable filter says at which character, and what could have stood there. */
const filter = (text: string, position: number, expected: RegExp | string): Case => ({
  name: `filter ${text}`,
  path: `${ITEM}?filter=${encodeURIComponent(text)}`,
  status: 400,
  contains: [`"position":${position},"expected":"`, expected, `At character ${position}`],
});
const JSON_BODY = { 'Content-Type': 'application/json' };

const BODIES: Case[] = [
  post('JSON that ends too soon', '{"resource":[{"name":"x"'),
  post('JSON with something behind it', '[{"name":"x"}] x'),
  post('no JSON at all', 'name=x', { headers: JSON_BODY }),
  post('a byte that is no UTF-8', Buffer.from([...Buffer.from('[{"name":"'), 0xff, ...Buffer.from('"}]')])),
  post('half a character', '[{"name":"\\ud800"}]'),
  post('nothing', ''),
  post('a number', '17'),
  post('records that are none', '[1,2]'),
  post('an empty list', '{"resource":[]}'),
  post('more levels than anyone reads', `${'['.repeat(5000)}${']'.repeat(5000)}`),
  post('XML that ends too soon', '<resource><name>x</name>', { headers: { 'Content-Type': 'application/xml' } }),
  // POST takes lists of any length, as they come: it has no such limit.
  post('a body over the limit', [{ id: 1, name: 'x'.repeat(BODY_BYTES_MAX) }], { method: 'PATCH', status: 413 }),
];

const VALUES: Case[] = [
  post('a text for a number', [{ name: 'x', amount: 'many' }], { contains: ["'amount'", /"code":1000/] }),
  post('a list for a number', [{ name: 'x', amount: [1, 2] }]),
  post('a number beyond its type', '[{"name":"x","amount":99999999999999999999}]'),
  post('NULL where none is allowed', [{ name: null }], { contains: ["'name'"] }),
  post('what is required is missing', [{ amount: 3 }], { contains: ["'name'"] }),
  post('no field that the table has', [{ colour: 'red' }]),
  post('continue and rollback at once', [{ name: 'x' }], { path: `${ITEM}?continue=true&rollback=true` }),
  post('to an id', { name: 'x' }, { path: `${ITEM}/9` }),
  post('to no table', [{ name: 'x' }], { path: '_table' }),
  { name: 'PATCH: a text for a number', method: 'PATCH', path: `${ITEM}/1`, body: { amount: 'x' }, status: 400 },
  { name: 'PATCH: NULL', method: 'PATCH', path: `${ITEM}/1`, body: { name: null }, status: 400, contains: ["'name'"] },
  { name: 'PATCH: nothing', method: 'PATCH', path: `${ITEM}/1`, status: 400 },
  {
    name: 'PATCH by filter, without a record',
    method: 'PATCH',
    path: `${ITEM}?filter=id > 0`,
    body: '{"resource":[]}',
    status: 400,
  },
  { name: 'DELETE: nothing named', method: 'DELETE', path: ITEM, status: 400 },
  { name: 'DELETE: a filter that is none', method: 'DELETE', path: `${ITEM}?filter=id >< 1`, status: 400 },
  { name: 'DELETE: an unknown field', method: 'DELETE', path: `${ITEM}?filter=colour = red`, status: 400 },
];

const NAMES: Case[] = [
  { name: 'an unknown table', path: '_table/nothing', status: 404, contains: ['nothing'] },
  { name: 'of a schema', path: '_schema/nothing', status: 404, contains: ['nothing'] },
  { name: 'an unknown resource', path: '_nothing', status: 404, contains: ['_nothing'] },
  { name: 'an unknown field to show', path: `${ITEM}?fields=id,colour`, status: 400, contains: ['colour'] },
  { name: 'to order by', path: `${ITEM}?order=colour`, status: 400, contains: ['colour'] },
  { name: 'to group by', path: `${ITEM}?group=colour&fields=colour`, status: 400, contains: ['colour'] },
  { name: 'to select by', path: `${ITEM}?filter=colour = red`, status: 400, contains: ['colour'] },
  { name: 'an aggregate without a group', path: `${ITEM}?fields=SUM(amount)`, status: 400 },
  { name: 'SQL as a field', path: `${ITEM}?fields=id,(select 1)`, status: 400 },
  { name: 'SQL as an order', path: `${ITEM}?order=id;drop table item`, status: 400 },
  { name: 'SQL as a table', path: '_table/item"; drop table item; --', status: 404 },
];

const FILTERS: Case[] = [
  filter('amount', 7, 'operator'),
  filter('(amount = 1', 12, /\)/),
  filter('amount = 1) ', 11, /./),
  filter('amount ~ 1', 8, 'operator'),
  filter('amount IN 1,2', 11, /\(/),
  filter('amount BETWEEN 1', 17, /AND/i),
  filter('()', 2, /./),
  filter(`${'('.repeat(200)}amount = 1${')'.repeat(200)}`, 102, /./),
  { name: 'AND without a condition', path: `${ITEM}?filter=amount = 1 AND`, status: 400, contains: ["'amount'"] },
  { name: 'a text for a number', path: `${ITEM}?filter=amount = many`, status: 400, contains: ["'amount'"] },
  { name: 'an unknown parameter', path: `${ITEM}?filter=amount = :n`, status: 400, contains: ["'amount'"] },
];

const IDS: Case[] = [
  { name: 'a text', path: `${ITEM}/abc`, status: 400, contains: ["'id'"] },
  { name: 'SQL', path: `${ITEM}/1 OR 1=1`, status: 400 },
  { name: 'a number that no table counts to', path: `${ITEM}/99999999999999999999`, status: 400 },
  { name: 'one that is not there', path: `${ITEM}/77`, status: 404, contains: ["'77'"] },
  { name: 'a text among others', path: `${ITEM}?ids=1,abc`, status: 400 },
  { name: 'none', path: `${ITEM}?ids=`, status: 400 },
  { name: 'DELETE: a text', method: 'DELETE', path: `${ITEM}/abc`, status: 400 },
  { name: 'DELETE: a text among others', method: 'DELETE', path: `${ITEM}?ids=abc,1`, status: 400 },
  { name: 'PATCH: a text', method: 'PATCH', path: `${ITEM}/abc`, body: { amount: 3 }, status: 400 },
];

const OPTIONS: Case[] = [
  { name: 'a verb that is none', method: 'BREW', path: ITEM, status: 405 },
  { name: 'tunnelled', method: 'POST', path: ITEM, headers: { 'X-HTTP-Method': 'BREW' }, status: 405 },
  {
    name: 'a limit that is no number',
    path: `${ITEM}?limit=many&fields=id`,
    answers: { resource: [{ id: 1 }, { id: 2 }] },
  },
  {
    name: 'a direction that is none',
    path: `${ITEM}?order=id sideways&fields=id&limit=1`,
    answers: { resource: [{ id: 1 }] },
  },
  { name: 'a type that cannot be sent', path: `${ITEM}/77`, headers: { Accept: 'image/png' }, status: 404 },
  { name: 'an error as CSV', path: `${ITEM}/77`, headers: { Accept: 'text/csv' }, status: 404, contains: ['code'] },
];

const ALL: [string, Case[]][] = [
  ['bodies', BODIES],
  ['values', VALUES],
  ['names', NAMES],
  ['filters', FILTERS],
  ['ids', IDS],
  ['options', OPTIONS],
];

function suites(service: string, connect: () => Promise<{ type: string; config: object }>): void {
  beforeAll(async () => {
    const { type, config } = await connect();
    await product.admin.create('system/service', { name: service, label: 'Bad', type, is_active: true, config });
    await product.admin.json('POST', `${service}/_schema`, { resource: [TABLE] });
    await product.admin.json(
      'POST',
      `${service}/_table/item`,
      ITEMS.map(({ id: _, ...item }) => item),
    );
  });
  describe.each(ALL)('%s', (_, cases) => {
    test.each(cases)('$name', async (row) => {
      await check(product.admin, { ...row, path: `${service}/${row.path}` });
      expect(await product.admin.json('GET', `${service}/_table/item?order=id`)).toEqual({ resource: ITEMS });
    });
  });

  test('a table that never answers is given up in time, and the others go on meanwhile', async () => {
    const slow = product.admin.send('GET', `${service}/_table/slow`);
    const startedMs = performance.now();
    await check(product.admin, { name: 'meanwhile', path: `${service}/_table/item/1`, answers: ITEMS[0] });
    expect(performance.now() - startedMs).toBeLessThan(TIMEOUT_MS / 2);
    const { status, text } = await slow;
    expect(`${status} ${text}`).toMatch(LATE);
    expect(performance.now() - startedMs).toBeLessThan(2 * TIMEOUT_MS);
  });
}

describe('SQLite', () => {
  suites('lite', async () => {
    const database = join(product.folder, 'bad.sqlite');
    const file = new Database(database);
    const numbers = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1e12)';
    file.exec(`create view slow as ${numbers} select count(*) as c from n`);
    file.close();
    return { type: 'sqlite', config: { database } };
  });

  const config = { database: '/nowhere/at/all.sqlite' };
  test('a file that cannot be opened', () => expectUnavailable('sqlite', config));
});

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  const settings = () => {
    if (!postgres) throw new Error('PostgreSQL does not run.');
    const { host, port, database, user: username, password } = postgres;
    return { host, port, database, username, password };
  };
  afterAll(() => postgres?.stop());
  suites('post', async () => {
    postgres = await startPostgres();
    const pg = new PgClient(postgres.url);
    await pg.connect();
    await pg.query('create view slow as select 1 as id, pg_sleep(60)::text as nap');
    await pg.end();
    return { type: 'pgsql', config: settings() };
  });

  test('a database that is down', async () => expectUnavailable('pgsql', { ...settings(), port: await freePort() }));
  test('a wrong password', () => expectUnavailable('pgsql', { ...settings(), password: 'sesame' }));
  test('an unknown user', () => expectUnavailable('pgsql', { ...settings(), username: 'nobody' }));
  test('an unknown database', () => expectUnavailable('pgsql', { ...settings(), database: 'nothing' }));
  test('a host that is none', () => expectUnavailable('pgsql', { ...settings(), host: 'nowhere.invalid' }));

  test('a database that takes the connection and says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    try {
      const config = { ...settings(), port };
      const service = { name: 'silent', label: 'Silent', type: 'pgsql', is_active: true, config };
      await product.admin.create('system/service', service);
      const startedMs = performance.now();
      const { status, text } = await product.admin.send('GET', 'silent/_table/item');
      expect(`${status} ${text}`).toMatch(LATE);
      expect(performance.now() - startedMs).toBeLessThan(2 * TIMEOUT_MS);
      await product.admin.json('PATCH', 'system/service?filter=name = silent', [{ config: settings() }]);
      const mended = { name: 'mended', path: 'silent/_table/item/1', answers: ITEMS[0] };
      await until('the mended settings count', () => check(product.admin, mended).then(() => true));
    } finally {
      silent.close();
    }
  });

  test('a connection that breaks is replaced', async () => {
    const pg = new PgClient(postgres?.url);
    await pg.connect();
    await pg.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
    await pg.end();
    const again = { name: 'again', path: 'post/_table/item/1', answers: ITEMS[0] };
    await until('records are read again', () => check(product.admin, again).then(() => true));
  });
});

let made = 0;
/** Every kind of call is answered with 503, nothing of the settings shows, and the settings can be mended. */
async function expectUnavailable(type: string, config: object): Promise<void> {
  const name = `gone${++made}`;
  await product.admin.create('system/service', { name, label: name, type, is_active: true, config });
  const calls: Pick<Case, 'method' | 'path' | 'body'>[] = [
    { path: '_table/item' },
    { path: '_table/item/1' },
    { path: '_schema' },
    { method: 'POST', path: '_table/item', body: [{ name: 'x' }] },
    { method: 'DELETE', path: '_table/item/1' },
  ];
  const hidden = ['sesame', 'nobody', 'nothing', 'nowhere'];
  for (const call of calls) {
    const lacks = [...hidden, ...Object.values(config).map(String)].filter((text) => text.length > 3);
    await check(product.admin, { ...call, name, path: `${name}/${call.path}`, status: 503, lacks });
  }
}

const SYSTEM: Case[] = [
  { name: 'an unknown service', path: 'nothing/_table/item', status: 404, contains: ['nothing'] },
  { name: 'an unknown resource', path: 'system/nothing', status: 404, contains: ['nothing'] },
  { name: 'an id that is none', path: 'system/role/abc', status: 404 },
  { name: 'an id that is not there', path: 'system/role/777', status: 404, contains: ['777'] },
  { name: 'an unknown field in a filter', path: 'system/role?filter=colour = red', status: 400, contains: ['colour'] },
  {
    name: 'a filter that does not parse',
    path: 'system/role?filter=(name = x',
    status: 400,
    contains: [/"position":\d/],
  },
  { name: 'an unknown relation', path: 'system/role?related=colour', status: 400, contains: ['colour'] },
  { name: 'JSON that ends too soon', method: 'POST', path: 'system/role', body: '{"resource":[{', status: 400 },
  {
    name: 'no name',
    method: 'POST',
    path: 'system/role',
    body: [{ description: 'x' }],
    status: 400,
    contains: ['name'],
  },
  {
    name: 'an unknown type of service',
    method: 'POST',
    path: 'system/service',
    body: [{ name: 'x', label: 'x', type: 'abacus', config: {} }],
    status: 400,
    contains: ['type'],
  },
  {
    name: 'settings that do not fit',
    method: 'POST',
    path: 'system/service',
    body: [{ name: 'x', label: 'x', type: 'pgsql', config: { port: 'first' } }],
    status: 400,
    contains: ['port', 'host'],
  },
  {
    name: 'a sign-in without a password',
    method: 'POST',
    path: 'system/admin/session',
    body: { email: 'a@b.c' },
    status: 400,
  },
  { name: 'a sign-in without anything', method: 'POST', path: 'user/session', body: {}, status: 400 },
  { name: 'nothing at this address', path: '/nothing', status: 404 },
];
test.each(SYSTEM)('system: $name', (row) => check(product.admin, row));

suiteWith('mariadb', 'MariaDB', () => {
  let mariadb: RunningMariadb | undefined;
  const settings = () => {
    if (!mariadb) throw new Error('MariaDB does not run.');
    const { host, port, database, user: username, password } = mariadb;
    return { host, port, database, username, password };
  };
  afterAll(() => mariadb?.stop());
  suites('maria', async () => {
    mariadb = await startMariadb();
    const client = await mysql.createConnection(mariadb.url);
    await client.query('create view slow as select 1 as id, sleep(60) as nap');
    await client.end();
    return { type: 'mariadb', config: settings() };
  });

  const WRONG = [
    { name: 'a database that is down', change: async () => ({ port: await freePort() }) },
    { name: 'a wrong password', change: async () => ({ password: 'sesame' }) },
    { name: 'an unknown user', change: async () => ({ username: 'nobody' }) },
    { name: 'an unknown database', change: async () => ({ database: 'nothing' }) },
    { name: 'a host that is none', change: async () => ({ host: 'nowhere.invalid' }) },
  ];
  test.each(WRONG)('$name', async ({ change }) => expectUnavailable('mariadb', { ...settings(), ...(await change()) }));
});
