import { describe, expect, test } from 'vitest';
import type { Filter } from '#proto/data/v1/data_pb.ts';
import { parseDatabase } from '../parse/resource.ts';
import { type AccessInit, DB, principalIn, rule, stateWithRole, tokenOf } from '../testing/access.ts';
import { BehindDoor } from '../testing/behind-door.ts';
import { apiRequestOf, type Sent } from '../testing/request.ts';
import { grant } from './grant.ts';

const HEADERS = {
  'x-dreamfactory-api-key': 'key',
  authorization: `Bearer ${tokenOf()}`,
  'content-type': 'application/json',
};
const OWN = { filters: [{ name: 'owner', operator: '=', value: '{user.id}' }] };
const BY_OR = { ...OWN, filters: [...OWN.filters, { name: 'public', operator: '=', value: 'true' }], filterOp: 'OR' };

function send(rules: readonly AccessInit[], sent: Omit<Sent, 'headers'>) {
  const target = `/api/v2/db/_table/${sent.target}`;
  return new BehindDoor(stateWithRole(rules)).send({ ...sent, target, headers: HEADERS });
}

/** A tree as text, with the values that it refers to. */
function shown(filter: Filter | undefined, values: readonly unknown[]): string {
  const node = filter?.node;
  switch (node?.case) {
    case 'comparison': {
      const operands = node.value.operands.map(({ kind }) => values[kind.value as number]);
      return `${node.value.field}${node.value.comparator}${operands.join()}`;
    }
    case 'not':
      return `!(${shown(node.value, values)})`;
    case 'all':
    case 'any':
      return `${node.case}(${node.value.filters.map((each) => shown(each, values)).join(' ')})`;
    default:
      return '-';
  }
}

async function trees(rules: readonly AccessInit[], sent: Omit<Sent, 'headers'>) {
  const { status, travelled } = await send(rules, sent);
  expect(status).toBe(200);
  const [{ shape, operation }] = travelled as [(typeof travelled)[number]];
  const value = shape.action.value as { filter?: Filter; rowFilter?: Filter };
  const values = operation.parameters.map(({ kind }) => kind.value);
  return { filter: shown(value.filter, values), rowFilter: shown(value.rowFilter, values) };
}

describe("the role's condition goes with every way to a row", () => {
  const CASES: { why: string; method?: string; target: string; body?: string; filter?: string }[] = [
    { why: 'list', target: 'a' },
    { why: 'filter', target: "a?filter=b%3D'x'", filter: 'b1x' },
    { why: 'a filter that tries to leave', target: 'a?filter=b%3D1%20or%20c%3D1', filter: 'any(b11 c11)' },
    { why: 'id', target: 'a/1' },
    { why: 'ids', target: 'a?ids=1,2' },
    { why: 'count', target: 'a?count_only=true' },
    { why: 'group', target: 'a?group=b&fields=b,COUNT(*)' },
    { why: 'having', target: 'a?group=b&having=b%3E1' },
    { why: 'pages', target: 'a?after=' },
    { why: 'by records', method: 'POST', target: 'a?method=GET', body: '[{"id":1}]' },
    { why: 'change by id', method: 'PATCH', target: 'a/1', body: '{"b":1}' },
    { why: 'replace by id', method: 'PUT', target: 'a/1', body: '{"b":1}' },
    { why: 'change by ids', method: 'PATCH', target: 'a?ids=1', body: '[{"b":1}]' },
    { why: 'change by filter', method: 'PATCH', target: 'a?filter=b%3D1', body: '[{"b":1}]', filter: 'b11' },
    { why: 'change by records', method: 'PATCH', target: 'a', body: '[{"id":1,"b":1}]' },
    { why: 'delete by id', method: 'DELETE', target: 'a/1' },
    { why: 'delete by filter', method: 'DELETE', target: 'a?filter=b%3D1', filter: 'b11' },
    { why: 'delete everything', method: 'DELETE', target: 'a?force=true' },
    { why: 'delete by records', method: 'DELETE', target: 'a', body: '[{"id":1}]' },
  ];
  test.each(CASES)('$why', async ({ filter = '-', ...sent }) => {
    expect(await trees([rule('_table/*', OWN)], sent)).toEqual({ filter, rowFilter: 'owner15' });
    expect(await trees([rule('_table/*', BY_OR)], sent)).toEqual({ filter, rowFilter: 'any(owner15 public1true)' });
  });
});

