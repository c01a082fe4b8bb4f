/** The worked examples of docs/scripting.md do what the page says: their texts are taken from it. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const PAGE = readFileSync(new URL('../../docs/scripting.md', import.meta.url), 'utf8');
const BOTH = 3;

interface Example {
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

/** `db._table.…`, `nodejs`, then the script: as the page writes them under a heading. */
function examplesIn(number: number): Example[] {
  const section = PAGE.split(/^### /m).find((text) => text.startsWith(`${number}. `)) ?? '';
  return [...section.matchAll(/`([^`]+)`(?:, | of the type )`(\w+)`:?\n\n```js\n(.*?)```/gs)].map(
    ([, name = '', type = '', content = '']) => ({ name, type, content }),
  );
}

let product: Product;
let admin: Client;
let app: { id: number; api_key: string };
const bound: string[] = [];

beforeAll(async () => {
  product = await startProduct();
  admin = product.admin;
  for (const name of ['db', 'archive']) {
    const config = { database: `${product.folder}/${name}.sqlite` };
    await admin.create('system/service', { name, label: name, type: 'sqlite', is_active: true, config });
  }
  const field = (name: string, type: string) => ({ name, type, allow_null: true });
  const table = (name: string, ...fields: object[]) => ({ name, field: [{ name: 'id', type: 'id' }, ...fields] });
  await until(
    'the services are served',
    async () => (await admin.send('GET', 'archive/_table')).status === 200 || undefined,
  );
  await admin.json('POST', 'db/_schema', {
    resource: [
      table('reading', field('device', 'string'), field('value', 'double'), field('received_by', 'integer')),
      table('person', field('name', 'string'), field('salary', 'integer')),
      table('device', field('name', 'string'), field('place', 'string')),
      table('trail', field('who', 'string'), field('what', 'string')),
    ],
  });
  await admin.json('POST', 'archive/_schema', {
    resource: [table('place', field('device', 'string'), field('name', 'string'))],
  });
  const readings = Array.from({ length: 12 }, (_, n) => ({ device: n % 2 ? 'd1' : 'd2', value: n }));
  await admin.json('POST', 'db/_table/reading', { resource: readings });
  await admin.json('POST', 'db/_table/person', { resource: [{ name: 'Ann', salary: 10 }] });
  await admin.json('POST', 'db/_table/device', { resource: [{ name: 'd1', place: 'hall' }] });
  await admin.json('POST', 'archive/_table/place', { resource: [{ device: 'd1', name: 'Hall' }] });
  const access = [{ component: '*', verb_mask: 31, requestor_mask: BOTH }];
  const role = { name: 'visitor', is_active: true, role_service_access_by_role_id: access };
  const { id: role_id } = await admin.create('system/role', role);
  app = await admin.create('system/app?fields=*', { name: 'visit', is_active: true, role_id });
  await until(
    'the key is known',
    async () => (await visitor().send('GET', 'db/_table/person')).status === 200 || undefined,
  );
});
afterAll(() => product?.stop());
afterEach(async () => {
  for (const name of bound.splice(0)) await admin.json('DELETE', `system/event_script/${name}`);
});

const visitor = (): Client => product.anyone.as(withKey(app.api_key));

/** Binds all scripts of an example. */
async function bind(number: number): Promise<void> {
  const examples = examplesIn(number);
  expect(examples.length).toBeGreaterThan(0);
  for (const { name, type, content } of examples) {
    const script = { type, content, is_active: true, allow_event_modification: true };
    await admin.json('POST', `system/event_script/${name}`, script);
    bound.push(name);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
const rows = async (path: string, client = admin): Promise<any[]> =>
  (await client.json<{ resource: unknown[] }>('GET', path)).resource;

/** What was bound counts a moment later. */
const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 5000, interval: 30 });

describe('examples of the page', () => {
  test('1: a reading is validated and stamped', async () => {
    await bind(1);
    const post = (value: unknown) =>
      visitor().send('POST', 'db/_table/reading?fields=*', { resource: [{ device: 'd9', value }] });
    await soon(async () => (await post(900)).status).toBe(422);
    const { status, text } = await post(21);
    expect([status, JSON.parse(text).resource[0].received_by]).toEqual([200, app.id]);
    expect((await rows('db/_table/reading?filter=value = 900')).length).toBeLessThan(2);
    await admin.json('DELETE', 'db/_table/reading?filter=device = d9');
  });

  test('2: a column is hidden from a role, and from nobody else', async () => {
    await bind(2);
    await soon(() => rows('db/_table/person', visitor())).toEqual([{ id: 1, name: 'Ann' }]);
    expect(await rows('db/_table/person')).toEqual([{ id: 1, name: 'Ann', salary: 10 }]);
    for (const [accept, query] of [
      ['text/csv', ''],
      ['text/csv', '?limit=0'],
      ['application/x-ndjson', '?fields=*'],
    ] as const) {
      const { status, text } = await visitor().send('GET', `db/_table/person${query}`, undefined, { Accept: accept });
      expect([status, text]).toEqual([200, expect.not.stringContaining('salary')]);
    }
  });

  test('3: what can be computed is added', async () => {
    await bind(3);
    await soon(() => rows('db/_table/person')).toEqual([{ id: 1, name: 'Ann', salary: 10, yearly: 120 }]);
  });

  test('4: an answer without the service', async () => {
    await bind(4);
    const get = () => admin.send('GET', 'db/_table/reading', undefined, { 'X-Maintenance': 'on' });
    await soon(async () => (await get()).status).toBe(503);
    const { headers, text } = await get();
    expect([headers['retry-after'], JSON.parse(text).error.message]).toEqual(['60', 'Back in a minute.']);
    expect((await admin.send('GET', 'db/_table/reading')).status).toBe(200);
  });

  test('5: lists that are never longer than ten', async () => {
    await bind(5);
    await soon(async () => (await rows('db/_table/reading')).length).toBe(10);
    expect(await rows('db/_table/reading?limit=3')).toHaveLength(3);
    expect(await rows('db/_table/reading?limit=3000')).toHaveLength(10);
  });

  test('6: records are enriched from another table', async () => {
    await bind(6);
    await soon(() => rows('db/_table/reading?fields=device&limit=2&order=id')).toEqual([
      { device: 'd2', place: null },
      { device: 'd1', place: 'hall' },
    ]);
  });

  test('7: a rule that looks into the database', async () => {
    await bind(7);
    const remove = (name: string) => admin.send('DELETE', `db/_table/device?filter=name = ${name}&name=${name}`);
    await soon(async () => (await remove('d1')).status).toBe(409);
    await admin.json('POST', 'db/_table/device', { resource: [{ name: 'free' }] });
    expect((await remove('free')).status).toBe(200);
    expect(await rows('db/_table/device?fields=name')).toEqual([{ name: 'd1' }]);
  });

  test('8: a trail in a table of its own', async () => {
    await bind(8);
    const post = () => admin.json('POST', 'db/_table/device', { resource: [{ name: 'd3' }, { name: 'd4' }] });
    await soon(async () => {
      await post();
      return (await rows('db/_table/trail?fields=who,what&limit=1'))[0];
    }).toEqual({ who: 'admin@example.com', what: 'd3, d4' });
  });

  test('9: code that several scripts share', async () => {
    await bind(9);
    await soon(() => rows('db/_table/reading?fields=value&limit=2&order=id')).toEqual([
      { value: 0, fahrenheit: 32 },
      { value: 1, fahrenheit: 33.8 },
    ]);
  });

  test('10: a service that joins two databases', async () => {
    const [example] = examplesIn(10);
    const { name = '', type = '', content = '' } = example ?? {};
    const record = { name, label: name, type, is_active: true, config: { content } };
    await admin.create('system/service', record);
    await soon(async () => (await admin.send('GET', 'places')).status).toBe(200);
    const answer = await visitor().json<object[]>('GET', 'places');
    expect(answer.slice(0, 2)).toEqual([
      { place: null, value: 0 },
      { place: 'Hall', value: 1 },
    ]);
  });
});
