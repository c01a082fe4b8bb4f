/** A role's row filter holds on every way to a row. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { Shop } from './shop.ts';

const ALL = 31;
const GET = 1;

let shop: Shop;
let mine: Client;
let ids: { readonly ME: number; readonly THEM: number };

/** The rows of the other: whatever is asked, `hidden` is never answered and they never change. */
const THEIRS = () => [
  { id: 3, owner_id: ids.THEM, customer_id: 1, note: 'hidden', amount: 1000 },
  { id: 4, owner_id: ids.THEM, customer_id: 2, note: "hidden too', '", amount: 2000 },
];
const MINE = () => [
  { id: 1, owner_id: ids.ME, customer_id: 1, note: 'open', amount: 10 },
  { id: 2, owner_id: ids.ME, customer_id: 2, note: 'open', amount: 20 },
];

async function refill(): Promise<void> {
  await shop.admin.json('DELETE', 'shop/_table/sale?force=true');
  await shop.admin.json('POST', 'shop/_table/sale', [...MINE(), ...THEIRS()]);
}

/** ME and THEM stand for the ids of the users, which the system gives. */
function filled(row: Case): Case {
  const text = JSON.stringify({ ...row, path: `shop/${row.path}` });
  const id = (_: string, name: 'ME' | 'THEM') => String(ids[name]);
  return JSON.parse(text.replace(/"\$(ME|THEM)"/g, id).replace(/\$(ME|THEM)/g, id)) as Case;
}

const own = (...found: number[]) => ({ resource: found.map((id) => ({ id })) });
const SALE = '_table/sale';

