import { describe, expect, test } from 'vitest';
import { type AccessInit, rule, stateWithRole, tokenOf } from '../testing/access.ts';
import { BehindDoor } from '../testing/behind-door.ts';

const KEY = { 'x-dreamfactory-api-key': 'key' };
const USER = { ...KEY, 'x-dreamfactory-session-token': tokenOf() };
const JSON_TYPE = { 'content-type': 'application/json' };

interface Case {
  readonly why: string;
  readonly rules: readonly AccessInit[];
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly status: number;
}

async function statusOf({ rules, method = 'GET', path, headers = {}, body = '' }: Case): Promise<number> {
  const door = new BehindDoor(stateWithRole(rules), { json: '[{"name":"a"}]' });
  const sent = { method, target: `/api/v2/${path}`, headers: { ...USER, ...headers }, body };
  const outcome = await door.send(sent);
  if (outcome.status >= 400) expect(outcome.travelled).toHaveLength(0);
  return outcome.status;
}

const READ_ALL = rule('_table/*', { verbMask: 1 });
const HIDDEN = rule('_table/secret', { verbMask: 0 });

describe('one table out of all is closed', () => {
  const PATHS = ['secret', 'SECRET', 'secret/', 'secr%65t', 'Secret?fields=a', 'secret?%66ields=a'];
  test.each(PATHS)('%s', async (table) => {
    const path = `db/_table/${table}`;
    expect(await statusOf({ why: '', rules: [READ_ALL, HIDDEN], path, status: 403 })).toBe(403);
  });
});

describe('the way to a component', () => {
  const ONE = rule('_table/a', { verbMask: 1 });
  const CASES: Case[] = [
    { why: 'its own', rules: [ONE], path: 'db/_table/a', status: 200 },
    { why: 'a slash more', rules: [ONE], path: 'db/_table/a/', status: 200 },
    { why: 'not its records', rules: [ONE], path: 'db/_table/a/1', status: 403 },
    { why: 'not by an encoded slash', rules: [ONE], path: 'db/_table%2Fa', status: 403 },
    { why: 'not two slashes', rules: [ONE], path: 'db//_table/a', status: 403 },
    { why: 'parentheses do not make another table this one', rules: [ONE], path: 'db/_table/a(b)', status: 403 },
    {
      why: 'a rule for records opens no table of a name with a slash',
      rules: [rule('_table/a/*')],
      path: 'db/_table/a%2Fb',
      status: 403,
    },
    {
      why: 'a service that is not there says no more than one that is closed',
      rules: [ONE],
      path: 'nope/_table/a',
      status: 403,
    },
    { why: 'a resource that is not there neither', rules: [ONE], path: 'db/nope', status: 403 },
    { why: 'all that one may have', rules: [rule('*')], path: 'db/nope', status: 404 },
    { why: 'rules for scripts', rules: [rule('*', { requestorMask: 2 })], path: 'db/_table/a', status: 403 },
    {
      why: 'rules for scripts and the API',
      rules: [rule('*', { requestorMask: 3 })],
      path: 'db/_table/a',
      status: 200,
    },
  ];
  test.each(CASES)('$why: $status', async (each) => expect(await statusOf(each)).toBe(each.status));
});