describe('which rule gives the condition', () => {
  const CASES: {
    why: string;
    rules: AccessInit[];
    method?: string;
    body?: string;
    target?: string;
    rowFilter: string;
  }[] = [
    { why: 'none', rules: [rule('*')], rowFilter: '-' },
    { why: 'another table', rules: [rule('*'), rule('_table/b', OWN)], rowFilter: '-' },
    { why: 'the exact one', rules: [rule('*'), rule('_table/a', OWN)], rowFilter: 'owner15' },
    { why: 'also for a record', rules: [rule('*'), rule('_table/a', OWN)], target: 'a/1', rowFilter: 'owner15' },
    { why: 'in any case', rules: [rule('*'), rule('_Table/A', OWN)], target: 'A', rowFilter: 'owner15' },
    {
      why: 'one that has not the verb',
      rules: [rule('*'), rule('_table/a/*', { ...OWN, verbMask: 2 })],
      rowFilter: '-',
    },
    { why: 'one for scripts', rules: [rule('*'), rule('_table/a/*', { ...OWN, requestorMask: 2 })], rowFilter: '-' },
    {
      why: 'one for all services has none',
      rules: [{ ...rule('*', OWN), serviceId: undefined } as never],
      rowFilter: '-',
    },
    {
      why: 'a table whose name holds a slash',
      rules: [rule('*'), rule('_table/a%2fb', OWN)],
      target: 'a%2Fb',
      rowFilter: 'owner15',
    },
  ];
  test.each(CASES)('$why', async ({ rules, target = 'a', rowFilter }) => {
    expect((await trees(rules, { target })).rowFilter).toBe(rowFilter);
  });
});

