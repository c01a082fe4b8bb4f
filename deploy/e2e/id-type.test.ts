/** Identifiers that are said to be numbers: the store that knows numbers and texts apart takes them for such. */
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { type RunningMongo, startMongo } from '../testing/mongodb.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import type { Client } from './client.ts';
import { Shop } from './shop.ts';

const PETS = [
  { _id: '5', name: 'text' },
  { _id: 5, name: 'number' },
  { _id: '007', name: 'agent' },
];
const list = (...records: unknown[]) => ({ resource: records });

const CASES: Case[] = [
  { name: 'in a path', path: 'pets/_table/pet/5?id_type=integer', answers: PETS[1] },
  {
    name: 'in a list',
    path: 'pets/_table/pet?ids=5&id_type=int&fields=name',
    answers: list({ name: 'number' }),
  },
  { name: 'one that is no number', path: 'pets/_table/pet/007?id_type=integer', answers: PETS[2] },
  {
    name: 'in the body',
    method: 'POST',
    path: 'pets/_table/pet?method=GET&id_type=integer&fields=name',
    body: { ids: ['5'] },
    answers: list({ name: 'number' }),
  },
  {
    name: 'of one that changes',
    method: 'PATCH',
    path: 'pets/_table/pet/5?id_type=integer',
    body: { age: 1 },
    answers: { _id: 5 },
    after: ['pets/_table/pet?filter=age = 1&fields=name', list({ name: 'number' })],
  },
  {
    name: 'of one that is made',
    method: 'PUT',
    path: 'pets/_table/pet/6?id_type=integer',
    body: { name: 'six' },
    answers: { _id: 6 },
  },
  {
    name: 'of one that goes',
    method: 'DELETE',
    path: 'pets/_table/pet?ids=5&id_type=integer',
    answers: list({ _id: 5 }),
    after: ['pets/_table/pet/5', PETS[0]],
  },
  {
    name: 'to columns that have a type it is all the same',
    path: 'shop/_table/customer/1?id_type=integer&fields=name',
    answers: { name: '7' },
  },
  {
    name: 'texts among them',
    path: 'shop/_table/customer?id_field=name&ids=7&id_type=integer&fields=id',
    answers: list({ id: 1 }),
  },
];

suiteWith('mongodb', 'identifiers of a type', () => {
  let mongo: RunningMongo;
  let shop: Shop;
  let admin: Client;

  beforeAll(async () => {
    mongo = await startMongo();
    shop = await Shop.open();
    admin = shop.admin;
    const config = { dsn: mongo.url, database: mongo.newDatabase(), allow_upsert: true };
    await admin.create('system/service', { name: 'pets', label: 'Pets', type: 'mongodb', is_active: true, config });
    await admin.json('POST', 'pets/_schema', { resource: [{ name: 'pet' }] });
    await admin.json('POST', 'shop/_table/customer', { resource: [{ name: '7' }] });
  });
  beforeEach(async () => {
    await admin.json('DELETE', 'pets/_table/pet?force=true');
    await admin.json('POST', 'pets/_table/pet', { resource: PETS });
  });
  afterAll(async () => {
    await shop?.product.stop();
    await mongo?.stop();
  });

  // Twice: what was asked for once is remembered.
  describe.each(['first', 'again'])('%s', () => {
    test.each(CASES)('$name', (row) => check(admin, row));
  });
});
