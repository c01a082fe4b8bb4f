import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { NO_OUTBOUND } from '#common/outbound/policy.ts';
import { Failure_Kind, Lane, Phase } from '#proto/script/v1/script_pb.ts';
import { DEFAULT_CAPS, DEFAULT_LIMITS } from './caps.ts';
import { AFTERWARDS, Bench, bytes, EVENT, type EventInit, json, read } from './testing/fakes.ts';

const bench = new Bench();
const quick = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 200 } });

afterAll(async () => {
  await bench.sandbox.close();
  await quick.sandbox.close();
});

const PAYLOAD = { resource: [{ name: 'x' }] };
const SERVICE: EventInit = { ...EVENT, phase: Phase.SERVICE };
const NONE = { request: undefined, response: undefined, returned: undefined, stop: false };

describe.each([
  ['patient', bench],
  ['quick', quick],
] as const)('what a script sees and leaves, %s', (_, lane) => {
  const CASES: { why: string; script: string; event?: EventInit; want: object }[] = [
    { why: 'nothing done, nothing left', script: 'var a = 1', want: {} },
    { why: 'reading leaves nothing', script: 'JSON.stringify(event); event.request.payload.resource.length', want: {} },
    { why: 'a member set to what it was', script: 'event.request.method = "POST"', want: {} },
    { why: 'method', script: 'event.request.method = "PUT"', want: { request: { method: 'PUT' } } },
    {
      why: 'deep inside the payload',
      script: 'event.request.payload.resource[0].name = "y"',
      want: { request: { payload: { resource: [{ name: 'y' }] } } },
    },
    {
      why: 'parameters and headers',
      script: 'event.request.parameters.limit = 5; event.request.headers.host = "i"',
      want: {
        request: { parameters: { fields: 'id', limit: 5 }, headers: { host: 'i', 'content-type': 'application/json' } },
      },
    },
    {
      why: 'a request that takes its place',
      script: 'event.setRequest({...event.request, payload: {a: 1}})',
      want: { request: { payload: { a: 1 } } },
    },
    {
      why: 'no response yet',
      script: 'return ["response" in event, Object.keys(event)]',
      want: { returned: [false, ['request', 'resource']] },
    },
    {
      why: 'a response instead of the call',
      script: 'event.response = {status_code: 403, content: {a: 1}}',
      want: { response: { status_code: 403, content: { a: 1 } } },
    },
    {
      why: 'setResponse',
      script: 'event.setResponse({a: 1}, 201)',
      want: { response: { status_code: 201, content: { a: 1 }, content_type: 'application/json' } },
    },
    { why: 'setReturn', script: 'event.setReturn(5); return 6', want: { returned: 5 } },
    { why: 'the event itself is no return value', script: 'return event', want: {} },
    { why: 'stop', script: 'event.stop_propagation = true', want: { stop: true } },
    {
      why: 'all members show',
      script: 'return Object.keys({...event.request})',
      want: {
        returned: [
          'api_version',
          'method',
          'parameters',
          'headers',
          'payload',
          'content',
          'content_type',
          'uri',
          'service',
          'resource',
        ],
      },
    },
    {
      why: 'as JSON',
      script: 'return JSON.parse(JSON.stringify(event))',
      want: {
        returned: {
          request: {
            api_version: '2.0',
            method: 'POST',
            parameters: { fields: 'id' },
            headers: { host: 'h', 'content-type': 'application/json' },
            payload: PAYLOAD,
            content: JSON.stringify(PAYLOAD),
            content_type: 'application/json',
            uri: '/api/v2/db/_table/todo?fields=id',
            service: 'db',
            resource: '_table/todo?fields=id',
          },
          resource: 'todo',
        },
      },
    },
    {
      why: 'a list for no payload',
      script: 'return [event.request.payload]',
      event: { ...EVENT, request: { method: 'GET' } },
      want: { returned: [[]] },
    },
    {
      why: 'null for a payload that is no JSON',
      script: 'return [event.request.payload]',
      event: { ...EVENT, request: { content: bytes('{') } },
      want: { returned: [null] },
    },
    {
      why: 'the payload of another format',
      script: 'return event.request.payload',
      event: { ...EVENT, request: { content: bytes('<a/>'), payloadJson: bytes('{"a":""}') } },
      want: { returned: { a: '' } },
    },
    {
      why: 'answer read only',
      script: 'event.response.content.resource.forEach(function (r) { r.id })',
      event: AFTERWARDS,
      want: {},
    },
    {
      why: 'answer changed',
      script: 'event.response.content.resource.forEach(function (r) { r.touched = true })',
      event: AFTERWARDS,
      want: { response: { content: { resource: [{ id: 1, name: 'x', touched: true }] } } },
    },
    {
      why: 'only its status',
      script: 'event.response.status_code = 202',
      event: AFTERWARDS,
      want: { response: { status_code: 202 } },
    },
    {
      why: 'numbers with more digits than a double, read only',
      script: 'event.response.content.id',
      event: {
        ...AFTERWARDS,
        response: { statusCode: 200, isJson: true, content: bytes('{ "id": 12345678901234567890 }') },
      },
      want: {},
    },
    {
      why: 'a script service begins with nothing',
      script: 'return event.response',
      event: SERVICE,
      want: { returned: { status_code: 200, content: null, content_type: null, headers: {} } },
    },
    {
      why: 'its answer',
      script: 'event.response.content = {a: 1}',
      event: SERVICE,
      want: { response: { content: { a: 1 } } },
    },
    {
      why: 'a key that is no key elsewhere',
      script: 'return JSON.parse(\'{"__proto__": {"a": 1}}\')',
      want: { returned: JSON.parse('{"__proto__": {"a": 1}}') },
    },
    { why: 'sloppy, as the original', script: 'a = 1; with ({b: 2}) { return [a, b] }', want: { returned: [1, 2] } },
    {
      why: 'types are stripped',
      script: 'interface A { a: number }\nconst x: A = {a: 1}; return x as A',
      want: { returned: { a: 1 } },
    },
    {
      why: 'session',
      script: 'return [platform.session.user.id, platform.session.lookup_secret]',
      want: { returned: [7, {}] },
    },
    { why: 'config', script: 'return platform.config.version', want: { returned: '1.2.3' } },
    {
      why: 'store',
      script: 'platform.store.set("a", {b: 1}); return [platform.store.get("a"), platform.store.get("c", 3)]',
      want: { returned: [{ b: 1 }, 3] },
    },
    { why: 'lodash', script: 'return require("lodash.min.js").chunk([1, 2, 3], 2)', want: { returned: [[1, 2], [3]] } },
    {
      why: 'dayjs',
      script: 'return require("dayjs")("2020-01-31").add(1, "month").format("YYYY-MM-DD")',
      want: { returned: '2020-02-29' },
    },
    { why: 'uuid', script: 'return require("uuid").v4().length', want: { returned: 36 } },
    {
      why: 'ajv',
      script: 'return [new (require("ajv"))().validate({type: "string"}, 3)]',
      want: { returned: [false] },
    },
    {
      why: 'text and bytes',
      script: 'return [new TextDecoder().decode(new TextEncoder().encode("ä€😀")), atob(btoa("abcd")), btoa("a")]',
      want: { returned: ['ä€😀', 'abcd', 'YQ=='] },
    },
    {
      why: 'addresses',
      script: 'const u = new URL("/a?b=1", "http://x.y"); u.searchParams.set("c", "d e"); return u.href',
      want: { returned: 'http://x.y/a?b=1&c=d+e' },
    },
    {
      why: 'clones',
      script:
        'const a = {d: new Date(0), m: new Map([[1, {x: 2}]])}; a.self = a; const b = structuredClone(a); return [b.self === b, b.m.get(1).x, b.d.getTime()]',
      want: { returned: [true, 2, 0] },
    },
    {
      why: 'randomness',
      script: 'return [crypto.randomUUID().length, crypto.getRandomValues(new Uint8Array(4)).length]',
      want: { returned: [36, 4] },
    },
  ];
  test.each([...CASES.entries()].map(([at, one]) => ({ at, ...one })))('$why', async ({ at, script, event, want }) => {
    const stored = lane.store({ name: `case.${at}`, content: script, type: 'nodejs' });
    expect(read(await lane.run(stored, event))).toEqual({ ...NONE, ...want });
    // A second time in the same context.
    expect(read(await lane.run(stored, event))).toEqual({ ...NONE, ...want });
  });

  test.each(['undefined', 'null', 'false', '0', '""', '[]', '{}', 'NaN'])('%s is no return value', async (value) => {
    expect(read(await lane.run(lane.store({ content: `return ${value}` })))).toEqual(NONE);
  });

  const THROWN: { why: string; script: string; type?: string; want: object }[] = [
    { why: 'text', script: 'throw "bad"', type: 'v8js', want: { message: 'bad' } },
    { why: 'an Error, its place', script: 'var a;\n  throw new Error("bad")', want: { message: 'bad', at: ':2:9' } },
    { why: 'a place in the first line', script: 'null.x', want: { at: ':1:6' } },
    {
      why: 'an object',
      script: 'throw {message: "m", code: 5, status_code: 404}',
      want: { message: 'm', thrown: { message: 'm', code: 5, status_code: 404 } },
    },
    {
      why: 'an Error with members',
      script: 'throw Object.assign(new Error("m"), {code: "E"})',
      want: { message: 'm', thrown: { message: 'm', code: 'E' } },
    },
    {
      why: 'event.exception',
      script: 'event.exception = {message: "m", status_code: 409}',
      want: { message: 'm', thrown: { message: 'm', status_code: 409 } },
    },
    { why: 'syntax', script: 'var a = 1;\nlet b = ;', want: { message: "Unexpected token ';'", at: ':2:9' } },
    { why: 'a body that closes its function', script: '}); (function () {', want: {} },
    { why: 'a module that there is not', script: 'require("fs")', want: { message: expect.stringContaining("'fs'") } },
  ];
  test.each(THROWN)('thrown: $why', async ({ script, type, want }) => {
    const reply = read(await lane.run(lane.store({ content: script, ...(type && { type }) })));
    expect(reply).toMatchObject({ kind: Failure_Kind.THROWN, ...want });
  });
});