describe('the verb', () => {
  const rules = [rule('*', { verbMask: 3 })];
  const base = { rules, path: 'db/_table/a', body: '[{"id":1}]' };
  const CASES: Case[] = [
    { ...base, why: 'is the method', method: 'POST', headers: JSON_TYPE, status: 200 },
    { ...base, why: 'or not allowed', method: 'DELETE', headers: JSON_TYPE, status: 403 },
    { ...base, why: 'or tunnelled', method: 'POST', headers: { ...JSON_TYPE, 'x-http-method': 'DELETE' }, status: 403 },
    {
      ...base,
      why: 'by another header',
      method: 'POST',
      headers: { ...JSON_TYPE, 'x-method-override': 'patch' },
      status: 403,
    },
    {
      ...base,
      why: 'a third',
      method: 'POST',
      headers: { ...JSON_TYPE, 'x-http-method-override': 'PUT' },
      status: 403,
    },
    {
      ...base,
      why: 'merge is patch',
      method: 'POST',
      headers: { ...JSON_TYPE, 'x-http-method': 'MERGE' },
      status: 403,
    },
    { ...base, why: 'the query', method: 'POST', path: 'db/_table/a?method=delete', headers: JSON_TYPE, status: 403 },
    {
      ...base,
      why: 'the query, encoded',
      method: 'POST',
      path: 'db/_table/a?%5Fmethod=delete',
      headers: JSON_TYPE,
      status: 403,
    },
    {
      ...base,
      why: 'the body',
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"resource":[{"id":1}],"_method":"DELETE"}',
      status: 403,
    },
    {
      ...base,
      why: 'the first one counts',
      method: 'POST',
      path: 'db/_table/a?method=DELETE',
      headers: { ...JSON_TYPE, 'x-http-method': 'POST' },
      status: 200,
    },
    { ...base, why: 'a GET stands for itself', headers: { 'x-http-method': 'DELETE' }, body: '', status: 200 },
    { ...base, why: 'nobody knows', method: 'POST', headers: { ...JSON_TYPE, 'x-http-method': 'STEAL' }, status: 405 },
    { ...base, why: 'GET does not open HEAD', method: 'HEAD', body: '', status: 403 },
  ];
  test.each(CASES)('$why: $status', async (each) => expect(await statusOf(each)).toBe(each.status));
});

describe('open to everybody', () => {
  const ANYONE = { ...KEY, 'x-dreamfactory-session-token': '' };
  const base = { rules: [], headers: { ...JSON_TYPE, ...ANYONE }, body: '[{"a":1}]' };
  const CASES: Case[] = [
    {
      ...base,
      why: 'the password of an administrator, which is no record',
      method: 'POST',
      path: 'system/admin/password',
      status: 400,
    },
    { ...base, why: 'not by an encoded slash', method: 'POST', path: 'system/admin%2Fpassword', status: 401 },
    { ...base, why: 'nor with parentheses', method: 'POST', path: 'system/admin(x)/password', status: 401 },
    { ...base, why: 'nor by another verb', method: 'PUT', path: 'system/admin/password', status: 401 },
    {
      ...base,
      why: 'nor by a tunnelled one',
      method: 'POST',
      path: 'system/admin/password?method=DELETE',
      status: 401,
    },
    { ...base, why: 'nor what is below', method: 'GET', body: '', path: 'system/environment/x', status: 401 },
    { ...base, why: 'nor members of every object', method: 'POST', path: 'system/constructor', status: 401 },
    { ...base, why: 'nor the same name elsewhere', method: 'POST', path: 'db/session', status: 401 },
  ];
  test.each(CASES)('$why: $status', async (each) => expect(await statusOf(each)).toBe(each.status));
});

describe('tables of a schema that are named beside the path', () => {
  const rules = [READ_ALL, rule('_schema'), rule('_schema/a', { verbMask: 31 })];
  const base = { rules, path: 'db/_schema', headers: JSON_TYPE };
  const CASES: Case[] = [
    { ...base, why: 'by ids', path: 'db/_schema?ids=a', status: 200 },
    { ...base, why: 'one of them closed', path: 'db/_schema?ids=a,secret', status: 403 },
    { ...base, why: 'by whoever reads records only', rules: [READ_ALL], path: 'db/_schema?ids=secret', status: 403 },
    { ...base, why: 'who may see the list', rules: [READ_ALL], path: 'db/_schema', status: 200 },
    { ...base, why: 'dropped', method: 'DELETE', path: 'db/_schema?ids=secret', status: 403 },
    {
      ...base,
      why: 'dropped by the body',
      method: 'DELETE',
      body: '{"resource":["a",{"name":"secret"}]}',
      status: 403,
    },
    { ...base, why: 'dropped, its own', method: 'DELETE', path: 'db/_schema?ids=a', status: 200 },
    { ...base, why: 'defined', method: 'POST', body: '{"resource":[{"name":"a"}]}', status: 200 },
    {
      ...base,
      why: 'defined, another',
      method: 'POST',
      body: '{"resource":[{"name":"a"},{"name":" Secret "}]}',
      status: 403,
    },
    { ...base, why: 'defined, alone', method: 'PATCH', body: '{"name":"secret"}', status: 403 },
    { ...base, why: 'defined, in a bare list', method: 'PUT', body: '[{"name":"secret"}]', status: 403 },
    {
      ...base,
      why: 'the path wins over the body',
      method: 'PATCH',
      path: 'db/_schema/a',
      body: '{"name":"secret"}',
      status: 200,
    },
  ];
  test.each(CASES)('$why: $status', async (each) => expect(await statusOf(each)).toBe(each.status));
});

