import { describe, expect, test } from 'vitest';
import { type AccessInit, rule, stateWithRole, tokenOf } from './testing/access.ts';
import { BehindDoor } from './testing/behind-door.ts';

const HEADERS = { 'x-dreamfactory-api-key': 'key', authorization: `Bearer ${tokenOf()}` };

async function list(rules: readonly AccessInit[], path: string, names: readonly object[]): Promise<unknown> {
  const door = new BehindDoor(stateWithRole(rules), { json: JSON.stringify(names) });
  const { status, body } = await door.send({ target: `/api/v2/${path}`, headers: HEADERS });
  return status === 200 ? JSON.parse(body) : status;
}

const TABLES = [
  { name: 'a', label: 'A', access: [] },
  { name: 'B', label: 'B', access: [] },
  { name: 'c/d', label: 'C', access: [] },
];
const named = (...names: string[]) => ({ resource: names.map((name) => ({ name })) });

describe('tables', () => {
  const CASES: { why: string; rules: AccessInit[]; query?: string; shown: unknown }[] = [
    { why: 'all of them', rules: [rule('*')], shown: named('a', 'B', 'c/d') },
    {
      why: 'those that the role may use',
      rules: [rule('_table'), rule('_table/b', { verbMask: 2 })],
      shown: named('B'),
    },
    { why: 'but for one', rules: [rule('*'), rule('_table/a', { verbMask: 0 })], shown: named('B', 'c/d') },
    { why: 'a name with a slash is no record', rules: [rule('_table'), rule('_table/c/*')], shown: named() },
    { why: 'its own rule', rules: [rule('_table'), rule('_table/c%2fd')], shown: named('c/d') },
    { why: 'not who may not see the list', rules: [rule('_table/a/*')], shown: 403 },
    { why: 'names alone', rules: [rule('*')], query: '?as_list=true', shown: { resource: ['a', 'B', 'c/d'] } },
    { why: 'unwrapped', rules: [rule('*')], query: '?as_list=true&wrap=false', shown: ['a', 'B', 'c/d'] },
    {
      why: 'what else they are known by',
      rules: [rule('*')],
      query: '?as_list=true&id_field=name,label',
      shown: { resource: ['(a,A)', '(B,B)', '(c/d,C)'] },
    },
    {
      why: 'verbs',
      rules: [rule('_table'), rule('_table/b', { verbMask: 3 })],
      query: '?fields=*',
      shown: { resource: [{ name: 'B', label: 'B', access: ['GET', 'POST'] }] },
    },
  ];
  test.each(CASES)('$why', async ({ rules, query = '', shown }) => {
    expect(await list(rules, `db/_table${query}`, TABLES)).toEqual(shown);
  });
});

describe('schemas', () => {
  const CASES: { why: string; rules: AccessInit[]; shown: unknown }[] = [
    {
      why: 'those that the role may see',
      rules: [rule('_schema'), rule('_schema/a', { verbMask: 1 })],
      shown: named('a'),
    },
    {
      why: 'who may read something else sees a list without them',
      rules: [rule('_table/*', { verbMask: 1 })],
      shown: named(),
    },
    { why: 'who may only write does not', rules: [rule('_table/*', { verbMask: 2 })], shown: 403 },
  ];
  test.each(CASES)('$why', async ({ rules, shown }) => expect(await list(rules, 'db/_schema', TABLES)).toEqual(shown));
});

describe('the service', () => {
  const ROOT = [{ name: '_schema' }, { name: '_table' }];
  test('shows all that it has to whoever may see its root', async () => {
    expect(await list([rule('')], 'db', ROOT)).toEqual(named('_schema', '_table'));
    expect(await list([rule('_table/*')], 'db', ROOT)).toBe(403);
  });

  test('with verbs where they are asked for', async () => {
    expect(await list([rule(''), rule('_table/*', { verbMask: 1 })], 'db?include_access=true&fields=*', ROOT)).toEqual({
      resource: [
        { name: '_schema', access: [] },
        { name: '_table', access: ['GET'] },
      ],
    });
  });

  test('as components of rules: those that the role may use', async () => {
    const only = [rule(''), rule('_table'), rule('_table/a/*')];
    // One answer for all that is asked: the tables of `_table` are called like the resources of the service.
    const names = [{ name: '_table' }, { name: 'a' }];
    expect(await list(only, 'db?as_access_list=true', names)).toEqual({
      resource: ['', '*', '_table/', '_table/*', '_table/a/', '_table/a/*'],
    });
  });

  test('names of resources are paths', async () => {
    const rules = [
      { ...rule('admin/session'), serviceId: 1 },
      { ...rule(''), serviceId: 1 },
    ];
    expect(await list(rules, 'system?include_access=true&fields=*', [{ name: 'admin/session' }])).toEqual({
      resource: [{ name: 'admin/session', access: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] }],
    });
  });
});
