/** Who may do what: credentials, roles and sessions, and how soon a change of them counts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, type Headers, login, withBasic, withKey, withToken } from './client.ts';
import { freePort, until } from './process.ts';
import { ADMIN } from './product.ts';
import { type Rule, Shop } from './shop.ts';

const GET = 1;
const POST = 2;
const ALL = 31;
const API = 1;
const SCRIPT = 2;

/** Two routers on one port: what counts on one of them only would show. */
const ROUTERS = 2;
/** So many answers in a row, each over a new connection, that both routers have given some. */
const ANSWERS = 12;
const SOON_MS = 1000;

let shop: Shop;
beforeAll(async () => {
  // Only this door shares a port on every Node version, and only a port with a number.
  const several = { MILLRACE_ROUTERS: String(ROUTERS), MILLRACE_HTTP_DOOR: 'uws' };
  shop = await Shop.open({ ...several, MILLRACE_HTTP_PORT: String(await freePort()) });
  await shop.admin.json('POST', 'shop/_table/customer', [{ name: 'c1' }]);
  await shop.admin.json('POST', 'shop/_table/sale', [{ note: 'one' }, { note: 'two' }]);
});
afterAll(() => shop?.close());

const anyone = (headers: Headers): Client => shop.product.anyone.as(headers);

async function expectStatus(client: Client, call: string, expected: number): Promise<void> {
  const [method = '', path = ''] = call.split(' ');
  const { status, text } = await client.send(method, path, bodyOf(method));
  expect(`${call}: ${status} ${text}`).toMatch(new RegExp(`^[^:]+: ${expected} `));
  if (status >= 400) expectPlainError(text);
}

function bodyOf(method: string): object | undefined {
  if (method === 'POST') return [{ note: 'new' }];
  return method === 'PUT' || method === 'PATCH' ? { note: 'changed' } : undefined;
}

interface RoleCase {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly allows?: readonly string[];
  readonly refuses?: readonly string[];
}

const ROLES: RoleCase[] = [
  {
    name: 'GET alone',
    rules: [{ component: '*', verb_mask: GET }],
    allows: ['GET shop', 'GET shop/_table', 'GET shop/_table/sale', 'GET shop/_table/sale/1', 'GET shop/_schema/sale'],
    refuses: [
      'POST shop/_table/sale',
      'PATCH shop/_table/sale/1',
      'PUT shop/_table/sale/1',
      'DELETE shop/_table/sale/1',
    ],
  },
  {
    name: 'POST alone',
    rules: [{ component: '_table/sale', verb_mask: POST }],
    allows: ['POST shop/_table/sale'],
    refuses: ['GET shop/_table/sale', 'POST shop/_table/customer'],
  },
  {
    name: 'one table with its records',
    rules: [{ component: '_table/sale/*', verb_mask: GET }],
    allows: ['GET shop/_table/sale', 'GET shop/_table/sale/1', 'GET shop/_TABLE/Sale', 'GET shop/_schema'],
    refuses: ['GET shop/_table', 'GET shop/_table/customer', 'GET shop/_table/sales', 'GET shop'],
  },
  {
    name: 'one table without its records',
    rules: [{ component: '_table/sale', verb_mask: GET }],
    allows: ['GET shop/_table/sale', 'GET shop/_table/sale/'],
    refuses: ['GET shop/_table/sale/1'],
  },
  {
    name: 'an exact component takes away what a pattern gives',
    rules: [
      { component: '*', verb_mask: ALL },
      { component: '_table/customer', verb_mask: 0 },
    ],
    allows: ['GET shop/_table/sale', 'GET shop/_table/customer/1'],
    refuses: ['GET shop/_table/customer'],
  },
  {
    name: 'a narrow pattern does not',
    rules: [
      { component: '_table/*', verb_mask: GET },
      { component: '_table/customer/*', verb_mask: 0 },
    ],
    allows: ['GET shop/_table/customer', 'GET shop/_table/customer/1'],
  },
  {
    name: 'rules for every service',
    rules: [{ service_id: null, component: '*', verb_mask: GET }],
    allows: ['GET shop/_table/sale', 'GET system/environment'],
    refuses: ['DELETE shop/_table/sale/1'],
  },
  {
    name: 'a rule for the service outranks those for every service',
    rules: [
      { service_id: null, component: '*', verb_mask: ALL },
      { component: '_table/*', verb_mask: GET },
    ],
    allows: ['GET shop/_table/sale'],
    refuses: ['POST shop/_table/sale'],
  },
  {
    name: 'for scripts only',
    rules: [{ component: '*', verb_mask: ALL, requestor_mask: SCRIPT }],
    refuses: ['GET shop/_table/sale'],
  },
  {
    name: 'for nobody',
    rules: [{ component: '*', verb_mask: ALL, requestor_mask: 0 }],
    refuses: ['GET shop/_table/sale'],
  },
  {
    name: 'for both',
    rules: [{ component: '*', verb_mask: GET, requestor_mask: API + SCRIPT }],
    allows: ['GET shop/_table/sale'],
  },
  {
    name: 'nothing',
    rules: [],
    refuses: ['GET shop/_table/sale', 'GET shop', 'GET system/service', 'GET nosuch/_table/sale'],
  },
];