describe('the API', () => {
  const CASES: { why: string; script: string; type: string; call?: object; want: unknown }[] = [
    {
      why: 'v8js waits',
      type: 'v8js',
      script: 'var r = platform.api.get("db/_table/t"); return [r.status_code, r.content, r.content_type]',
      want: [200, { path: 'db/_table/t' }, 'application/json'],
    },
    {
      why: 'v8js: options are the third argument',
      type: 'v8js',
      script: 'platform.api.get("a", null, {headers: {"X-A": "1"}, parameters: {b: 2}}); return 1',
      call: { verb: 'GET', path: 'a', query: 'b=2', headers: { 'x-a': '1' } },
      want: 1,
    },
    {
      why: 'a payload of a GET is its parameters',
      type: 'v8js',
      script: 'platform.api.get("a?x=1", {filter: "a=1"}); return 1',
      call: { query: 'x=1&filter=a%3D1' },
      want: 1,
    },
    {
      why: 'a payload',
      type: 'v8js',
      script: 'platform.api.post("a", {b: 1}); return 1',
      call: { verb: 'POST', body: bytes({ b: 1 }), headers: { 'content-type': 'application/json' } },
      want: 1,
    },
    {
      why: 'call',
      type: 'v8js',
      script: 'platform.api.call("patch", "a", {b: 1}); return 1',
      call: { verb: 'PATCH' },
      want: 1,
    },
    {
      why: 'nodejs: a callback',
      type: 'nodejs',
      script:
        'platform.api.get("gold?fields=id", "", function (body, res) { event.setReturn([typeof body, JSON.parse(body), res.status_code]) })',
      call: { path: 'gold', query: 'fields=id' },
      want: ['string', { path: 'gold' }, 200],
    },
    {
      why: 'nodejs: options and a callback',
      type: 'nodejs',
      script: 'platform.api.get("a", {headers: ["X-A: 1"]}, (body) => event.setReturn(1))',
      call: { headers: { 'x-a': '1' } },
      want: 1,
    },
    {
      why: 'nodejs: all four',
      type: 'nodejs',
      script: 'platform.api.post("a", {b: 1}, {parameters: {c: 1}}, (body) => event.setReturn(1))',
      call: { query: 'c=1', body: bytes({ b: 1 }) },
      want: 1,
    },
    {
      why: 'nodejs: a promise',
      type: 'nodejs',
      script: 'return (await platform.api.delete("a/5")).content',
      call: { verb: 'DELETE', path: 'a/5' },
      want: { path: 'a/5' },
    },
    {
      why: 'many at once',
      type: 'nodejs',
      script: 'return (await Promise.all([1, 2, 3].map((i) => platform.api.get("a/" + i)))).map((r) => r.content.path)',
      want: ['a/1', 'a/2', 'a/3'],
    },
    {
      why: 'timers',
      type: 'nodejs',
      script:
        'let n = 0; const t = setInterval(() => { if (++n === 3) { clearInterval(t); event.setReturn(n) } }, 2); clearTimeout(setTimeout(() => { throw 1 }, 1))',
      want: 3,
    },
    {
      why: 'a promise that nothing settles',
      type: 'nodejs',
      script: 'event.setReturn(1); return new Promise(() => {})',
      want: 1,
    },
  ];
  test.each(CASES)('$why', async ({ script, type, call, want }) => {
    bench.calls.length = 0;
    expect(read(await bench.run(bench.store({ content: script, type })))).toMatchObject({ returned: want });
    if (call)
      expect(bench.calls[0]).toMatchObject({
        ...call,
        ...('body' in call && { body: Buffer.from(call.body as Uint8Array) }),
      });
  });

  test.each(['v8js', 'nodejs'])('an error is an answer, %s', async (type) => {
    const mine = new Bench();
    mine.answer = () => json(404, { error: { message: 'no' } });
    const word = type === 'v8js' ? '' : 'await';
    const script = mine.store({
      type,
      content: `const r = ${word} platform.api.get("a"); return [r.status_code, r.content]`,
    });
    expect(read(await mine.run(script))).toMatchObject({ returned: [404, { error: { message: 'no' } }] });
    mine.answer = () => {
      throw new Error('a secret of ours');
    };
    expect(read(await mine.run(script))).toMatchObject({
      returned: [500, { error: { message: 'An unexpected failure happened.' } }],
    });
    await mine.sandbox.close();
  });

  test.each([
    ['v8js', 'platform.api.get("https://x.example/")'],
    ['nodejs', 'await fetch("https://x.example/")'],
    ['nodejs', 'await platform.api.get("https://x.example/")'],
  ])('hosts outside that nobody has allowed, %s: %s', async (type, content) => {
    const reply = read(await bench.run(bench.store({ type, content })));
    expect(reply).toMatchObject({ kind: Failure_Kind.THROWN, message: "The host 'x.example' may not be called." });
  });

  test('a host outside that is allowed', async () => {
    const server = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('[1]'),
    );
    await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
    const { port } = server.address() as AddressInfo;
    const mine = new Bench({ fetch: { ...NO_OUTBOUND, hosts: [`127.0.0.1:${port}`] } });
    const url = `http://127.0.0.1:${port}/`;
    const content = `const r = await fetch("${url}"); return [r.ok, r.status, await r.json(), (await platform.api.get("${url}")).content]`;
    expect(read(await mine.run(mine.store({ content })))).toMatchObject({ returned: [true, 200, [1], [1]] });
    await mine.sandbox.close();
    server.close();
  });

  test('what a callback throws', async () => {
    const script = bench.store({ content: 'platform.api.get("a", function () {\n throw new Error("late") })' });
    expect(read(await bench.run(script))).toMatchObject({ message: 'late', at: ':2:8' });
  });
});

