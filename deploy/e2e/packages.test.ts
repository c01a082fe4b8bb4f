/** Packages: out of one installation and into a fresh one, by names, all or nothing, and never more than was asked. */
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const ZIP = { 'Content-Type': 'application/zip' };
const PASSWORD = 'A-good-passphrase';
const USER = { email: 'una@example.com', password: 'Unas-Passw0rd-16' };
const SECRET = 'smtp-secret-text';
const PRIVATE = 'lookup-secret-text';
const EVENT = 'shop._table.sale.get.post_process';
const SCRIPT = 'event.response.content.packed = true;';

/** What the answers of this API hold. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
type Json = any;

async function bytes(client: Client, manifest: object): Promise<Uint8Array> {
  const response = await fetch(`${client.origin}/api/v2/system/package`, {
    method: 'POST',
    headers: { ...client.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(manifest),
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
  return new Uint8Array(await response.arrayBuffer());
}

const textOf = (archive: Uint8Array): string =>
  Object.values(unzipSync(archive))
    .map((file) => Buffer.from(file).toString())
    .join('\n');

const zipOf = (files: Record<string, unknown>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, json]) => [name, Buffer.from(JSON.stringify(json))])));

/** What was written is published a moment later. */
const known = (client: Client, path: string): Promise<true> =>
  until(`${path} is served`, async () => (await client.send('GET', path)).status === 200 || undefined);

async function makeSales(admin: Client): Promise<void> {
  await known(admin, 'shop/_table');
  await admin.json('POST', 'shop/_schema', {
    resource: [
      {
        name: 'sale',
        field: [
          { name: 'id', type: 'id' },
          { name: 'region', type: 'string' },
        ],
      },
    ],
  });
  await admin.json('POST', 'shop/_table/sale', { resource: [{ region: 'north' }, { region: 'south' }] });
}

async function fill({ admin }: Product): Promise<string> {
  const create = async (path: string, record: object): Promise<Json> => {
    const { resource } = await admin.json<{ resource: Json[] }>('POST', `${path}?fields=*`, { resource: [record] });
    return resource[0];
  };
  const shop = await create('system/service', {
    name: 'shop',
    type: 'sqlite',
    is_active: true,
    config: { database: 'shop.db' },
  });
  await create('system/service', {
    ...{ name: 'post', type: 'smtp_email', is_active: true },
    config: { host: 'localhost', port: 25, password: SECRET },
  });
  const role = await create('system/role', {
    ...{ name: 'northern', is_active: true },
    role_service_access_by_role_id: [
      {
        ...{ service_id: shop.id, component: '_table/sale/*', verb_mask: 1, requestor_mask: 1 },
        ...{ filters: [{ name: 'region', operator: '=', value: 'north' }], filter_op: 'AND' },
      },
    ],
    lookup_by_role_id: [{ name: 'area', value: PRIVATE, private: true }],
  });
  const app = await create('system/app', { name: 'till', is_active: true, role_id: role.id });
  const user = { ...USER, first_name: 'Una', default_app_id: app.id };
  const assigned = { user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: role.id }] };
  const { id: userId } = await create('system/user', { ...user, ...assigned });
  const { id: idleId } = await create('system/user', { email: 'idle@example.com' });
  await admin.json('PATCH', `system/user/${idleId}`, { is_active: false });
  await create('system/lookup', { name: 'hidden', value: PRIVATE, private: true });
  await create('system/lookup', { name: 'shown', value: 'plain' });
  await create('system/cors', { path: 'api/*', origin: 'https://a.example', method: ['GET'], enabled: true });
  const limit = { type: 'instance.user.service', rate: 100, period: 'day' };
  await admin.json('POST', 'system/limit', {
    resource: [{ ...limit, name: 'una', user_id: userId, service_id: shop.id }],
  });
  const script = { type: 'nodejs', content: SCRIPT, config: '{"optional":true}', is_active: true };
  await create('system/event_script', { ...script, name: EVENT });
  const task = { cron: '0 3 * * *', time_zone: 'Europe/Berlin', component: '_table/sale', user_id: userId };
  await create('system/scheduler', { ...task, name: 'nightly', service_id: shop.id, is_active: true });
  return app.api_key;
}

