/** Tasks and jobs by REST: made, refused, listed and described. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { withKey } from './client.ts';
import { Shop } from './shop.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
type Json = any;

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open();
}, 60_000);
afterAll(() => shop?.close());

test('a task is made, changed and taken away; its verb and next time are computed', async () => {
  const record = {
    name: 'hourly',
    service_id: shop.serviceId,
    component: '_table/sale',
    verb_mask: 2,
    is_active: true,
  };
  const path = 'system/scheduler?fields=*';
  const task = await shop.admin.create<Json>(path, {
    ...record,
    frequency: 60,
    payload: '{"resource":[{"note":"x"}]}',
  });
  expect(task).toMatchObject({
    ...record,
    verb: 'POST',
    time_zone: 'UTC',
    cron: null,
    next_run_date: expect.any(String),
  });
  const shown = await shop.admin.json<Json>('GET', `system/scheduler/${task.id}?related=*`);
  expect(shown).toMatchObject({ task_log_by_task_id: null, service_by_service_id: { name: 'shop' } });
  expect(await shop.admin.json('PATCH', `system/scheduler/${task.id}`, { is_active: false })).toEqual({ id: task.id });
  expect((await shop.admin.json<Json>('GET', `system/scheduler/${task.id}`)).next_run_date).toBe(null);
  expect(await shop.admin.json('DELETE', `system/scheduler/${task.id}`)).toEqual({ id: task.id });
});

test.each([
  ['cron', 'every day'],
  ['time_zone', 'Nowhere/Else'],
  ['component', '../user'],
  ['payload', 'no JSON'],
])('a wrong %s is 400 and named', async (field, wrong) => {
  const record = { name: 'wrong', service_id: shop.serviceId, [field]: wrong };
  const { status, text } = await shop.admin.send('POST', 'system/scheduler', { resource: [record] });
  expect(status).toBe(400);
  expectPlainError(text);
  expect(text).toContain(`"${field}":[`);
});

test('who was given the tasks, and not everything, makes none', async () => {
  const roleId = await shop.role({ service_id: 1, component: 'scheduler/*', verb_mask: 31 });
  const writer = shop.product.anyone.as(withKey((await shop.app(roleId)).api_key));
  const record = { name: 'as admin', service_id: shop.serviceId, user_id: 1 };
  const { status, text } = await writer.send('POST', 'system/scheduler', { resource: [record] });
  expect(status).toBe(400);
  expect(JSON.parse(text).error.context.resource).toMatchObject([{ status_code: 403 }]);
  expect(await shop.admin.json('GET', 'system/scheduler')).toEqual({ resource: [] });
});

test('jobs are read and not made', async () => {
  expect(await shop.admin.json('GET', 'system/job')).toEqual({ resource: [] });
  const { status, text } = await shop.admin.send('POST', 'system/job', { resource: [{ kind: 'event' }] });
  expect(status).toBe(400);
  expectPlainError(text);
  expect(await shop.admin.json('GET', 'system/job')).toEqual({ resource: [] });
});

test('both are among the resources, and described', async () => {
  const { resource } = await shop.admin.json<Json>('GET', 'system?as_list=true');
  expect(resource).toEqual(expect.arrayContaining(['job', 'scheduler']));
  const { paths } = await shop.admin.json<Json>('GET', 'api_docs/system');
  expect(Object.keys(paths['/scheduler'])).toEqual(expect.arrayContaining(['get', 'post', 'patch', 'delete']));
  expect(Object.keys(paths['/job'])).not.toContain('post');
  expect(Object.keys(paths['/job/{id}'])).toEqual(expect.arrayContaining(['get', 'patch', 'delete']));
});
