/** Tricks that have opened other products: every one of them is refused here, or without effect. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Body, type Client, type Headers, login, withBasic, withKey, withToken } from './client.ts';
import { PASSWORD, Shop } from './shop.ts';

const GET = 1;
const POST = 2;
const ALL = 31;
const SALE = 'shop/_table/sale';
const JSON_TYPE = { 'Content-Type': 'application/json' };
/** Stands in what a clerk must never see. */
const CLOSED = 'closed';

let shop: Shop;
let admin: Client;
let app: { id: number; api_key: string };
let clerkRole: number;
let strongRole: number;
let clerk: { id: number; email: string; password: string };
let token: string;
/** May manage users, apps and roles, and nothing that is stronger than himself. */
let manager: Client;
let managerUser: { id: number; email: string; password: string };
/** May read sales of his own. */
let reader: Client;

beforeAll(async () => {
  shop = await Shop.open();
  admin = shop.admin;
  await admin.json('POST', 'shop/_table/customer', [{ name: CLOSED }]);
  const owned = [{ name: 'owner_id', operator: '=', value: '{user.id}' }];
  clerkRole = await shop.role({ component: '_table/sale/*', verb_mask: GET, filters: owned, filter_op: 'AND' });
  strongRole = await shop.role({ component: '*', verb_mask: ALL });
  const { id: system } = await admin.json<{ id: number }>('GET', 'system/service/1?fields=id,name');
  const managing = ['user/*', 'app/*', 'role/*'].map((component) => ({
    service_id: system,
    component,
    verb_mask: ALL,
  }));
  const managerRole = await shop.role(...managing);
  app = await shop.app();
  clerk = await shop.user(app.id, clerkRole);
  managerUser = await shop.user(app.id, managerRole);
  manager = await shop.client(app.api_key, managerUser);
  token = await login(shop.product.anyone, clerk, 'user/session');
  reader = shop.product.anyone.as({ ...withKey(app.api_key), ...withToken(token) });
  const sales = [
    { id: 1, owner_id: clerk.id, note: 'own' },
    { id: 2, owner_id: managerUser.id, note: CLOSED },
  ];
  await admin.json('POST', SALE, sales);
});
afterAll(() => shop?.close());

async function expectRefused(client: Client, method: string, path: string, body?: Body, headers?: Headers) {
  const { status, text } = await client.send(method, path, body, headers);
  expect(`${status} ${text}`).toMatch(/^4\d\d /);
  expectPlainError(text);
  expect(text).not.toContain(CLOSED);
}

type Account = Record<string, unknown> & { id: number };
const accountOf = (id: number): Promise<Account> => admin.json('GET', `system/user/${id}?fields=*`);
const newUser = (email: string) => ({ name: 'New', first_name: 'N', last_name: 'Ew', email, password: PASSWORD });