describe('imports', () => {
  test('of libraries and of stored scripts, which import each other', async () => {
    bench.store({
      name: 'lib/a',
      content:
        'import { two } from "lib/b"; import _ from "lodash"; export const one = (x: number) => [x, two, _.max([1, 9])]; export default 4',
    });
    bench.store({ name: 'lib/b', content: 'import { v4 } from "uuid"; export const two = v4().length' });
    const script = bench.store({
      name: 'main',
      content:
        'import four, { one as first } from "lib/a";\nimport * as all from "lib/b"; import { v7 } from "uuid"\nreturn [first(1), four, all.two, v7().length]',
    });
    expect(read(await bench.run(script))).toMatchObject({ returned: [[1, 36, 9], 4, 36, 36] });
    bench.store({ name: 'lib/b', content: 'export const two = 2' });
    expect(read(await bench.run(script))).toMatchObject({ returned: [[1, 2, 9], 4, 2, 36] });
  });

  test.each([
    ['a name that there is not', 'import a from "nope"', { message: expect.stringContaining("'nope'") }],
    ['one that does not compile', 'import a from "broken"', { at: 'broken:2:5' }],
    ['one that throws at its top', 'import a from "thrower"', { message: 'top', at: 'thrower:1:7' }],
    ['where the import itself is not wrong', 'import a from "lodash"\n\n null.x', { at: ':3:7' }],
  ])('%s', async (_, content, want) => {
    bench.store({ name: 'broken', content: 'let a\nvar = 1' });
    bench.store({ name: 'thrower', content: 'throw new Error("top")' });
    expect(read(await bench.run(bench.store({ name: 'main', content })))).toMatchObject({
      kind: Failure_Kind.THROWN,
      ...want,
    });
  });
});

