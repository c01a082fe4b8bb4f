/** Roles, row filters, lookups and scripts hold for documents as they do for rows, on every way to one. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { DOCUMENT_STORES, type DocumentStore, type OpenStore } from './nosql-stores.ts';
import { type Json, jsonOf, ScriptedShop } from './scripted.ts';
import type { Rule } from './shop.ts';

const GET = 1;
const ALL = 31;
const SALE = 'docs/_table/sale';
const CUSTOMER = 'docs/_table/customer';
const NDJSON = { Accept: 'application/x-ndjson' };

/** `$K` is the name of the key, `$ME` and `$THEM` are the ids of the two users. */
const own = (...found: string[]) => ({ resource: found.map((id) => ({ $K: id })) });

const READS: Case[] = [
  { name: 'list', path: `${SALE}?fields=$K&order=$K`, answers: own('s1', 's2') },
  { name: 'all fields', path: SALE, contains: ['open'] },
  { name: 'by id', path: `${SALE}/s3`, status: 404 },
  { name: 'by id, own', path: `${SALE}/s1?fields=$K,amount`, answers: { $K: 's1', amount: 10 } },
  { name: 'by id with a filter', path: `${SALE}/s3?filter=amount > 0`, status: 404 },
  { name: 'by ids', path: `${SALE}?ids=s1,s3`, status: 400, contains: ['"code":1000'] },
  {
    name: 'by ids, going on',
    path: `${SALE}?ids=s1,s3,s2&continue=true&fields=*`,
    status: 400,
    contains: ['"error":[1]'],
  },
  { name: 'by another field', path: `${SALE}?ids=$THEM&id_field=owner`, status: 400 },
  { name: 'by records', path: `${SALE}?method=GET`, method: 'POST', body: [{ $K: 's3' }], status: 400 },
  { name: 'by filter', path: `${SALE}?filter=$K = 's3'`, answers: own() },
  { name: 'by owner', path: `${SALE}?filter=owner = $THEM`, answers: own() },
  { name: 'OR', path: `${SALE}?fields=$K&order=$K&filter=(amount > 0) OR ($K = 's3')`, answers: own('s1', 's2') },
  { name: 'OR without parentheses', path: `${SALE}?fields=$K&filter=$K = 's1' OR owner = $THEM`, answers: own('s1') },
  { name: 'NOT', path: `${SALE}?fields=$K&filter=NOT ($K = 's1')`, answers: own('s2') },
  {
    name: 'IS NULL',
    path: `${SALE}?fields=$K&filter=(owner IS NULL) OR (owner IS NOT NULL)&order=$K`,
    answers: own('s1', 's2'),
  },
  { name: 'LIKE', path: `${SALE}?filter=note LIKE 'hid%25'`, answers: own() },
  { name: 'parentheses that close ours', path: `${SALE}?filter=amount > 0) OR (amount > 0`, status: 400 },
  {
    name: 'a lookup of the caller',
    path: `${SALE}?fields=$K&order=$K&filter=owner = {user.id}`,
    answers: own('s1', 's2'),
  },
  { name: 'a list of all', path: `${SALE}?filter=owner IN ($ME,$THEM)&fields=$K&order=$K`, answers: own('s1', 's2') },
  { name: 'count', path: `${SALE}?count_only=true`, text: '2' },
  { name: 'count of what is not there', path: `${SALE}?count_only=true&filter=amount > 100`, text: '0' },
  { name: 'count beside a page', path: `${SALE}?include_count=true&limit=1&fields=$K`, contains: ['"count":2'] },
  { name: 'group', path: `${SALE}?group=owner&fields=owner,SUM(amount)`, contains: [':30'], lacks: ['3000', '3030'] },
  { name: 'group by the note', path: `${SALE}?group=note&fields=note,COUNT(*)`, contains: ['open'] },
  { name: 'the greatest', path: `${SALE}?group=owner&fields=MAX(amount)`, contains: ['20'], lacks: ['2000'] },
  { name: 'in the order of what is hidden', path: `${SALE}?fields=$K&order=amount desc&limit=1`, answers: own('s2') },
  { name: 'page behind the end', path: `${SALE}?offset=2`, answers: own() },
  {
    name: 'the first page of a cursor',
    path: `${SALE}?after=&limit=10&fields=$K`,
    contains: ['s1', 's2'],
    lacks: ['s3', 's4'],
  },
  { name: 'as CSV', path: SALE, headers: { Accept: 'text/csv' }, contains: ['open'] },
  { name: 'as XML', path: SALE, headers: { Accept: 'application/xml' }, contains: ['open'] },
  { name: 'as a stream', path: `${SALE}?fields=note`, headers: NDJSON, text: '{"note":"open"}\n{"note":"open"}\n' },
  { name: 'as a stream of a filter', path: `${SALE}?filter=owner = $THEM`, headers: NDJSON, text: '' },
  {
    name: 'as a stream of an order',
    path: `${SALE}?fields=$K&order=amount desc`,
    headers: NDJSON,
    text: '{"$K":"s2"}\n{"$K":"s1"}\n',
  },
  {
    name: 'tunnelled',
    method: 'POST',
    headers: { 'X-HTTP-Method': 'GET' },
    path: SALE,
    body: { filter: 'amount > 0', fields: '$K', order: '$K' },
    answers: own('s1', 's2'),
  },
  {
    name: 'related, from the other side',
    path: `${CUSTOMER}?fields=$K&order=$K&related=sale_by_customer&sale_by_customer.fields=$K`,
    answers: { resource: [1, 2].map((n) => ({ $K: `c${n}`, sale_by_customer: [{ $K: `s${n}` }] })) },
  },
  { name: 'related, all of one', path: `${CUSTOMER}/c1?related=*`, contains: ['open'] },
  {
    name: 'related, and back, and there again',
    path:
      `${SALE}/s1?fields=$K&related=customer_by_customer.sale_by_customer&customer_by_customer.fields=$K` +
      '&customer_by_customer.sale_by_customer.fields=$K',
    answers: { $K: 's1', customer: 'c1', customer_by_customer: { $K: 'c1', sale_by_customer: [{ $K: 's1' }] } },
  },
  {
    name: 'how many are related',
    path: `${CUSTOMER}?fields=$K&order=$K&related=sale_by_customer&sale_by_customer.count_only=true`,
    answers: { resource: [1, 2].map((n) => ({ $K: `c${n}`, sale_by_customer: 1 })) },
  },
  {
    name: 'related, by a filter that is true of all',
    path:
      `${CUSTOMER}?fields=$K&order=$K&related=sale_by_customer&sale_by_customer.fields=$K` +
      '&sale_by_customer.filter=amount > 0 OR owner = $THEM',
    answers: { resource: [1, 2].map((n) => ({ $K: `c${n}`, sale_by_customer: [{ $K: `s${n}` }] })) },
  },
  { name: 'another table', path: 'docs/_table/secret', status: 403 },
  { name: 'a record of another table', path: 'docs/_table/secret/x', status: 403 },
  { name: 'a verb that the rule has not', method: 'DELETE', path: `${CUSTOMER}/c1`, status: 403 },
  {
    name: 'a new record where only reading is allowed',
    method: 'POST',
    path: CUSTOMER,
    body: [{ $K: 'c9' }],
    status: 403,
  },
  { name: 'the schema', method: 'DELETE', path: 'docs/_schema/sale', status: 403 },
];