test.each(ROLES)('role: $name', async ({ rules, allows = [], refuses = [] }) => {
  const app = await shop.app(await shop.role(...rules));
  const client = anyone(withKey(app.api_key));
  for (const call of allows) await expectStatus(client, call, 200);
  for (const call of refuses) await expectStatus(client, call, 401);
});

test('a tunnelled verb is decided by as if it had been sent', async () => {
  const reads = await shop.app(await shop.role({ component: '*', verb_mask: GET }));
  const { status } = await anyone(withKey(reads.api_key)).send('POST', 'shop/_table/sale/1', undefined, {
    'X-HTTP-Method': 'DELETE',
  });
  expect(status).toBe(401);
  const tunnelled = await anyone(withKey(reads.api_key)).send('POST', 'shop/_table/sale?method=GET');
  expect(tunnelled.status).toBe(200);
});

test('what a role may not see is not listed', async () => {
  const { api_key } = await shop.app(
    await shop.role(
      { component: '_table/sale/*', verb_mask: GET },
      { component: '_schema/sale', verb_mask: GET },
      { component: '_table', verb_mask: GET },
    ),
  );
  const client = anyone(withKey(api_key));
  expect(await client.json('GET', 'shop/_table?as_list=true')).toEqual({ resource: ['sale'] });
  expect(await client.json('GET', 'shop/_schema?as_list=true')).toEqual({ resource: ['sale'] });
  const { services } = await client.json<{ services: { name: string }[] }>('GET', '/api/v2');
  expect(services.map(({ name }) => name)).toEqual(['shop']);
});