/** What would end a literal of any kind. */
const DOLLAR = '$';
const NASTY = `v"'\`${DOLLAR}{x}\\`;

describe('lookups', () => {
  const CASES: [string, string, unknown][] = [
    [
      'in strings of all kinds',
      `return ["{key}", 'a {key} b', \`{key}${DOLLAR}{1}\`]`,
      [NASTY, `a ${NASTY} b`, `${NASTY}1`],
    ],
    ['not in code', 'var key = 1; function f() {key}; return [{key}.key]', [1]],
    ['unknown names stay', 'return "{nope} {a b} {}"', '{nope} {a b} {}'],
    [
      'of the caller',
      'return "{user.id} {user.email} {role.name} {app.id} {app.api_key} {session.token}"',
      '7 a@b.c r 3 k t',
    ],
    ['of the instance', 'return "{df.version}"', '1.2.3'],
    [
      'private ones are known here',
      'return ["{hidden}", platform.session.lookup.hidden, platform.session.lookup_secret.hidden]',
      ['h', null, 'h'],
    ],
  ];
  test.each(CASES)('%s', async (_, content, want) => {
    const mine = new Bench();
    mine.lookups = { key: { value: NASTY, isPrivate: false }, hidden: { value: 'h', isPrivate: true } };
    const script = mine.store({ content });
    expect(read(await mine.run(script))).toMatchObject({ returned: want });
    await mine.sandbox.close();
  });

  test('a value that changes is seen by the next run', async () => {
    const mine = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 200 } });
    const script = mine.store({ content: 'return ["{key}", platform.session.lookup.key]' });
    mine.lookups = { key: { value: '1', isPrivate: false } };
    expect(read(await mine.run(script))).toMatchObject({ returned: ['1', '1'] });
    mine.lookups = { key: { value: '2', isPrivate: false } };
    expect(read(await mine.run(script))).toMatchObject({ returned: ['2', '2'] });
    await mine.sandbox.close();
  });
});

