import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AccessState } from './access/state.ts';
import { DB, inSeconds, rule, stateOf, subjectOf, tokenOf, type UpdateInit, update } from './testing/access.ts';
import { BehindDoor, type Outcome } from './testing/behind-door.ts';
import type { Sent } from './testing/request.ts';

const app = (id: number, init: object = {}) => ({
  id,
  name: `app${id}`,
  apiKey: `k${id}`,
  isActive: true,
  roleId: id,
  ...init,
});
const user = (id: number, init: object = {}) => ({ id, email: `u${id}@a.example`, isActive: true, ...init });
const service = { id: DB, name: 'db', type: 'sqlite', isActive: true, tier: 'sql' };
const own = { filters: [{ name: 'owner', operator: '=', value: '{user.id}' }] };

/** By number: everything, reading only, rows of one's own, one table and its records, rules for single records. */
const ROLES: readonly ReturnType<typeof rule>[][] = [
  [],
  [rule('*')],
  [rule('_table/*', { verbMask: 1 })],
  [rule('_table/*', own)],
  [rule('_table/a', { verbMask: 3 }), rule('_table/a/*', { verbMask: 13 })],
  [rule('_table/*'), rule('_table/a/1', { verbMask: 0 }), rule('_table/b', own)],
];
const role = (id: number, access = ROLES[id] ?? [], isActive = true) => ({
  id,
  name: `r${id}`,
  isActive,
  access: [...access],
});

function installation(): AccessState {
  return stateOf({
    services: [service],
    roles: [1, 2, 3, 4, 5].map((id) => role(id)),
    apps: [1, 2, 3, 4, 5].map((id) => app(id)),
    users: [user(1), user(2, { appRoles: [{ appId: 1, roleId: 2 }] }), user(3, { isSysAdmin: true })],
  });
}

const CHANGES: readonly UpdateInit[] = [
  { roles: [role(1, ROLES[2])] },
  { roles: [role(1)] },
  { roles: [role(2, [], false)] },
  { roles: [role(4, ROLES[3])] },
  { removals: [{ kind: 2, id: 5 }] },
  { apps: [app(1, { apiKey: 'other' })] },
  { apps: [app(1, { isActive: false })] },
  { apps: [app(2, { roleId: 1 })] },
  { services: [{ ...service, isActive: false }] },
  { services: [service] },
  { services: [{ ...service, id: 77, name: 'db' }], removals: [{ kind: 1, id: DB }] },
  { users: [user(1, { appRoles: [{ appId: 1, roleId: 4 }] })] },
  { users: [user(3, { isSysAdmin: false })] },
  { users: [user(1, { isActive: false })] },
  { revocations: [{ jti: 'u3', expiresAt: BigInt(inSeconds(600)) }] },
  { settings: { tokenSecrets: [Buffer.from('new')] } },
];

const tokenFor = (id: number) => tokenOf({ user_id: id, jti: `u${id}`, sub: subjectOf(`u${id}@a.example`) });
const BEARERS = [1, 2, 3].map((id) => `Bearer ${tokenFor(id)}`);

const credentials = fc.record(
  {
    'x-dreamfactory-api-key': fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k1', 'unknown', ''),
    authorization: fc.constantFrom(...BEARERS, ...BEARERS, 'Bearer x', 'bearer x', ''),
    'x-dreamfactory-session-token': fc.constantFrom(tokenFor(1), tokenFor(3), ''),
  },
  { requiredKeys: [] },
);

/** Who is let in: of random callers few are. */
const welcome = fc.oneof(
  fc.constantFrom(1, 2, 3, 4, 5).map((id) => ({ 'x-dreamfactory-api-key': `k${id}` })),
  fc.constant({ authorization: `Bearer ${tokenFor(3)}` }),
  fc.constantFrom(1, 2).map((id) => ({ 'x-dreamfactory-api-key': 'k1', authorization: `Bearer ${tokenFor(id)}` })),
);

