/** API documents of the running product: valid, true to what it answers, and to whoever asks no more than he may use. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { PASSWORD, Shop } from './shop.ts';

const GET = 1;
const POST = 2;

const ROUTINES = `
  create function add(a int, b int default 10) returns bigint language sql as $$ select a::bigint + b $$;
  create procedure nothing() language sql as $$ select 1 $$;
`;

interface Item {
  readonly operationId?: string;
  readonly responses?: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Item>>>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any of them
  readonly components: any;
}

/** One for all: it compiles what it checks by. */
const VALIDATOR = new Validator();

async function expectValid(document: Document): Promise<void> {
  expect(await VALIDATOR.validate({ ...document })).toMatchObject({ valid: true });
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
  expect(refs.filter(([, kind, name]) => !document.components[kind!]?.[name!]).map(([found]) => found)).toEqual([]);
  const ids = operationsOf(document).flatMap(({ operationId }) => operationId ?? []);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
}

const operationsOf = ({ paths }: Document): Item[] => Object.values(paths).flatMap((item) => Object.values(item));

const verbsOf = ({ paths }: Document): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [path, Object.keys(item).filter((key) => key !== 'parameters')]),
  );

function suites(open: () => Promise<Shop>, routines: Readonly<Record<string, string>>): void {
  let shop: Shop;
  let admin: Client;
  beforeAll(async () => {
    shop = await open();
    admin = shop.admin;
    await admin.json('POST', 'shop/_table/customer', [{ name: 'Ada' }]);
    await admin.json('POST', 'shop/_table/sale', [{ customer_id: 1, note: 'one', amount: 3 }, { note: null }]);
    await admin.create('system/lookup', { name: 'color', value: 'red' });
    const { id } = await shop.app(await shop.role());
    await shop.user(id, await shop.role());
  });
  afterAll(() => shop?.close());

  const read = (path: string, client: Client = admin) => client.json<Document>('GET', path);

  const PATHS = [
    ...['api_docs', 'api_docs?expand_schema=1', 'api_docs/shop', 'api_docs/shop?expand_schema=1', 'api_docs/system'],
    ...['api_docs/user', 'api_docs/api_docs', 'shop/_spec', 'shop/_spec?tables=sale', 'shop/_spec?compact=true'],
    ...['system/_spec', 'system/_spec?resource_name=role', 'user/_spec', 'api_docs/_spec'],
  ];
  test.each(PATHS)('%s is valid', async (path) => {
    for (const version of ['3.0', '3.1']) {
      const document = await read(`${path}${path.includes('?') ? '&' : '?'}openapi=${version}`);
      expect(document.openapi).toBe(`${version}.0`);
      await expectValid(document);
    }
    expect((await read(path)).openapi).toBe('3.1.0');
  });

  test.each(['api_docs/shop', 'api_docs/shop?expand_schema=1'])('%s: what may be read, can be', async (path) => {
    const document = await read(path);
    const known = {
      table_name: 'sale',
      field_name: 'note',
      relationship_name: 'customer_by_customer_id',
      id: '1',
      ...routines,
    };
    const paths = Object.entries(verbsOf(document)).flatMap(([each, verbs]) => (verbs.includes('get') ? each : []));
    expect(paths.length).toBeGreaterThan(8);
    for (const each of paths) {
      // Relations of tables without any have no names.
      if (each.startsWith('/_schema/customer/_related/')) continue;
      const filled = each.replace(/\{(\w+)\}/g, (_all, name: keyof typeof known) => known[name] ?? '');
      const { status, text } = await admin.send('GET', `shop${filled}`);
      expect(`${each}: ${status} ${text.slice(0, 200)}`).toMatch(/: 200 /);
      expect(Object.keys(document.paths[each]?.['get']?.responses ?? {})).toContain('200');
    }
  });

  test('api_docs/system: what may be read, can be', async () => {
    const document = await read('api_docs/system');
    const paths = Object.entries(verbsOf(document)).flatMap(([each, verbs]) => (verbs.includes('get') ? each : []));
    expect(paths).toEqual(expect.arrayContaining(['/', '/admin/session', '/environment', '/role', '/role/{id}']));
    for (const each of paths) {
      let filled = each;
      let expected = 200;
      if (each.endsWith('/{id}')) {
        const list = each.slice(0, -'/{id}'.length);
        const { resource } = await admin.json<{ resource: Record<string, unknown>[] }>('GET', `system${list}`);
        filled = `${list}/${resource[0]?.['id'] ?? resource[0]?.['name'] ?? 0}`;
        if (resource.length === 0) expected = 404;
      }
      const { status, text } = await admin.send('GET', `system${filled}`);
      expect(`${each}: ${status} ${text.slice(0, 200)}`).toContain(`${each}: ${expected} `);
    }
  });

  test('records look as they are said to', async () => {
    const { components } = await read('shop/_spec');
    const { resource } = await admin.json<{ resource: Record<string, unknown>[] }>(
      'GET',
      'shop/_table/sale?related=customer_by_customer_id',
    );
    const { properties } = components.schemas['shop.sale'];
    expect(Object.keys(properties).sort()).toEqual(Object.keys(resource[0]!).sort());
    for (const record of resource) {
      for (const [name, value] of Object.entries(record)) {
        const { $ref, type } = properties[name];
        if ($ref !== undefined) continue;
        const found = value === null ? 'null' : typeof value === 'number' ? 'integer' : typeof value;
        expect(`${name}: ${[type].flat()}`).toContain(found);
      }
    }
    expect(properties['customer_by_customer_id']).toEqual({ $ref: '#/components/schemas/shop.customer' });
  });

  test('a table that is made is told of', async () => {
    await read('shop/_spec');
    const field = [{ name: 'id', type: 'id' }];
    await admin.json('POST', 'shop/_schema', { resource: [{ name: 'later', field }] });
    expect(JSON.stringify(await read('shop/_spec?refresh=true'))).toContain('shop.later');
    await admin.json('DELETE', 'shop/_schema/later');
  });

  test('a role is shown what it may use, at once when that changes', async () => {
    const roleId = await shop.role(
      { component: '_table/customer/*', verb_mask: GET },
      { component: '_table/sale', verb_mask: POST },
    );
    const { api_key: key } = await shop.app(roleId);
    const clerk = shop.product.anyone.as(withKey(key));
    expect(verbsOf(await read('api_docs/shop?expand_schema=1', clerk))).toEqual({
      '/_schema': ['get'],
      '/_table/customer': ['get'],
      '/_table/customer/{id}': ['get'],
      '/_table/sale': ['post'],
    });
    for (const path of ['api_docs', 'api_docs?expand_schema=1', 'api_docs/shop', 'api_docs/shop?expand_schema=1']) {
      const document = await read(path, clerk);
      await expectValid(document);
      expect(JSON.stringify(document)).not.toContain('amount');
    }
    expect((await clerk.send('GET', 'shop/_spec')).status).toBe(401);
    const rule = { service_id: shop.serviceId, component: '_spec', verb_mask: GET, requestor_mask: 1 };
    await admin.json('PATCH', `system/role/${roleId}`, { role_service_access_by_role_id: [rule] });
    await until('the rule counts', async () => (await clerk.send('GET', 'shop/_spec')).status === 200 || undefined);
    const spec = await clerk.json<Record<string, { tables: unknown }>>('GET', 'shop/_spec');
    expect(spec['x-dreamfactory-resources']?.tables).toEqual(['customer', 'sale']);
    expect(spec['x-dreamfactory-relationships']?.tables).toEqual({});
    expect(JSON.stringify(spec)).not.toContain('amount');
    expect((await clerk.send('GET', 'shop/_spec?tables=nope')).status).toBe(404);
  });

  test('nobody is shown what is open to everybody', async () => {
    const { anyone } = shop.product;
    const document = await read('api_docs', anyone);
    await expectValid(document);
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/system/admin/session', '/user/session']));
    expect(JSON.stringify(document)).not.toMatch(/shop|RoleResponse/i);
    expect((await anyone.send('GET', 'api_docs/shop')).status).toBe(403);
    expect((await anyone.send('GET', 'api_docs/nope')).status).toBe(403);
    expect((await admin.send('GET', 'api_docs/nope')).status).toBe(404);
    expect((await anyone.send('GET', 'shop/_spec')).status).toBe(400);
    expect((await anyone.send('POST', 'api_docs', {})).status).toBe(400);
    expect((await admin.send('HEAD', 'api_docs')).status).toBeGreaterThanOrEqual(400);
  });

  test('documents come as files and as YAML', async () => {
    const file = await admin.send('GET', 'api_docs/shop?file=shop.json');
    expect(file.headers['content-disposition']).toBe('attachment; filename="shop.json";');
    const yaml = await admin.send('GET', 'shop/_spec?format=yaml');
    expect(yaml.headers['content-type']).toMatch(/^application\/yaml/);
    expect(parse(yaml.text)).toEqual(JSON.parse((await admin.send('GET', 'shop/_spec')).text));
    expect(await admin.json('GET', 'api_docs?as_list=true')).toEqual({
      resource: ['system', 'api_docs', 'files', 'logs', 'email', 'user', 'shop'],
    });
  });

  test('a stored document stands in the place of the one that is made', async () => {
    const content =
      'openapi: 3.0.0\ninfo: {title: "{service.Name}!"}\npaths:\n  /x: {get: {operationId: x, responses: {200: {description: ""}}}}\n';
    const [service] = (
      await admin.json<{ resource: { service_doc_by_service_id: { id: number } }[] }>(
        'PATCH',
        'system/service?fields=id&related=service_doc_by_service_id',
        { resource: [{ id: shop.serviceId, service_doc_by_service_id: { format: 1, content } }] },
      )
    ).resource;
    const document = await read('api_docs/shop?refresh=true');
    expect(document).toMatchObject({ openapi: '3.0.0', info: { title: 'Shop!', version: '2.0' } });
    expect(verbsOf(document)).toEqual({ '/x': ['get'] });
    await expectValid(document);
    const all = await read('api_docs?refresh=true&openapi=3.0');
    expect(Object.keys(all.paths).filter((path) => path.startsWith('/shop'))).toEqual(['/shop/x']);
    const gone = { id: service!.service_doc_by_service_id.id, service_id: null };
    await admin.json('PATCH', `system/service/${shop.serviceId}`, { service_doc_by_service_id: gone });
    expect(Object.keys((await read('api_docs/shop?refresh=true')).paths)).toContain('/_table');
  });
}