describe('credentials', () => {
  let reader: number;
  let key: string;
  let appId: number;
  let keyWithoutRole: string;
  let user: { id: number; email: string; password: string };
  let token: string;
  beforeAll(async () => {
    reader = await shop.role({ component: '*', verb_mask: GET });
    const app = await shop.app(reader);
    key = app.api_key;
    appId = app.id;
    keyWithoutRole = (await shop.app()).api_key;
    user = await shop.user(appId, reader);
    token = await login(shop.product.anyone, user, 'user/session');
  });

  const SALES = 'shop/_table/sale';
  const CASES: { name: string; headers?: () => Headers; path?: () => string; status: number }[] = [
    { name: 'none', status: 400 },
    { name: 'a key', headers: () => withKey(key), status: 200 },
    { name: 'a key in the address', path: () => `${SALES}?api_key=${key}`, status: 200 },
    { name: 'an unknown key', headers: () => withKey('f'.repeat(64)), status: 400 },
    { name: 'the key of an app without a role', headers: () => withKey(keyWithoutRole), status: 400 },
    { name: 'a token without a key', headers: () => withToken(token), status: 400 },
    { name: 'a token and a key', headers: () => ({ ...withKey(key), ...withToken(token) }), status: 200 },
    { name: 'a bearer', headers: () => ({ ...withKey(key), Authorization: `Bearer ${token}` }), status: 200 },
    {
      name: 'a token in the address',
      path: () => `${SALES}?session_token=${token}&api_key=${key}`,
      status: 200,
    },
    {
      name: 'a role that the user has in another app only',
      headers: () => ({ ...withKey(keyWithoutRole), ...withToken(token) }),
      status: 403,
    },
    { name: 'a token that is none', headers: () => ({ ...withKey(key), ...withToken('a.b.c') }), status: 401 },
    {
      name: 'a token with another signature',
      headers: () => ({ ...withKey(key), ...withToken(`${token.slice(0, -8)}AAAAAAAA`) }),
      status: 401,
    },
    {
      name: 'a token that signs itself',
      headers: () => ({ ...withKey(key), ...withToken(`${unsigned(token)}.`) }),
      status: 401,
    },
    { name: 'Basic', headers: () => ({ ...withKey(key), ...withBasic(user.email, user.password) }), status: 200 },
    { name: 'Basic, wrong', headers: () => ({ ...withKey(key), ...withBasic(user.email, 'no') }), status: 401 },
  ];
  test.each(CASES)('$name', async ({ headers, path, status }) => {
    await expectStatus(anyone(headers?.() ?? {}), `GET ${path?.() ?? SALES}`, status);
  });

  test('administrators and users sign in at their own door', async () => {
    for (const [path, account] of [
      ['user/session', ADMIN],
      ['system/admin/session', user],
      ['user/session', { ...user, password: 'wrong' }],
      ['user/session', { ...user, email: 'nobody@example.com' }],
    ] as const) {
      const { status, text } = await shop.product.anyone.send('POST', path, account);
      expect(status).toBe(401);
      expect(JSON.parse(text).error.message).toBe('Invalid credentials supplied.');
    }
  });

  test('guessing is slowed down', async () => {
    const guess = () =>
      shop.product.anyone.send('POST', 'user/session', { email: 'guessed@example.com', password: 'x' });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await guess()).status);
    expect(statuses).toEqual(Array(5).fill(401));
    const last = await until('429', async () => {
      const answer = await guess();
      return answer.status === 429 && answer;
    });
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    expectPlainError(last.text);
  });

  test('a session tells who it is, is refreshed, and ends', async () => {
    const first = await login(shop.product.anyone.as(withKey(key)), user, 'user/session');
    const client = anyone({ ...withKey(key), ...withToken(first) });
    expect(await client.json('GET', 'user/session')).toMatchObject({ id: user.id, email: user.email, role_id: reader });
    const { session_token: second } = await client.json<{ session_token: string }>('PUT', 'user/session');
    expect(second).not.toBe(first);
    await expectSoon('the first token is dead', client, 403);
    const renewed = anyone({ ...withKey(key), ...withToken(second) });
    await expectStatus(renewed, `GET ${SALES}`, 200);
    expect(await renewed.json('DELETE', 'user/session')).toEqual({ success: true });
    await expectSoon('the second token is dead', renewed, 403);
    await expectStatus(renewed, 'PUT user/session', 401);
  });
});

