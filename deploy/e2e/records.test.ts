/** Records and schema over HTTP: one table of cases for every engine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { type Product, startProduct } from './product.ts';
import { FILTER_CASES, NEW_PEOPLE, PAGES, PETS, READS, SCHEMA, TABLES, UPSERTS, WRITES } from './records-cases.ts';

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
    test.each([...READS])('$name', (row) => check(product.admin, in_(service, row)));
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

  describe('schema', () => {
    beforeAll(refill);
    test.each(SCHEMA)('$name', (row) => check(product.admin, in_(service, row)));
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
