/** Events that are sent in part, callers that are described once, and outcomes that may be remembered. */
import { afterAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { bitOf, EVENT_MEMBERS, Member } from '#common/scripts/members.ts';
import { Lane } from '#proto/script/v1/script_pb.ts';
import { DEFAULT_CAPS } from './caps.ts';
import { AFTERWARDS, Bench, EVENT, read } from './testing/fakes.ts';

/** A busy machine is no reason to be sent away. */
const quick = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 2000 } });
afterAll(() => quick.sandbox.close());

const maskOf = (names: readonly (keyof typeof Member)[]): number =>
  names.reduce((mask, name) => mask | bitOf(Member[name]), bitOf(Member.TOLD));

describe('what is told of a run', () => {
  const CASES: { script: string; reads: (keyof typeof Member)[]; repeatable: boolean }[] = [
    { script: '', reads: [], repeatable: true },
    { script: 'if (event.request.parameters.limit > 5) throw new Error("many")', reads: ['QUERY'], repeatable: true },
    { script: 'event.response.content.a = 1', reads: ['ANSWER_CONTENT'], repeatable: true },
    { script: 'event.response.headers.a = "1"', reads: ['ANSWER_HEADERS'], repeatable: true },
    { script: 'event.response.status_code = 201', reads: ['ANSWER_STATUS'], repeatable: true },
    { script: 'return event.resource === "todo"', reads: ['EVENT_RESOURCE'], repeatable: true },
    { script: 'event.request.payload.a = 1', reads: ['PAYLOAD', 'CONTENT'], repeatable: true },
    { script: 'event.request = { method: "PUT" }', reads: ['METHOD'], repeatable: true },
    { script: 'return platform.session.user.id', reads: ['SESSION'], repeatable: true },
    { script: 'return platform.session.lookup.a', reads: ['SESSION', 'LOOKUPS'], repeatable: false },
    { script: 'return Date.now()', reads: [], repeatable: false },
    { script: 'console.log(event.request.method)', reads: ['METHOD'], repeatable: false },
  ];
  test.each(CASES)('$script', async ({ script, reads, repeatable }) => {
    const reply = await quick.run(quick.store({ name: script, content: script }), AFTERWARDS);
    expect({ reads: reply.reads, repeatable: reply.repeatable }).toEqual({ reads: maskOf(reads), repeatable });
  });

  test.each(['platform.store.set("a", 1)', 'globalThis.a = 1'])(
    'nothing of what may keep state: %s',
    async (script) => {
      expect(await quick.run(quick.store({ name: script, content: script }))).toMatchObject({
        reads: 0,
        repeatable: false,
      });
    },
  );

  test('nothing of one whose text differs from caller to caller', async () => {
    const content = 'return "{user.id}"';
    expect(await quick.run(quick.store({ name: 'lookups', content }))).toMatchObject({ reads: 0, repeatable: false });
  });
});

describe('an event in part', () => {
  const script = quick.store({ name: 'in part', content: 'return event.request.parameters.fields' });
  const AGAIN = { case: 'elsewhere', value: Lane.QUICK };

  test('is enough for a script that looks at nothing else', async () => {
    const { query } = EVENT.request;
    const absent = EVENT_MEMBERS & ~bitOf(Member.QUERY);
    const reply = await quick.run(script, { phase: EVENT.phase, request: { query }, absent });
    expect(read(reply)).toMatchObject({ returned: 'id' });
  });

  test.each([
    ['the script wants it', 'return event.request.parameters.fields'],
    ['the script goes on without it', 'try { event.request.parameters } catch {} return 1'],
    ['it is compared with what it was', 'event.request.parameters = {}'],
    ['it is in the event that is given back', 'return { request: event.request, resource: event.resource }'],
  ])('is asked for in full where %s', async (why, content) => {
    const { outcome } = await quick.run(quick.store({ name: why, content }), { ...EVENT, absent: EVENT_MEMBERS });
    expect(outcome).toEqual(AGAIN);
  });

  test('a caller is described once', async () => {
    const { kind, id, hash } = quick.store({ name: 'who', content: 'return platform.session.user.id' });
    const send = (more: object) =>
      quick.sandbox.run({ ...quick.asRun({ kind, id, hash }), sessionId: 's7', ...more }, Deadline.after(30_000));
    const nameOnly = { sessionJson: new Uint8Array(), caller: undefined };
    expect((await send(nameOnly)).outcome).toEqual(AGAIN);
    expect(read(await send({}))).toMatchObject({ returned: 7 });
    expect(read(await send(nameOnly))).toMatchObject({ returned: 7 });
  });
});

describe('nothing of a run is there for the next one of a pure script', () => {
  const WAYS = [
    ['by what all arrays share', 'const A = [][k]; A.count = (A.count || 0) + 1; return { n: A.count || 0 }'],
    ['by what all objects share', 'const p = ({})["__pro" + "to__"]; p.n = (p.n || 0) + 1; return { n: p.n || 0 }'],
    ['by functions of the event', 'const f = event.setReturn; f.n = (f.n || 0) + 1; return { n: f.n || 0 }'],
    ['by the last match', 'const r = /a/[k]; const n = r["$" + 1]; "b".match(/(b)/); return { n: n || 0 }'],
    ['by code from text', 'try { return { n: (() => 0)[k]("return this")().n } } catch (error) { return { n: 0 } }'],
    ['by the request', 'const q = event.request; q.n = (q.n || 0) + 1; return { n: q.n - 1 }'],
  ] as const;
  test.each(WAYS)('%s', async (why, body) => {
    const script = quick.store({ name: why, content: `const k = "con" + "structor"; ${body}` });
    for (let run = 0; run < 2; run++) {
      const reply = await quick.run(script);
      expect({ ...(read(reply) as object), repeatable: reply.repeatable }).toMatchObject({
        returned: { n: 0 },
        repeatable: true,
      });
    }
  });

  test('its own objects may have members of any name', async () => {
    const content = `const o = {}; o.toString = () => 't'; const k = 'con' + 'structor'; o[k] = 'ACME'; o.valueOf = 1;
      const e = new TypeError(); e.message = 'm'; e.name = 'N';
      return { all: [String(o), o[k], o.valueOf, e.message, String(e), Object.keys(o).length] };`;
    const reply = await quick.run(quick.store({ name: 'names', content }));
    expect([read(reply), reply.repeatable]).toMatchObject([
      { returned: { all: ['t', 'ACME', 1, 'm', 'N: m', 3] } },
      true,
    ]);
  });
});