describe('procedures and functions', () => {
  const rules = [
    rule('_proc', { verbMask: 1 }),
    rule('_proc/a', { verbMask: 3 }),
    rule('_func/*'),
    rule('_func/b', { verbMask: 0 }),
  ];
  const CASES: Case[] = [
    { why: 'described', path: 'db/_proc?ids=a', status: 200 },
    { why: 'one of them closed', path: 'db/_proc?ids=a,secret', status: 403 },
    { why: 'closed apart', path: 'db/_func?ids=B', status: 403 },
    { why: 'called', path: 'db/_proc/a(1)', status: 200 },
    { why: 'another, behind arguments', path: 'db/_proc/secret(1)a', status: 403 },
    { why: 'the start of its name', path: 'db/_proc/(1)a', status: 403 },
    { why: 'closed apart, with arguments that do not end', path: 'db/_func/b(1', status: 403 },
    { why: 'closed apart, with more behind the arguments', path: 'db/_func/b(1)x', status: 403 },
  ].map((each) => ({ rules, ...each }));
  test.each(CASES)('$why: $status', async (each) => expect(await statusOf(each)).toBe(each.status));
});

test('an administrator may do everything', async () => {
  const door = new BehindDoor(
    stateWithRole([], { users: [{ id: 5, email: 'ann@a.example', isActive: true, isSysAdmin: true }] }),
  );
  const headers = { 'x-dreamfactory-session-token': tokenOf(), ...JSON_TYPE };
  for (const target of ['db/_table/a', 'db/_schema?ids=secret', 'system/role']) {
    expect((await door.send({ target: `/api/v2/${target}`, headers })).status).toBe(200);
  }
});

describe('why it is refused (system-api §2.6)', () => {
  const state = () =>
    stateWithRole([], {
      apps: [
        { id: 4, apiKey: 'key', isActive: true },
        { id: 6, apiKey: 'clerk', isActive: true, roleId: 3 },
      ],
    });
  const TOKEN = { 'x-dreamfactory-session-token': tokenOf() };
  const CASES: { why: string; headers: Record<string, string>; status: number; words: string }[] = [
    { why: 'nothing was sent', headers: {}, status: 400, words: 'No session token (JWT) or API Key' },
    { why: 'no key', headers: TOKEN, status: 400, words: 'No API Key provided' },
    { why: 'no token', headers: KEY, status: 400, words: 'No session token (JWT) provided' },
    { why: 'no role', headers: { ...KEY, ...TOKEN }, status: 403, words: 'Role not found' },
    { why: 'nobody', headers: { 'x-dreamfactory-api-key': 'clerk' }, status: 401, words: 'Unauthorized' },
    {
      why: 'the role',
      headers: { 'x-dreamfactory-api-key': 'clerk', ...TOKEN },
      status: 403,
      words: 'Access Forbidden',
    },
  ];
  test.each(CASES)('$why', async ({ headers, status, words }) => {
    const outcome = await new BehindDoor(state()).send({ target: '/api/v2/db/_table/a', headers });
    expect([outcome.status, outcome.body.includes(words)]).toEqual([status, true]);
  });
});
