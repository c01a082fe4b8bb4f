/** One program, written once, against a relational database, a document store, a key-value store and a store of wide rows. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whyNot } from '../testing/available.ts';
import { type RunningCassandra, startCassandra } from '../testing/cassandra.ts';
import { freshKeyspace } from '../testing/cassandra-keyspace.ts';
import { type RunningDynamodb, startDynamodb } from '../testing/dynamodb.ts';
import { type RunningMongo, startMongo } from '../testing/mongodb.ts';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import type { Client } from './client.ts';
import { Shop } from './shop.ts';

const SERVICES = ['pgsql', 'mongodb', 'aws_dynamodb', 'cassandra'] as const;

/** Keeps readings of devices. It knows the name of a service, and asks for the name of the key. */
async function keepReadings(client: Client, service: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  const call = async (verb: string, path: string, body?: object): Promise<void> => {
    const { status, text } = await client.send(verb, `${service}/_table/reading${path}`, body);
    // The key has the name that the store gives it.
    const answer = JSON.parse(text.replaceAll(`"${key}":`, '"key":')) as { error?: { message: string } };
    answers.push([status, status < 400 ? answer : 'refused']);
  };
  const { primary_key: [key = ''] = [] } = (await client.json('GET', `${service}/_schema/reading`)) as {
    primary_key?: string[];
  };
  const where = (filter: string, more = ''): string => `?filter=${encodeURIComponent(filter)}&order=value${more}`;
  const readings = [
    { [key]: 'r1', device: 'north', value: 20.5 },
    { [key]: 'r2', device: 'south', value: 31 },
    { [key]: 'r3', device: 'north', value: 18 },
  ];
  await call('POST', '', { resource: readings });
  await call('POST', '', { resource: readings.slice(0, 1) });
  await call('GET', '/r2');
  await call('GET', '?ids=r3,r1&fields=value');
  await call('GET', where("device = 'north'", '&fields=value&include_count=true'));
  await call('GET', where('(value > 19) and (not (device = :d))', '&params[:d]=south&fields=device'));
  await call('GET', where("device like 'sou%'", '&fields=value'));
  await call('PATCH', '/r3', { value: 19 });
  await call('GET', '/r3');
  await call('PATCH', '?ids=r1,r2&fields=*', { resource: [{ device: 'east' }] });
  await call('GET', `${where("device = 'east'")}&count_only=true`);
  await call('GET', '/none');
  await call('DELETE', '/r1');
  await call('DELETE', '?force=true');
  await call('GET', '');
  return answers;
}

const needs =
  (['postgres', 'mongodb', 'dynamodb', 'cassandra'] as const).find((server) => whyNot(server)) ?? 'dynamodb';

suiteWith(needs, 'one program on four kinds of store', () => {
  let postgres: RunningPostgres;
  let mongo: RunningMongo;
  let dynamodb: RunningDynamodb;
  let cassandra: RunningCassandra;
  let shop: Shop;

  beforeAll(async () => {
    [postgres, mongo, dynamodb, cassandra] = await Promise.all([
      startPostgres(),
      startMongo(),
      startDynamodb(),
      startCassandra(),
    ]);
    shop = await Shop.open();
    const { host, port, database, user: username, password } = postgres;
    const { endpoint, region, key, secret } = dynamodb;
    const configs: Record<(typeof SERVICES)[number], object> = {
      pgsql: { host, port, database, username, password },
      mongodb: { dsn: mongo.url, database: mongo.newDatabase() },
      aws_dynamodb: { endpoint, region, key, secret },
      cassandra: await freshKeyspace(cassandra),
    };
    for (const type of SERVICES) {
      await shop.admin.create('system/service', {
        name: type,
        label: type,
        type,
        is_active: true,
        config: configs[type],
      });
    }
    const field = [
      { name: 'id', type: 'string', length: 40, is_primary_key: true, allow_null: false },
      { name: 'device', type: 'string' },
      { name: 'value', type: 'double' },
    ];
    for (const type of ['pgsql', 'cassandra']) {
      await shop.admin.json('POST', `${type}/_schema`, { resource: [{ name: 'reading', field }] });
    }
    for (const type of ['mongodb', 'aws_dynamodb']) {
      await shop.admin.json('POST', `${type}/_schema`, { resource: [{ name: 'reading' }] });
    }
  }, 120_000);
  afterAll(async () => {
    await shop?.product.stop();
    await Promise.all([postgres?.stop(), mongo?.stop(), dynamodb?.stop(), cassandra?.stop()]);
  });

  test.each(SERVICES)('%s', async (service) => {
    expect(await keepReadings(shop.admin, service)).toEqual([
      [200, { resource: [{ key: 'r1' }, { key: 'r2' }, { key: 'r3' }] }],
      [expect.any(Number), 'refused'],
      [200, { key: 'r2', device: 'south', value: 31 }],
      [200, { resource: [{ value: 18 }, { value: 20.5 }] }],
      [200, { resource: [{ value: 18 }, { value: 20.5 }], meta: { count: 2 } }],
      [200, { resource: [{ device: 'north' }] }],
      [200, { resource: [{ value: 31 }] }],
      [200, { key: 'r3' }],
      [200, { key: 'r3', device: 'north', value: 19 }],
      [
        200,
        {
          resource: [
            { key: 'r1', device: 'east', value: 20.5 },
            { key: 'r2', device: 'east', value: 31 },
          ],
        },
      ],
      [200, 2],
      [404, 'refused'],
      [200, { key: 'r1' }],
      [200, { success: true }],
      [200, { resource: [] }],
    ]);
  });
});
