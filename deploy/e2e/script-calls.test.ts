/** What scripts may do is what their callers may do: calls of the API, sessions, lookups, and what is left behind. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type KeyLike, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { GatewayClient } from '#common/gateway/client.ts';
import { type Client, withKey } from './client.ts';
import { errorOf, type Json, jsonOf, ScriptedShop } from './scripted.ts';

const API = 1;
const SCRIPT = 2;
const SALE = 'shop/_table/sale';

let scripted: ScriptedShop;
let admin: Client;

beforeAll(async () => {
  scripted = await ScriptedShop.open();
  admin = scripted.admin;
  await admin.json('POST', SALE, {
    resource: [1, 2, 1].map((owner_id, index) => ({ owner_id, note: `n${index}`, amount: index })),
  });
});
afterAll(() => scripted?.close());
afterEach(() => scripted.clear());

let services = 0;
/** A service that answers by this script. @returns its name, once it is known */
async function service(content: string, type = 'nodejs'): Promise<{ name: string; id: number }> {
  const name = `hello${++services}`;
  const id = await scripted.service(name, content, { type });
  await scripted.known();
  return { name, id };
}

/** Whoever has the key of a new app of this role. */
async function clientOf(roleId: number): Promise<Client> {
  const client = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
  await scripted.known();
  return client;
}

const get = async (client: Client, path: string): Promise<Json> => client.json<Json>('GET', path);

