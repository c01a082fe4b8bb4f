/** What the system service has beside records: events, caches, constants. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { Shop } from './shop.ts';

interface Events {
  readonly [service: string]: {
    readonly [path: string]: { readonly endpoints: string[]; readonly parameter: Record<string, string[]> | null };
  };
}

let shop: Shop;
let reader: Client;
beforeAll(async () => {
  shop = await Shop.open();
  const events = { service_id: 1, component: 'event', verb_mask: 1 };
  const cache = { service_id: 1, component: 'cache/*', verb_mask: 17 };
  const roleId = await shop.role({ component: '_table/sale/*', verb_mask: 1 }, events, cache);
  reader = shop.product.anyone.as(withKey((await shop.app(roleId)).api_key));
});
afterAll(() => shop?.close());

const listOf = async (client: Client, query: string): Promise<string[]> =>
  (await client.json<{ resource: string[] }>('GET', `system/event?${query}`)).resource;

test('each path of a service with a verb is an event', async () => {
  const events = await shop.admin.json<Events>('GET', 'system/event?service=shop');
  expect(Object.keys(events)).toEqual(['shop']);
  expect(events['shop']?.['shop']).toEqual({ type: 'api', endpoints: ['shop.get'], parameter: null });
  const table = events['shop']?.['shop._table.{table_name}'];
  expect(table?.endpoints).toContain('shop._table.{table_name}.delete');
  expect(table?.parameter).toEqual({ table_name: ['customer', 'sale'] });
  const system = await shop.admin.json<Events>('GET', 'system/event?service=system');
  expect(system['system']?.['system.role.{id}']?.endpoints).toContain('system.role.{id}.patch');
});

test('as a list, with what scripts can be bound to', async () => {
  const plain = await listOf(shop.admin, 'service=shop&as_list=true');
  expect(plain).toContain('shop._schema.{table_name}._field.{field_name}.patch');
  expect(new Set(plain).size).toBe(plain.length);
  const scriptable = await listOf(shop.admin, 'service=shop&as_list=true&scriptable=true');
  expect(scriptable).toHaveLength(plain.length * 4);
  expect(scriptable.slice(0, 4)).toEqual(
    ['', '.pre_process', '.post_process', '.queued'].map((moment) => `shop.get${moment}`),
  );
});

test('only of what the caller may use', async () => {
  expect(await listOf(reader, 'services_only=true')).toContain('shop');
  const names = await listOf(reader, 'service=shop&as_list=true');
  expect(names).toContain('shop._table.{table_name}.get');
  expect(names.filter((name) => !name.endsWith('.get'))).toEqual([]);
  const { shop: events } = await reader.json<Events>('GET', 'system/event?service=shop');
  expect(events?.['shop._table.{table_name}']?.parameter).toEqual({ table_name: ['sale'] });
  expect(await listOf(reader, 'service=nosuch&as_list=true')).toEqual([]);
});

test('what is remembered of a service is forgotten', async () => {
  const file = new Database(join(shop.product.folder, 'shop.sqlite'));
  const names = async () => (await shop.admin.json<{ resource: string[] }>('GET', 'shop/_table?as_list=true')).resource;
  try {
    for (const [table, path] of [
      ['one', 'system/cache/shop'],
      ['all', 'system/cache'],
    ]) {
      file.exec(`create table "${table}" (id integer primary key)`);
      expect(await shop.admin.json('DELETE', `${path}`)).toEqual({ success: true });
      expect(await names()).toContain(table);
    }
  } finally {
    file.close();
  }
  const { resource } = await shop.admin.json<{ resource: object[] }>('GET', 'system/cache');
  expect(resource).toContainEqual({ name: 'shop' });
});

const REFUSED: { why: string; method: string; path: string; status: number }[] = [
  { why: 'a service that is not there', method: 'DELETE', path: 'system/cache/nosuch', status: 404 },
  { why: 'a part of a service', method: 'DELETE', path: 'system/cache/shop/_table', status: 404 },
  { why: 'a verb that caches do not know', method: 'POST', path: 'system/cache', status: 400 },
  { why: 'a verb that events do not know', method: 'DELETE', path: 'system/event', status: 400 },
  { why: 'an event by its name', method: 'GET', path: 'system/event/shop.get', status: 404 },
  { why: 'a verb that constants do not know', method: 'POST', path: 'system/constant', status: 400 },
];
test.each(REFUSED)('refused: $why', async ({ method, path, status }) => {
  const answer = await shop.admin.send(method, path, {});
  expect(answer.status).toBe(status);
  expectPlainError(answer.text);
});

test('a service that the caller may not use is not there for him', async () => {
  expect((await reader.send('DELETE', 'system/cache/user')).status).toBe(200); // it is open to everybody
  expect((await reader.send('DELETE', 'system/cache/nosuch')).status).toBe(404);
});

test('there are no constants', async () => {
  expect(await shop.admin.json('GET', 'system/constant')).toEqual({ resource: [] });
});

const EVENT = 'shop._table.sale.get.post_process';

test('a script is bound by the name of its event', async () => {
  const script = { type: 'nodejs', content: 'event.response.content.touched = true;', is_active: true };
  const bound = await shop.admin.send('POST', `system/event_script/${EVENT}`, script);
  expect([bound.status, JSON.parse(bound.text)]).toEqual([201, { name: EVENT }]);
  const again = await shop.admin.send('POST', `system/event_script/${EVENT}`, { content: 'event;' });
  expect([again.status, JSON.parse(again.text)]).toEqual([200, { name: EVENT }]);
  expect(await shop.admin.json('GET', `system/event_script/${EVENT}`)).toMatchObject({
    name: EVENT,
    type: 'nodejs',
    content: 'event;',
    config: null,
    is_active: true,
    allow_event_modification: false,
    created_by_id: 1,
  });
  expect(await shop.admin.json('PATCH', `system/event_script/${EVENT}`, { is_active: false, name: 'x' })).toEqual({
    name: EVENT,
  });
  expect(await shop.admin.json('GET', 'system/event_script?fields=name,is_active')).toEqual({
    resource: [{ name: EVENT, is_active: false }],
  });
  expect(await shop.admin.json('DELETE', `system/cache/_event/${EVENT}`)).toEqual({ success: true });
  expect(await shop.admin.json('DELETE', `system/event_script/${EVENT}`)).toEqual({ name: EVENT });
  expect(await shop.admin.json('GET', 'system/event_script')).toEqual({ resource: [] });
});

const UNBOUND: { why: string; method: string; path: string; body: object; status: number }[] = [
  { why: 'a language that is none', method: 'POST', path: EVENT, body: { type: 'cobol' }, status: 400 },
  { why: 'no language', method: 'POST', path: EVENT, body: { content: '1' }, status: 400 },
  { why: 'a name that is too long', method: 'POST', path: 'e'.repeat(81), body: { type: 'nodejs' }, status: 400 },
  { why: 'a change of one that is not there', method: 'PATCH', path: EVENT, body: { is_active: true }, status: 404 },
];
test.each(UNBOUND)('not bound: $why', async ({ method, path, body, status }) => {
  const answer = await shop.admin.send(method, `system/event_script/${path}`, body);
  expect(answer.status).toBe(status);
  expectPlainError(answer.text);
  expect(await shop.admin.json('GET', 'system/event_script')).toEqual({ resource: [] });
});

test('other records are not made by their ids', async () => {
  const answer = await shop.admin.send('POST', 'system/role/77', { name: 'made' });
  expect(answer.status).toBe(400);
});

test('who may not do everything binds no script, which would run in the calls of others', async () => {
  const roleId = await shop.role({ service_id: 1, component: 'event_script/*', verb_mask: 31 });
  const writer = shop.product.anyone.as(withKey((await shop.app(roleId)).api_key));
  const answer = await writer.send('POST', `system/event_script/${EVENT}`, { type: 'nodejs', content: '1' });
  expect(answer.status).toBe(403);
  expect(await writer.json('GET', 'system/event_script/')).toEqual({ resource: [] });
});

test('what scripts are written in', async () => {
  const { resource } = await shop.admin.json<{ resource: object[] }>('GET', 'system/script_type');
  const inIsolates = { sandboxed: true, supports_inline_execution: true };
  expect(resource).toMatchObject([
    { name: 'nodejs', ...inIsolates },
    { name: 'v8js', ...inIsolates },
  ]);
  expect((await shop.admin.send('GET', 'system/script_type/cobol')).status).toBe(404);
});