describe('mass assignment', () => {
  const self = () => `system/user/${managerUser.id}`;

  test.each([true, 1, '1', 'true'])('is_sys_admin: %j on oneself', async (is_sys_admin) => {
    await manager.send('PATCH', self(), { is_sys_admin });
    expect(await admin.json('GET', `system/admin?filter=id=${managerUser.id}`)).toEqual({ resource: [] });
    await expectRefused(manager, 'GET', 'system/admin');
  });

  test('is_sys_admin in a new user', async () => {
    const email = 'sneaky@example.com';
    await manager.send('POST', 'system/user', { resource: [{ ...newUser(email), is_sys_admin: true }] });
    const found = await admin.json<{ resource: Account[] }>('GET', `system/admin?filter=email='${email}'`);
    expect(found.resource).toEqual([]);
    const { status } = await shop.product.anyone.send('POST', 'system/admin/session', { email, password: PASSWORD });
    expect(status).toBe(401);
  });

  test('a stronger role for oneself, by a related record', async () => {
    const record = { user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: strongRole }] };
    await expectRefused(manager, 'PATCH', `${self()}?related=user_to_app_to_role_by_user_id`, record);
    await expectRefused(manager, 'GET', SALE);
  });

  test('a stronger role for a new user', async () => {
    const other = await shop.app();
    const assigned = [{ app_id: other.id, role_id: strongRole }];
    const record = { ...newUser('armed@example.com'), user_to_app_to_role_by_user_id: assigned };
    await expectRefused(manager, 'POST', 'system/user', { resource: [record] });
    const found = await admin.json<{ resource: unknown[] }>('GET', "system/user?filter=email='armed@example.com'");
    expect(found.resource).toEqual([]);
  });

  test('a stronger role for an app whose key one knows', async () => {
    await expectRefused(manager, 'PATCH', `system/app/${app.id}`, { role_id: strongRole });
    expect(await admin.json('GET', `system/app/${app.id}?fields=role_id`)).toMatchObject({ role_id: null });
  });

  test('a stronger role through the other side of the relation', async () => {
    const record = { user_to_app_to_role_by_role_id: [{ app_id: app.id, user_id: managerUser.id }] };
    await expectRefused(manager, 'PATCH', `system/role/${strongRole}?related=user_to_app_to_role_by_role_id`, record);
    await expectRefused(manager, 'GET', SALE);
  });

  test('rights of roles', async () => {
    const access = [{ service_id: shop.serviceId, component: '*', verb_mask: ALL, requestor_mask: 3 }];
    const record = { role_service_access_by_role_id: access };
    await expectRefused(manager, 'PATCH', `system/role/${clerkRole}?related=role_service_access_by_role_id`, record);
    await expectRefused(manager, 'POST', 'system/role', { resource: [{ name: 'mine', is_active: true, ...record }] });
    await expectRefused(reader, 'GET', 'shop/_table/customer');
  });

  test("an administrator's password", async () => {
    const { resource } = await admin.json<{ resource: Account[] }>('GET', 'system/admin');
    const [{ id }] = resource as [Account];
    await expectRefused(manager, 'PATCH', `system/user/${id}`, { password: `${PASSWORD}!` });
    await expectRefused(manager, 'PATCH', `system/admin/${id}`, { password: `${PASSWORD}!` });
    await expectRefused(manager, 'DELETE', `system/user/${id}`);
  });

  test('a password hash', async () => {
    await manager.send('PATCH', self(), { password_hash: '$2y$10$abcdefghijklmnopqrstuv', confirm_code: 'y' });
    expect(await login(shop.product.anyone, managerUser, 'user/session')).toContain('.');
  });

  test('an id', async () => {
    await manager.send('PATCH', self(), { id: clerk.id, first_name: 'Same' });
    expect(await accountOf(managerUser.id)).toMatchObject({ email: managerUser.email });
    expect(await accountOf(clerk.id)).toMatchObject({ email: clerk.email });
  });

  test('who made it, and when', async () => {
    const past = { created_by_id: 1, created_date: '2001-01-01 00:00:00', last_modified_by_id: 1 };
    const made = await manager.create('system/user', { ...newUser('dated@example.com'), ...past });
    const record = await admin.json<Record<string, unknown>>('GET', `system/user/${made.id}?fields=*`);
    expect(record).toMatchObject({ created_by_id: managerUser.id });
    expect(record['last_modified_by_id']).not.toBe(1);
    expect(record['created_date']).not.toMatch(/^2001/);
  });

  test.each(['last_login_date', 'tokens_valid_from', 'password_version'])('%s', async (field) => {
    const before = await accountOf(managerUser.id);
    await manager.send('PATCH', self(), { [field]: '2001-01-01 00:00:00' });
    const { last_modified_date: _, ...after } = await accountOf(managerUser.id);
    expect(before).toMatchObject(after);
  });
});

describe('secrets of accounts are not told', () => {
  const SECRETS = ['password', 'password_hash', 'security_answer', 'security_answer_hash', 'confirm_code'];
  test.each(SECRETS)('%s', async (field) => {
    for (const client of [manager, admin]) {
      await expectRefused(client, 'GET', `system/user?filter=${field} like '%25'`);
      await expectRefused(client, 'GET', `system/user?filter=(id > 0) and (${field} is not null)&count_only=true`);
      await expectRefused(client, 'GET', `system/user?order=${field}`);
      const { text } = await client.send('GET', `system/user?fields=id,${field}`);
      expect(text).not.toMatch(/\$2[aby]\$|\$argon2/);
      const { text: grouped } = await client.send('GET', `system/user?group=${field}&fields=${field}`);
      expect(grouped).not.toMatch(/\$2[aby]\$|\$argon2/);
    }
  });
});

