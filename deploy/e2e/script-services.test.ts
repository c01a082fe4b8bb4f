/** Services that scripts answer; what scripts are written in; scripts that are tried out; scripts and writes done once. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { errorOf, type Json, jsonOf, ScriptedShop } from './scripted.ts';

const SALE = 'shop/_table/sale';

let scripted: ScriptedShop;
let admin: Client;
beforeAll(async () => {
  scripted = await ScriptedShop.open();
  admin = scripted.admin;
});
afterAll(() => scripted?.close());
afterEach(() => scripted.clear());

let services = 0;
async function service(content: string, config: object = {}): Promise<{ name: string; id: number }> {
  const name = `hello${++services}`;
  const id = await scripted.service(name, content, config);
  await scripted.known();
  return { name, id };
}

describe('a service', () => {
  test.each([
    ['its value', 'return { a: 1 }', 200, 'application/json', '{"a":1}'],
    ['a list', 'return [1]', 200, 'application/json', '[1]'],
    ['a number', 'return 5', 200, 'application/json', '5'],
    ['its response', 'event.response = { status_code: 201, content: { b: 2 } }', 201, 'application/json', '{"b":2}'],
    [
      'changed members',
      'event.response.content = [3]; event.response.status_code = 203',
      203,
      'application/json',
      '[3]',
    ],
    ['its content alone', 'event.response.content = { d: 4 }', 200, 'application/json', '{"d":4}'],
    ['its status alone', 'event.response.status_code = 404', 404, 'application/json', ''],
    [
      'content inside of what it has set',
      'event.response.content = { d: [] }; event.response.content.d.push(5)',
      ...([200, 'application/json', '{"d":[5]}'] as const),
    ],
    [
      'text and its type, one after the other',
      'event.response.content_type = "text/csv"; event.response.content = "a,b"',
      ...([200, 'text/csv', 'a,b'] as const),
    ],
    ['content and status', 'return { content: { c: 3 }, status_code: 404 }', 404, 'application/json', '{"c":3}'],
    [
      'text of a type of its own',
      'return { content: "a,b", content_type: "text/csv", headers: { "X-Own": "1" } }',
      ...([200, 'text/csv', 'a,b'] as const),
    ],
    ['nothing', '1;', 200, 'application/json', ''],
  ])('answers with %s', async (_what, content, status, type, text) => {
    const { name } = await service(content);
    const answer = await admin.send('GET', name);
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([status, type, text]);
  });

  test.each(['nodejs', 'v8js'])('edits its response in several places: %s', async (type) => {
    const { name } = await service(
      `event.response.content = { a: 1 };
       event.response.status_code = 201;
       event.response.headers ??= {};
       event.response.headers['X-Own'] = 'yes';`,
      { type },
    );
    // Once as long as nobody knows how long it takes, and again when it has proved to be short.
    for (let i = 0; i < 3; i++) {
      const { status, headers, text } = await admin.send('POST', name, { given: 1 });
      expect([status, headers['x-own'], text]).toEqual([201, 'yes', '{"a":1}']);
    }
  });

  test('knows verb, path, query and body', async () => {
    const { name } = await service(
      'const { method, parameters, payload } = event.request; return { method, parameters, payload, resource: event.resource }',
    );
    const call = async (method: string, path: string, body?: object): Promise<Json> =>
      jsonOf(await admin.send(method, `${name}${path}`, body));
    expect(await call('GET', '?a=1&b=x%20y')).toEqual({
      ...{ method: 'GET', parameters: { a: '1', b: 'x y' }, payload: [], resource: '' },
    });
    expect(await call('PATCH', '/a/b/', { c: 1 })).toEqual({
      ...{ method: 'PATCH', parameters: {}, payload: { c: 1 }, resource: 'a/b' },
    });
  });

  test('is shown in the format that is asked for', async () => {
    const { name } = await service('return [{ a: 1 }, { a: 2 }]');
    const { text } = await admin.send('GET', name, undefined, { Accept: 'text/csv' });
    expect(text.trim()).toBe('a\n1\n2');
  });

  test('an error of its script is one of the service', async () => {
    const { name } = await service('throw new Error("no tea")');
    const answer = await admin.send('GET', name);
    expect(errorOf(answer)).toEqual([500, 'no tea']);
    expectPlainError(answer.text);
  });

  test('has roles, by path and verb', async () => {
    const { name, id } = await service('return event.resource');
    const roleId = await scripted.shop.role({ service_id: id, component: 'open/*', verb_mask: 1 });
    const client = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
    await scripted.known();
    expect((await client.send('GET', `${name}/open/a`)).text).toBe('open/a');
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/shut'],
      ['POST', '/open/a'],
    ] as const) {
      expect((await client.send(method, name + path)).status).toBe(401);
    }
  });

  test.each([
    [false, { resource: ['', '*'] }],
    [true, ['mine', 'true']],
  ])('says what rules may name, itself: %j', async (implements_access_list, expected) => {
    const script = 'return ["mine", event.request.parameters.as_access_list]';
    const { name } = await service(script, { implements_access_list });
    expect(jsonOf(await admin.send('GET', `${name}?as_access_list=true`))).toEqual(expected);
  });

  test('has events', async () => {
    const { name } = await service('return { trail: event.request.headers["x-trail"] }');
    await scripted.bindAll({
      [`${name}.get.pre_process`]: 'event.request.headers["x-trail"] = "pre " + event.resource',
      [`${name}.get.post_process`]: 'event.response.content.trail += " post"',
    });
    expect(jsonOf(await admin.send('GET', `${name}/a/b`))).toEqual({ trail: 'pre a/b post' });
  });

  test('a new text counts, and so does its end', async () => {
    const { name, id } = await service('return 1');
    expect((await admin.send('GET', name)).text).toBe('1');
    await admin.json('PATCH', `system/service/${id}`, { config: { content: 'return 2' } });
    await expect.poll(async () => (await admin.send('GET', name)).text, { timeout: 1000 }).toBe('2');
    await admin.json('PATCH', `system/service/${id}`, { is_active: false });
    await expect.poll(async () => (await admin.send('GET', name)).status, { timeout: 1000 }).toBe(403);
    await admin.json('DELETE', `system/service/${id}`);
    await expect.poll(async () => (await admin.send('GET', name)).status, { timeout: 1000 }).toBe(404);
  });

  describe('whose answers are kept', () => {
    const ROLL = 'return Math.random()';
    const text = async (path: string, client = admin): Promise<string> => (await client.send('GET', path)).text;

    test('answers the same caller the same for a while, and everybody else anew', async () => {
      const { name, id } = await service(ROLL, { cache_enabled: true, cache_ttl: 600 });
      const roleId = await scripted.shop.role({ service_id: id, component: '*', verb_mask: 31 });
      const client = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
      await scripted.known();
      const first = await text(name);
      expect(await text(name)).toBe(first);
      expect([await text(`${name}?a=1`), await text(name, client)]).not.toContain(first);
      expect((await admin.send('POST', name)).text).not.toBe(first);
      await admin.json('DELETE', `system/cache/${name}`);
      expect(await text(name)).not.toBe(first);
    });

    test.each([{ cache_enabled: false, cache_ttl: 600 }, { cache_enabled: true }])('unless %j', async (config) => {
      const { name } = await service(ROLL, config);
      expect(await text(name)).not.toBe(await text(name));
    });

    test('a setting counts when it is changed', async () => {
      const { name, id } = await service(ROLL);
      await admin.json('PATCH', `system/service/${id}`, { config: { cache_enabled: true, cache_ttl: 600 } });
      await scripted.known();
      expect(await text(name)).toBe(await text(name));
    });
  });

  describe('with a stored document', () => {
    const DOCUMENT = {
      openapi: '3.0.0',
      info: { title: '{service.label}', version: '1' },
      paths: {
        '/greet': { get: { summary: 'Greets', responses: { 200: { description: 'ok' } } } },
        '/greet/{who}': {
          get: { summary: 'Greets one', responses: { 200: { description: 'ok' } } },
          delete: { responses: { 200: { description: 'ok' } } },
        },
        '/greet{a}c': { put: { responses: { 200: { description: 'ok' } } } },
        '/v1.0/greet': { put: { responses: { 200: { description: 'ok' } } } },
      },
    };
    let name: string;
    let id: number;
    beforeAll(async () => {
      ({ name, id } = await service('return "hello " + event.resource'));
      const doc = { format: 0, content: JSON.stringify(DOCUMENT) };
      await admin.json('PATCH', `system/service/${id}`, { service_doc_by_service_id: doc });
      await scripted.known();
    });

    test('is described by it, to each as far as he may use it', async () => {
      const paths = async (client: Client): Promise<Json> => (await client.json<Json>('GET', `${name}/_spec`)).paths;
      expect(Object.keys(await paths(admin))).toEqual(expect.arrayContaining(['/greet', '/greet/{who}']));
      const roleId = await scripted.shop.role(
        { service_id: id, component: 'greet/*', verb_mask: 1 },
        { service_id: id, component: '_spec', verb_mask: 1 },
      );
      const client = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
      await scripted.known();
      const seen = await paths(client);
      expect(Object.keys(seen['/greet/{who}'])).not.toContain('delete');
      const all = await admin.json<Json>('GET', `api_docs/${name}`);
      expect(JSON.stringify(all.paths)).toContain('Greets one');
    });

    test('its paths are what rules may name, to each as far as he may use them', async () => {
      const listed = (client: Client) => client.json<Json>('GET', `${name}?as_access_list=true`);
      expect(await listed(admin)).toEqual({
        resource: ['', '*', 'greet', 'greet/*', 'greet/{who}', 'greet{a}c', 'v1.0/*', 'v1.0/greet'],
      });
      const roleId = await scripted.shop.role(
        { service_id: id, component: 'greet', verb_mask: 1 },
        { service_id: id, component: '', verb_mask: 1 },
      );
      const client = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
      await scripted.known();
      expect(await listed(client)).toEqual({ resource: ['', '*', 'greet'] });
      // Every other call is the script's.
      expect((await admin.send('GET', `${name}/greet?as_access_list=true`)).text).toBe('hello greet');
    });

    test('its paths are events', async () => {
      const listed = await admin.json<Json>('GET', `system/event?service=${name}&as_list=true`);
      expect(listed.resource).toEqual(expect.arrayContaining([`${name}.greet.get`, `${name}.greet.{who}.get`]));
      // No call could fire the others.
      expect(listed.resource.filter((event: string) => event.endsWith('.put'))).toEqual([]);
      await scripted.bindAll({
        [`${name}.greet.{who}.get.post_process`]: 'event.response.content += "!" + JSON.stringify(event.resource)',
        [`${name}.greet.get.post_process`]: 'event.response.content += "?"',
        [`${name}.get.post_process`]: 'event.response.content += "."',
      });
      const said = async (path: string): Promise<string> => (await admin.send('GET', name + path)).text;
      expect(await said('/greet/Ann')).toBe('hello greet/Ann.!{"{who}":"Ann"}');
      expect(await said('/GREET')).toBe('hello GREET.?');
      expect(await said('/other')).toBe('hello other.');
    });
  });
});

describe('types', () => {
  test.each(['php', 'python', 'python3', 'nosuch'])(
    '%s is none that scripts are run in, which is said',
    async (type) => {
      const script = { type, content: 'x', is_active: true };
      const bound = await admin.send('POST', 'system/event_script/shop._table.sale.get.pre_process', script);
      expect([bound.status, bound.text]).toEqual([400, expect.stringContaining(`'${type}'`)]);
      expectPlainError(bound.text);
      const record = { name: 'legacy', label: 'x', type, is_active: true, config: { content: 'x' } };
      const made = await admin.send('POST', 'system/service', { resource: [record] });
      expect([made.status, made.text]).toEqual([400, expect.stringContaining(type)]);
      expectPlainError(made.text);
    },
  );

  test('a type that is tried out', async () => {
    const answer = await admin.send('POST', 'system/event_script/x.get.pre_process/_test', {
      type: 'php',
      content: '',
    });
    expect(errorOf(answer)).toEqual([400, expect.stringContaining("'php'")]);
  });

  test('TypeScript is stripped, and keeps its places', async () => {
    const { name } = await service(
      `interface Cup { readonly size: number }
       type Full<T> = T & { full: boolean };
       const cup: Full<Cup> = { size: 3, full: true } as Full<Cup>;
       return (cup!.size satisfies number) + 1;`,
    );
    expect((await admin.send('GET', name)).text).toBe('4');
    const tried = await admin.json<Json>('POST', 'system/event_script/a.get.pre_process/_test', {
      content: 'interface A { a: number }\nconst a: A = { a: 1 };\nthrow new Error("at " + a.a);',
      type: 'nodejs',
    });
    expect(tried.error).toMatchObject({ message: 'at 1', line: 3 });
  });

  test('scripts import each other and what is bundled', async () => {
    await scripted.bindAll({
      'shared.tax': 'import { rate } from "shared.rate"; export const taxed = (price) => price * (1 + rate);',
      'shared.rate': 'export const rate = 0.5;',
    });
    const { name } = await service(
      `import { taxed } from 'shared.tax';
       import _ from 'lodash';
       import { v4 } from 'uuid';
       const dayjs = require('dayjs');
       return [taxed(2), _.chunk([1, 2, 3], 2), v4().length, dayjs('2020-02-03').month(), typeof require('ajv')];`,
    );
    const answer = async (): Promise<Json> => jsonOf(await admin.send('GET', name));
    expect(await answer()).toEqual([3, [[1, 2], [3]], 36, 1, 'function']);
    // What is imported may change.
    await scripted.bind('shared.rate', 'export const rate = 1;');
    await expect.poll(answer, { timeout: 1000 }).toEqual([4, [[1, 2], [3]], 36, 1, 'function']);
    const { name: lost } = await service("import { x } from 'shared.nosuch'; return x");
    expect(errorOf(await admin.send('GET', lost))).toEqual([500, expect.stringContaining('shared.nosuch')]);
  });
});

describe('tried out', () => {
  const NAME = 'shop._table.sale.post.pre_process';
  const attempt = (body: object, name = NAME): Promise<Json> =>
    admin.json('POST', `system/event_script/${name}/_test`, body);

  const CASES: [why: string, body: object, expected: object][] = [
    [
      'what it changed',
      { content: 'event.request.payload.a = 2', event: { request: { payload: { a: 1 } } } },
      { success: true, request: { payload: { a: 2 } }, response: null, returned: null },
    ],
    ['what it returned', { content: 'return [event.resource]', event: { resource: 'sale' } }, { returned: ['sale'] }],
    [
      'an answer of its own',
      { content: 'event.response = { status_code: 422, content: 1 }' },
      { success: true, response: { status_code: 422, content: 1 } },
    ],
    ['nothing', { content: '' }, { success: true, request: null, response: null, returned: null }],
    [
      'its console',
      { content: 'console.log("a", { b: 1 }); console.log("c")' },
      {
        logs: [
          { level: 'info', text: 'a {"b":1}' },
          { level: 'info', text: 'c' },
        ],
      },
    ],
    [
      'what was thrown, and where',
      { content: '\n  throw new Error("here");' },
      { success: false, error: { kind: 'thrown', message: 'here', line: 2, column: 9 } },
    ],
    ['a mistake in its text', { content: 'const = 1' }, { success: false, error: { kind: 'thrown', line: 1 } }],
    [
      'a cap',
      { content: 'for (;;);', config: { limits: { cpu_ms: 30 } } },
      { success: false, error: { kind: 'capped' } },
    ],
    [
      'a call of the API',
      { content: `return platform.api.get('${SALE}').status_code`, type: 'v8js' },
      { success: true, returned: 200 },
    ],
  ];
  test.each(CASES)('%s', async (_why, body, expected) => {
    const answer = await attempt(body);
    expect(answer).toMatchObject(expected);
    expect([typeof answer.cpu_ms, typeof answer.wall_ms, typeof answer.memory_bytes]).toEqual(Array(3).fill('number'));
  });

  test('the stored one, also where it is not active', async () => {
    await scripted.bind(NAME, 'return "stored"', { is_active: false });
    expect((await attempt({})).returned).toBe('stored');
    expect((await attempt({ content: 'return "given"' })).returned).toBe('given');
  });

  test('leaves nothing behind, and runs for nobody else', async () => {
    const content = 'globalThis.n = (globalThis.n ?? 0) + 1; return n';
    expect([(await attempt({ content })).returned, (await attempt({ content })).returned]).toEqual([1, 1]);
    const roleId = await scripted.shop.role({ service_id: null, component: '*', verb_mask: 31 });
    const client = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
    await scripted.known();
    const refused = await client.send('POST', `system/event_script/${NAME}/_test`, { content });
    expect([401, 403]).toContain(refused.status);
    const missing = await admin.send('POST', 'system/event_script/no.such.get.pre_process/_test', {});
    expect(missing.status).toBe(404);
    expect((await admin.send('GET', `system/event_script/${NAME}/_test`)).status).toBe(400);
  });
});

describe('writes with an Idempotency-Key', () => {
  const post = (key: string, note: string, client = admin) =>
    client.send('POST', `${SALE}?fields=*`, [{ note }], { 'Idempotency-Key': key });
  const count = (filter: string): Promise<number> => admin.json('GET', `${SALE}?count_only=true&filter=${filter}`);
  /** Leaves a line in another table. */
  const RAN = "platform.api.post('shop/_table/customer', { resource: [{ name: 'ran' }] });";
  const runs = (): Promise<number> => admin.json('GET', 'shop/_table/customer?count_only=true&filter=name = ran');

  test('a replay has the changed answer, and runs no script again', async () => {
    await scripted.bindAll(
      {
        'shop._table.sale.post.pre_process': `${RAN} event.request.payload[0].note += ' pre'`,
        'shop._table.sale.post.post_process': `${RAN} event.response.headers['x-own'] = 'post'; event.response.status_code = 201`,
      },
      { type: 'v8js' },
    );
    const key = randomUUID();
    const [first, second] = [await post(key, 'once'), await post(key, 'once')];
    expect([first.status, second.status, second.text]).toEqual([201, 201, first.text]);
    expect([second.headers['idempotent-replayed'], second.headers['x-own']]).toEqual(['true', 'post']);
    expect([await count('note = once pre'), await runs()]).toEqual([1, 2]);
  });

  test('an answer that a script gave before the call is kept as well', async () => {
    await scripted.bind(
      'shop._table.sale.post.pre_process',
      'event.response = { status_code: 422, content: { a: 1 } }',
    );
    const key = randomUUID();
    await post(key, 'shortcut');
    await scripted.clear();
    const second = await post(key, 'shortcut');
    expect([second.status, second.headers['idempotent-replayed']]).toEqual([422, 'true']);
    expect(await count('note = shortcut')).toBe(0);
  });

  test.each([
    ['throws', 'throw new Error("not yet")', 500],
    ['says that it is not the time', 'event.response = { status_code: 503, content: 1 }', 503],
  ])('a script before the call that %s leaves the key free', async (why, content, status) => {
    await scripted.bind('shop._table.sale.post.pre_process', content);
    const key = randomUUID();
    expect((await post(key, why)).status).toBe(status);
    await scripted.clear();
    expect([(await post(key, why)).status, await count(`note = '${why}'`)]).toEqual([200, 1]);
  });

  test('a script behind the call that throws does not: the write is done', async () => {
    await scripted.bind('shop._table.sale.post.post_process', 'throw new Error("behind")');
    const key = randomUUID();
    const first = await post(key, 'behind');
    await scripted.clear();
    const second = await post(key, 'behind');
    expect([errorOf(first), errorOf(second)]).toEqual(Array(2).fill([500, 'behind']));
    expect([second.headers['idempotent-replayed'], await count('note = behind')]).toEqual(['true', 1]);
  });

  describe('to a service that is a script', () => {
    const RUN = `platform.api.post('${SALE}', { resource: [{ note: event.request.payload.note }] });`;
    test.each([
      ['throws', 'throw new Error("half way")', [500, 'half way']],
      ['is ended at a cap', 'for (;;);', [500, expect.stringContaining('processor time')]],
      ['says 503', 'return { status_code: 503, content: { error: { message: "later" } } }', [503, 'later']],
    ])('one that %s is not run again: what it has written is written', async (why, ending, expected) => {
      const config = { limits: { cpu_ms: 50 } };
      const { name } = await service(`${RUN} ${ending}`, { type: 'v8js', config });
      const note = `the service ${why}`;
      const call = () => admin.send('POST', name, { note }, { 'Idempotency-Key': `service-${note.length}` });
      const [first, second] = [await call(), await call()];
      expect([errorOf(first), errorOf(second)]).toEqual([expected, expected]);
      expect([second.headers['idempotent-replayed'], await count(`note = '${note}'`)]).toEqual(['true', 1]);
    });

    test('nor with scripts around it', async () => {
      const { name } = await service(`${RUN} throw new Error("half way")`, { type: 'v8js' });
      await scripted.bind(`${name}.post.pre_process`, '1;');
      const call = () => admin.send('POST', name, { note: 'around' }, { 'Idempotency-Key': 'service-around' });
      const [first, second] = [await call(), await call()];
      expect([errorOf(first), second.text]).toEqual([[500, 'half way'], first.text]);
      expect([second.headers['idempotent-replayed'], await count('note = around')]).toEqual(['true', 1]);
    });
  });
});