describe('lanes', () => {
  test.each([
    ['the API', 'platform.api.get("a")', 'v8js'],
    ['the API by callback, its failure caught', 'try { platform.api.get("a", () => {}) } catch (e) {}', 'nodejs'],
    ['a timer', 'setTimeout(() => {}, 1)', 'nodejs'],
    ['fetch', 'fetch("http://x.y").catch(() => {})', 'nodejs'],
    ['a promise', 'return Promise.resolve(1)', 'nodejs'],
    ['a promise in disguise', 'return {then: function () {}}', 'nodejs'],
    ['too much time', 'for (;;);', 'nodejs'],
    ['too much time in microtasks', 'var f = eval("(asy" + "nc () => { for (;;) aw" + "ait 1 })"); f(); 1', 'nodejs'],
    ['too much memory', 'var a = []; for (;;) a.push(new Array(100).fill(a.length))', 'nodejs'],
    ['an import', 'import _ from "lodash"; return 1', 'nodejs'],
  ])('%s is done elsewhere', async (_, content, type) => {
    const mine = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 50 } });
    const reply = await mine.run(mine.store({ content, type }));
    expect([read(reply), reply.next]).toEqual([{ elsewhere: Lane.PATIENT }, Lane.PATIENT]);
    expect(mine.calls).toEqual([]);
    await mine.sandbox.close();
  });

  test('a context of a run that went elsewhere is thrown away', async () => {
    const mine = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 200 } });
    const script = mine.store({
      content:
        'globalThis.n = (globalThis.n || 0) + 1; if (event.request.method === "GET") setTimeout(function () {}); return n',
      type: 'v8js',
    });
    expect(read(await mine.run(script))).toMatchObject({ returned: 1 });
    expect(read(await mine.run(script))).toMatchObject({ returned: 2 });
    await mine.run(script, { ...EVENT, request: { method: 'GET' } });
    expect(read(await mine.run(script))).toMatchObject({ returned: 1 });
    await mine.sandbox.close();
  });

  test('good runs in a row earn the quick lane', async () => {
    const script = bench.store({ name: 'short', content: 'return 1' });
    const next: Lane[] = [];
    for (let run = 0; run < 40 && !next.includes(Lane.QUICK); run++) next.push((await bench.run(script)).next);
    expect(next.length).toBeGreaterThanOrEqual(20);
    expect(next.at(-1)).toBe(Lane.QUICK);
    const caller = bench.store({ name: 'caller', content: 'platform.api.get("a")', type: 'v8js' });
    for (let run = 0; run < 25; run++) expect((await bench.run(caller)).next).toBe(Lane.UNSPECIFIED);
  });
});

