/** Lists without an end: the whole of a table as lines of JSON or as CSV, in flat memory, for as long as it is taken. */
import { connect } from 'node:net';
import mysql from 'mysql2/promise';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { Shop } from './shop.ts';

const ROWS = 25_000;
const NDJSON = { Accept: 'application/x-ndjson' };
const CSV = { Accept: 'text/csv' };

function suites(open: () => Promise<Shop>): void {
  let shop: Shop;
  beforeAll(async () => {
    shop = await open();
    await shop.admin.json('POST', 'shop/_table/customer', [{ name: 'c1' }, { name: 'c "2",\n' }]);
    for (let at = 0; at < ROWS; at += 5000) {
      const sales = Array.from({ length: 5000 }, (_, i) => ({ customer_id: 1 + (i % 2), amount: at + i, note: 'n' }));
      await shop.admin.json('POST', 'shop/_table/sale', sales);
    }
  });
  afterAll(() => shop?.close());

  test('every record is a line', async () => {
    const { status, text, headers } = await shop.admin.send('GET', 'shop/_table/sale?order=id', undefined, NDJSON);
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(ROWS);
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      id: ROWS,
      owner_id: null,
      customer_id: 2,
      note: 'n',
      amount: ROWS - 1,
    });
  });

  test('or a row under a line of names', async () => {
    const { text, headers } = await shop.admin.send(
      'GET',
      'shop/_table/sale?fields=id,amount&order=id',
      undefined,
      CSV,
    );
    expect(headers['content-type']).toMatch('text/csv');
    const lines = text.split('\n');
    expect(lines.slice(0, 3)).toEqual(['id,amount', '1,0', '2,1']);
    expect(lines).toHaveLength(ROWS + 2);
  });

  const CASES: [name: string, path: string, headers: Record<string, string>, text: string][] = [
    ['a filter and an offset', 'sale?fields=id&filter=id < 4&offset=1&order=id', NDJSON, '{"id":2}\n{"id":3}\n'],
    ['a limit is a page', 'sale?fields=id&limit=2&order=id', NDJSON, '{"id":1}\n{"id":2}\n'],
    ['nothing', 'sale?filter=id < 0', NDJSON, ''],
    ['nothing as CSV', 'sale?filter=id < 0', CSV, '\n\n'],
    ['one record', 'customer/1?fields=name', NDJSON, '{"name":"c1"}\n'],
    ['by the option', 'customer?fields=name&accept=application/x-ndjson&filter=id = 1', {}, '{"name":"c1"}\n'],
    ['quotes', 'customer?filter=id = 2', CSV, 'id,name\n2,"c ""2"",\n"\n'],
    [
      'what is related',
      'customer?fields=id&filter=id = 1&related=sale_by_customer_id&sale_by_customer_id.fields=id&sale_by_customer_id.filter=id < 4&sale_by_customer_id.order=id',
      NDJSON,
      '{"id":1,"sale_by_customer_id":[{"id":1},{"id":3}]}\n',
    ],
    [
      'groups',
      'sale?group=customer_id&fields=customer_id&order=customer_id',
      NDJSON,
      '{"customer_id":1}\n{"customer_id":2}\n',
    ],
  ];
  test.each(CASES)('%s', async (_name, path, headers, text) => {
    expect((await shop.admin.send('GET', `shop/_table/${path}`, undefined, headers)).text).toBe(text);
  });

  test.each([
    ['shop/_table/sale?filter=nosuch = 1', 400],
    ['shop/_table/sale?order=nosuch', 400],
    ['shop/_table/nosuch', 404],
    ['nosuch/_table/sale', 404],
  ])('%s is refused before anything is sent', async (path, status) => {
    expect((await shop.admin.send('GET', path, undefined, NDJSON)).status).toBe(status);
  });

  test("a role's rules hold", async () => {
    const filters = [{ name: 'id', operator: '<', value: '3' }];
    const role = await shop.role(
      { component: '_table/sale/*', verb_mask: 1, filters, filter_op: 'AND' },
      { component: '_table/customer/*', verb_mask: 1 },
    );
    const client: Client = shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    const lines = async (path: string) => (await client.send('GET', `shop/_table/${path}`, undefined, NDJSON)).text;
    expect(await lines('sale?fields=id&order=id')).toBe('{"id":1}\n{"id":2}\n');
    expect(await lines('customer?fields=id&order=id&related=sale_by_customer_id&sale_by_customer_id.fields=id')).toBe(
      '{"id":1,"sale_by_customer_id":[{"id":1}]}\n{"id":2,"sale_by_customer_id":[{"id":2}]}\n',
    );
  });
}

