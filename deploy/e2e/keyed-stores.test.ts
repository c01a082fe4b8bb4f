/** Stores that find records by their keys alone, over HTTP: one program for all of them, as for tables of SQL. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningAzurite, startAzurite } from '../testing/azurite.ts';
import { startCassandra } from '../testing/cassandra.ts';
import { freshKeyspace } from '../testing/cassandra-keyspace.ts';
import { type RunningDynamodb, startDynamodb } from '../testing/dynamodb.ts';
import { suiteWith } from '../testing/suite.ts';
import type { Client } from './client.ts';
import { Shop } from './shop.ts';

interface Store {
  readonly type: string;
  readonly config: object;
  /** What the key of a record is called, and how it stands in a path. */
  readonly key: (id: string) => object;
  readonly path: (id: string) => string;
  /** Fields that a client asks for: the store may add others. */
  readonly fields: string;
  /** Of a store with columns, whose records show null where nothing is stored. */
  readonly columns?: readonly object[];
  stop(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<Store>>> = {
  DynamoDB: async () => {
    const { endpoint, region, key, secret, stop }: RunningDynamodb = await startDynamodb();
    const shape = { type: 'aws_dynamodb', config: { endpoint, region, key, secret }, fields: 'id,name,kind,age' };
    return { ...shape, key: (id) => ({ id }), path: (id) => id, stop };
  },
  'Azure Tables': async () => {
    const { endpoint, account, key, stop }: RunningAzurite = await startAzurite('table');
    const config = { account_name: account, account_key: key, protocol: 'http', endpoint };
    const shape = { type: 'azure_table', config, fields: 'PartitionKey,RowKey,name,kind,age' };
    return { ...shape, key: (id) => ({ PartitionKey: 'p', RowKey: id }), path: (id) => `(p,${id})`, stop };
  },
  Cassandra: async () => {
    const server = await startCassandra();
    const config = await freshKeyspace(server);
    const shape = { type: 'cassandra', config, fields: 'id,name,kind,age', columns: FIELDS };
    return { ...shape, key: (id) => ({ id }), path: (id) => id, stop: () => server.stop() };
  },
};

const CASSANDRA = 'Cassandra';
const FIELDS = [
  { name: 'id', type: 'string', is_primary_key: true },
  { name: 'name', type: 'string' },
  { name: 'kind', type: 'string' },
  { name: 'age', type: 'integer' },
];

suiteWith('dynamodb', 'stores of keys over HTTP', () => {
  let shop: Shop;
  let admin: Client;
  beforeAll(async () => {
    shop = await Shop.open();
    admin = shop.admin;
  });
  afterAll(() => shop?.product.stop());

  const suites = (name: string): void => {
    let store: Store;
    let service: string;
    const table = () => `${service}/_table/pet`;
    const pet = (id: string, more: object) => ({ ...store.key(id), ...more });
    const pets = () => [
      pet('a', { name: 'Ada', kind: 'cat', age: 3 }),
      pet('b', { name: 'Bob', kind: 'dog', age: 5 }),
      pet('c', { name: 'Cid', kind: 'cat' }),
    ];
    const get = async (path: string): Promise<unknown> =>
      JSON.parse((await admin.send('GET', path)).text, (_, value) =>
        value === null && store.columns ? undefined : value,
      );
    const status = async (verb: string, path: string, body?: object): Promise<number> =>
      (await admin.send(verb, path, body)).status;
    const list = async (query: string): Promise<{ resource: { name: string }[]; meta?: { next?: unknown } }> =>
      (await get(`${table()}?${query}`)) as { resource: { name: string }[] };
    const names = async (query: string): Promise<string[]> =>
      (await list(query)).resource.map((one) => one.name).sort();

    beforeAll(async () => {
      store = await (STORES[name] as () => Promise<Store>)();
      service = store.type.replaceAll('_', '');
      const config = { ...store.config, allow_upsert: true };
      const record = { name: service, label: name, type: store.type, is_active: true, config };
      await admin.create('system/service', record);
      await admin.json('POST', `${service}/_schema`, { resource: [{ name: 'pet', field: store.columns ?? [] }] });
    });
    beforeEach(async () => {
      await admin.json('DELETE', `${table()}?force=true`);
      await admin.json('POST', table(), { resource: pets() });
    });
    afterAll(() => store?.stop());

    test('records are made, read, changed, replaced and deleted', async () => {
      const one = (id: string) => `${table()}/${store.path(id)}`;
      const shown = `?fields=${store.fields}`;
      expect(await get(one('a') + shown)).toEqual(pets()[0]);
      expect(await admin.json('PATCH', one('a'), { age: 4 })).toEqual(store.key('a'));
      expect(await get(one('a') + shown)).toEqual({ ...pets()[0], age: 4 });
      await admin.json('PUT', one('b'), { name: 'New' });
      expect(await get(one('b') + shown)).toEqual(pet('b', { name: 'New' }));
      await admin.json('PUT', one('d'), { name: 'Made' });
      expect(await admin.json('DELETE', one('d') + shown)).toMatchObject(pet('d', { name: 'Made' }));
      expect(await status('GET', one('d'))).toBe(404);
      expect(await status('POST', table(), { resource: [{ name: 'nobody' }] })).toBe(400);
    });

    const FILTERS: readonly (readonly [text: string, found: readonly string[]])[] = [
      ["kind = 'cat'", ['Ada', 'Cid']],
      ["(kind = 'cat') and (age > 2)", ['Ada']],
      ['age is null', ['Cid']],
      ['not (age = 3)', ['Bob']],
      ["name like 'a%'", ['Ada']],
      ['age in (3, 5)', ['Ada', 'Bob']],
      ["name = 'x'' or true or ''y'", []],
      ["name = ':v0 OR attribute_exists(#n0)'", []],
    ];
    test.each(FILTERS)('filter %s', async (text, found) => {
      expect(await names(`fields=name&filter=${encodeURIComponent(text)}`)).toEqual(found);
    });

    test('order, counts and groups', async () => {
      const { resource } = await list('fields=name&order=age%20desc&limit=2');
      expect(resource.map((one) => one.name)).toEqual(['Bob', 'Ada']);
      expect(await get(`${table()}?count_only=true&filter=kind%3Dcat`)).toBe(2);
      const groups = (await get(`${table()}?fields=kind,COUNT(*)&group=kind&order=kind`)) as { resource: unknown };
      expect(groups.resource).toEqual([
        { kind: 'cat', COUNT_ALL: 2 },
        { kind: 'dog', COUNT_ALL: 1 },
      ]);
    });

    test('one failing record fails alone, or takes all back', async () => {
      const some = [pet('x', { name: 'X' }), pet('a', { name: 'again' }), pet('y', { name: 'Y' })];
      expect(await status('POST', `${table()}?rollback=true`, { resource: some })).toBe(400);
      expect(await names('fields=name')).toEqual(['Ada', 'Bob', 'Cid']);
      expect(await status('POST', `${table()}?continue=true`, { resource: some })).toBe(400);
      expect(await names('fields=name')).toEqual(['Ada', 'Bob', 'Cid', 'X', 'Y']);
    });

    test('what is no value of the store is refused by its name', async () => {
      const { status: refused, text } = await admin.send('POST', table(), {
        resource: [pet('z', JSON.parse('{"__proto__": {"a": 1}}'))],
      });
      expect([refused, text.includes('__proto__')]).toEqual([400, true]);
      expect(await names('fields=name')).toEqual(['Ada', 'Bob', 'Cid']);
    });
  };
  for (const name of Object.keys(STORES)) {
    if (name === CASSANDRA) suiteWith('cassandra', name, () => suites(name));
    else describe(name, () => suites(name));
  }
});