describe('forced browsing', () => {
  const PATHS = [
    ...['system', 'system/', 'system/admin', 'system/admin/1', 'system/admin/profile', 'system/user', 'system/user/1'],
    ...['system/role', 'system/role/1', 'system/app', 'system/app/1', 'system/service', 'system/service/1'],
    ...['system/lookup', 'system/cors', 'system/limit', 'system/limit_cache', 'system/audit', 'system/issuer'],
    ...['system/job', 'system/job/1', 'system/scheduler', 'system/scheduler/1'],
    ...['system/email_template', 'system/event', 'system/event_script', 'system/script_type', 'system/service_type'],
    ...['system/package', 'system/cache', 'system/constant', 'system/custom', 'system/nosuch', 'system/environment/1'],
    ...['SYSTEM/Admin', 'system/ADMIN', 'system/admin/session/1', 'system/admin/SESSION/', 'system/environment/'],
    ...['shop/_table/customer', 'shop/_schema/customer', 'shop/_schema/customer/_field', 'shop/_proc', 'shop/_func/x'],
    ...['nosuch', 'nosuch/_table/sale'],
  ];
  test.each(PATHS)('%s', async (path) => {
    // What is open to everybody is so by its exact path and verb.
    const isOpen = (verb: string): boolean =>
      /^system\/admin\/session\/$/i.test(path) || (verb === 'GET' && path === 'system/environment/');
    for (const verb of ['GET', 'POST', 'PATCH', 'PUT', 'DELETE']) {
      if (isOpen(verb)) continue;
      await expectRefused(reader, verb, path, verb === 'GET' ? undefined : { resource: [{ name: 'x' }] });
    }
  });
});

describe('a verb in disguise', () => {
  const removes: [why: string, method: string, path: string, headers: Headers, body?: Body][] = [
    ['X-HTTP-Method', 'POST', `${SALE}/1`, { 'X-HTTP-Method': 'DELETE' }],
    ['X-HTTP-Method in lower case', 'POST', `${SALE}/1`, { 'x-http-method': 'delete' }],
    ['X-Method-Override', 'POST', `${SALE}/1`, { 'X-Method-Override': 'DELETE' }],
    ['X-HTTP-Method-Override', 'POST', `${SALE}/1`, { 'X-HTTP-Method-Override': 'DELETE' }],
    ['?method=', 'POST', `${SALE}/1?method=DELETE`, {}],
    ['?_method=', 'POST', `${SALE}/1?_method=DELETE`, {}],
    ['?method= twice', 'POST', `${SALE}/1?method=GET&method=DELETE`, {}],
    ['?method= twice, the other way', 'POST', `${SALE}/1?method=DELETE&method=GET`, {}],
    ['?%6dethod=', 'POST', `${SALE}/1?%6dethod=DELETE`, {}],
    ['_method in JSON', 'POST', SALE, JSON_TYPE, { _method: 'DELETE', ids: [1], resource: [{ id: 1 }] }],
    [
      '_method in a form',
      'POST',
      `${SALE}/1`,
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      '_method=DELETE&ids=1',
    ],
    ['two headers that differ', 'POST', `${SALE}/1`, { 'X-HTTP-Method': 'DELETE', 'X-HTTP-Method-Override': 'GET' }],
    ['MERGE', 'POST', `${SALE}/1`, { 'X-HTTP-Method': 'MERGE' }, { note: 'taken' }],
    ['blanks around it', 'POST', `${SALE}/1`, { 'X-HTTP-Method': ' DELETE ' }],
    ['a verb that nobody knows', 'POST', `${SALE}/1`, { 'X-HTTP-Method': 'PURGE' }],
    ['a list', 'POST', `${SALE}/1`, { 'X-HTTP-Method': 'GET, DELETE' }],
    ['PATCH that says GET', 'PATCH', `${SALE}/1`, { 'X-HTTP-Method': 'GET' }, { note: 'taken' }],
    ['DELETE that says GET', 'DELETE', `${SALE}/1?method=GET`, {}],
  ];
  test.each(removes)('%s does not change what may only be read', async (_, method, path, headers, body) => {
    const { status, text } = await reader.send(method, path, body, headers);
    // One of two that differ may be taken: then the record is only read.
    if (status >= 300) expectPlainError(text);
    expect(await admin.json('GET', `${SALE}/1?fields=note`)).toEqual({ note: 'own' });
    expect(await admin.json('GET', `${SALE}?count_only=true`)).toBe(2);
  });

  test('a GET with a header that says DELETE is a GET', async () => {
    const { status } = await reader.send('GET', `${SALE}/1`, undefined, { 'X-HTTP-Method': 'DELETE' });
    expect(status).toBe(200);
    expect(await admin.json('GET', `${SALE}?count_only=true`)).toBe(2);
  });

  test('whoever may only create does not read by a POST', async () => {
    const role = await shop.role({ component: '_table/*', verb_mask: POST });
    const writer = shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    for (const name of ['X-HTTP-Method', 'X-Method-Override', 'X-HTTP-Method-Override']) {
      await expectRefused(writer, 'POST', 'shop/_table/customer', { filter: 'id > 0' }, { [name]: 'GET' });
    }
    for (const option of ['method', '_method']) {
      await expectRefused(writer, 'POST', `shop/_table/customer?${option}=GET`, { filter: 'id > 0' });
    }
    const head = await writer.send('HEAD', 'shop/_table/customer');
    expect([head.status >= 400, head.text]).toEqual([true, '']);
  });
});