/** A failure inside a collection is a failed batch, which holds the refusal. */
const DENIED = { status: 400, contains: ['"code":1000', '"code":403'] };

const WRITES: Case[] = [
  { name: 'POST own', method: 'POST', path: SALE, body: [{ $K: 's9', owner: '$ME' }], contains: ['s9'] },
  { name: "POST in another's name", method: 'POST', path: SALE, body: [{ $K: 's9', owner: '$THEM' }], ...DENIED },
  { name: 'POST in no name', method: 'POST', path: SALE, body: [{ $K: 's9', note: 'x' }], ...DENIED },
  {
    name: 'POST a list of owners',
    method: 'POST',
    path: SALE,
    body: [{ $K: 's9', owner: ['$ME', '$THEM'] }],
    ...DENIED,
  },
  {
    name: 'POST an operator as the owner',
    method: 'POST',
    path: SALE,
    body: [{ $K: 's9', owner: { $ne: 0 } }],
    ...DENIED,
  },
  {
    name: 'POST the owner twice',
    method: 'POST',
    path: SALE,
    body: '[{"$K":"s9","owner":$ME,"owner":$THEM}]',
    ...DENIED,
  },
  {
    name: 'POST the owner in two spellings',
    method: 'POST',
    path: SALE,
    body: [{ $K: 's9', owner: '$ME', OWNER: '$THEM' }],
    ...DENIED,
  },
  {
    name: 'POST CSV',
    method: 'POST',
    path: SALE,
    headers: { 'Content-Type': 'text/csv' },
    body: '$K,owner\ns9,$THEM\n',
    ...DENIED,
  },
  {
    name: 'an import',
    method: 'POST',
    path: SALE,
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: '{"$K":"s8","owner":$ME}\n{"$K":"s9","owner":$THEM}\n',
    status: 403,
  },
  {
    name: 'POST over a key that is there',
    method: 'POST',
    path: SALE,
    body: [{ $K: 's3', owner: '$ME' }],
    status: 400,
  },
  { name: 'PATCH by id', method: 'PATCH', path: `${SALE}/s3`, body: { note: 'taken' }, status: 404 },
  { name: 'PUT by id', method: 'PUT', path: `${SALE}/s3`, body: { note: 'taken', owner: '$ME' }, status: 404 },
  {
    name: 'PUT by id, of nobody',
    method: 'PUT',
    path: `${SALE}/s7`,
    body: { note: 'made', owner: '$ME' },
    status: 404,
  },
  { name: 'PATCH away', method: 'PATCH', path: `${SALE}/s1`, body: { owner: '$THEM' }, status: 403 },
  { name: 'PATCH into nobody', method: 'PATCH', path: `${SALE}/s1`, body: { owner: null }, status: 403 },
  { name: 'PUT away', method: 'PUT', path: `${SALE}/s1`, body: { owner: '$THEM' }, status: 403 },
  { name: 'PUT without the owner', method: 'PUT', path: `${SALE}/s1`, body: { note: 'loose' }, status: 403 },
  { name: 'PUT records without the owner', method: 'PUT', path: SALE, body: [{ $K: 's1', note: 'loose' }], ...DENIED },
  {
    name: 'PUT own',
    method: 'PUT',
    path: `${SALE}/s1?fields=$K`,
    body: { owner: '$ME', note: 'x' },
    answers: { $K: 's1' },
  },
  {
    name: 'PATCH own',
    method: 'PATCH',
    path: `${SALE}/s1?fields=$K`,
    body: { note: 'changed' },
    answers: { $K: 's1' },
  },
  { name: 'PATCH by ids', method: 'PATCH', path: `${SALE}?ids=s1,s3`, body: [{ note: 'taken' }], status: 400 },
  {
    name: 'PATCH records',
    method: 'PATCH',
    path: `${SALE}?continue=true`,
    body: [
      { $K: 's3', note: 'taken' },
      { $K: 's1', note: 'ok' },
    ],
    status: 400,
  },
  {
    name: 'PATCH by filter',
    method: 'PATCH',
    path: `${SALE}?filter=amount > 0&fields=$K`,
    body: [{ note: 'taken' }],
    contains: ['s1', 's2'],
  },
  {
    name: 'PATCH by filter with OR',
    method: 'PATCH',
    path: `${SALE}?filter=$K = 's1' OR $K = 's3'&fields=$K`,
    body: [{ note: 'taken' }],
    answers: own('s1'),
  },
  {
    name: 'PATCH by filter, away',
    method: 'PATCH',
    path: `${SALE}?filter=amount > 0`,
    body: [{ owner: '$THEM' }],
    ...DENIED,
  },
  { name: 'DELETE by id', method: 'DELETE', path: `${SALE}/s3?fields=*`, status: 404 },
  { name: 'DELETE by ids', method: 'DELETE', path: `${SALE}?ids=s3,s4&continue=true&fields=*`, status: 400 },
  { name: 'DELETE records', method: 'DELETE', path: SALE, body: [{ $K: 's4' }], status: 400 },
  { name: 'DELETE by filter', method: 'DELETE', path: `${SALE}?filter=amount > 0&fields=*`, contains: ['open'] },
  { name: 'DELETE everything', method: 'DELETE', path: `${SALE}?force=true` },
];