describe('calls of the API', () => {
  const READS = `const { status_code, content } = await platform.api.get('${SALE}?fields=id&order=id'); return { status: status_code, body: content };`;

  test('need a role that allows scripts, whatever else it allows', async () => {
    const { name, id } = await service(READS);
    const own = { service_id: id, component: '*', verb_mask: 1 };
    const table = { component: '_table/sale/*', verb_mask: 1 };
    const cases: [mask: number, byScript: number, direct: number][] = [
      [API, 401, 200],
      [SCRIPT, 200, 401],
      [API | SCRIPT, 200, 200],
    ];
    for (const [requestor_mask, byScript, direct] of cases) {
      const client = await clientOf(await scripted.shop.role(own, { ...table, requestor_mask }));
      const { status } = await client.send('GET', SALE);
      const outcome = [(await get(client, name)).status, status];
      expect(`mask ${requestor_mask}: ${outcome}`).toBe(`mask ${requestor_mask}: ${[byScript, direct]}`);
    }
  });

  test('see no more rows than their caller', async () => {
    const { name, id } = await service(READS);
    const filters = [{ name: 'owner_id', operator: '=', value: '1' }];
    const roleId = await scripted.shop.role(
      { service_id: id, component: '*', verb_mask: 1 },
      { component: '_table/sale/*', verb_mask: 1, requestor_mask: SCRIPT, filters },
    );
    const answer = await get(await clientOf(roleId), name);
    expect(answer).toEqual({ status: 200, body: { resource: [{ id: 1 }, { id: 3 }] } });
    expect((await get(admin, name)).body.resource).toHaveLength(3);
  });

  test('are not counted against limits', async () => {
    const { name, id } = await service(
      `for (let i = 0; i < 5; i++) await platform.api.get('${SALE}/1'); return (await platform.api.get('${SALE}/1')).status_code;`,
    );
    const roleId = await scripted.shop.role(
      { service_id: id, component: '*', verb_mask: 1 },
      { component: '*', verb_mask: 31, requestor_mask: API | SCRIPT },
    );
    const client = await clientOf(roleId);
    const limit = { name: 'few', type: 'instance', rate: 2, period: 'minute' };
    const { id: limitId } = await admin.create('system/limit', limit);
    await scripted.known();
    expect([await get(client, name), await get(client, name)]).toEqual([200, 200]);
    expect((await client.send('GET', name)).status).toBe(429);
    await admin.json('DELETE', `system/limit/${limitId}`);
  });

  const WAYS: [way: string, type: string, content: string][] = [
    [
      'v8js at once',
      'v8js',
      `const { status_code, content } = platform.api.get('${SALE}/1'); return [status_code, content.note];`,
    ],
    [
      'a promise',
      'nodejs',
      `const { status_code, content } = await platform.api.get('${SALE}/1'); return [status_code, content.note];`,
    ],
    [
      'a callback',
      'nodejs',
      `platform.api.get('${SALE}/1', (body, answer) => event.setReturn([answer.statusCode, JSON.parse(body).note]));`,
    ],
    [
      'options as parameters',
      'v8js',
      `const { status_code, content } = platform.api.get('${SALE}', { filter: 'id = 1' }); return [status_code, content.resource[0].note];`,
    ],
  ];
  test.each(WAYS)('%s', async (_way, type, content) => {
    const { name } = await service(content, type);
    expect(await get(admin, name)).toEqual([200, 'n0']);
  });

  test('every verb, with what it sends', async () => {
    const { name } = await service(
      `const { api } = platform;
       const made = api.post('shop/_table/customer?fields=*', { resource: [{ name: 'a' }] }).content.resource[0];
       const path = 'shop/_table/customer/' + made.id;
       return [
         made.name,
         api.patch(path + '?fields=name', { name: 'b' }).content.name,
         api.put(path + '?fields=name', { name: 'c' }).content.name,
         api.delete(path + '?fields=name').content.name,
         api.get(path).status_code,
         api.get('nosuch').status_code,
       ];`,
      'v8js',
    );
    expect(await get(admin, name)).toEqual(['a', 'b', 'c', 'c', 404, 404]);
  });

  test('fire scripts as any other, which see who calls', async () => {
    const { name } = await service(`return platform.api.get('${SALE}/1?fields=id').content`, 'v8js');
    await scripted.bind(
      'shop._table.sale.{id}.get.post_process',
      'event.response.content.by = platform.session.user.email',
    );
    expect(await get(admin, name)).toEqual({ id: 1, by: 'admin@example.com' });
  });

  test.each(['v8js', 'nodejs'])('a %s script that calls itself is told that it is too deep', async (type) => {
    const wait = type === 'nodejs' ? 'await ' : '';
    await scripted.bind(
      'shop._table.sale.get.pre_process',
      `const { status_code, content } = ${wait}platform.api.get('${SALE}'); if (status_code !== 200) throw new Error(content.error.message);`,
      { type },
    );
    expect(errorOf(await admin.send('GET', SALE))).toEqual([500, expect.stringMatching(/more than 5 deep/)]);
  });

  test.each([
    { treeCalls: undefined, expected: [200, { id: 1 }] },
    { treeCalls: 110, expected: [200, { id: 1 }] },
    {
      treeCalls: 50,
      expected: [
        500,
        { error: { message: expect.stringMatching(/call each other with it, made more than 50 calls/) } },
      ],
    },
  ])('scripts that call scripts are counted together: $treeCalls', async ({ treeCalls, expected }) => {
    const ten = (path: string): string => `let last;
      for (let n = 0; n < 10; n++) last = (await platform.api.get('${path}')).content;
      if (last.error) throw new Error(last.error.message);
      return last;`;
    const config: object = { config: { limits: { tree_calls: treeCalls } } };
    await scripted.service(`inner${treeCalls}`, ten(`${SALE}/1?fields=id`), config);
    const { name } = await service(ten(`inner${treeCalls}`));
    const { status, text } = await admin.send('GET', name);
    expect([status, JSON.parse(text)]).toMatchObject(expected);
    // What another call begins is counted anew.
    expect((await admin.send('GET', `inner${treeCalls}`)).status).toBe(200);
  });

  test('many at once that call scripts themselves do not wait for each other for ever', async () => {
    const { name } = await service(`return platform.api.get('${SALE}/1?fields=id').content`, 'v8js');
    await scripted.bind('shop._table.sale.{id}.get.post_process', 'await null; event.response.content.seen = 1');
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await admin.send('GET', name)).text));
    expect(new Set(statuses)).toEqual(new Set(['{"id":1,"seen":1}']));
  });
});