describe('another way of writing the path of a closed table', () => {
  const at = '/api/v2/shop/_table';
  const PATHS = [
    ...[
      `${at}/sale/../customer`,
      `${at}/sale/%2e%2e/customer`,
      `${at}/sale/%2E%2E/customer`,
      `${at}/sale/.%2e/customer`,
    ],
    ...[
      `${at}/sale%2f..%2fcustomer`,
      `${at}/sale/..%2fcustomer`,
      `${at}/sale/..%252fcustomer`,
      `${at}/..;/_table/customer`,
    ],
    ...[`${at}/sale/%252e%252e/customer`, `${at}/sale/%c0%ae%c0%ae/customer`, `${at}/sale/..%c0%afcustomer`],
    ...[`${at}%2fcustomer`, `${at}%2Fcustomer`, `${at}/%63ustomer`, `${at}/%2563ustomer`, `${at}/custome%72`],
    ...[
      `${at}//customer`,
      `/api/v2/shop//_table/customer`,
      `/api/v2//shop/_table/customer`,
      `//api/v2/shop/_table/customer`,
    ],
    ...[
      `${at}/customer/`,
      `${at}/customer//`,
      `${at}/customer/.`,
      `${at}/./customer`,
      `/api/v2/./shop/_table/customer`,
    ],
    ...[`${at}/CUSTOMER`, `${at}/Customer`, '/api/v2/SHOP/_TABLE/customer', '/api/v2/shop/_Table/customer'],
    ...[`${at}/customer%00`, `${at}/%00customer`, `${at}/customer%00.json`, `${at}/sale%00/../customer`],
    ...[`${at}/sale\\..\\customer`, `${at}/sale%5c..%5ccustomer`, `${at}\\customer`],
    ...[`${at}/customer%20`, `${at}/%20customer`, `${at}/customer%09`, `${at}/customer%0a`, `${at}/customer%c2%a0`],
    ...[
      `${at}/%22customer%22`,
      `${at}/main.customer`,
      `${at}/public.customer`,
      `${at}/%60customer%60`,
      `${at}/[customer]`,
    ],
    ...[
      `${at}/%ef%bd%83ustomer`,
      `${at}/cu%c5%bftomer`,
      `${at}/customer;x=1`,
      `${at}/customer;`,
      `${at}/sale;/customer`,
    ],
    ...[
      `${at}/customer(1)`,
      `${at}/(sale)customer`,
      `${at}/sale,customer`,
      `${at}/sale customer`,
      `${at}/customer.json`,
    ],
    ...[`${at}/customer?`, `${at}/customer?&`, `${at}/customer#`, `${at}/customer%23`, `${at}/customer%3ffields=*`],
    ...[
      '/api/shop/_table/customer',
      '/api/v1/shop/_table/customer',
      '/api/v2.0/shop/_table/customer',
      '/api/v2/shop/_table/customer/1',
    ],
    ...['/API/v2/shop/_table/customer', '/api/V2/shop/_table/customer', '/api/v2/../v2/shop/_table/customer'],
    ...['/shop/_table/customer', '/rest/shop/_table/customer', '/api/v2/shop/_table/%', '/api/v2/shop/_table/%zz'],
  ];
  test.each(PATHS)('%s', (path) => expectRefused(reader, 'GET', path));

  const MORE = [
    'sale?related=customer_by_customer_id',
    'sale/1?related=customer_by_customer_id',
    'sale?table=customer',
  ];
  test.each(MORE)('beside an open one: %s', async (path) => {
    const { text } = await reader.send('GET', `${at}/${path}`);
    expect(text).not.toContain(CLOSED);
  });
});

describe('a parameter that comes twice, or in another shape', () => {
  const QUERIES = [
    ...['filter=id=1&filter=id>0', 'filter[]=id>0', 'filter[0]=id>0', 'FILTER=id>0', 'filter=id=1&where=id>0'],
    ...['ids=1&ids=2&continue=true', 'ids[]=1&ids[]=2', 'ids=1,2&continue=true', 'id=2', 'fields=id&fields=*'],
    ...['limit=1&limit=100', 'related=&related=*', 'filter_op=OR&filter=id>0', 'role=1&role_id=1', 'is_sys_admin=true'],
    ...[
      `user_id=1`,
      `filter=owner_id={user.id} OR id=2`,
      'count_only=false&count_only=true',
      'id_field=note&ids=closed',
    ],
  ];
  test.each(QUERIES)('%s', async (query) => {
    const { status, text } = await reader.send('GET', `${SALE}?${query}`);
    expect(status).toBeLessThan(500);
    expect(text).not.toContain(`"note":"${CLOSED}"`);
    if (/count_only/.test(query) && status === 200) expect(text).not.toBe('2');
  });
});

