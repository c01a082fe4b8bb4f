/** Records and schema over HTTP: one table of cases for every engine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../testing/mariadb.ts';
import { type MysqlDatabase, startMysql } from '../testing/mysql.ts';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { NEW_PEOPLE, PETS, TABLES } from './people.ts';
import { type Product, startProduct } from './product.ts';
import { FILTER_CASES, MORE_READS, PAGES, READS } from './read-cases.ts';
import { SCHEMA, SCHEMA_PATHS } from './schema-cases.ts';
import { UPSERTS, WRITES } from './write-cases.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

function suites(connect: () => Promise<{ type: string; config: object }>): void {
  beforeAll(async () => {
    const { type, config } = await connect();
    const common = { label: 'People', type, is_active: true };
    await product.admin.create('system/service', { ...common, name: `${type}-p`, config });
    const settings = { ...config, allow_upsert: true, max_records: 3 };
    await product.admin.create('system/service', { ...common, name: `${type}-u`, config: settings });
    service = `${type}-p`;
    other = `${type}-u`;
  });
  let service = '';
  let other = '';
  const in_ = (name: string, row: Case): Case => ({
    ...row,
    path: `${name}/${row.path}`,
    ...(row.after && { after: [`${name}/${row.after[0]}`, row.after[1]] as const }),
  });
  const refill = async (): Promise<void> => {
    const names = await product.admin.json<{ resource: string[] }>('GET', `${service}/_schema?as_list=true`);
    for (const name of names.resource.toReversed()) await product.admin.json('DELETE', `${service}/_schema/${name}`);
    await product.admin.json('POST', `${service}/_schema`, { resource: TABLES });
    await product.admin.json('POST', `${service}/_table/person`, NEW_PEOPLE);
    await product.admin.json('POST', `${service}/_table/pet`, PETS);
  };

  describe('reads', () => {
    beforeAll(refill);
    test.each([...READS, ...MORE_READS])('$name', (row) => check(product.admin, in_(service, row)));
    test.each(PAGES)('page: $name', async (row) => {
      await product.admin.json('GET', `${other}/_schema?refresh=true`);
      await check(product.admin, in_(other, row));
    });
    test.each(FILTER_CASES)('filter: $name', (row) => check(product.admin, in_(service, row)));
  });

  describe('writes', () => {
    beforeEach(refill);
    test.each(WRITES)('$name', (row) => check(product.admin, in_(service, row)));
    test.each(UPSERTS)('$name', async (row) => {
      await product.admin.json('GET', `${other}/_schema?refresh=true`);
      await check(product.admin, in_(other, row));
    });
  });

  describe('much at once', () => {
    beforeEach(refill);
    const MANY = 60;
    const each = <T>(work: (i: number) => Promise<T>): Promise<T[]> =>
      Promise.all(Array.from({ length: MANY }, (_, i) => work(i)));

    test('each of many readers is given its own record, or its own refusal', async () => {
      const answers = await each((i) => product.admin.send('GET', `${service}/_table/person/${(i % 7) + 1}?fields=id`));
      const expected = answers.map((_, i) => (i % 7 < 5 ? `200 {"id":${(i % 7) + 1}}` : '404'));
      expect(answers.map(({ status, text }) => (status === 200 ? `${status} ${text}` : `${status}`))).toEqual(expected);
    });

    test('of many writers only those are refused whose record is', async () => {
      const answers = await each((i) =>
        product.admin.send('POST', `${service}/_table/person?fields=name`, [{ name: i % 5 === 0 ? null : `n${i}` }]),
      );
      const expected = answers.map((_, i) => (i % 5 === 0 ? '400' : `200 {"resource":[{"name":"n${i}"}]}`));
      expect(answers.map(({ status, text }) => (status === 200 ? `${status} ${text}` : `${status}`))).toEqual(expected);
      const added = await product.admin.json(
        'GET',
        `${service}/_table/person?count_only=true&filter=name starts with n`,
      );
      expect(added).toBe(MANY - MANY / 5);
    });

    test('many changes of one record are all made', async () => {
      const statuses = await each(async (i) => {
        const { status } = await product.admin.send('PATCH', `${service}/_table/person/1`, { age: i });
        return status;
      });
      expect(new Set(statuses)).toEqual(new Set([200]));
      const { age } = await product.admin.json<{ age: number }>('GET', `${service}/_table/person/1`);
      expect(age).toBeLessThan(MANY);
    });

    test('thousands of records come in and go out in one call each', async () => {
      const rows = 5000;
      const made = Array.from({ length: rows }, (_, i) => ({ name: `n${i}`, city: 'ö'.repeat(200), balance: i / 4 }));
      const path = `${service}/_table/person`;
      const { resource } = await product.admin.json<{ resource: { id: number }[] }>('POST', path, { resource: made });
      expect(resource).toHaveLength(rows);
      const wanted = '?limit=10000&order=id&filter=id > 5&fields=name,city,balance';
      const read = await product.admin.json<{ resource: object[]; meta: object }>('GET', path + wanted);
      expect(read).toEqual({ resource: made.slice(0, 1000), meta: { count: rows, next: 1000 } });
      expect(await product.admin.json('GET', `${path}?count_only=true&filter=id > 5`)).toBe(rows);
    });
  });

  describe('schema', () => {
    beforeAll(refill);
    test.each([...SCHEMA, ...SCHEMA_PATHS])('$name', (row) => check(product.admin, in_(service, row)));
  });
}

describe('SQLite', () => {
  suites(async () => ({ type: 'sqlite', config: { database: join(product.folder, 'people.sqlite') } }));
});

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  afterAll(() => postgres?.stop());
  suites(async () => {
    postgres = await startPostgres();
    const { host, port, database, user: username, password } = postgres;
    return { type: 'pgsql', config: { host, port, database, username, password } };
  });
});

suiteWith('mariadb', 'MariaDB', () => {
  let mariadb: RunningMariadb | undefined;
  afterAll(() => mariadb?.stop());
  const start = async (): Promise<RunningMariadb> => {
    mariadb ??= await startMariadb();
    return mariadb;
  };
  suites(async () => {
    const { host, port, database, user: username, password } = await start();
    return { type: 'mariadb', config: { host, port, database, username, password } };
  });
  // It does all that is used of MySQL, which has less.
  describe('as MySQL', () => {
    suites(async () => {
      const { socket, database, user: username, password } = await start();
      return { type: 'mysql', config: { unix_socket: socket, host: 'unused', database, username, password } };
    });
  });
});

suiteWith('mysql', 'MySQL', () => {
  let mysql: MysqlDatabase | undefined;
  afterAll(() => mysql?.stop());
  suites(async () => {
    mysql = await startMysql();
    const { host, port, database, user: username, password } = mysql;
    return { type: 'mysql', config: { host, port, database, username, password } };
  });
});
