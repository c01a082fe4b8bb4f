/** Scripts around calls: which events a call fires, what scripts see and change, what passes by them. */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import type { Answer, Body, Headers } from './client.ts';
import { withKey } from './client.ts';
import { Door } from './gateway-door.ts';
import { until } from './process.ts';
import { errorOf, type Json, jsonOf, ScriptedShop } from './scripted.ts';

let scripted: ScriptedShop;
const send = (method: string, path: string, body?: Body, headers?: Headers): Promise<Answer> =>
  scripted.admin.send(method, path, body, headers);

beforeAll(async () => {
  scripted = await ScriptedShop.open({ MILLRACE_LOG_LEVEL: 'info' });
  await scripted.service('hello', 'return 1');
  await scripted.admin.json('POST', 'shop/_table/sale', {
    resource: [
      { note: 'a', amount: 1 },
      { note: 'b', amount: 2 },
    ],
  });
});
afterAll(() => scripted?.close());
afterEach(() => scripted.clear());

const SALE = 'shop/_table/sale';
/** Says which event it was, and answers instead of the service. */
const SAY = 'event.response = { content: { on: "NAME", resource: event.resource } }';

describe('names of events', () => {
  interface Case {
    readonly call: string;
    readonly event: string;
    readonly resource: string | null;
    readonly body?: object;
    readonly headers?: Headers;
  }
  const CASES: Case[] = [
    { call: 'GET shop', event: 'shop.get', resource: null },
    { call: 'GET shop/_table', event: 'shop._table.get', resource: null },
    { call: 'GET shop/_table/sale', event: 'shop._table.{table_name}.get', resource: 'sale' },
    { call: 'GET shop/_table/sale', event: 'shop._table.sale.get', resource: null },
    { call: 'GET shop/_table/sale/', event: 'shop._table.sale.get', resource: null },
    { call: 'GET shop/_table/sale/1', event: 'shop._table.{table_name}.{id}.get', resource: 'sale/1' },
    { call: 'GET shop/_table/sale/1', event: 'shop._table.sale.{id}.get', resource: '1' },
    { call: 'GET SHOP/_TABLE/Sale/1', event: 'shop._table.sale.{id}.get', resource: '1' },
    { call: 'GET shop/%5ftable/%73aLe', event: 'shop._table.sale.get', resource: null },
    { call: 'GET shop/_table/sale', event: 'Shop._table.SALE.get', resource: null },
    { call: 'DELETE shop/_table/sale/1', event: 'shop._table.sale.{id}.delete', resource: '1' },
    { call: 'GET shop/_schema', event: 'shop._schema.get', resource: null },
    { call: 'GET shop/_schema/sale', event: 'shop._schema.sale.get', resource: null },
    { call: 'GET shop/_schema/sale/note', event: 'shop._schema.sale.{field}.get', resource: 'note' },
    {
      call: 'GET shop/_schema/sale/note',
      event: 'shop._schema.{table_name}._field.{field_name}.get',
      resource: 'sale/note',
    },
    { call: 'POST user/session', event: 'user.session.post', resource: null, body: {} },
    { call: 'GET user/profile', event: 'user.profile.get', resource: null },
    { call: 'POST user/register', event: 'user.register.post', resource: null, body: {} },
    { call: 'POST system/admin/session', event: 'system.admin.session.post', resource: null, body: {} },
    { call: 'GET system/app', event: 'system.app.get', resource: null },
    { call: 'GET system/app/5', event: 'system.app.get', resource: '5' },
    { call: 'GET system/app/5', event: 'system.app.{id}.get', resource: '5' },
    { call: 'GET system/environment', event: 'system.environment.get', resource: null },
    { call: 'GET system/event', event: 'system.event.get', resource: null },
    { call: 'POST system/package', event: 'system.package.post', resource: null, body: {} },
    { call: 'DELETE system/cache/shop', event: 'system.cache.delete', resource: 'shop' },
    { call: 'GET api_docs', event: 'api_docs.get', resource: null },
    { call: 'GET api_docs/shop', event: 'api_docs.get', resource: 'shop' },
    { call: 'POST email', event: 'email.post', resource: null, body: {} },
    { call: 'GET hello/a/b', event: 'hello.get', resource: 'a/b' },
    {
      call: 'POST shop/_table/sale',
      event: 'shop._table.sale.get',
      resource: null,
      body: {},
      headers: { 'X-HTTP-Method': 'GET' },
    },
    { call: 'POST shop/_table/sale?method=delete', event: 'shop._table.sale.delete', resource: null, body: {} },
    { call: 'POST shop/_table/sale', event: 'shop._table.sale.put', resource: null, body: { _method: 'PUT' } },
    {
      call: 'POST shop/_table/sale/1',
      event: 'shop._table.sale.{id}.patch',
      resource: '1',
      body: {},
      headers: { 'X-HTTP-METHOD-OVERRIDE': 'MERGE' },
    },
  ];
  test.each(CASES)('$call fires $event', async ({ call, event, resource, body, headers }) => {
    await scripted.bind(`${event}.pre_process`, SAY.replace('NAME', event));
    const [method = '', path = ''] = call.split(' ');
    const answer = await send(method, path, body, headers);
    expect([answer.status, jsonOf(answer)]).toEqual([200, { on: event, resource }]);
  });

  test.each([
    ['the tunnelled verb is the only one', 'POST shop/_table/sale?method=GET', 'shop._table.sale.post'],
    ['the service alone', 'GET shop/_table/sale', 'shop.get'],
    ['another table', 'GET shop/_table/customer', 'shop._table.sale.get'],
    ['a record is not its table', 'GET shop/_table/sale/1', 'shop._table.sale.get'],
  ])('%s', async (_why, call, event) => {
    await scripted.bind(`${event}.pre_process`, SAY);
    const [method = '', path = ''] = call.split(' ');
    expect((await send(method, path)).text).not.toContain('NAME');
  });

  test('the general comes before the specific, before and behind the call', async () => {
    const trail = (letter: string) => `
      const { headers } = event.response ?? event.request;
      headers['x-trail'] = (headers['x-trail'] ?? event.request.headers['x-trail'] ?? '') + '${letter}';`;
    await scripted.bindAll({
      'shop._table.sale.get.post_process': trail('d'),
      'shop._table.{table_name}.get.post_process': trail('c'),
      'shop._table.sale.get.pre_process': trail('b'),
      'shop._table.{table_name}.get.pre_process': trail('a'),
    });
    for (const path of [SALE, SALE, 'shop/_table/SALE']) {
      const { status, headers } = await send('GET', path);
      expect([status, headers['x-trail']]).toEqual([200, 'abcd']);
    }
  });
});