describe('a grant', () => {
  test.each([
    ['of random bytes', Buffer.alloc(60, 7)],
    ['that is signed by nobody', Buffer.concat([Buffer.alloc(32), Buffer.from('[1,0,0,1,99999999999]')])],
    ['that is no more than a byte', Buffer.from([1])],
  ])('%s opens nothing at the gateway', async (_what, grant) => {
    const gateway = new GatewayClient({ addresses: [scripted.product.gateways[0] ?? ''] });
    try {
      for (const path of [SALE, 'system/user']) {
        const { status } = await gateway.call({ verb: 'GET', path, grant }, Deadline.after(5000));
        expect(status).toBe(401);
      }
    } finally {
      gateway.close();
    }
  });

  test('is never seen by a script', async () => {
    const { name } = await service('return JSON.stringify([event, platform.session, Object.keys(globalThis)])');
    expect(jsonOf(await admin.send('GET', name)).toString()).not.toMatch(/grant/i);
  });
});

describe('platform.session', () => {
  let server: Server;
  let key: KeyLike;
  let roleId: number;
  let name: string;
  beforeAll(async () => {
    const made = await service('return { ...platform.session, event: undefined };');
    name = made.name;
    roleId = await scripted.shop.role({ service_id: made.id, component: '*', verb_mask: 31 });
    const pair = await generateKeyPair('ES256');
    key = pair.privateKey;
    const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }];
    server = createServer((_, response) => response.end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const role = () => ({ id: roleId, services: [expect.objectContaining({ verb_mask: 31, requestor_mask: API })] });

  test('of an administrator', async () => {
    const token = admin.headers['X-DreamFactory-Session-Token'];
    const user = { id: 1, email: 'admin@example.com', is_sys_admin: true };
    expect(await get(admin, name)).toMatchObject({ user, app: null, role: null, api_key: null, session_token: token });
  });

  test('of an app', async () => {
    const app = await scripted.shop.app(roleId);
    await scripted.known();
    const session = await get(scripted.product.anyone.as(withKey(app.api_key)), name);
    const shown = { user: null, app: { id: app.id }, api_key: app.api_key, session_token: null };
    expect(session).toMatchObject({ ...shown, role: role() });
  });

  test('of a user', async () => {
    const app = await scripted.shop.app();
    const { id, ...account } = await scripted.shop.user(app.id, roleId);
    const client = await scripted.shop.client(app.api_key, account);
    const session = await get(client, name);
    expect(session).toMatchObject({
      user: { id, email: account.email, first_name: 'U', last_name: 'Ser', is_sys_admin: false },
      ...{ app: { id: app.id }, role: role(), api_key: app.api_key },
      session_token: client.headers['X-DreamFactory-Session-Token'],
    });
    expect(Object.keys(session.user)).not.toContain('password');
  });

  test('of a machine', async () => {
    const jwks_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const issuer = { name: 'plant', issuer: 'https://plant.example', audience: 'millrace', jwks_url, role_id: roleId };
    await admin.create('system/token_issuer', issuer);
    await scripted.known();
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(issuer.issuer)
      .setAudience('millrace')
      .setExpirationTime('10m')
      .sign(key);
    const session = await get(scripted.product.anyone.as({ Authorization: `Bearer ${token}` }), name);
    expect(session).toMatchObject({ user: null, app: null, role: role(), api_key: null });
  });
});

describe('what a script leaves behind', () => {
  test.each([
    ['globals', 'globalThis.seen ??= []; seen.push(ID); return seen'],
    ['prototypes', 'Array.prototype.seen ??= []; [].seen.push(ID); return [].seen'],
    [
      'platform.store',
      "const seen = [...platform.store.get('seen', []), ID]; platform.store.set('seen', seen); return seen",
    ],
  ])('in %s is never met by another caller', async (_where, text) => {
    const { name, id } = await service(text.replaceAll('ID', 'platform.session.app.id'));
    const roleId = await scripted.shop.role({ service_id: id, component: '*', verb_mask: 1 });
    const apps = await Promise.all([scripted.shop.app(roleId), scripted.shop.app(roleId)]);
    await scripted.known();
    // Long enough to be found short.
    for (let round = 0; round < 60; round++) {
      for (const app of apps) {
        const seen: number[] = await get(scripted.product.anyone.as(withKey(app.api_key)), name);
        expect(new Set(seen)).toEqual(new Set([app.id]));
      }
    }
  });
});

describe('lookups', () => {
  const HOSTILE = `a"; throw new Error(\`\${1}'\\n"); //`;

  test('stand for their values in the texts of a script, and stay text', async () => {
    const values = { open: 'o', quoted: HOSTILE };
    for (const [name, value] of Object.entries(values))
      await admin.create('system/lookup', { name, value, private: false });
    await admin.create('system/lookup', { name: 'hidden', value: 's3cret', private: true });
    const { name } = await service(
      "return ['{open}', \"{quoted}\", `{quoted}`, '{hidden}', '{nosuch}', '{user.email}', { open: 1 }, platform.session.lookup, platform.session.lookup_secret]",
    );
    expect(await get(admin, name)).toEqual([
      ...['o', HOSTILE, HOSTILE, 's3cret', '{nosuch}', 'admin@example.com', { open: 1 }],
      values,
      { ...values, hidden: 's3cret' },
    ]);
  });

  test('those of the role come first, and a change counts', async () => {
    const { id } = await admin.create('system/lookup', { name: 'place', value: 'all', private: false });
    const { name, id: serviceId } = await service("return '{place}'");
    const roleId = await scripted.shop.role({ service_id: serviceId, component: '*', verb_mask: 1 });
    await admin.json('PATCH', `system/role/${roleId}`, { lookup_by_role_id: [{ name: 'place', value: 'role' }] });
    const client = await clientOf(roleId);
    expect([(await admin.send('GET', name)).text, (await client.send('GET', name)).text]).toEqual(['all', 'role']);
    await admin.json('PATCH', `system/lookup/${id}`, { value: 'new' });
    await expect.poll(async () => (await admin.send('GET', name)).text, { timeout: 1000 }).toBe('new');
  });
});

test('scripts of several routers call any of them, in the time of their caller', async () => {
  const env = { MILLRACE_ROUTERS: '2', MILLRACE_HTTP_DOOR: 'uws', MILLRACE_REQUEST_TIMEOUT_MS: '1500' };
  const apart = await ScriptedShop.open(env);
  try {
    await apart.bind(
      'shop._table.sale.get.post_process',
      "event.response.content.n = (await platform.api.get('shop/_table/customer')).status_code",
    );
    const answers = async (): Promise<string[]> =>
      (await Promise.all(Array.from({ length: 40 }, () => apart.admin.send('GET', SALE)))).map(({ text }) => text);
    // The other router may hear of it a moment later.
    await expect.poll(async () => [...new Set(await answers())]).toEqual(['{"resource":[],"n":200}']);
    await apart.bind('shop._table.sale.post.pre_process', 'await new Promise((done) => setTimeout(done, 20_000))');
    let ms = 0;
    const post = async (): Promise<number> => {
      const since = performance.now();
      const { status } = await apart.admin.send('POST', SALE, [{ note: 'x' }]);
      ms = performance.now() - since;
      return status;
    };
    await expect.poll(post, { timeout: 5000 }).toBe(503);
    expect(ms).toBeLessThan(5000);
  } finally {
    await apart.close();
  }
});