describe('records that would leave the condition', () => {
  const CASES: { why: string; method: string; target: string; body: string; status: number }[] = [
    { why: 'a creation', method: 'POST', target: 'a', body: '[{"owner":5}]', status: 200 },
    { why: "somebody else's", method: 'POST', target: 'a', body: '[{"owner":6}]', status: 400 },
    { why: "nobody's", method: 'POST', target: 'a', body: '[{"b":1}]', status: 400 },
    { why: 'one of many', method: 'POST', target: 'a', body: '{"resource":[{"owner":5},{"owner":6}]}', status: 400 },
    { why: 'a key twice', method: 'POST', target: 'a', body: '[{"owner":5,"owner":6}]', status: 400 },
    { why: 'a key in two cases', method: 'POST', target: 'a', body: '[{"owner":5,"OWNER":6}]', status: 400 },
    { why: 'a change', method: 'PATCH', target: 'a/1', body: '{"owner":6}', status: 403 },
    { why: 'a replacement', method: 'PUT', target: 'a/1', body: '{"Owner":null}', status: 403 },
    { why: 'a change of something else', method: 'PATCH', target: 'a/1', body: '{"b":1}', status: 200 },
    { why: 'a change of many', method: 'PATCH', target: 'a?filter=b%3D1', body: '[{"owner":6}]', status: 400 },
    { why: 'by ids', method: 'PATCH', target: 'a?ids=1,2', body: '{"resource":{"owner":6}}', status: 400 },
    { why: 'an escaped key', method: 'PATCH', target: 'a/1', body: '{"\\u006fwner":6}', status: 403 },
    { why: 'tunnelled', method: 'POST', target: 'a/1?method=PATCH', body: '{"owner":6}', status: 403 },
  ];
  test.each(CASES)('$why: $status', async ({ status, ...sent }) => {
    const outcome = await send([rule('_table/*', OWN)], sent);
    expect(outcome.status).toBe(status);
    expect(outcome.travelled).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe('an update creates what is missing', () => {
  const CASES: { why: string; rules: AccessInit[]; upsert: boolean }[] = [
    { why: 'by who may create', rules: [rule('*')], upsert: true },
    { why: 'by who may create here', rules: [rule('_table/a/*', { verbMask: 10 })], upsert: true },
    { why: 'not by who may only change', rules: [rule('_table/*', { verbMask: 13 })], upsert: false },
    {
      why: 'not where creation has conditions',
      rules: [rule('_table/a/*', { verbMask: 8 }), rule('_table/a/*', { ...OWN, verbMask: 2 })],
      upsert: false,
    },
    {
      why: 'not where only records by their path may be created, which nobody can',
      rules: [rule('_table/a', { verbMask: 8 }), rule('_table/a/*', { verbMask: 10 })],
      upsert: false,
    },
  ];
  test.each(CASES)('$why', async ({ rules, upsert }) => {
    const door = new BehindDoor(stateWithRole(rules));
    // From the third one on it may be a remembered call.
    for (let id = 1; id <= 3; id++) {
      const target = `/api/v2/db/_table/a/${id}`;
      const { status, travelled } = await door.send({ method: 'PATCH', target, body: '{"b":1}', headers: HEADERS });
      expect(status).toBe(200);
      expect(travelled[0]?.shape.action.value).toMatchObject({ upsert });
    }
  });
});

describe("the caller's lookups", () => {
  test.each([
    { count: 1000, status: 200 },
    { count: 1001, status: 400 },
  ])('$count of them: $status', async ({ count, status }) => {
    const body = JSON.stringify({ filter: 'b = :b', params: { ':b': '{x}'.repeat(count) } });
    expect((await send([rule('*')], { method: 'POST', target: 'a?method=GET', body })).status).toBe(status);
  });

  test('are values, whatever is in them', async () => {
    const users = [{ id: 5, email: 'ann@a.example', name: "x' or owner = 6 or 'a' = 'a", isActive: true }];
    const door = new BehindDoor(stateWithRole([rule('*')], { users }));
    const target = '/api/v2/db/_table/a?filter=b%3D%27{user.name}%27';
    const { travelled } = await door.send({ target, headers: HEADERS });
    expect(travelled[0]?.shape.action.value).toMatchObject({ filter: { node: { case: 'comparison' } } });
    expect(travelled[0]?.operation.parameters.map(({ kind }) => kind.value)).toEqual([users[0]?.name]);
  });
});

describe('related records', () => {
  const target = 'a?related=r&r.filter=c%3D1';
  const CASES: { why: string; rules: AccessInit[]; method?: string; unruled: boolean }[] = [
    { why: 'one rule for all', rules: [rule('*')], unruled: true },
    { why: 'a shorter wildcard', rules: [rule('_t*')], unruled: true },
    { why: 'a condition somewhere', rules: [rule('*'), rule('_table/b', OWN)], unruled: false },
    { why: 'one table apart', rules: [rule('*'), rule('_table/b', { verbMask: 1 })], unruled: false },
    { why: 'one table only', rules: [rule('_table/a')], unruled: false },
    { why: 'for reading', rules: [rule('*', { verbMask: 1 })], unruled: true },
  ];
  test.each(CASES)('unruled: $why', async ({ rules, unruled }) => {
    const { travelled } = await send(rules, { target });
    expect(travelled[0]?.shape.unruled).toBe(unruled);
  });

  test('writes need every verb everywhere', async () => {
    const { travelled } = await send([rule('*', { verbMask: 3 })], {
      method: 'POST',
      target: 'a',
      body: '[{"r":[{}]}]',
    });
    expect(travelled[0]?.shape.unruled).toBe(false);
  });

  test('the rules of other tables go with their conditions, counted behind all others', () => {
    const state = stateWithRole([
      rule('_table/a', OWN),
      rule('_table/b', { ...OWN, verbMask: 3 }),
      rule('_table/c', { verbMask: 1 }),
    ]);
    const service = state.services.get(DB)!;
    const parsed = parseDatabase(apiRequestOf({ target: '/api/v2/db/_table/a?filter=x%3D7&related=r' }));
    const granted = grant(parsed, 'GET', service, principalIn(state), state, ['b', 'C', 'd']);
    const values = granted.parameters.map(({ kind }) => kind.value);
    const rules = granted.shape.rules.map(({ table, verbs, filteredVerbs, rowFilter }) => ({
      table,
      verbs,
      filteredVerbs,
      rowFilter: shown(rowFilter, values),
    }));
    expect(rules).toEqual([
      { table: 'b', verbs: 3, filteredVerbs: 3, rowFilter: 'owner15' },
      { table: 'C', verbs: 1, filteredVerbs: 0, rowFilter: '-' },
      { table: 'd', verbs: 0, filteredVerbs: 0, rowFilter: '-' },
    ]);
    expect(values).toEqual(['7', '5', '5']);
    expect(granted.variant).not.toBe('');
  });
});

describe('a field that is filled in with whoever creates the record', () => {
  const create = (table: string, extra: object, records: object[]) => {
    const properties = { extra_type: 'user_id_on_create', ...extra };
    const filled = { id: 1, serviceId: DB, table: 'memo', field: 'owner_id' };
    const schemaExtras = [{ ...filled, propertiesJson: Buffer.from(JSON.stringify(properties)) }];
    const sent = { method: 'POST', target: `/api/v2/db/_table/${table}`, body: JSON.stringify(records) };
    const filters = [{ name: 'Owner_ID', operator: '=', value: '{user.id}' }];
    const state = stateWithRole([rule('_table/*', { filters })], { schemaExtras });
    return new BehindDoor(state).send({ ...sent, headers: HEADERS });
  };

  test.each([
    ['left out', 'memo', {}, [{ text: 'a' }, { text: 'b' }], 200],
    ['in another spelling of the table', 'Memo', {}, [{ text: 'a' }], 200],
    ['given as it will be', 'memo', {}, [{ owner_id: 5 }], 200],
    ['given otherwise', 'memo', {}, [{ OWNER_ID: 6 }], 400],
    ['given as nothing', 'memo', {}, [{ owner_id: null }], 400],
    ['of another table', 'note', {}, [{ text: 'a' }], 400],
    ['under another name', 'memo', { alias: 'owner' }, [{ text: 'a' }], 400],
  ])('%s', async (_why, table, extra, records, expected) => {
    expect((await create(table, extra, records)).status).toBe(expected);
  });
});