describe('credentials in odd places', () => {
  const key = () => app.api_key;
  const CASES: { why: string; headers: () => Headers; path?: () => string; status: number }[] = [
    { why: 'both in cookies', headers: () => ({ Cookie: `session_token=${token}; api_key=${key()}` }), status: 400 },
    { why: 'the token alone', headers: () => withToken(token), status: 400 },
    { why: 'the token as the key', headers: () => ({ ...withKey(token), ...withToken(token) }), status: 403 },
    { why: 'the key as the token', headers: () => ({ ...withKey(key()), ...withToken(key()) }), status: 401 },
    { why: 'the key as a bearer', headers: () => ({ Authorization: `Bearer ${key()}` }), status: 401 },
    { why: 'a token without its scheme', headers: () => ({ ...withKey(key()), Authorization: token }), status: 400 },
    {
      why: 'a token of another scheme',
      headers: () => ({ ...withKey(key()), Authorization: `Token ${token}` }),
      status: 400,
    },
    { why: 'a token as Basic', headers: () => ({ ...withKey(key()), ...withBasic(clerk.email, token) }), status: 401 },
    {
      why: 'two tokens in one',
      headers: () => ({ ...withKey(key()), ...withToken(`${token},${token}`) }),
      status: 401,
    },
    {
      why: 'a token behind a bad one',
      headers: () => ({ ...withKey(key()), Authorization: 'Bearer x', ...withToken(token) }),
      status: 401,
    },
    {
      why: 'Basic behind a bad token',
      headers: () => ({ ...withKey(key()), ...withBasic(clerk.email, PASSWORD), ...withToken('x') }),
      status: 401,
    },
    {
      why: 'a percent-encoded token',
      headers: () => ({ ...withKey(key()), ...withToken(token.replaceAll('.', '%2e')) }),
      status: 401,
    },
    { why: 'two keys in one', headers: () => ({ ...withKey(`${key()}, ${key()}`), ...withToken(token) }), status: 403 },
    {
      why: 'a key in another case',
      headers: () => ({ ...withKey(key().toUpperCase()), ...withToken(token) }),
      status: 403,
    },
    {
      why: 'a key with a blank',
      headers: () => withToken(token),
      path: () => `${SALE}?api_key=%20${key()}`,
      status: 403,
    },
    { why: 'a key with NUL', headers: () => withToken(token), path: () => `${SALE}?api_key=${key()}%00`, status: 403 },
    {
      why: 'a bad key in the query before a good one',
      headers: () => ({ ...withKey(key()), ...withToken(token) }),
      path: () => `${SALE}?api_key=x`,
      status: 403,
    },
    {
      why: 'a bad token in the query beside a good key',
      headers: () => withKey(key()),
      path: () => `${SALE}?session_token=x`,
      status: 401,
    },
    {
      why: 'a name that says who one is',
      headers: () => ({ ...withKey(key()), 'X-Remote-User': 'admin', 'X-Forwarded-User': 'admin' }),
      status: 400,
    },
    {
      why: 'another address',
      headers: () => ({ 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Host: 'localhost' }),
      status: 400,
    },
    {
      why: 'another path in a header',
      headers: () => ({ 'X-Original-URL': '/status', 'X-Rewrite-URL': '/status' }),
      status: 400,
    },
  ];
  test.each(CASES)('$why: $status', async ({ headers, path, status }) => {
    const client = shop.product.anyone.as(headers());
    const answer = await client.send('GET', path?.() ?? SALE);
    expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} `));
    expectPlainError(answer.text);
  });

  test('of two apps the one in the query counts', async () => {
    const strong = await shop.app(strongRole);
    const asStrong = shop.product.anyone.as(withKey(strong.api_key));
    expect((await asStrong.send('GET', 'shop/_table/customer')).status).toBe(200);
    // The weaker one in the query: the stronger one in the header adds nothing.
    const both = shop.product.anyone.as({ ...withKey(strong.api_key), ...withToken(token) });
    await expectRefused(both, 'GET', `shop/_table/customer?api_key=${app.api_key}`);
    await expectRefused(both, 'GET', `shop/_table/customer?api_key=${app.api_key}&api_key=x`);
  });

  test('a token in the path is no token', async () => {
    await expectRefused(shop.product.anyone, 'GET', `shop/_table/sale/session_token/${token}`);
  });
});