describe('callers and versions', () => {
  test.each([
    ['patient', bench],
    ['quick', quick],
  ] as const)('what a caller left is met by nobody else, %s', async (_, lane) => {
    const script = lane.store({
      name: 'state',
      content:
        'globalThis.n = (globalThis.n || 0) + 1; Array.prototype.mine = n; platform.store.set("n", n); return [n, [].mine, platform.store.get("n")]',
    });
    expect(read(await lane.run(script, EVENT, 1))).toMatchObject({ returned: [1, 1, 1] });
    expect(read(await lane.run(script, EVENT, 1))).toMatchObject({ returned: [2, 2, 2] });
    expect(read(await lane.run(script, EVENT, 2))).toMatchObject({ returned: [1, 1, 1] });
    const next = lane.store({ name: 'state', content: 'return [typeof n, [].mine === undefined]' });
    expect(read(await lane.run(next, EVENT, 1))).toMatchObject({ returned: ['undefined', true] });
  });

  test('what a run hangs onto its event, the next does not see', async () => {
    const script = quick.store({
      content:
        'var before = [event.x, event.request.x]; event.x = event.request.x = 1; delete event.request.payload; try { Object.defineProperty(event.request, "method", {value: 1}) } catch (e) {} return [before, event.request.method, event.request.payload.resource.length]',
    });
    const want = { returned: [[null, null], 'POST', 1] };
    expect(read(await quick.run(script))).toMatchObject(want);
    expect(read(await quick.run(script))).toMatchObject(want);
  });

  test('the least recently used leave first', async () => {
    const mine = new Bench({
      lane: 'quick',
      caps: { ...DEFAULT_CAPS, contexts: 3, contextsPerIsolate: 2, quickMillis: 200 },
    });
    const script = mine.store({ content: 'globalThis.n = (globalThis.n || 0) + 1; return n' });
    const counts: unknown[] = [];
    for (const user of [1, 2, 3, 1, 4, 1, 2]) {
      const reply = read(await mine.run(script, EVENT, user));
      counts.push('returned' in reply ? reply.returned : reply);
    }
    expect(counts).toEqual([1, 1, 1, 2, 1, 3, 1]);
    await mine.sandbox.close();
  });

  test('an unknown script', async () => {
    const script = bench.store({ name: 'gone', content: '1' });
    bench.scripts.delete('gone');
    expect(read(await bench.run(script))).toMatchObject({ kind: Failure_Kind.UNKNOWN });
  });
});