describe('what scripts may change', () => {
  test('nothing without the word of their record, but what they throw counts', async () => {
    await scripted.bindAll(
      {
        'shop._table.sale.get.pre_process': 'event.request.parameters.limit = "1"; event.response = { content: 5 };',
        'shop._table.sale.get.post_process': 'event.response.content = 7; return { content: 8 };',
        'shop._table.customer.get.pre_process': 'throw new Error("no")',
        'shop._table.customer.post.pre_process': 'return { error: { message: "not so", code: 12 } }',
      },
      { allow_event_modification: false },
    );
    expect(jsonOf(await send('GET', SALE)).resource).toHaveLength(2);
    expect(errorOf(await send('GET', 'shop/_table/customer'))).toEqual([500, 'no']);
    expect(errorOf(await send('POST', 'shop/_table/customer', [{ name: 'x' }]))).toEqual([500, 'not so']);
  });

  test('the request: verb, parameters, headers, payload', async () => {
    await scripted.bindAll({
      'shop._table.sale.get.pre_process': 'event.request.parameters = { ids: "2", fields: "note" };',
      'shop._table.sale.post.pre_process': `
        event.request.payload.resource.forEach((sale) => { sale.amount *= 100; });
        event.request.parameters.fields = 'amount';`,
      'shop._table.sale.{id}.delete.pre_process': 'event.request.method = "GET";',
    });
    expect(jsonOf(await send('GET', SALE))).toEqual({ resource: [{ note: 'b' }] });
    expect(jsonOf(await send('POST', SALE, { resource: [{ amount: 3 }] }))).toEqual({ resource: [{ amount: 300 }] });
    expect(jsonOf(await send('DELETE', `${SALE}/1?fields=note`))).toEqual({ note: 'a' });
    await scripted.clear();
    await scripted.admin.json('DELETE', `${SALE}?filter=amount = 300`);
    expect((await send('GET', `${SALE}/1`)).status).toBe(200);
  });

  test('a verb of a script is decided upon again', async () => {
    const roleId = await scripted.shop.role({ component: '_table/sale/*', verb_mask: 1 });
    const reader = scripted.product.anyone.as(withKey((await scripted.shop.app(roleId)).api_key));
    await scripted.bindAll({
      'shop._table.sale.{id}.get.pre_process': 'event.request.method = "DELETE";',
      'shop._table.sale.{id}.get.post_process': 'event.response.headers["x-seen"] = String(event.response.status_code)',
    });
    const answer = await reader.send('GET', `${SALE}/1`);
    expect([answer.status, answer.headers['x-seen']]).toEqual([401, '401']);
    await scripted.clear();
    expect((await send('GET', `${SALE}/1`)).status).toBe(200);
  });

  test('an answer without the service, of any kind', async () => {
    const ANSWERS: [string, number, string, string][] = [
      ['{ status_code: 418, content: { a: 1 }, headers: { "X-Own": "x" } }', 418, 'application/json', '{"a":1}'],
      ['{ content: "<b>hi</b>", content_type: "text/html" }', 200, 'text/html', '<b>hi</b>'],
      ['[1, 2]', 200, 'application/json', '[1,2]'],
      ['{ status_code: 403 }', 200, 'application/json', '{"status_code":403}'],
    ];
    for (const [response, status, type, text] of ANSWERS) {
      await scripted.bind(`shop._table.sale.get.pre_process`, `event.response = ${response}`);
      const answer = await send('GET', SALE);
      expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([status, type, text]);
    }
  });

  test('scripts behind a call see the answer that one before it has given', async () => {
    await scripted.bindAll({
      'shop._table.sale.get.pre_process': 'event.response = { status_code: 202, content: { a: 1 } }',
      'shop._table.sale.get.post_process': 'event.response.content.b = event.response.status_code',
    });
    const answer = await send('GET', SALE);
    expect([answer.status, jsonOf(answer)]).toEqual([202, { a: 1, b: 202 }]);
  });
});

