/** Tiers that die: routers go on with what they know, and everything heals by itself when the tier is back. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { ADMIN, signIn, Tiers, untilServing } from './product.ts';

const GET = 1;
const NOTE = { id: 1, text: 'kept' };

let tiers: Tiers;
let key: string;
let roleId: number;

beforeAll(async () => {
  tiers = new Tiers();
  await tiers.start('system', 'sql');
  await tiers.start('router');
  const admin = await signIn(tiers.anyone);
  await untilServing(admin);
  const config = { database: join(tiers.folder, 'notes.sqlite') };
  const service = { name: 'notes', label: 'Notes', type: 'sqlite', is_active: true, config };
  const { id: service_id } = await admin.create('system/service', service);
  const field = [
    { name: 'id', type: 'id' },
    { name: 'text', type: 'string' },
  ];
  await admin.json('POST', 'notes/_schema', { resource: [{ name: 'note', field }] });
  await admin.json('POST', 'notes/_table/note', [{ text: NOTE.text }]);
  const access = [{ service_id, component: '_table/*', verb_mask: GET, requestor_mask: 1 }];
  const role = { name: 'reader', is_active: true, role_service_access_by_role_id: access };
  roleId = (await admin.create('system/role', role)).id;
  const app = { name: 'app', is_active: true, role_id: roleId };
  key = (await admin.create<{ api_key: string }>('system/app?fields=*', app)).api_key;
});
afterAll(() => tiers?.stop());

/** A new one each time: a router that was restarted may be found elsewhere. */
const reader = (): Client => tiers.anyone.as(withKey(key));

async function expectReads(): Promise<void> {
  expect(await reader().json('GET', 'notes/_table/note/1')).toEqual(NOTE);
  expect((await reader().send('DELETE', 'notes/_table/note/1')).status).toBe(401);
  expect((await tiers.anyone.send('GET', 'notes/_table/note/1')).status).toBe(400);
}

const isLive = async (): Promise<boolean> => {
  const { access } = await tiers.anyone.json<{ access: { live: boolean } }>('GET', '/status');
  return access.live;
};
const untilLive = (live: boolean): Promise<true> =>
  until(`/status says live: ${live}`, async () => (await isLive()) === live || undefined);

/** One after the other: each begins where the one before it has ended. */
test('without the system service everything that was decided before is decided the same', async () => {
  expect(await isLive()).toBe(true);
  await tiers.of('system').stop('SIGKILL');
  await untilLive(false);
  await expectReads();
});

test('what only the system service knows is answered with 503', async () => {
  for (const [method, path, body] of [
    ['POST', 'system/admin/session', ADMIN],
    ['POST', 'user/session', ADMIN],
    ['GET', 'system/environment', undefined],
  ] as const) {
    const { status, text } = await tiers.anyone.send(method, path, body);
    expect(`${path} ${status}`).toBe(`${path} 503`);
    expectPlainError(text);
  }
});

test('a router that is restarted meanwhile goes on with what was saved', async () => {
  expect(await tiers.of('router').stop()).toEqual({ code: 0, signal: null });
  await tiers.start('router');
  expect(await isLive()).toBe(false);
  await expectReads();
});

test('one that was killed too', async () => {
  await tiers.of('router').stop('SIGKILL');
  await tiers.start('router');
  expect(await isLive()).toBe(false);
  await expectReads();
});

test('when the system service is back it is heard again', async () => {
  await tiers.start('system');
  await untilLive(true);
  await expectReads();
  const admin = await signIn(tiers.anyone);
  await admin.json('PATCH', `system/role/${roleId}`, { is_active: false });
  const isRefused = async () => (await reader().send('GET', 'notes/_table/note/1')).status === 403 || undefined;
  await until('the role counts no more', isRefused, 1000);
  await admin.json('PATCH', `system/role/${roleId}`, { is_active: true });
  await until('and again', async () => (await reader().send('GET', 'notes/_table/note/1')).status === 200, 1000);
});

test('without the connector its services are answered with 503, others as ever; it comes back', async () => {
  await tiers.of('sql').stop('SIGKILL');
  const { status, text } = await reader().send('GET', 'notes/_table/note/1');
  expect(status).toBe(503);
  expectPlainError(text);
  const admin = await signIn(tiers.anyone);
  expect((await admin.send('GET', 'system/role')).status).toBe(200);
  await tiers.start('sql');
  await until('records are read again', async () => {
    await expectReads();
    return true;
  });
});

test('a connector that drains finishes what it has, and ends well', async () => {
  expect(await tiers.of('sql').stop()).toEqual({ code: 0, signal: null });
  await tiers.start('sql');
  await until('records are read again', async () => {
    await expectReads();
    return true;
  });
});