const PATHS = [
  ...['a', 'a', 'a', 'a/1', 'a/2', 'a/x', 'b', 'b/1', 'A/1', 'a/', 'a/1/', 'a/%31', 'a/x%2Fy', 'a%2F1', '/1', 'a/1/2'],
  ...['a/(1)', 'a(x)', 'a/..', 'a/.', '', 'a*', 'a/*'],
];
const OPTIONS = [
  ...['filter=a%3D1', 'filter=a%3D2', "filter=b%3D'x'", 'filter=a%3D1%20and%20b%3D2', 'filter=a+is+null', 'filter'],
  ...[
    'filter=',
    'filter=a%3D:x',
    'filter=a%3D{user.id}',
    '%66ilter=a%3D3',
    'fi%6cter=a%3D4',
    'where=a%3D5',
    'where=a%3D6',
  ],
  ...['api_key=k2', '%61pi_key=k2', 'api%5Fkey=k1', 'API_KEY=k1', `session_token=${tokenFor(1)}`, 'script_token=x'],
  ...['method=DELETE', '%6dethod=DELETE', '_method=PATCH', '_%6dethod=GET', 'params[:x]=1', 'params%5B:x%5D=2'],
  ...[
    'p%61rams[:x]=3',
    'fields=a',
    'limit=5',
    'top=3',
    'ids=',
    'ids=1',
    'ids=2',
    'ids=1,2',
    'count_only=true',
    'force=true',
  ],
  ...[
    'related=r',
    'r.filter=c%3D1',
    'r.filter=c%3D2',
    'having=a%3D1',
    'having=a%3D2',
    'group=a',
    'after=',
    'id_field=b',
  ],
  ...['continue=true', 'as_list=true', 'wrap=false', 'accept=text/csv', 'file=x.csv', 'x=1', '=', '%'],
];
const BODIES = [
  ...[
    '',
    '',
    '[{"a":1,"owner":1}]',
    '{"resource":[{"a":2,"owner":1}]}',
    '{"a":3,"owner":1}',
    '{"a":4,"owner":2}',
    '[]',
  ],
  ...['{"resource":[{"a":1}],"api_key":"k2"}', '{"a":1,"filter":"a=1"}', '{"a":1,"\\u0061pi_key":"k2"}', '{"a":'],
  ...['{"resource":[{"id":1}],"_method":"DELETE"}', '{"resource":{"a":1}}', '{"resource":[{"id":1}],"ids":[1]}', '"x"'],
];

const request = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD'),
  path: fc.constantFrom(...PATHS),
  options: fc.array(fc.constantFrom(...OPTIONS), { maxLength: 3 }),
  body: fc.constantFrom(...BODIES),
  headers: fc.record(
    {
      'content-type': fc.constantFrom('application/json', 'application/json', 'text/plain'),
      accept: fc.constantFrom('application/json', '*/*', 'text/csv', ''),
      'x-http-method': fc.constantFrom('GET', 'DELETE', ''),
      wrap: fc.constantFrom('false'),
      prefer: fc.constantFrom('handling=strict'),
    },
    { requiredKeys: [] },
  ),
});

/** Calls that are often understood and repeated: of random ones few are. */
const usual = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PATCH', 'PUT'),
    path: fc.constantFrom('a', 'b', 'a/1', 'a/2', 'b/1', 'c/3'),
    options: fc.array(fc.oneof(fc.constantFrom('filter=a%3D1', 'filter=a%3D7'), fc.constantFrom(...OPTIONS)), {
      maxLength: 2,
    }),
    body: fc.constant(''),
    headers: fc.constant({ 'content-type': 'application/json' }),
  })
  .map((call) => ({
    ...call,
    body: call.method === 'GET' ? '' : call.path.includes('/') ? '{"a":1,"owner":1}' : '[{"a":1,"owner":1}]',
  }));

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ call: fc.nat({ max: 5 }), credentials: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ change: fc.constantFrom(...CHANGES) }) },
);

const sentOf = (call: { method: string; path: string; options: string[]; body: string; headers: object }): Sent => ({
  method: call.method,
  target: `/api/v2/db/_table/${call.path}${call.options.length > 0 ? `?${call.options.join('&')}` : ''}`,
  body: call.body,
  headers: call.headers as Record<string, string>,
});

/** All that the caller or a connector can see of it. */
function visible({ status, headers, body, travelled }: Outcome) {
  return {
    status,
    body,
    headers: headers.filter(([name]) => name !== 'X-Request-Id'),
    travelled: travelled.map(({ operation, ...rest }) => ({ ...rest, operation: { ...operation, requestId: '' } })),
  };
}

describe('what is remembered is answered like what is read in full', () => {
  test('for random requests by different callers while their rights change', async () => {
    let remembered = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 2, arbitrary: usual }, { weight: 1, arbitrary: request }), {
          minLength: 6,
          maxLength: 6,
        }),
        fc.array(fc.oneof({ weight: 3, arbitrary: welcome }, { weight: 1, arbitrary: credentials }), {
          minLength: 4,
          maxLength: 4,
        }),
        fc.array(step, { minLength: 10, maxLength: 40 }),
        async (calls, callers, steps) => {
          const state = installation();
          const short = new BehindDoor(state);
          const full = new BehindDoor(state, { remembers: false });
          for (const each of steps) {
            if ('change' in each) {
              update(state, each.change);
              continue;
            }
            const sent = sentOf(calls[each.call]!);
            const headers = { ...sent.headers, ...callers[each.credentials] };
            const outcome = await short.send({ ...sent, headers });
            expect(visible(outcome)).toEqual(visible(await full.send({ ...sent, headers })));
            if (outcome.remembered) remembered += 1;
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(remembered).toBeGreaterThan(25);
  });
});

