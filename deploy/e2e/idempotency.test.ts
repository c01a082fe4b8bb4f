/** Writes with an Idempotency-Key are done once, whoever sends them how often, and whatever happens in between. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { signIn, Tiers, untilServing } from './product.ts';

const tiers = new Tiers();
let admin: Client;
let serviceId: number;
beforeAll(async () => {
  await tiers.start('system');
  await tiers.start('sql', 'router');
  admin = await signIn(tiers.anyone);
  await untilServing(admin);
  const config = { database: join(tiers.folder, 'shop.sqlite') };
  const service = await admin.create('system/service', {
    name: 'shop',
    label: 'Shop',
    type: 'sqlite',
    is_active: true,
    config,
  });
  const field = [
    { name: 'id', type: 'id' },
    { name: 'note', type: 'string', is_unique: true },
  ];
  serviceId = service.id;
  await admin.json('POST', 'shop/_schema', { resource: [{ name: 'sale', field }] });
});
afterAll(() => tiers.stop());

const SALE = 'shop/_table/sale';
const keyed = (key: string) => ({ 'Idempotency-Key': key });
const count = (note: string): Promise<number> =>
  admin.json('GET', `${SALE}?count_only=true&filter=note starts with ${note}`);
const post = (key: string, note: string, client = admin) => client.send('POST', SALE, [{ note }], keyed(key));

test('the second one gets the answer of the first', async () => {
  const key = randomUUID();
  const first = await post(key, 'once');
  const second = await post(key, 'once');
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(second.text).toBe(first.text);
  expect(second.headers['content-type']).toBe(first.headers['content-type']);
  expect([first.headers['idempotent-replayed'], second.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
  expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
  expect(await count('once')).toBe(1);
});

test.each([
  { why: 'another body', send: (key: string) => post(key, 'other2') },
  { why: 'another verb', send: (key: string) => admin.send('PATCH', SALE, [{ note: 'other' }], keyed(key)) },
  {
    why: 'another address',
    send: (key: string) => admin.send('POST', `${SALE}?fields=*`, [{ note: 'other' }], keyed(key)),
  },
])('422 for the key with $why, and nothing is written', async ({ send }) => {
  const key = randomUUID();
  await admin.send('POST', SALE, [{ note: `other-${key}` }], keyed(key));
  expect((await send(key)).status).toBe(422);
  expect(await count('other2')).toBe(0);
});

test('many at once: one is carried out, all get its answer', async () => {
  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(key, 'race')));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(await count('race')).toBe(1);
});

test('a refusal is kept as well', async () => {
  await post(randomUUID(), 'taken');
  const key = randomUUID();
  const first = await post(key, 'taken');
  await admin.json('DELETE', `${SALE}?filter=note = taken`);
  const second = await post(key, 'taken');
  expect([first.status, second.status, second.text]).toEqual([400, 400, first.text]);
  expect(await count('taken')).toBe(0);
});

test('changes and deletions', async () => {
  const { resource } = await admin.json<{ resource: { id: number }[] }>('POST', SALE, [{ note: 'changing' }]);
  const path = `${SALE}/${resource[0]?.id}`;
  const key = randomUUID();
  const remove = () => admin.send('DELETE', path, undefined, keyed(key));
  expect([(await remove()).status, (await remove()).status, (await admin.send('DELETE', path)).status]).toEqual([
    200, 200, 404,
  ]);
});

test('a key belongs to whoever sent it', async () => {
  const role = await admin.create('system/role', {
    name: 'seller',
    is_active: true,
    role_service_access_by_role_id: [
      { component: '_table/*', verb_mask: 31, requestor_mask: 1, service_id: serviceId },
    ],
  });
  const app = { name: 'seller', is_active: true, role_id: role.id };
  const { api_key } = await admin.create<{ id: number; api_key: string }>('system/app?fields=*', app);
  const seller = tiers.anyone.as(withKey(api_key));
  const key = randomUUID();
  expect((await post(key, 'mine')).headers['idempotent-replayed']).toBeUndefined();
  expect((await post(key, 'yours', seller)).status).toBe(200);
  expect(await count('yours')).toBe(1);
});

test.each(['', ' ', 'a b', 'é', 'x'.repeat(256)])("'%s' is no key", async (key) => {
  const { status, text } = await post(key, 'nokey');
  expect([status, await count('nokey')]).toEqual([400, 0]);
  expect(text).toContain('Idempotency-Key');
});

test('reads take no notice of it', async () => {
  const { headers } = await admin.send('GET', SALE, undefined, keyed('a b'));
  expect(headers['idempotent-replayed']).toBeUndefined();
});

test('a client that goes before its answer finds it when it comes again', async () => {
  const key = randomUUID();
  const { hostname, port } = new URL(tiers.origin);
  const body = JSON.stringify([{ note: 'gone' }]);
  const socket = connect(Number(port), hostname);
  const token = admin.headers['X-DreamFactory-Session-Token'];
  const head = `POST /api/v2/${SALE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nIdempotency-Key: ${key}\r\n`;
  socket.end(`${head}X-DreamFactory-Session-Token: ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until('the record is there', async () => (await count('gone')) === 1 || undefined);
  const again = await post(key, 'gone');
  expect([again.status, again.headers['idempotent-replayed'], await count('gone')]).toEqual([200, 'true', 1]);
});

describe('when tiers die', () => {
  test('the answer outlives router and system service', async () => {
    const key = randomUUID();
    const first = await post(key, 'killed');
    for (const program of ['router', 'system'] as const) await tiers.of(program).stop('SIGKILL');
    await tiers.start('system');
    await tiers.start('router');
    admin = tiers.anyone.as(admin.headers);
    await untilServing(admin);
    const second = await post(key, 'killed');
    expect([second.text, second.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
    expect(await count('killed')).toBe(1);
  });

  test('without a system service nothing is written', async () => {
    await tiers.of('system').stop('SIGKILL');
    expect((await post(randomUUID(), 'alone')).status).toBe(503);
    expect(await count('alone')).toBe(0);
    expect((await admin.send('POST', SALE, [{ note: 'plain' }])).status).toBe(200);
    await tiers.start('system');
  });
});