describe('packages', () => {
  let from: Product;
  let to: Product;
  let key: string;
  let plain: Uint8Array;
  let secured: Uint8Array;
  beforeAll(async () => {
    [from, to] = await Promise.all([startProduct(), startProduct()]);
    key = await fill(from);
    plain = await bytes(from.admin, {});
    secured = await bytes(from.admin, { secured: true, password: PASSWORD });
  }, 60_000);
  afterAll(async () => {
    await from?.stop();
    await to?.stop();
  });

  const load = (archive: Uint8Array, options = '', headers = {}) =>
    to.admin.send('POST', `system/package${options}`, archive, { ...ZIP, ...headers });
  const names = async (): Promise<Json> =>
    (await to.admin.json<Json>('GET', 'system/package?system_only=true')).service;

  test('a manifest names what there is', async () => {
    const manifest = await from.admin.json<Json>('GET', 'system/package?full_tree=true');
    expect(manifest).toMatchObject({ version: expect.any(String), secured: false, service: { shop: {} } });
    expect(manifest.service.system).toMatchObject({
      service: expect.arrayContaining(['shop', 'post']),
      role: ['northern'],
      user: [USER.email, 'idle@example.com'],
      limit: ['una'],
      event_script: [EVENT],
      scheduler: ['nightly'],
    });
  });

  test('only a secured package holds secrets, and those sealed', () => {
    for (const archive of [plain, secured]) {
      for (const secret of [SECRET, PRIVATE, '$argon2']) expect(textOf(archive)).not.toContain(secret);
      expect(textOf(archive)).toContain(key);
    }
    expect(textOf(plain)).not.toContain('$sealed');
    expect(textOf(secured)).toContain('$sealed');
  });

  test('what is named is exported', async () => {
    const archive = await bytes(from.admin, { service: { system: { role: ['northern'], lookup: ['shown'] } } });
    expect(Object.keys(unzipSync(archive)).sort()).toEqual(['package.json', 'system/lookup.json', 'system/role.json']);
    expect(textOf(archive)).not.toContain('hidden');
  });

  const MANIFESTS: readonly [why: string, manifest: object, status: number][] = [
    ['no place to store it', { storage: { name: 'system' } }, 400],
    ['a short password', { secured: true, password: 'short' }, 400],
    ['no password', { secured: true }, 400],
    ['an unknown kind', { service: { system: { planet: ['mars'] } } }, 400],
    ['records of a database', { service: { shop: { _table: ['sale'] } } }, 400],
    ['a name that there is not', { service: { system: { role: ['nosuch'] } } }, 404],
    ['no list of names', { service: { system: { role: { a: 1 } } } }, 400],
    ['an address', { import_url: 'http://127.0.0.1/package.zip' }, 400],
  ];
  test.each(MANIFESTS)('no export: %s', async (_, manifest, status) => {
    const answer = await from.admin.send('POST', 'system/package', manifest);
    expect(answer.status).toBe(status);
    expectPlainError(answer.text);
  });

  const manifest = { format: 'millrace.package/v1', service: { system: {} } };
  const role = { name: 'ok', is_active: true };
  const access = { service: 'nosuch', component: '*', verb_mask: 31, requestor_mask: 3 };
  const REFUSED: readonly [why: string, archive: () => Uint8Array, options?: string, says?: RegExp][] = [
    ['no zip', () => Buffer.from('words')],
    ['half a zip', () => plain.subarray(0, plain.length / 2)],
    ['a zip that is broken inside', () => Uint8Array.from(plain, (byte, at) => (at > 60 && at < 300 ? 255 : byte))],
    ['a bomb', () => zipSync({ 'package.json': new Uint8Array(40_000_000) }), '', /larger/],
    ['no manifest', () => zipOf({ 'system/role.json': [role] }), '', /package\.json/],
    ['another manifest', () => zipOf({ 'package.json': { format: 'other' } }), '', /format/],
    ['an unknown file', () => zipOf({ 'package.json': manifest, '../../evil.json': [] })],
    [
      'an unknown kind',
      () => zipOf({ 'package.json': { ...manifest, service: { system: { planet: ['mars'] } } } }),
      '',
      /planet/,
    ],
    [
      'a missing file',
      () => zipOf({ 'package.json': { ...manifest, service: { system: { role: ['a'] } } } }),
      '',
      /missing/,
    ],
    ['no records', () => zipOf({ 'package.json': manifest, 'system/role.json': 'x' }), '', /list/],
    ['a record without a name', () => zipOf({ 'package.json': manifest, 'system/role.json': [role, {}] })],
    ['the same name twice', () => zipOf({ 'package.json': manifest, 'system/role.json': [role, role] }), '', /twice/],
    [
      'a reference that leads nowhere',
      () => zipOf({ 'package.json': manifest, 'system/role.json': [role, { name: 'bad', service_access: [access] }] }),
      '',
      /nosuch/,
    ],
    ['no password', () => secured, '', /password/],
    ['a wrong password', () => secured, '?password=Another-passphrase', /password/],
  ];
  test.each(REFUSED)('nothing is imported: %s', async (_, archive, options = '', says = /./) => {
    const before = await names();
    const { status, text } = await load(archive(), options);
    expect([status, text]).toEqual([400, expect.stringMatching(says)]);
    expectPlainError(text);
    expect(await names()).toEqual(before);
  });

  test('a dry run changes nothing', async () => {
    const before = await names();
    const { status, text } = await load(plain, '?dry_run=true');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ success: true, dry_run: true, log: { created: { role: ['northern'] } } });
    expect(await names()).toEqual(before);
  });

  test('the key and the row filter of an imported app hold', async () => {
    // The e-mail templates and services of a fresh installation are there already.
    const form = new FormData();
    form.set('files', new Blob([plain]), 'package.zip');
    const response = await fetch(`${to.origin}/api/v2/system/package`, {
      method: 'POST',
      headers: to.admin.headers,
      body: form,
    });
    const { log } = (await response.json()) as Json;
    expect(response.status).toBe(200);
    expect(log.created).toMatchObject({
      ...{ role: ['northern'], app: ['till'], user: [USER.email, 'idle@example.com'] },
      ...{ lookup: ['hidden', 'shown'], cors: ['api/*'], limit: ['una'], scheduler: ['nightly'] },
      event_script: [EVENT],
    });
    const script = await to.admin.json('GET', `system/event_script/${EVENT}`);
    expect(script).toMatchObject({ type: 'nodejs', content: SCRIPT, config: '{"optional":true}', is_active: true });
    expect(log.skipped.email_template.length).toBeGreaterThan(0);
    await makeSales(to.admin);
    const till = to.anyone.as(withKey(key));
    await known(till, 'shop/_table/sale');
    const { resource } = await till.json<Json>('GET', 'shop/_table/sale');
    expect(resource).toEqual([{ id: 1, region: 'north' }]);
    expect((await till.send('GET', 'system/role')).status).toBe(401);
    const users = await to.admin.json<Json>('GET', 'system/user?order=id&related=user_to_app_to_role_by_user_id');
    expect(users.resource).toMatchObject([
      { email: USER.email, is_active: true, user_to_app_to_role_by_user_id: [{ id: expect.any(Number) }] },
      { email: 'idle@example.com', is_active: false },
    ]);
  });

  test('once more nothing is doubled', async () => {
    const before = await names();
    const { status, text } = await load(plain);
    expect([status, JSON.parse(text).log.created]).toEqual([200, {}]);
    expect(await names()).toEqual(before);
  });

  test('what is there is changed only where that is asked for', async () => {
    const roleOf = async (): Promise<Json> =>
      (await to.admin.json<Json>('GET', 'system/role?filter=name%3Dnorthern&related=role_service_access_by_role_id'))
        .resource[0];
    await to.admin.json('PATCH', `system/role/${(await roleOf()).id}`, { description: 'ours' });
    await load(plain);
    expect(await roleOf()).toMatchObject({ description: 'ours' });
    const { status } = await load(plain, '?overwrite=true');
    expect(status).toBe(201);
    const found = await roleOf();
    expect(found.description).toBeNull();
    expect(found.role_service_access_by_role_id).toHaveLength(1);
  });

  test('the password of a package brings its secrets back', async () => {
    const signIn = () => to.anyone.send('POST', 'user/session', USER);
    expect((await signIn()).status).toBe(401);
    const { status, text } = await load(secured, `?overwrite=true&password=${PASSWORD}`);
    expect([status, text]).toEqual([201, expect.stringContaining('"success":true')]);
    await until('she signs in', async () => (await signIn()).status === 200 || undefined);
    const again = await bytes(to.admin, { secured: true, password: PASSWORD });
    expect(textOf(again).match(/\$sealed/g)).toHaveLength(textOf(secured).match(/\$sealed/g)?.length ?? 0);
  });

  describe('configurations', () => {
    test('hold services, roles and apps without secrets', async () => {
      const config = await from.admin.json<Json>('GET', 'system/config_package');
      expect(config).toMatchObject({
        format: 'dreamfactory.config/v1',
        exported_at: expect.any(String),
        apps: expect.arrayContaining([expect.objectContaining({ name: 'till', role: 'northern' })]),
      });
      expect(config.roles[0].service_access[0]).toMatchObject({ service: 'shop', component: '_table/sale/*' });
      const post = config.services.find(({ name }: Json) => name === 'post');
      expect(post.config.password).toBe('**********');
      for (const secret of [SECRET, PRIVATE, key]) expect(JSON.stringify(config)).not.toContain(secret);
    });

    test('merge by name, and keep what is masked', async () => {
      const config = await from.admin.json<Json>('GET', 'system/config_package');
      const first = await to.admin.json<Json>('POST', 'system/config_package', config);
      expect(first).toMatchObject({
        success: true,
        created: { roles: [] },
        skipped: { roles: ['northern'] },
        errors: [],
      });
      const fresh = { ...config, roles: [{ ...config.roles[0], name: 'southern' }] };
      const second = await to.admin.json<Json>('POST', 'system/config_package?overwrite=true', { manifest: fresh });
      expect(second).toMatchObject({
        created: { roles: ['southern'] },
        updated: { apps: expect.arrayContaining(['till']) },
      });
      await known(to.anyone.as(withKey(key)), 'shop/_table/sale');
    });

    test('of another format are refused', async () => {
      const { status, text } = await to.admin.send('POST', 'system/config_package', { format: 'other', roles: [] });
      expect([status, text]).toEqual([400, expect.stringContaining('dreamfactory.config/v1')]);
    });
  });

  test('a role with the resource does not become more than it is', async () => {
    const { resource } = await from.admin.json<{ resource: Json[] }>('POST', 'system/role?fields=*', {
      resource: [
        {
          ...{ name: 'packer', is_active: true },
          role_service_access_by_role_id: ['package', 'config_package'].map((component) => ({
            ...{ service_id: 1, component, verb_mask: 31, requestor_mask: 1 },
          })),
        },
      ],
    });
    const app = { name: 'packer', is_active: true, role_id: resource[0].id };
    const apps = await from.admin.json<{ resource: Json[] }>('POST', 'system/app?fields=*', { resource: [app] });
    const packer = from.anyone.as(withKey(apps.resource[0].api_key));
    const grab = zipOf({ 'package.json': manifest, 'system/app.json': [{ name: 'grab', role: 'northern' }] });
    await known(packer, 'system/package');
    expect((await packer.send('POST', 'system/package', {})).status).toBe(403);
    expect((await packer.send('POST', 'system/package', { secured: true, password: PASSWORD })).status).toBe(403);
    expect((await packer.send('POST', 'system/package', grab, ZIP)).status).toBe(403);
    expect((await packer.send('GET', 'system/config_package')).status).toBe(403);
    expect((await packer.send('POST', 'system/config_package', { format: 'dreamfactory.config/v1' })).status).toBe(403);
    expect((await from.anyone.send('POST', 'system/package', grab, ZIP)).status).not.toBe(201);
  });
});