describe('what one caller did opens nothing for another', () => {
  const ADMIN = { authorization: BEARERS[2]! };
  const READER = { 'x-dreamfactory-api-key': 'k2' };
  const CLERK = { 'x-dreamfactory-api-key': 'k4' };
  const JSON_TYPE = { 'content-type': 'application/json' };
  const CASES: { why: string; first: Sent; next: Sent; status: number; action?: string }[] = [
    {
      why: 'a deletion that is written as a creation, its option in another spelling',
      first: { method: 'POST', target: 'a?%6dethod=DELETE', headers: { ...JSON_TYPE, ...ADMIN }, body: '[{"id":1}]' },
      next: { method: 'POST', target: 'a?%6dethod=DELETE', headers: { ...JSON_TYPE, ...CLERK }, body: '[{"id":1}]' },
      status: 401,
    },
    {
      why: 'the key of another app in the query',
      first: { target: 'a?%61pi_key=k1', headers: {} },
      next: { target: 'a?%61pi_key=k1', headers: READER },
      status: 200,
      action: 'read',
    },
    {
      why: 'reading what another role may read',
      first: { target: 'b/1', headers: ADMIN },
      next: { target: 'b/1', headers: CLERK },
      status: 401,
    },
    {
      why: 'a record that has a rule of its own',
      first: { target: 'a/2', headers: { 'x-dreamfactory-api-key': 'k5' } },
      next: { target: 'a/1', headers: { 'x-dreamfactory-api-key': 'k5' } },
      status: 401,
    },
  ];
  test.each(CASES)('$why', async ({ first, next, status, action }) => {
    const short = new BehindDoor(installation());
    const full = new BehindDoor(installation(), { remembers: false });
    const at = (sent: Sent): Sent => ({ ...sent, target: `/api/v2/db/_table/${sent.target}` });
    for (let i = 0; i < 3; i++) expect((await short.send(at(first))).status).toBe(200);
    const outcome = await short.send(at(next));
    expect(visible(outcome)).toEqual(visible(await full.send(at(next))));
    expect(outcome.travelled[0]?.shape.action.case).toBe(action);
    expect(outcome.status).toBe(status);
  });

  test('strict handling is for who asked for it', async () => {
    const door = new BehindDoor(installation());
    const target = '/api/v2/db/_table/a';
    for (let i = 0; i < 3; i++) {
      const strict = await door.send({ target, headers: { ...READER, prefer: 'handling=strict' } });
      expect(strict.travelled[0]?.shape.strict).toBe(true);
      const loose = await door.send({ target, headers: READER });
      expect(loose.travelled[0]?.shape.strict).toBe(false);
    }
  });
});

describe('the memory', () => {
  const headers = { 'x-dreamfactory-api-key': 'k1', 'content-type': 'application/json' };
  const get = (door: BehindDoor, rest: string) => door.send({ target: `/api/v2/db/_table/${rest}`, headers });

  test('a call is remembered for other values and other records', async () => {
    const door = new BehindDoor(installation());
    await get(door, 'a'); // the first one begins an epoch
    await get(door, 'a?filter=x%3D1');
    await get(door, 'a/1');
    const filtered = await get(door, 'a?filter=x%3D%27it%27%27s%27');
    expect(filtered.remembered).toBeDefined();
    expect(filtered.travelled[0]?.operation.parameters.map(({ kind }) => kind.value)).toEqual(["it's"]);
    const byId = await get(door, 'a/77');
    expect(byId.remembered).toBeDefined();
    expect(byId.travelled[0]?.operation.keys.map(({ kind }) => kind.value)).toEqual(['77']);
  });

  test('holds no records', async () => {
    const door = new BehindDoor(installation());
    const post = (body: string) => door.send({ method: 'POST', target: '/api/v2/db/_table/a', headers, body });
    await post('[{"a":1}]');
    await post('[{"a":2}]');
    const third = await post('[{"a":3}]');
    expect(third.remembered?.records).toHaveLength(0);
    expect(Buffer.from(third.travelled[0]!.operation.records).toString()).toBe('[{"a":3}]');
  });

  test('holds no long calls', async () => {
    const door = new BehindDoor(installation());
    for (let i = 0; i < 3; i++) expect((await get(door, `a?x=${'y'.repeat(4000)}`)).remembered).toBeUndefined();
  });

  test('holds fewer of long calls', async () => {
    const door = new BehindDoor(installation());
    await get(door, 'a');
    await get(door, 'a?first=1');
    for (let i = 0; i < 1000; i++) await get(door, `a?x=${'y'.repeat(1900)}${i}`);
    expect((await get(door, 'a?first=1')).remembered).toBeUndefined();
    expect((await get(door, `a?x=${'y'.repeat(1900)}999`)).remembered).toBeDefined();
  });

  test('forgets what is seldom used, and not what is used often, however many others come', async () => {
    const door = new BehindDoor(installation());
    await get(door, 'a');
    await get(door, 'a?seldom=1');
    for (let i = 0; i < 6000; i++) {
      await get(door, `a?random=${i}`);
      if (i % 1000 === 0) await get(door, 'a?often=1');
    }
    expect((await get(door, 'a?often=1')).remembered).toBeDefined();
    expect((await get(door, 'a?seldom=1')).remembered).toBeUndefined();
  });
});