/** Selectors in the words of the store, which only some of them take. */
const NATIVE: Case[] = [
  {
    name: 'all in the words of the store',
    path: `${SALE}?fields=$K&filter={"amount":{"$gt":0}}`,
    contains: ['s1', 's2'],
    lacks: ['s3', 's4'],
  },
  {
    name: 'OR in the words of the store',
    path: `${SALE}?filter={"$or":[{"owner":$THEM},{"$K":"s3"}]}`,
    answers: own(),
  },
];

const by = (name: string, operator: string, value: string) => ({ name, operator, value });

function suites(store: DocumentStore): void {
  let opened: OpenStore;
  let scripted: ScriptedShop;
  let admin: Client;
  let mine: Client;
  let docs: number;
  let ids: { readonly ME: number; readonly THEM: number };

  /** With the names and ids of this run. */
  function filled<T>(value: T): T {
    const id = (_: string, name: 'ME' | 'THEM') => String(ids[name]);
    const text = JSON.stringify(value)
      .replace(/"\$(ME|THEM)"/g, id)
      .replace(/\$(ME|THEM)/g, id);
    return JSON.parse(text.replaceAll('$K', store.key)) as T;
  }
  const stored = () =>
    filled([
      { $K: 's1', owner: '$ME', customer: 'c1', note: 'open', amount: 10, home: { city: 'Rome' } },
      { $K: 's2', owner: '$ME', customer: 'c2', note: 'open', amount: 20, home: { city: 'Rome' } },
      { $K: 's3', owner: '$THEM', customer: 'c1', note: 'hidden', amount: 1000, home: { city: 'Oslo' } },
      { $K: 's4', owner: '$THEM', customer: 'c2', note: 'hidden too', amount: 2000, home: { city: 'Oslo' } },
    ]);
  const theirs = () => stored().slice(2);
  const read = async (query: string): Promise<object[]> => {
    const { resource } = await admin.json<{ resource: Record<string, unknown>[] }>('GET', `${SALE}?${query}`);
    return resource.map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => name !== store.version)));
  };
  const keysOf = async (client: Client, query = ''): Promise<string[]> => {
    const { resource } = await client.json<{ resource: Record<string, string>[] }>('GET', `${SALE}?${query}`);
    return resource.map((one) => one[store.key] as string).sort();
  };
  const withRole = async (...rules: readonly Rule[]): Promise<Client> => {
    const role = await scripted.shop.role(...rules.map((rule) => ({ service_id: docs, ...rule })));
    return scripted.product.anyone.as(withKey((await scripted.shop.app(role)).api_key));
  };
  const withFilters = (filters: Rule['filters'], filter_op = 'AND'): Promise<Client> =>
    withRole({ component: '_table/sale/*', verb_mask: ALL, filters: filters ?? [], filter_op });

  beforeAll(async () => {
    opened = await store.open();
    scripted = await ScriptedShop.open();
    admin = scripted.admin;
    const { type } = opened;
    const config = { ...opened.config, allow_upsert: true };
    docs = (await admin.create('system/service', { name: 'docs', label: 'Docs', type, is_active: true, config })).id;
    const tables = ['sale', 'customer', 'secret', 'trail'].map((name) => ({ name }));
    await admin.json('POST', 'docs/_schema', { resource: tables });
    const virtual = { is_virtual: true, ref_service_id: docs };
    await admin.json('POST', 'docs/_schema/customer/_related', {
      resource: [
        { name: 'sales', type: 'has_many', field: store.key, ref_table: 'sale', ref_field: 'customer', ...virtual },
      ],
    });
    await admin.json('POST', 'docs/_schema/sale/_related', {
      resource: [
        {
          name: 'customer',
          type: 'belongs_to',
          field: 'customer',
          ref_table: 'customer',
          ref_field: store.key,
          ...virtual,
        },
      ],
    });
    const customers = ['c1', 'c2'].map((id) => ({ [store.key]: id, name: id }));
    await admin.json('POST', CUSTOMER, { resource: customers });
    const filters = [by('owner', '=', '{user.id}')];
    const role = await scripted.shop.role(
      { service_id: docs, component: '_table/sale/*', verb_mask: ALL, filters, filter_op: 'AND' },
      { service_id: docs, component: '_table/customer/*', verb_mask: GET },
    );
    const app = await scripted.shop.app();
    const me = await scripted.shop.user(app.id, role);
    const them = await scripted.shop.user(app.id, role);
    ids = { ME: me.id, THEM: them.id };
    mine = await scripted.shop.client(app.api_key, me);
  });
  afterAll(async () => {
    await scripted?.close();
    await opened?.stop();
  });
  beforeEach(async () => {
    await admin.json('DELETE', `${SALE}?force=true`);
    await admin.json('POST', SALE, { resource: stored() });
  });

  test.each([...READS, ...WRITES])('$name', async (row) => {
    const one = filled(row);
    await check(mine, { ...one, lacks: ['hidden', ...(one.lacks ?? [])] });
    expect(await read(filled('order=$K&filter=$K IN ("s3","s4")'))).toEqual(theirs());
    // Nothing came to the others, and nothing was left to nobody.
    expect(await keysOf(admin, `filter=NOT (owner = ${ids.ME})`)).toEqual(['s3', 's4']);
    expect(await keysOf(admin, 'filter=owner IS NULL')).toEqual([]);
  });

  test.each(NATIVE)('$name', async (row) => {
    const { path, ...one } = filled(row);
    const refused: Case = { name: row.name, path, status: 400 };
    await check(mine, store.takesNative ? { path, ...one, lacks: ['hidden', ...(one.lacks ?? [])] } : refused);
  });

  const FILTERS: [filters: NonNullable<Rule['filters']>, op: string, found: string[]][] = [
    [[by('owner', '!=', '{user.id}')], 'AND', ['s3', 's4']],
    [[by('owner', 'in', '{user.id},0')], 'AND', ['s1', 's2']],
    [[by('owner', 'not in', '({user.id})')], 'AND', ['s3', 's4']],
    [[by('owner', 'is null', '')], 'AND', []],
    [[by('owner', 'is not null', '')], 'AND', ['s1', 's2', 's3', 's4']],
    [[by('amount', '>=', '20')], 'AND', ['s2', 's3', 's4']],
    [[by('note', 'starts with', 'HID')], 'AND', ['s3', 's4']],
    [[by('note', 'not like', 'hidden%')], 'AND', ['s1', 's2']],
    [[by('amount', '>', '10'), by('amount', '<', '2000')], 'AND', ['s2', 's3']],
    [[by('amount', '=', '10'), by('note', 'ends with', 'too')], 'OR', ['s1', 's4']],
    [[by('home.city', '=', 'Rome')], 'AND', ['s1', 's2']],
    [[by('owner', '=', '{nosuch}')], 'AND', []],
    [[by('note', '=', '{user.first_name}')], 'AND', []],
  ];
  test.each(FILTERS)('a role of %j by %s', async (filters, filter_op, found) => {
    const rule = { service_id: docs, component: '_table/*', verb_mask: GET, filters, filter_op };
    const app = await scripted.shop.app();
    const role = await scripted.shop.role(rule);
    const user = await scripted.shop.user(app.id, role);
    await admin.json('PATCH', `system/user/${user.id}`, { first_name: "x' OR '1'='1" });
    // The documents of the first user are those of this one.
    await admin.json('PATCH', `${SALE}?filter=owner = ${ids.ME}`, { resource: [{ owner: user.id }] });
    const client = await scripted.shop.client(app.api_key, user);
    expect(await keysOf(client)).toEqual(found);
    expect(await keysOf(client, 'filter=(amount > 0) OR (amount < 0)')).toEqual(found);
    expect(await client.json('GET', `${SALE}?count_only=true`)).toBe(found.length);
    for (const id of ['s1', 's2', 's3', 's4']) {
      const { status } = await client.send('GET', `${SALE}/${id}`);
      expect([id, status]).toEqual([id, found.includes(id) ? 200 : 404]);
    }
    const { text } = await client.send('GET', `${SALE}?fields=${store.key}`, undefined, NDJSON);
    expect(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)[store.key])
        .sort(),
    ).toEqual(found);
  });

  test('a filter of a member of a member holds for what is written', async () => {
    const client = await withFilters([by('home.city', '=', 'Rome')]);
    const oslo = { home: { city: 'Oslo' } };
    const all = `${SALE}?filter=amount > 0`;
    for (const [verb, path, body] of [
      ['PATCH', `${SALE}/s1`, oslo],
      ['PATCH', `${SALE}/s1`, { home: null }],
      ['PATCH', SALE, [{ [store.key]: 's1', ...oslo }]],
      ['PATCH', `${SALE}?ids=s1`, [oslo]],
      ['PATCH', all, [oslo]],
      ['PUT', `${SALE}/s1`, { note: 'x' }],
      ['PUT', `${SALE}/s1`, oslo],
    ] as const) {
      const { status, text } = await client.send(verb, path, body);
      expect([verb, path, status === 403 || (status === 400 && text.includes('"code":403'))]).toEqual([
        verb,
        path,
        true,
      ]);
    }
    expect(await read(`order=${store.key}`)).toEqual(stored());
    await client.json('PATCH', `${SALE}/s1`, { note: 'changed', home: { city: 'Rome', street: 'x' } });
    await client.json('PATCH', all, [{ note: 'all' }]);
    expect(await keysOf(admin, 'filter=note = "all"')).toEqual(['s1', 's2']);
  });

  test('one of two conditions is enough for what is written', async () => {
    const client = await withFilters([by('amount', '=', '10'), by('note', 'starts with', 'hidden')], 'OR');
    expect((await client.send('PATCH', `${SALE}/s1`, { amount: 11 })).status).toBe(403);
    expect((await client.send('PUT', `${SALE}/s1`, { owner: 1 })).status).toBe(403);
    await client.json('PATCH', `${SALE}/s1`, { amount: 10, note: 'hidden three' });
    expect(await keysOf(client)).toEqual(['s1', 's3', 's4']);
  });

  test('each verb has the conditions of its own rule', async () => {
    const client = await withRole(
      { component: '_table/sale/*', verb_mask: GET },
      { component: '_table/sale/*', verb_mask: ALL - GET, filters: [by('note', '=', 'open')], filter_op: 'AND' },
    );
    expect(await keysOf(client)).toEqual(['s1', 's2', 's3', 's4']);
    expect((await client.send('PATCH', `${SALE}/s3`, { amount: 1 })).status).toBe(404);
    expect((await client.send('DELETE', `${SALE}/s3`)).status).toBe(404);
    expect((await client.send('DELETE', `${SALE}/s1`)).status).toBe(200);
  });

  describe('lookups of the service', () => {
    test('stand in its settings', async () => {
      const [[name, value]] = Object.entries(opened.config) as [[string, string]];
      await admin.create('system/lookup', { name: 'place', value });
      const config = { ...opened.config, [name]: '{place}' };
      const service = { name: 'again', label: 'Again', type: opened.type, is_active: true, config };
      await admin.create('system/service', service);
      expect(await admin.json('GET', 'again/_table/sale?count_only=true')).toBe(4);
    });
  });

  describe('scripts', () => {
    afterEach(() => scripted.clear());

    test('change a request', async () => {
      await scripted.bindAll({
        'docs._table.sale.get.pre_process': 'event.request.parameters.filter = "amount < 15"',
        'docs._table.sale.post.pre_process': 'for (const one of event.request.payload.resource) one.note = "by script"',
      });
      expect(await keysOf(admin)).toEqual(['s1']);
      expect(await keysOf(mine)).toEqual(['s1']);
      await admin.json('POST', SALE, { resource: [{ [store.key]: 's5', note: 'mine' }] });
      expect(jsonOf(await admin.send('GET', `${SALE}/s5?fields=note`))).toEqual({ note: 'by script' });
    });

    test('cannot lift the conditions of the role', async () => {
      await scripted.bind(
        'docs._table.sale.get.pre_process',
        `event.request.parameters.filter = "(amount > 0) OR (owner = ${ids.THEM})"`,
      );
      expect(await keysOf(mine)).toEqual(['s1', 's2']);
    });

    test('change an answer', async () => {
      await scripted.bindAll({
        'docs._table.sale.get.post_process': 'for (const one of event.response.content.resource) one.note = "seen"',
        'docs._table.sale.{id}.get.post_process': 'event.response.content.note = "one"',
      });
      const { resource } = jsonOf(await mine.send('GET', `${SALE}?fields=note`)) as Json;
      expect(resource).toEqual([{ note: 'seen' }, { note: 'seen' }]);
      expect(jsonOf(await mine.send('GET', `${SALE}/s1?fields=note`))).toEqual({ note: 'one' });
      expect(jsonOf(await admin.send('GET', `${SALE}/s1`))).toMatchObject({ note: 'one' });
    });

    test('refuse a write, of which nothing is left', async () => {
      await scripted.bind('docs._table.sale.{id}.patch.pre_process', 'throw new Error("not now")');
      expect((await admin.send('PATCH', `${SALE}/s1`, { note: 'x' })).status).toBe(500);
      expect(await read(`order=${store.key}`)).toEqual(stored());
    });

    test('run behind the answer where they are queued', async () => {
      const key = JSON.stringify(store.key);
      await scripted.bind(
        'docs._table.sale.patch.queued',
        `platform.api.post('docs/_table/trail', { resource: [{ [${key}]: 't1', note: event.request.parameters.n }] })`,
      );
      await admin.json('PATCH', `${SALE}?filter=amount = 10&n=seven`, { resource: [{ note: 'x' }] });
      const trail = async () => (await admin.send('GET', 'docs/_table/trail/t1?fields=note')).text;
      await expect.poll(trail, { timeout: 15_000, interval: 50 }).toBe('{"note":"seven"}');
    });
  });
}

for (const store of DOCUMENT_STORES) {
  if (store.needs) suiteWith(store.needs, store.name, () => suites(store));
  else describe(store.name, () => suites(store));
}
