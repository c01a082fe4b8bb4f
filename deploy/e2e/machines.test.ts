/** Machines with bearer tokens of another issuer, mapped to a role by a stored rule. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type KeyLike, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from './process.ts';
import { Shop } from './shop.ts';

const ISSUER = 'https://login.example';

let shop: Shop;
let server: Server;
let key: KeyLike;
let record: object;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  key = pair.privateKey;
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }];
  server = createServer((_, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  shop = await Shop.open();
  await shop.admin.json('POST', 'shop/_table/customer', { resource: [{ name: 'A' }] });
  const role_id = await shop.role({ component: '_table/customer/*', verb_mask: 1 });
  const jwks_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  record = { name: 'plant', issuer: ISSUER, audience: 'millrace', jwks_url, role_id, claims: { scope: 'read' } };
});
afterAll(async () => {
  await shop?.close();
  await new Promise((resolve) => server.close(resolve));
});

const bearer = async (claims: object = {}): Promise<Record<string, string>> => {
  const token = await new SignJWT({ scope: 'read', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(ISSUER)
    .setAudience('millrace')
    .setExpirationTime('10m')
    .sign(key);
  return { Authorization: `Bearer ${token}` };
};
const status = async (headers: Record<string, string>, path = 'shop/_table/customer'): Promise<number> =>
  (await shop.product.anyone.send('GET', path, undefined, headers)).status;

test('the rule gives them a role, and takes it back', async () => {
  const sent = await bearer();
  expect(await status(sent)).toBe(401);
  const { id } = await shop.admin.create('system/token_issuer', record);
  await until('the rule counts', async () => (await status(sent)) === 200 || undefined);
  expect(await status(sent, 'shop/_table/sale')).toBe(403);
  expect(await status(sent, 'system/role')).toBe(403);
  expect(await status(await bearer({ scope: 'none' }))).toBe(401);
  await shop.admin.json('PATCH', `system/token_issuer/${id}`, { is_active: false });
  await until('the rule is off', async () => (await status(sent)) === 401 || undefined);
  await shop.admin.json('DELETE', `system/token_issuer/${id}`);
});

test.each([
  ['keys over a line that anybody can read', { jwks_url: 'http://login.example/keys' }, 'jwks_url'],
  ['keys of a file', { jwks_url: 'file:///etc/passwd' }, 'jwks_url'],
  ['no audience', { audience: '' }, 'audience'],
  ['no role', { role_id: null }, 'role'],
  ['a role that there is not', { role_id: 9999 }, 'role'],
  ['claims that are no object', { claims: ['x'] }, 'claims'],
])('not: %s', async (_, change, part) => {
  const { status, text } = await shop.admin.send('POST', 'system/token_issuer', {
    resource: [{ ...record, ...change }],
  });
  expect([status, text]).toEqual([400, expect.stringContaining(part)]);
});