describe('caps', () => {
  const CASES: { why: string; limits: object; content: string; type?: string; message: string }[] = [
    { why: 'processor time', limits: { cpu_ms: 50 }, content: 'for (;;);', message: '50 ms of processor time' },
    { why: 'time', limits: { wall_ms: 60 }, content: 'setTimeout(() => {}, 60000)', message: 'more than 60 ms' },
    {
      why: 'time, asleep in a call',
      limits: { wall_ms: 60 },
      type: 'v8js',
      content: 'platform.api.get("hang")',
      message: 'more than 60 ms',
    },
    {
      why: 'memory',
      limits: { memory_mb: 16 },
      content: 'var a = []; for (;;) a.push(new Array(100).fill(a.length))',
      message: '16 MB of memory',
    },
    { why: 'output', limits: { output_bytes: 1000 }, content: 'return "x".repeat(1001)', message: '1000 bytes' },
    {
      why: 'output, counted in bytes',
      limits: { output_bytes: 1000 },
      content: 'return "€".repeat(400)',
      message: '1000 bytes',
    },
    {
      why: 'calls',
      limits: { api_calls: 3 },
      type: 'v8js',
      content: 'for (;;) try { platform.api.get("a") } catch (e) {}',
      message: '3 calls',
    },
    { why: 'timers', limits: { timers: 5 }, content: 'for (;;) setTimeout(() => {}, 1000)', message: '5 timers' },
  ];
  test.each(CASES)('$why', async ({ limits, content, type, message }) => {
    const mine = new Bench();
    mine.answer = (call) => (call.path === 'hang' ? new Promise(() => {}) : json(200, {}));
    const script = mine.store({ content, config: { limits }, ...(type && { type }) });
    expect(read(await mine.run(script))).toMatchObject({
      kind: Failure_Kind.CAPPED,
      message: expect.stringContaining(message),
    });
    expect(mine.sandbox.healthy).toBe(true);
    expect(read(await mine.run(mine.store({ name: 'next', content: 'return 1' })))).toMatchObject({ returned: 1 });
    await mine.sandbox.close();
  });

  test("the administrator's bound is above a script's own", async () => {
    const mine = new Bench({ caps: { ...DEFAULT_CAPS, maximum: { ...DEFAULT_LIMITS, cpuMs: 40 } } });
    const script = mine.store({ content: 'for (;;);', config: { limits: { cpu_ms: 100_000 } } });
    expect(read(await mine.run(script))).toMatchObject({ message: expect.stringContaining('40 ms') });
    await mine.sandbox.close();
  });

  test('calls of all that belong to the same tree of scripts, and of no other', async () => {
    const mine = new Bench();
    const { kind, id, hash } = mine.store({
      content: 'for (let n = 0; n < 4; n++) await platform.api.get("a"); return 4',
      config: { limits: { tree_calls: 10 } },
    });
    const inTree = async (tree: string) => {
      const run = { ...mine.asRun({ kind, id, hash }), grant: bytes(`grant of ${tree}`) };
      return read(await mine.sandbox.run(run, Deadline.after(30_000)));
    };
    for (const _ of [1, 2]) expect(await inTree('the-tree')).toMatchObject({ returned: 4 });
    expect(await inTree('the-tree')).toMatchObject({
      kind: Failure_Kind.CAPPED,
      message: expect.stringContaining('more than 10 calls'),
    });
    expect(await inTree('another-')).toMatchObject({ returned: 4 });
    expect(mine.calls).toHaveLength(14);
    const { sandbox } = mine;
    const calls = mine.store({ name: 'calls', content: 'return 1', config: { limits: { tree_calls: 10 } } });
    const late = { ...mine.asRun({ kind, id: calls.id, hash: calls.hash }), grant: bytes('grant of the-tree') };
    expect(read(await sandbox.run(late, Deadline.after(30_000)))).toMatchObject({ kind: Failure_Kind.CAPPED });
    await sandbox.close();
  });

  test('how many calls of a tree are made at once: each run has one, and few have more', async () => {
    const mine = new Bench();
    const waiting: (() => void)[] = [];
    mine.answer = () => new Promise((done) => waiting.push(() => done(json(200, {}))));
    const { kind, id, hash } = mine.store({
      content: 'return (await Promise.all(Array.from({ length: 8 }, () => platform.api.get("a")))).length',
    });
    const running = Array.from({ length: 10 }, () => {
      const run = { ...mine.asRun({ kind, id, hash }), grant: bytes('grant of the-tree') };
      return mine.sandbox.run(run, Deadline.after(30_000));
    });
    await expect.poll(() => mine.calls.length).toBeGreaterThanOrEqual(16);
    let most = 0;
    for (let answered = 0; answered < 80; answered++) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      most = Math.max(most, waiting.length);
      waiting.shift()?.();
    }
    expect(most).toBeLessThanOrEqual(26);
    expect((await Promise.all(running)).map(read)).toMatchObject(Array.from({ length: 10 }, () => ({ returned: 8 })));
    await mine.sandbox.close();
  });

  test('how soon many calls of a tree are made, whichever of its runs makes them', async () => {
    const mine = new Bench();
    const at: number[] = [];
    mine.answer = () => {
      at.push(performance.now());
      return Promise.resolve(json(200, {}));
    };
    const { kind, id, hash } = mine.store({
      content: 'return (await Promise.all(Array.from({ length: 50 }, () => platform.api.get("a")))).length',
    });
    const run = { ...mine.asRun({ kind, id, hash }), grant: bytes('grant of the-tree') };
    const outcomes = await Promise.all([1, 2].map(() => mine.sandbox.run(run, Deadline.after(30_000))));
    expect(outcomes.map(read)).toMatchObject([{ returned: 50 }, { returned: 50 }]);
    expect(at).toHaveLength(100);
    // 75 of them two milliseconds apart; timers may be a little early.
    expect((at.at(-1) as number) - (at[0] as number)).toBeGreaterThan(130);
    await mine.sandbox.close();
  });

  test('how many calls of a run are made at once: the others wait', async () => {
    const mine = new Bench();
    const waiting: (() => void)[] = [];
    mine.answer = () => new Promise((done) => waiting.push(() => done(json(200, {}))));
    const running = mine.run(
      mine.store({
        content: 'return (await Promise.all(Array.from({ length: 20 }, () => platform.api.get("a")))).length',
      }),
    );
    await expect.poll(() => mine.calls.length).toBe(8);
    for (let answered = 0; answered < 20; answered++) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      waiting.shift()?.();
      await expect.poll(() => mine.calls.length).toBe(Math.min(20, 9 + answered));
    }
    expect(read(await running)).toMatchObject({ returned: 20 });
    await mine.sandbox.close();
  });

  test('the deadline of the caller', async () => {
    const script = bench.store({ content: 'return new Promise((done) => setTimeout(done, 60000))' });
    expect(read(await bench.run(script, EVENT, 7, 50))).toMatchObject({ kind: Failure_Kind.DEADLINE });
  });

  test('a caller who goes away', async () => {
    const { kind, id, hash } = bench.store({ content: 'for (;;);' });
    const deadline = Deadline.after(30_000);
    const running = bench.sandbox.run(bench.asRun({ kind, id, hash }), deadline);
    setTimeout(() => deadline.abort(callerGone()), 20);
    expect(read(await running)).toMatchObject({ kind: Failure_Kind.DEADLINE, message: 'The caller went away.' });
  });

  test('a worker that is closed while scripts run', async () => {
    const mine = new Bench();
    mine.answer = () => new Promise(() => {});
    const scripts = [
      { content: 'for (;;);' },
      { content: 'platform.api.get("a")', type: 'v8js' },
      { content: 'return platform.api.get("a")' },
    ];
    const running = scripts.map((init, at) => mine.run(mine.store({ ...init, name: `s${at}` })));
    await new Promise((go) => setTimeout(go, 30));
    await mine.sandbox.close();
    for (const reply of await Promise.all(running)) expect(read(reply)).toMatchObject({ kind: Failure_Kind.LOST });
  });

  test('texts that break a parser are refused', async () => {
    for (const content of [
      `return ${'('.repeat(200_000)}`,
      `let a: ${'['.repeat(50_000)}`,
      `import a${' '.repeat(200_000)}`,
    ]) {
      expect(read(await bench.run(bench.store({ name: 'deep', content })))).toMatchObject({
        kind: Failure_Kind.THROWN,
      });
    }
    expect(
      read(await bench.run(bench.store({ name: 'deep', content: 'const x: number = 1; return x' }))),
    ).toMatchObject({ returned: 1 });
  });

  test('more runs at once than there may be', async () => {
    const mine = new Bench({ caps: { ...DEFAULT_CAPS, runsAtOnce: 2 } });
    const slow = mine.store({ content: 'return new Promise((done) => setTimeout(() => done(1), 20))' });
    const replies = await Promise.all(Array.from({ length: 6 }, () => mine.run(slow)));
    expect(replies.map((reply) => read(reply))).toEqual(Array(6).fill({ ...NONE, returned: 1 }));
    const stuck = mine.store({ content: 'return new Promise((done) => setTimeout(done, 5000))' });
    const deadline = Deadline.after(3000);
    const { kind, id, hash } = stuck;
    const waiting = Array.from({ length: 3 }, () => mine.sandbox.run(mine.asRun({ kind, id, hash }), deadline));
    expect(read(await Promise.race(waiting))).toMatchObject({ kind: Failure_Kind.BUSY });
    await mine.sandbox.close();
    await Promise.all(waiting);
  });
});

describe('a trial', () => {
  test('gives back what it logged, what it took and where it failed', async () => {
    const reply = await bench.try({
      content: 'console.log("a", {b: 1}); console.warn("c"); var_dump([1]);\nthrow new Error("x")',
    });
    expect(read(reply)).toMatchObject({ message: 'x', at: ':2:7' });
    expect(reply.logs.map((line) => line.text)).toEqual(['a {"b":1}', 'c', '[1]']);
    expect(reply.cpuMicros).toBeGreaterThan(0);
    expect(Number(reply.memoryBytes)).toBeGreaterThan(0);
  });

  test('keeps no more lines than it may', async () => {
    const reply = await bench.try({
      content: 'for (var i = 0; i < 100000; i++) console.log(i)',
      config: { limits: { log_lines: 10 } },
    });
    expect(reply.logs.length).toBe(11);
  });
});