describe('what goes wrong', () => {
  const FAILURES: [what: string, type: string, content: string, code: number, message: string][] = [
    ['an Error', 'nodejs', 'throw new Error("out of tea")', 500, 'out of tea'],
    ['an Error with a code', 'nodejs', 'const e = new Error("tea"); e.code = 42; throw e', 42, 'tea'],
    ['later on', 'nodejs', 'await null; throw new Error("late")', 500, 'late'],
    ['in a callback', 'nodejs', 'setTimeout(() => { throw new Error("timer") }, 1)', 500, 'timer'],
    ['an Error in v8js', 'v8js', 'throw new Error("boom")', 500, 'boom'],
    ['a text in v8js', 'v8js', 'throw "plain"', 500, 'plain'],
    ['a returned error', 'v8js', 'return { error: "said" }', 500, 'said'],
    ['a returned error object', 'nodejs', 'return { error: { message: "said", code: 7 } }', 7, 'said'],
    ['a status that is none', 'nodejs', 'event.response = { content: 1, status_code: 9000 }', 500, 'status_code'],
  ];
  test.each(FAILURES)('%s', async (_what, type, content, code, message) => {
    await scripted.bind('shop._table.sale.get.pre_process', content, { type });
    const answer = await send('GET', SALE);
    expectPlainError(answer.text);
    expect([answer.status, jsonOf(answer).error.code]).toEqual([500, code]);
    expect(jsonOf(answer).error.message).toContain(message);
  });

  test('a script that is none says where', async () => {
    await scripted.bind('shop._table.sale.get.pre_process', 'const a = 1;\nconst = 2;');
    const answer = await send('GET', SALE);
    expect(errorOf(answer)).toEqual([500, expect.stringContaining('Unexpected token')]);
  });

  test('caps end a script', async () => {
    await scripted.bind('shop._table.sale.get.pre_process', 'for (;;);', { config: '{"limits":{"cpu_ms":50}}' });
    expect(errorOf(await send('GET', SALE))).toEqual([500, expect.stringContaining('50 ms')]);
  });

  test('a caller who goes away ends his script', async () => {
    const add = (name: string): string =>
      `platform.api.post('shop/_table/customer', { resource: [{ name: '${name}' }] })`;
    const pause = (ms: number): string => `await new Promise((done) => setTimeout(done, ${ms}));`;
    await scripted.bindAll({
      'shop._table.sale.get.pre_process': `await ${add('begun')}; ${pause(300)} await ${add('late')};`,
      'hello.get.pre_process': pause(600),
    });
    const count = (name: string): Promise<number> =>
      scripted.admin.json('GET', `shop/_table/customer?count_only=true&filter=name = ${name}`);
    const { hostname, port } = new URL(scripted.product.origin);
    const token = scripted.admin.headers['X-DreamFactory-Session-Token'];
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v2/${SALE} HTTP/1.1\r\nHost: a\r\nX-DreamFactory-Session-Token: ${token}\r\n\r\n`);
    await until('it has begun', async () => (await count('begun')) === 1);
    socket.destroy();
    // As long as it would have taken, and longer.
    expect((await send('GET', 'hello')).status).toBe(200);
    expect(await count('late')).toBe(0);
  });

  test('scripts behind see refusals, and may make answers of them', async () => {
    const see =
      'event.response.headers["x-seen"] = event.response.status_code + " " + event.response.content.error.code;';
    await scripted.bindAll({
      'shop._table.sale.{id}.get.post_process': `${see} event.response.status_code = 200; event.response.content = {};`,
      'shop._table.sale.get.post_process': see,
      'shop._table.sale.post.post_process': see,
      'shop._table.customer.get.pre_process': 'throw new Error("before")',
      'shop._table.customer.get.post_process': see,
      'shop._schema.{table_name}.get.post_process': see,
    });
    const missing = await send('GET', `${SALE}/999`);
    expect([missing.status, missing.headers['x-seen'], missing.text]).toEqual([200, '404 404', '{}']);
    const CASES: [string, string, string, Body][] = [
      ['400 400', 'GET', `${SALE}?filter=nosuch = 1`, undefined],
      ['500 500', 'GET', 'shop/_table/customer', undefined],
      ['404 404', 'GET', 'shop/_schema/nosuch', undefined],
      ['400 1000', 'POST', `${SALE}?continue=true`, [{ amount: 1 }, { amount: 'x' }]],
    ];
    for (const [seen, method, path, body] of CASES) {
      const { headers } = await send(method, path, body);
      expect(`${method} ${path} ${headers['x-seen']}`).toBe(`${method} ${path} ${seen}`);
    }
    await scripted.clear();
    await scripted.admin.json('DELETE', `${SALE}?filter=note is null`);
  });

  test('a script behind that throws: the call is done all the same', async () => {
    await scripted.bind('shop._table.customer.post.post_process', 'throw new Error("behind")');
    expect(errorOf(await send('POST', 'shop/_table/customer', [{ name: 'kept' }]))).toEqual([500, 'behind']);
    expect(jsonOf(await send('GET', 'shop/_table/customer?filter=name = kept')).resource).toHaveLength(1);
  });
});

describe('formats', () => {
  test('a changed answer is shown as it was asked for', async () => {
    const change =
      'event.response.content.resource = event.response.content.resource.map(({ note }) => ({ note, n: 1 }))';
    await scripted.bind('shop._table.sale.get.post_process', change);
    const shown = async (headers: Headers, path = `${SALE}?limit=2&order=id`): Promise<string> =>
      (await send('GET', path, undefined, headers)).text.trim();
    expect(await shown({ Accept: 'text/csv' })).toBe('note,n\na,1\nb,1');
    expect(await shown({ Accept: 'application/x-ndjson' })).toBe('{"note":"a","n":1}\n{"note":"b","n":1}');
    expect(await shown({ Accept: 'application/xml' })).toMatch(/<note>a<\/note>\s*<n>1<\/n>/);
    const file = await send('GET', `${SALE}?limit=1&file=x.csv`);
    expect([file.headers['content-disposition'], file.text.trim()]).toEqual([
      expect.stringContaining('x.csv'),
      'note,n\na,1',
    ]);
  });

  const BODIES: [type: string, body: string, payload: object][] = [
    ['application/json', '{"resource":[{"note":"j"}]}', { resource: [{ note: 'j' }] }],
    ['text/csv', 'note,amount\nc,1\n', { resource: [{ note: 'c', amount: '1' }] }],
    ['application/xml', '<x><resource><note>m</note></resource></x>', { resource: { note: 'm' } }],
    ['application/x-www-form-urlencoded', 'note=f&amount=3', { note: 'f', amount: '3' }],
  ];
  test.each(BODIES)('a body of the type %s is shown decoded', async (type, body, payload) => {
    await scripted.bind(
      'shop._table.sale.post.pre_process',
      'const { payload, content, content_type } = event.request; event.response = { content: { payload, content, content_type } }',
    );
    const answer = jsonOf(await send('POST', SALE, body, { 'Content-Type': type }));
    expect(answer).toEqual({ payload, content: body, content_type: type });
  });

  test('an answer that is too large for scripts is none', async () => {
    const { id } = (
      await scripted.admin.json<Json>('POST', SALE, { resource: [{ note: 'x'.repeat(11 * 1024 * 1024) }] })
    ).resource[0];
    await scripted.bind('shop._table.sale.{id}.get.post_process', 'event.response.headers["x-seen"] = "yes"');
    const answer = await send('GET', `${SALE}/${id}`);
    expect([answer.headers['x-seen'], ...errorOf(answer)]).toEqual(['yes', 500, expect.stringContaining('too large')]);
    await scripted.admin.json('DELETE', `${SALE}/${id}?fields=id`);
  });

  test('lists without an end pass by those behind that may but look; those before them run', async () => {
    await scripted.bind('shop._table.sale.get.pre_process', 'event.request.parameters.filter = "amount = 2"');
    const looking = { allow_event_modification: false };
    await scripted.bind('shop._table.sale.get.post_process', 'throw new Error("never")', looking);
    for (const [type, text] of [
      ['application/x-ndjson', '{"note":"b"}\n'],
      ['text/csv', 'note\nb\n'],
    ] as const) {
      const answer = await send('GET', `${SALE}?fields=note`, undefined, { Accept: type });
      expect([answer.status, answer.text]).toEqual([200, text]);
    }
  });

  test('lists without an end are held for those behind that may change them', async () => {
    const hide = 'for (const sale of event.response.content.resource) delete sale.amount';
    await scripted.bind('shop._table.sale.get.post_process', hide);
    for (const [type, text] of [
      ['application/x-ndjson', '{"note":"b"}\n'],
      ['text/csv', 'note\nb\n'],
    ] as const) {
      const path = `${SALE}?fields=note,amount&filter=amount = 2`;
      const answer = await send('GET', path, undefined, { Accept: type });
      expect([answer.status, answer.text]).toEqual([200, text]);
    }
  });

  const LINES = { 'Content-Type': 'application/x-ndjson' };
  const namesOf = async (): Promise<string[]> =>
    jsonOf(await send('GET', 'shop/_table/customer?fields=name')).resource.map(({ name }: Json) => name);

  test('imports are held for those before them, which see and change their records', async () => {
    await scripted.bindAll({
      'shop._table.customer.post.pre_process': `for (const customer of event.request.payload.resource) {
          if (customer.name === 'l0') throw new Error('not l0');
          customer.name += '!';
        }`,
    });
    const answer = await send('POST', 'shop/_table/customer', '{"name":"l1"}\n{"name":"l2"}\n', LINES);
    expect([answer.status, jsonOf(answer)]).toEqual([200, { count: 2 }]);
    expect(
      errorOf(
        await send('POST', 'shop/_table/customer', 'name\nl3\nl0\n', {
          'Content-Type': 'text/csv',
          Prefer: 'return=minimal',
        }),
      ),
    ).toEqual([500, 'not l0']);
    const names = await namesOf();
    expect(names).toEqual(expect.arrayContaining(['l1!', 'l2!']));
    expect(names.filter((name) => name.startsWith('l3'))).toEqual([]);
  });

  test('those behind an import see its answer, and none of its records', async () => {
    const seen =
      "event.response.headers['x-seen'] = JSON.stringify([event.request.payload, event.response.status_code])";
    await scripted.bind('shop._table.customer.post.post_process', seen);
    const answer = await send('POST', 'shop/_table/customer', '{"name":"l4"}\n', LINES);
    expect([answer.status, answer.headers['x-seen']]).toEqual([200, '[[],200]']);
    expect(await namesOf()).toContain('l4');
  });
});

describe('beside the usual way', () => {
  test('HEAD and OPTIONS are as without scripts', async () => {
    const before = await Promise.all([send('HEAD', SALE), send('OPTIONS', SALE)]);
    await scripted.bind('shop._table.sale.get.pre_process', 'throw new Error("never")');
    const behind = await Promise.all([send('HEAD', SALE), send('OPTIONS', SALE)]);
    expect(behind.map(({ status }) => status)).toEqual(before.map(({ status }) => status));
    const preflight = { Origin: 'http://a.example', 'Access-Control-Request-Method': 'GET' };
    expect((await send('OPTIONS', SALE, undefined, preflight)).status).toBeLessThan(300);
  });

  test('the gateway fires the same scripts', async () => {
    await scripted.bindAll({
      'shop._table.sale.{id}.get.pre_process': 'event.request.headers["x-trail"] = "a"',
      'shop._table.sale.{id}.get.post_process': 'event.response.content.trail = event.request.headers["x-trail"]',
    });
    const door = new Door(scripted.product.gateways[0] ?? '');
    try {
      for (const way of ['call', 'exchange', 'stream'] as const) {
        const answer = await door.client(way, scripted.admin).send('GET', `${SALE}/1?fields=note`);
        expect([answer.status, jsonOf(answer)]).toEqual([200, { note: 'a', trail: 'a' }]);
      }
    } finally {
      door.close();
    }
  });

  test('a call that is remembered has its scripts as well, from the moment they are there', async () => {
    const once = async (): Promise<Json> => jsonOf(await send('GET', `${SALE}/2?fields=note`));
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) expect(await once()).toEqual({ note: 'b' });
      await scripted.bind('shop._table.sale.{id}.get.post_process', `event.response.content.round = ${round}`);
      for (let i = 0; i < 3; i++) expect(await once()).toEqual({ note: 'b', round });
      await scripted.clear();
    }
  });

  describe('what a script writes to its console', () => {
    const name = 'shop._table.sale.get.pre_process';
    const lineWith = async (text: string): Promise<Json> => {
      const lines = () => scripted.product.running.output().split('\n');
      const line = await until('the line is there', async () => lines().find((one) => one.includes(text)));
      return JSON.parse(line);
    };

    test('stands in the log, with its name and the request', async () => {
      await scripted.bind(name, 'console.log("kettle", { pot: 1 });');
      const { headers } = await send('GET', SALE);
      expect(await lineWith('kettle')).toMatchObject({
        ...{ script: name, requestId: headers['x-request-id'], level: 30 },
        msg: 'kettle {"pot":1}',
      });
    });

    test('has the level that it was written with', async () => {
      await scripted.bind(name, 'console.error("saucer");');
      await send('GET', SALE);
      expect(await lineWith('saucer')).toMatchObject({ level: 50 });
    });
  });
});