describe('SQLite', () => suites(() => Shop.open()));

/** @param running  how many queries of the table `big` the database is at */
function untaken(open: () => Promise<Shop>, prepare: () => Promise<unknown>, running: () => Promise<number>): void {
  describe('a client that does not take it', () => {
    let shop: Shop;
    beforeAll(async () => {
      await prepare();
      shop = await open();
      await shop.admin.json('GET', 'shop/_schema?refresh=true');
    });
    afterAll(() => shop?.close());

    test('holds the query back, and ends it by going away', async () => {
      const { hostname, port } = new URL(shop.product.origin);
      const socket = connect(Number(port), hostname);
      const token = shop.admin.headers['X-DreamFactory-Session-Token'];
      socket.write(
        `GET /api/v2/shop/_table/big HTTP/1.1\r\nHost: a\r\nAccept: application/x-ndjson\r\n` +
          `X-DreamFactory-Session-Token: ${token}\r\n\r\n`,
      );
      await new Promise((resolve) => socket.once('readable', resolve)); // and nothing is read
      await until('the query runs', async () => (await running()) === 1 || undefined);
      socket.destroy();
      await until('the query has ended', async () => (await running()) === 0 || undefined);
      expect((await shop.admin.send('GET', 'shop/_table/big?limit=1')).status).toBe(200);
    });
  });
}

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres;
  let database: PgClient;
  const open = (): Promise<Shop> => {
    const { host, port, database: name, user: username, password } = postgres;
    return Shop.open({}, { type: 'pgsql', config: { host, port, database: name, username, password } });
  };
  beforeAll(async () => {
    postgres = await startPostgres();
    database = new PgClient(postgres.url);
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await postgres?.stop();
  });
  suites(open);
  const prepare = async (): Promise<void> => {
    await database.query('drop table if exists sale, customer cascade');
    await database.query(
      "create table big as select i as id, repeat('x', 1000) as pad from generate_series(1, 300000) i",
    );
  };
  untaken(open, prepare, async () => {
    const query = `select count(*)::int as n from pg_stat_activity
        where query like '%"big"%' and state <> 'idle' and pid <> pg_backend_pid()`;
    return (await database.query<{ n: number }>(query)).rows[0]?.n ?? 0;
  });
});

suiteWith('mariadb', 'MariaDB', () => {
  let mariadb: RunningMariadb;
  let database: mysql.Connection;
  const open = (): Promise<Shop> => {
    const { host, port, database: name, user: username, password } = mariadb;
    return Shop.open({}, { type: 'mariadb', config: { host, port, database: name, username, password } });
  };
  beforeAll(async () => {
    mariadb = await startMariadb();
    database = await mysql.createConnection(mariadb.url);
  });
  afterAll(async () => {
    await database?.end();
    await mariadb?.stop();
  });
  suites(open);
  const prepare = async (): Promise<void> => {
    await database.query('drop table if exists sale, customer');
    await database.query("create table big as select seq as id, repeat('x', 1000) as pad from seq_1_to_300000");
  };
  untaken(open, prepare, async () => {
    const query =
      "select count(*) as n from information_schema.processlist where info like '%`big`%' and info not like '%processlist%'";
    const [rows] = await database.query<mysql.RowDataPacket[]>(query);
    return Number(rows[0]?.['n']);
  });
});