function unsigned(token: string): string {
  const claims = token.split('.')[1];
  return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${claims}`;
}

/** Every router answers so within a second. */
async function expectSoon(what: string, client: Client, expected: number, path = 'shop/_table/sale'): Promise<void> {
  const statuses = async (): Promise<Set<number>> => {
    const answers = await Promise.all(Array.from({ length: ANSWERS }, () => client.send('GET', path)));
    return new Set(answers.map(({ status }) => status));
  };
  const only = (found: Set<number>): boolean => found.size === 1 && found.has(expected);
  await until(`${what}: ${expected} from every router`, async () => only(await statuses()), SOON_MS);
  expect([...(await statuses())]).toEqual([expected]);
}

describe('a change counts everywhere in under a second', () => {
  let roleId: number;
  let app: { id: number; api_key: string };
  let user: { id: number; email: string; password: string };
  let byKey: Client;
  let byUser: Client;
  beforeEach(async () => {
    roleId = await shop.role({ component: '*', verb_mask: GET });
    app = await shop.app(roleId);
    user = await shop.user(app.id, roleId);
    byKey = anyone(withKey(app.api_key));
    byUser = await shop.client(app.api_key, user);
    await expectSoon('before', byKey, 200);
    await expectSoon('before', byUser, 200);
  });

  const patch = (path: string, record: object) => shop.admin.json('PATCH', `system/${path}`, record);

  test('the rights of a role', async () => {
    const { role_service_access_by_role_id: access } = await shop.admin.json<{
      role_service_access_by_role_id: { id: number }[];
    }>('GET', `system/role/${roleId}?related=role_service_access_by_role_id`);
    const changed = access.map(({ id }) => ({ id, verb_mask: POST }));
    await patch(`role/${roleId}?related=role_service_access_by_role_id`, { role_service_access_by_role_id: changed });
    await expectSoon('GET was taken away', byKey, 401);
    await expectSoon('from the user too', byUser, 403);
  });
  test('a role is switched off, and on again', async () => {
    await patch(`role/${roleId}`, { is_active: false });
    await expectSoon('off', byKey, 403);
    await patch(`role/${roleId}`, { is_active: true });
    await expectSoon('on', byKey, 200);
  });
  test('an app is switched off, and on again', async () => {
    await patch(`app/${app.id}`, { is_active: false });
    await expectSoon('off', byKey, 403);
    await patch(`app/${app.id}`, { is_active: true });
    await expectSoon('on', byKey, 200);
  });
  test('an app loses its role', async () => {
    await patch(`app/${app.id}`, { role_id: null });
    await expectSoon('without a role', byKey, 400);
    await expectSoon('the user has one of his own', byUser, 200);
  });
  test('a key is replaced', async () => {
    const changed = await shop.admin.json<{ api_key: string }>(
      'PATCH',
      `system/app/${app.id}?regenerate=true&fields=*`,
      { name: `renamed ${app.id}` },
    );
    expect(changed.api_key).not.toBe(app.api_key);
    await expectSoon('the old key', byKey, 400);
    await expectSoon('the new key', anyone(withKey(changed.api_key)), 200);
  });
  test('an app is deleted', async () => {
    await shop.admin.json('DELETE', `system/app/${app.id}`);
    await expectSoon('gone', byKey, 400);
  });
  test('a user is switched off: his session stays dead', async () => {
    await patch(`user/${user.id}`, { is_active: false });
    await expectSoon('off', byUser, 403);
    const { status } = await shop.product.anyone.send('POST', 'user/session', user);
    expect(status).toBe(401);
    await patch(`user/${user.id}`, { is_active: true });
    await expectSoon('a session does not come back', byUser, 403);
    await expectSoon('a new one works', await shop.client(app.api_key, user), 200);
  });
  test('a user gets another password', async () => {
    await patch(`user/${user.id}`, { password: 'another long password' });
    await expectSoon('the session is dead', byUser, 403);
  });
  test('a user is deleted', async () => {
    await shop.admin.json('DELETE', `system/user/${user.id}`);
    await until('he is refused', async () => (await byUser.send('GET', 'shop/_table/sale')).status >= 401, SOON_MS);
  });
  test('a user signs out', async () => {
    await byUser.json('DELETE', 'user/session');
    await expectSoon('out', byUser, 403);
  });
  test('a service is switched off, and on again', async () => {
    await patch(`service/${shop.serviceId}`, { is_active: false });
    await expectSoon('off', byKey, 403);
    await patch(`service/${shop.serviceId}`, { is_active: true });
    await expectSoon('on', byKey, 200);
  });
});