describe('SQLite', () => {
  suites(() => Shop.open(), {});
});

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  afterAll(() => postgres?.stop());
  suites(
    async () => {
      postgres = await startPostgres();
      const pg = new PgClient(postgres.url);
      await pg.connect();
      await pg.query(ROUTINES);
      await pg.end();
      const { host, port, database, user: username, password } = postgres;
      return Shop.open({}, { type: 'pgsql', config: { host, port, database, username, password } });
    },
    { procedure_name: 'nothing', function_name: 'add(1)' },
  );
});

describe('/docs', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterAll(() => shop?.close());

  test('is a page that loads nothing from elsewhere', async () => {
    const { anyone } = shop.product;
    const page = await anyone.send('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    const policy = page.headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:|unsafe|\*/);
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    const named = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url!);
    const files = named.filter((url) => !url.startsWith('data:'));
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) {
      const answer = await anyone.send('GET', new URL(file, `${anyone.origin}/docs`).pathname);
      expect(`${file} ${answer.status}`).toBe(`${file} 200`);
      expect(answer.headers['content-type']).toMatch(/^text\/(?:css|javascript)/);
      if (file.endsWith('.css')) expect(answer.text).not.toMatch(/@import|url\(["']?(?!["']?data:)/);
    }
  });

  test('what it asks for is answered to a key and to a session alike', async () => {
    const roleId = await shop.role({ component: '*', verb_mask: GET });
    const { id, api_key: key } = await shop.app(roleId);
    const user = await shop.user(id, roleId);
    const { anyone } = shop.product;
    const credentials = { email: user.email, username: user.email, password: PASSWORD };
    const { session_token: token } = await anyone.json<{ session_token: string }>('POST', 'user/session', credentials);
    const headers = { 'X-DreamFactory-API-Key': key, 'X-DreamFactory-Session-Token': token };
    for (const client of [anyone.as(withKey(key)), anyone.as(headers)]) {
      expect(await client.json('GET', 'api_docs?as_list=true')).toMatchObject({
        resource: expect.arrayContaining(['shop']),
      });
      const document = await client.json<Document>('GET', 'api_docs/shop?openapi=3.1&expand_schema=true');
      expect(Object.keys(document.paths)).toContain('/_table/sale');
    }
  });
});