const READS: Case[] = [
  { name: 'list', path: `${SALE}?fields=id`, answers: own(1, 2) },
  { name: 'all fields', path: SALE, contains: ['open'] },
  { name: 'by id', path: `${SALE}/3`, status: 404 },
  { name: 'by id with an offset', path: `${SALE}/3?offset=0&filter=id = 3`, status: 404 },
  { name: 'by ids', path: `${SALE}?ids=1,3`, status: 400, contains: ['"code":1000'] },
  {
    name: 'by ids, going on',
    path: `${SALE}?ids=1,3,2&continue=true&fields=*`,
    status: 400,
    contains: ['"error":[1]'],
  },
  { name: 'by another field', path: `${SALE}?ids=$THEM&id_field=owner_id`, status: 400 },
  { name: 'by records', path: SALE, body: [{ id: 3 }], status: 400 },
  { name: 'by filter', path: `${SALE}?filter=id = 3`, answers: own() },
  { name: 'by owner', path: `${SALE}?filter=owner_id = $THEM`, answers: own() },
  { name: 'OR', path: `${SALE}?fields=id&filter=(id > 0) OR (id = 3)`, answers: own(1, 2) },
  { name: 'OR without parentheses', path: `${SALE}?fields=id&filter=id = 1 OR owner_id = $THEM`, answers: own(1) },
  { name: 'NOR', path: `${SALE}?fields=id&filter=(id = 1) NOR (id = 2)`, answers: own() },
  { name: 'NOT', path: `${SALE}?fields=id&filter=NOT (id = 1)`, answers: own(2) },
  { name: 'OR 1=1', path: `${SALE}?filter=id = 3 OR 1=1`, status: 400 },
  { name: 'parentheses that close ours', path: `${SALE}?filter=id > 0) OR (id > 0`, status: 400 },
  { name: 'a comment', path: `${SALE}?filter=id = 3) -- `, status: 400 },
  { name: 'SQL as a value', path: `${SALE}?fields=id&filter=note = (note)`, answers: own() },
  {
    name: 'a quote that ends a value',
    path: `${SALE}?fields=id&filter=note = 'x' OR id = 3 OR note = 'y'`,
    answers: own(),
  },
  {
    name: 'a parameter that is filter text',
    path: `${SALE}?fields=id&filter=note = :p&params[:p]=x' OR '1'='1`,
    answers: own(),
  },
  { name: 'a lookup in the filter', path: `${SALE}?fields=id&filter=owner_id = {user.id}`, answers: own(1, 2) },
  { name: 'count', path: `${SALE}?count_only=true`, text: '2' },
  { name: 'count of what is not there', path: `${SALE}?count_only=true&filter=amount > 100`, text: '0' },
  { name: 'count beside a page', path: `${SALE}?include_count=true&limit=1&fields=id`, contains: ['"count":2'] },
  {
    name: 'group',
    path: `${SALE}?group=owner_id&fields=owner_id,SUM(amount)`,
    contains: [':30'],
    lacks: ['3000', '3030'],
  },
  { name: 'group by the note', path: `${SALE}?group=note&fields=note,COUNT(*)`, contains: ['open'] },
  { name: 'page behind the end', path: `${SALE}?offset=2`, answers: own() },
  { name: 'as CSV', path: SALE, headers: { Accept: 'text/csv' }, contains: ['open'] },
  { name: 'as XML', path: SALE, headers: { Accept: 'application/xml' }, contains: ['open'] },
  {
    name: 'tunnelled',
    method: 'POST',
    headers: { 'X-HTTP-Method': 'GET' },
    path: SALE,
    body: { filter: 'id > 0', fields: 'id' },
    answers: own(1, 2),
  },
  {
    name: 'related, from the other side',
    path: '_table/customer?fields=id&related=sale_by_customer_id&sale_by_customer_id.fields=id',
    answers: { resource: [1, 2].map((id) => ({ id, sale_by_customer_id: [{ id }] })) },
  },
  { name: 'related, all of one', path: '_table/customer/1?related=*', contains: ['open'] },
  {
    name: 'related, and back, and there again',
    path:
      `${SALE}/1?fields=id&related=customer_by_customer_id.sale_by_customer_id&customer_by_customer_id.fields=id` +
      '&customer_by_customer_id.sale_by_customer_id.fields=id',
    answers: { id: 1, customer_id: 1, customer_by_customer_id: { id: 1, sale_by_customer_id: [{ id: 1 }] } },
  },
  {
    name: 'how many are related',
    path: '_table/customer?fields=id&related=sale_by_customer_id&sale_by_customer_id.count_only=true',
    answers: { resource: [1, 2].map((id) => ({ id, sale_by_customer_id: 1 })) },
  },
  {
    name: 'related, by a filter that is true of all',
    path:
      '_table/customer?fields=id&related=sale_by_customer_id&sale_by_customer_id.fields=id' +
      '&sale_by_customer_id.filter=id > 0 OR owner_id = $THEM',
    answers: { resource: [1, 2].map((id) => ({ id, sale_by_customer_id: [{ id }] })) },
  },
  {
    name: 'a filter by related records',
    path: "_table/customer?fields=id&filter=sale_by_customer_id.note = 'hidden'",
    answers: own(),
  },
  {
    name: 'a filter by related records that may be seen',
    path: "_table/customer?fields=id&filter=sale_by_customer_id.note = 'open'",
    answers: own(1, 2),
  },
  {
    name: 'a count by related records',
    path: '_table/customer?count_only=true&filter=sale_by_customer_id.amount > 100',
    text: '0',
  },
];

/** A failure inside a collection is a failed batch, which holds the refusal. */
const DENIED = { status: 400, contains: ['"code":1000', '"code":403'] };

