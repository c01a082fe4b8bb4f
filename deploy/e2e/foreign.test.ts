/** Relations that lead to other services: read along, under the same role, in one extra turn. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { expectPlainError } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { type Rule, Shop } from './shop.ts';

const text = (name: string) => ({ name, type: 'string', allow_null: true });
const CRM = [
  {
    name: 'note',
    field: [{ name: 'id', type: 'id' }, { name: 'customer', type: 'integer', allow_null: true }, text('body')],
  },
  { name: 'profile', field: [{ name: 'customer', type: 'integer', is_primary_key: true }, text('job')] },
  { name: 'tag', field: [{ name: 'id', type: 'id' }, text('label')] },
  {
    name: 'tagged',
    field: [
      { name: 'id', type: 'id' },
      { name: 'customer', type: 'integer' },
      { name: 'tag', type: 'integer' },
    ],
  },
];
const NOTES = [
  { customer: 1, body: 'a' },
  { customer: 1, body: 'b' },
  { customer: 3, body: 'c' },
  { customer: null, body: 'of nobody' },
];

function suites(open: () => Promise<{ shop: Shop; crm: { type: string; config: object } }>): void {
  let shop: Shop;
  let crmId: number;
  const get = async (path: string, client: Client = shop.admin): Promise<unknown> => {
    const { text: answer } = await client.send('GET', path);
    return (JSON.parse(answer) as { resource?: unknown }).resource ?? JSON.parse(answer);
  };

  beforeAll(async () => {
    const opened = await open();
    shop = opened.shop;
    const service = { name: 'crm', label: 'CRM', is_active: true, ...opened.crm };
    crmId = (await shop.admin.create('system/service', service)).id;
    await shop.admin.json('POST', 'crm/_schema', { resource: CRM });
    await shop.admin.json('POST', 'shop/_table/customer', { resource: [{ name: 'A' }, { name: 'B' }, { name: 'C' }] });
    await shop.admin.json('POST', 'shop/_table/sale', { resource: [{ customer_id: 1, amount: 5 }] });
    await shop.admin.json('POST', 'crm/_table/note', { resource: NOTES });
    await shop.admin.json('POST', 'crm/_table/profile', { resource: [{ customer: 2, job: 'baker' }] });
    await shop.admin.json('POST', 'crm/_table/tag', { resource: [{ label: 'x' }, { label: 'y' }] });
    const tagged = [
      { customer: 1, tag: 1 },
      { customer: 1, tag: 2 },
      { customer: 2, tag: 2 },
    ];
    await shop.admin.json('POST', 'crm/_table/tagged', { resource: tagged });
    const virtual = { is_virtual: true, field: 'id', ref_service_id: crmId };
    const junction = { junction_service_id: crmId, junction_table: 'tagged' };
    await shop.admin.json('POST', 'shop/_schema/customer/_related', {
      resource: [
        { name: 'n', ...virtual, type: 'has_many', ref_table: 'note', ref_field: 'customer' },
        { name: 'p', ...virtual, type: 'has_one', ref_table: 'profile', ref_field: 'customer' },
        {
          name: 't',
          ...virtual,
          ...{ type: 'many_many', ref_table: 'tag', ref_field: 'id', ...junction },
          ...{ junction_field: 'customer', junction_ref_field: 'tag' },
        },
      ],
    });
    await shop.admin.json('POST', 'crm/_schema/note/_related', {
      resource: [
        {
          ...{ name: 'c', is_virtual: true, type: 'belongs_to', field: 'customer' },
          ...{ ref_service_id: shop.serviceId, ref_table: 'customer', ref_field: 'id' },
        },
      ],
    });
  });
  afterAll(() => shop?.close());

  const CASES: readonly [why: string, path: string, answer: unknown][] = [
    [
      'lists',
      'shop/_table/customer?related=note_by_customer&note_by_customer.order=id',
      [
        {
          id: 1,
          name: 'A',
          note_by_customer: [
            { id: 1, customer: 1, body: 'a' },
            { id: 2, customer: 1, body: 'b' },
          ],
        },
        { id: 2, name: 'B', note_by_customer: [] },
        { id: 3, name: 'C', note_by_customer: [{ id: 3, customer: 3, body: 'c' }] },
      ],
    ],
    [
      'one, or none',
      'shop/_table/customer?fields=id&related=profile_by_customer&profile_by_customer.fields=job',
      [
        { id: 1, profile_by_customer: [] },
        { id: 2, profile_by_customer: { job: 'baker' } },
        { id: 3, profile_by_customer: [] },
      ],
    ],
    [
      'what they belong to',
      'crm/_table/note?fields=body&related=customer_by_customer&order=id',
      [
        { body: 'a', customer: 1, customer_by_customer: { id: 1, name: 'A' } },
        { body: 'b', customer: 1, customer_by_customer: { id: 1, name: 'A' } },
        { body: 'c', customer: 3, customer_by_customer: { id: 3, name: 'C' } },
        { body: 'of nobody', customer: null, customer_by_customer: null },
      ],
    ],
    [
      'through a table between',
      'shop/_table/customer?fields=id&related=tag_by_tagged&tag_by_tagged.fields=label',
      [
        { id: 1, tag_by_tagged: [{ label: 'x' }, { label: 'y' }] },
        { id: 2, tag_by_tagged: [{ label: 'y' }] },
        { id: 3, tag_by_tagged: [] },
      ],
    ],
    [
      'how many',
      'shop/_table/customer?fields=id&related=note_by_customer,tag_by_tagged&note_by_customer.count_only=true&tag_by_tagged.count_only=true',
      [
        { id: 1, note_by_customer: 2, tag_by_tagged: 2 },
        { id: 2, note_by_customer: 0, tag_by_tagged: 1 },
        { id: 3, note_by_customer: 1, tag_by_tagged: 0 },
      ],
    ],
    [
      'with a filter, fields and an order of their own',
      "shop/_table/customer/1?fields=id&related=note_by_customer&note_by_customer.filter=body != 'a'&note_by_customer.fields=body&note_by_customer.order=id desc",
      { id: 1, note_by_customer: [{ body: 'b' }] },
    ],
    [
      'beside relations of the service itself',
      'shop/_table/customer/1?fields=id&related=sale_by_customer_id,note_by_customer&sale_by_customer_id.fields=amount&note_by_customer.fields=body&note_by_customer.order=id',
      { id: 1, sale_by_customer_id: [{ amount: 5 }], note_by_customer: [{ body: 'a' }, { body: 'b' }] },
    ],
    [
      'below relations of the service itself',
      'shop/_table/sale?fields=amount&related=customer_by_customer_id.note_by_customer&customer_by_customer_id.fields=name&customer_by_customer_id.note_by_customer.fields=body&customer_by_customer_id.note_by_customer.order=id',
      [
        {
          amount: 5,
          customer_id: 1,
          customer_by_customer_id: { id: 1, name: 'A', note_by_customer: [{ body: 'a' }, { body: 'b' }] },
        },
      ],
    ],
    [
      'there and back again',
      'shop/_table/customer/3?fields=id&related=note_by_customer.customer_by_customer&note_by_customer.fields=body&note_by_customer.customer_by_customer.fields=name',
      { id: 3, note_by_customer: [{ body: 'c', customer_by_customer: { name: 'C' } }] },
    ],
    ['nobody leads anywhere', 'shop/_table/customer?filter=id > 99&related=note_by_customer', []],
    ['as CSV or names of none', 'shop/_table/customer/2?fields=name&related=nosuch', { name: 'B' }],
  ];
  test.each(CASES)('%s', async (_, path, answer) => {
    expect(await get(path)).toEqual(answer);
    // The second time may go a shorter way.
    expect(await get(path)).toEqual(answer);
  });

  test('described with their services', async () => {
    expect(await get('shop/_schema/customer/_related/note_by_customer')).toMatchObject({
      ...{ type: 'has_many', is_virtual: true, field: 'id' },
      ...{ ref_service_id: crmId, ref_table: 'note', ref_field: 'customer' },
    });
  });

  const REFUSED: readonly [why: string, method: string, path: string, body: object | undefined, part: RegExp][] = [
    [
      'a condition on them',
      'GET',
      "shop/_table/customer?filter=note_by_customer.body = 'a'",
      undefined,
      /another service/,
    ],
    [
      'writes on the way',
      'POST',
      'shop/_table/customer',
      { resource: [{ name: 'D', note_by_customer: [{ body: 'd' }] }] },
      /another service/,
    ],
    [
      'a service that there is not',
      'POST',
      'shop/_schema/customer/_related',
      {
        resource: [
          {
            name: 'z',
            is_virtual: true,
            type: 'has_many',
            field: 'id',
            ref_service_id: 9999,
            ref_table: 'a',
            ref_field: 'b',
          },
        ],
      },
      /ref_service_id/,
    ],
  ];
  test.each(REFUSED)('not: %s', async (_, method, path, body, part) => {
    const answer = await shop.admin.send(method, path, body);
    expect(answer.status).toBe(400);
    expectPlainError(answer.text);
    expect(answer.text).toMatch(part);
  });

  test('a list without an end does not bring them', async () => {
    const path = 'shop/_table/customer?related=note_by_customer';
    const answer = await shop.admin.send('GET', path, undefined, { Accept: 'application/x-ndjson' });
    expect(answer.status).toBe(400);
  });

  describe('under a role', () => {
    const reader = async (...rules: Rule[]): Promise<Client> => {
      const role = await shop.role({ component: '_table/customer/*', verb_mask: 1 }, ...rules);
      return shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    };
    const path =
      'shop/_table/customer?fields=id&related=note_by_customer&note_by_customer.fields=body&note_by_customer.order=id';

    test('who may not read there is refused what he names', async () => {
      const client = await reader();
      const answer = await client.send('GET', path);
      expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('error')]);
      expect(answer.text).not.toContain('"a"');
    });

    test('and gets none of it among all', async () => {
      const client = await reader();
      const [first] = (await get('shop/_table/customer?fields=id&related=*', client)) as Record<string, unknown>[];
      expect(first?.['note_by_customer']).toEqual([]);
    });

    test('the conditions of the other service hold', async () => {
      const filters = [{ name: 'body', operator: '!=', value: 'a' }];
      const client = await reader({ service_id: crmId, component: '_table/note/*', verb_mask: 1, filters });
      expect(await get(path, client)).toEqual([
        { id: 1, note_by_customer: [{ body: 'b' }] },
        { id: 2, note_by_customer: [] },
        { id: 3, note_by_customer: [{ body: 'c' }] },
      ]);
    });
  });

  test('always fetched where that is said', async () => {
    const related = 'shop/_schema/customer/_related/profile_by_customer';
    await shop.admin.json('PATCH', related, { always_fetch: true });
    expect(await get('shop/_table/customer/2?fields=id')).toEqual({
      id: 2,
      profile_by_customer: { customer: 2, job: 'baker' },
    });
    await shop.admin.json('PATCH', related, { always_fetch: false });
  });

  test('a table that is dropped takes the relations along that lead to it', async () => {
    await shop.admin.json('DELETE', 'crm/_schema/profile');
    expect((await shop.admin.send('GET', 'shop/_schema/customer/_related/profile_by_customer')).status).toBe(404);
  });
}

describe('two SQLite files', () =>
  suites(async () => {
    const shop = await Shop.open();
    return { shop, crm: { type: 'sqlite', config: { database: join(shop.product.folder, 'crm.sqlite') } } };
  }));

suiteWith('postgres', 'SQLite and PostgreSQL', () => {
  let postgres: RunningPostgres;
  afterAll(() => postgres?.stop());
  suites(async () => {
    postgres = await startPostgres();
    const { host, port, database, user: username, password } = postgres;
    return { shop: await Shop.open(), crm: { type: 'pgsql', config: { host, port, database, username, password } } };
  });
});
