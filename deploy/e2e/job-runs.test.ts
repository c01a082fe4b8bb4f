/** Jobs are carried out: queued scripts, script services that answer at once, tasks at their times; also by whoever is left. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
type Json = any;

let product: Product;
let admin: Client;

beforeAll(async () => {
  product = await startProduct();
  admin = product.admin;
  const config = { database: `${product.folder}/db.sqlite` };
  await admin.create('system/service', { name: 'db', label: 'db', type: 'sqlite', is_active: true, config });
  const field = [
    { name: 'id', type: 'id' },
    { name: 'note', type: 'string' },
  ];
  await until('the service is served', async () => (await admin.send('GET', 'db/_table')).status === 200 || undefined);
  await admin.json('POST', 'db/_schema', {
    resource: [
      { name: 'sale', field },
      { name: 'trail', field },
    ],
  });
});
afterAll(() => product?.stop());

const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 15_000, interval: 50 });
const notes = async (table: string): Promise<string[]> =>
  (await admin.json<Json>('GET', `db/_table/${table}?order=id`)).resource.map(({ note }: Json) => note);
const job = async (name: string): Promise<Json> =>
  (await admin.json<Json>('GET', `system/job?filter=name = ${name}&order=id desc&limit=1`)).resource[0];
const bind = (name: string, content: string): Promise<unknown> =>
  admin.json('POST', `system/event_script/${name}`, { type: 'v8js', content, is_active: true });

test('a queued script runs behind the answer, as the caller, and is seen as a job', async () => {
  const name = 'db._table.sale.post.queued';
  await bind(
    name,
    `console.log('for', platform.session.user.email);
     platform.api.post('db/_table/trail', { resource: event.request.payload.resource.map(({ note }) => ({ note: 'sold ' + note })) });`,
  );
  await soon(async () => {
    await admin.json('POST', 'db/_table/sale', { resource: [{ note: 'a' }] });
    return (await notes('trail')).length > 0;
  }).toBe(true);
  expect(await notes('trail')).toContain('sold a');
  await soon(async () => (await job(name))?.state).toBe('done');
  expect(await job(name)).toMatchObject({ kind: 'event', attempts: 1, last_error: null });
  expect((await job(name)).logs).toContain('for admin@example.com');
});

test('one that throws is tried again, and says why', async () => {
  const name = 'db._table.trail.delete.queued';
  await bind(name, 'throw new Error("not today");');
  await soon(async () => {
    await admin.json('DELETE', 'db/_table/trail?filter=note = nobody');
    return (await job(name))?.last_error;
  }).toContain('not today');
  await soon(async () => (await job(name)).attempts).toBeGreaterThan(1);
  expect((await job(name)).state).toMatch(/^(failed|running)$/);
});

test('a script service that is queued answers with 202, and its script runs', async () => {
  const content =
    "platform.api.post('db/_table/trail', { resource: [{ note: 'later ' + event.request.payload.what }] });";
  const config = { content, queued: true };
  await admin.create('system/service', { name: 'later', label: 'later', type: 'v8js', is_active: true, config });
  await soon(async () => (await admin.send('POST', 'later', { what: 'x' })).status).toBe(202);
  await soon(() => notes('trail')).toContain('later x');
});

test('a task calls the API at its times', async () => {
  const services = await admin.json<Json>('GET', 'system/service?filter=name = db');
  const { id } = await admin.create('system/scheduler', {
    ...{ name: 'ticking', service_id: services.resource[0].id, component: '_table/sale?fields=id', verb_mask: 2 },
    ...{ cron: '* * * * * *', payload: '{"resource":[{"note":"tick"}]}', is_active: true },
  });
  await soon(async () => (await notes('sale')).filter((note) => note === 'tick').length).toBeGreaterThan(1);
  await admin.json('DELETE', `system/scheduler/${id}`);
});