const WRITES: Case[] = [
  { name: 'POST own', method: 'POST', path: SALE, body: [{ id: 9, owner_id: '$ME', note: 'new' }], answers: own(9) },
  { name: "POST in another's name", method: 'POST', path: SALE, body: [{ owner_id: '$THEM' }], ...DENIED },
  { name: 'POST in no name', method: 'POST', path: SALE, body: [{ note: 'x' }], ...DENIED },
  { name: 'POST both', method: 'POST', path: SALE, body: [{ owner_id: '$ME' }, { owner_id: '$THEM' }], ...DENIED },
  {
    name: 'POST CSV',
    method: 'POST',
    path: SALE,
    headers: { 'Content-Type': 'text/csv' },
    body: 'owner_id,note\n$THEM,x\n',
    ...DENIED,
  },
  { name: 'POST a key in another case', method: 'POST', path: SALE, body: [{ OWNER_ID: '$THEM' }], ...DENIED },
  { name: 'POST a key twice', method: 'POST', path: SALE, body: '[{"owner_id":$ME,"owner_id":$THEM}]', ...DENIED },
  {
    name: 'POST over a key that is there',
    method: 'POST',
    path: SALE,
    body: [{ id: 3, owner_id: '$ME' }],
    status: 400,
  },
  { name: 'PATCH by id', method: 'PATCH', path: `${SALE}/3`, body: { note: 'taken' }, status: 404 },
  { name: 'PUT by id', method: 'PUT', path: `${SALE}/3`, body: { note: 'taken', owner_id: '$ME' }, status: 404 },
  { name: 'PATCH away', method: 'PATCH', path: `${SALE}/1`, body: { owner_id: '$THEM' }, status: 403 },
  { name: 'PATCH own', method: 'PATCH', path: `${SALE}/1`, body: { note: 'changed' }, answers: { id: 1 } },
  { name: 'PATCH by ids', method: 'PATCH', path: `${SALE}?ids=1,3`, body: [{ note: 'taken' }], status: 400 },
  {
    name: 'PATCH records',
    method: 'PATCH',
    path: `${SALE}?continue=true`,
    body: [
      { id: 3, note: 'taken' },
      { id: 1, note: 'ok' },
    ],
    status: 400,
  },
  {
    name: 'PATCH by filter',
    method: 'PATCH',
    path: `${SALE}?filter=id > 0`,
    body: [{ note: 'taken' }],
    answers: own(1, 2),
  },
  {
    name: 'PATCH by filter with OR',
    method: 'PATCH',
    path: `${SALE}?filter=id = 1 OR id = 3`,
    body: [{ note: 'taken' }],
    answers: own(1),
  },
  {
    name: 'PATCH by filter, away',
    method: 'PATCH',
    path: `${SALE}?filter=id > 0`,
    body: [{ owner_id: '$THEM' }],
    ...DENIED,
  },
  { name: 'DELETE by id', method: 'DELETE', path: `${SALE}/3?fields=*`, status: 404 },
  { name: 'DELETE by ids', method: 'DELETE', path: `${SALE}?ids=3,4&continue=true&fields=*`, status: 400 },
  { name: 'DELETE records', method: 'DELETE', path: SALE, body: [{ id: 4 }], status: 400 },
  { name: 'DELETE by filter', method: 'DELETE', path: `${SALE}?filter=id > 0&fields=*`, contains: ['open'] },
  { name: 'DELETE everything', method: 'DELETE', path: `${SALE}?force=true` },
  {
    name: 'a sale inside a customer',
    method: 'PATCH',
    path: '_table/customer/1',
    body: { sale_by_customer_id: [{ id: 3, note: 'taken' }] },
    status: 403,
  },
];

function suites(open: () => Promise<Shop>): void {
  beforeAll(async () => {
    shop = await open();
    await shop.admin.json('POST', 'shop/_table/customer', [{ name: 'c1' }, { name: 'c2' }]);
    const role = await shop.role(
      {
        component: '_table/sale/*',
        verb_mask: ALL,
        filters: [{ name: 'owner_id', operator: '=', value: '{user.id}' }],
        filter_op: 'AND',
      },
      { component: '_table/customer/*', verb_mask: GET },
    );
    const app = await shop.app();
    const me = await shop.user(app.id, role);
    const them = await shop.user(app.id, role);
    ids = { ME: me.id, THEM: them.id };
    mine = await shop.client(app.api_key, me);
  });
  afterAll(() => shop?.close());

  beforeEach(refill);
  test.each([...READS, ...WRITES])('$name', async (row) => {
    await check(mine, { ...filled(row), lacks: ['hidden', ...(row.lacks ?? [])] });
    const { resource } = await shop.admin.json<{ resource: object[] }>(
      'GET',
      'shop/_table/sale?order=id&filter=id IN (3, 4)',
    );
    expect(resource).toEqual(THEIRS());
    const strangers = await shop.admin.json('GET', `shop/_table/sale?count_only=true&filter=owner_id = ${ids.THEM}`);
    expect(strangers).toBe(2);
  });

  const OPERATORS = [
    { operator: '!=', value: '{user.id}', found: 4 },
    { operator: 'in', value: '{user.id},0', found: 0 },
    { operator: 'not in', value: '({user.id})', found: 4 },
    { operator: 'is null', value: '', found: 0 },
    { operator: '>=', value: '0', found: 4 },
  ];
  test.each(OPERATORS)('$operator, asked by somebody who owns nothing', async ({ operator, value, found }) => {
    const filters = [{ name: 'owner_id', operator, value }];
    const role = await shop.role({ component: '_table/*', verb_mask: GET, filters, filter_op: 'AND' });
    const app = await shop.app();
    const client = await shop.client(app.api_key, await shop.user(app.id, role));
    expect(await client.json('GET', 'shop/_table/sale?count_only=true')).toBe(found);
  });

  test('filters joined by OR stay one group beside the filter of the caller', async () => {
    const filters = [
      { name: 'amount', operator: '=', value: '10' },
      { name: 'note', operator: 'starts with', value: 'hidden' },
    ];
    const role = await shop.role({ component: '_table/*', verb_mask: GET, filters, filter_op: 'OR' });
    const { api_key } = await shop.app(role);
    const client = shop.product.anyone.as(withKey(api_key));
    expect(await client.json('GET', 'shop/_table/sale?fields=id&order=id&filter=(id > 0) OR (id < 0)')).toEqual(
      own(1, 3, 4),
    );
    expect(await client.json('GET', 'shop/_table/sale?fields=id&filter=id = 2')).toEqual(own());
  });

  test("what a user calls himself is a value, never a filter's text", async () => {
    const filters = [{ name: 'note', operator: '=', value: '{user.first_name}' }];
    const role = await shop.role({ component: '_table/*', verb_mask: GET, filters, filter_op: 'AND' });
    const app = await shop.app();
    const user = await shop.user(app.id, role);
    await shop.admin.json('PATCH', `system/user/${user.id}`, { first_name: "x' OR '1'='1" });
    const client = await shop.client(app.api_key, user);
    expect(await client.json('GET', 'shop/_table/sale')).toEqual(own());
  });

  test('the same address gives each caller what is his, whoever has asked before', async () => {
    const of = async (amount: number): Promise<Client> => {
      const filters = [{ name: 'amount', operator: '=', value: `${amount}` }];
      const role = await shop.role({ component: '_table/sale/*', verb_mask: GET, filters, filter_op: 'AND' });
      return shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    };
    const nothing = await shop.role({ component: '_table/customer/*', verb_mask: GET });
    const callers: [Client, { list: string; one: string; other: string }][] = [
      [shop.admin, { list: '200 4', one: '200', other: '200' }],
      [await of(10), { list: '200 1', one: '200', other: '404' }],
      [await of(20), { list: '200 1', one: '404', other: '200' }],
      [mine, { list: '200 2', one: '200', other: '200' }],
      [shop.product.anyone.as(withKey((await shop.app(nothing)).api_key)), { list: '401', one: '401', other: '401' }],
      [shop.product.anyone, { list: '400', one: '400', other: '400' }],
    ];
    const asked = async (client: Client) => {
      const [list, one, other] = await Promise.all([
        client.send('GET', 'shop/_table/sale'),
        client.send('GET', 'shop/_table/sale/1'),
        client.send('GET', 'shop/_table/sale/2'),
      ]);
      const count = list.status === 200 ? ` ${JSON.parse(list.text).resource.length}` : '';
      return { list: `${list.status}${count}`, one: `${one.status}`, other: `${other.status}` };
    };
    for (const order of [callers, callers.toReversed(), callers]) {
      for (const [client, expected] of order) expect(await asked(client)).toEqual(expected);
    }
    // All at once, as their calls may share one statement.
    const together = await Promise.all(
      Array.from({ length: 10 }, () => callers)
        .flat()
        .map(([client]) => asked(client)),
    );
    const expected = Array.from({ length: 10 }, () => callers)
      .flat()
      .map(([, answers]) => answers);
    expect(together).toEqual(expected);
  });
}

describe('SQLite', () => suites(() => Shop.open()));

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  afterAll(() => postgres?.stop());
  suites(async () => {
    postgres = await startPostgres();
    const { host, port, database, user: username, password } = postgres;
    return Shop.open({}, { type: 'pgsql', config: { host, port, database, username, password } });
  });
});

suiteWith('mariadb', 'MariaDB', () => {
  // It does all that is used of MySQL, which has less.
  describe.each(['mariadb', 'mysql'])('as %s', (type) => {
    let mariadb: RunningMariadb | undefined;
    afterAll(() => mariadb?.stop());
    suites(async () => {
      mariadb = await startMariadb();
      const { host, port, database, user: username, password } = mariadb;
      return Shop.open({}, { type, config: { host, port, database, username, password } });
    });
  });
});
