/** Documents together with those that belong to them, over HTTP: written and filtered by as SQL services have it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningMongo, startMongo } from '../testing/mongodb.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { type Rule, Shop } from './shop.ts';

const ROWS: Readonly<Record<string, object[]>> = {
  author: [
    { _id: 1, name: 'Ada' },
    { _id: 2, name: 'Bea' },
    { _id: 3, name: 'Cem' },
  ],
  book: [
    { _id: 1, title: 'One', author: 1, year: 1990, home: { city: 'Rome' } },
    { _id: 2, title: 'Two', author: 1, year: 2000 },
    { _id: 3, title: 'Three', author: 2, year: 2010 },
    { _id: 4, title: 'Nobody' },
  ],
};

const list = (...records: unknown[]) => ({ resource: records });

const WRITES: Case[] = [
  {
    name: 'created together, and shown so',
    method: 'POST',
    path: '_table/author?fields=name&related=book_by_author&book_by_author.fields=title',
    body: { resource: [{ _id: 9, name: 'New', book_by_author: [{ title: 'Nine' }] }] },
    answers: list({ name: 'New', _id: 9, book_by_author: [{ title: 'Nine' }] }),
  },
  {
    name: 'changed, adopted and disowned by one call',
    method: 'PATCH',
    path: '_table/author/1',
    body: { book_by_author: [{ _id: 1, title: 'First' }, { _id: 4 }, { _id: 2, author: null }] },
    answers: { _id: 1 },
    after: [
      '_table/book?fields=title,author&order=title',
      list(
        { title: 'First', author: 1 },
        { title: 'Nobody', author: 1 },
        { title: 'Three', author: 2 },
        { title: 'Two', author: null },
      ),
    ],
  },
  {
    name: 'a failure takes back all of the record',
    method: 'PUT',
    path: '_table/author/1',
    body: { name: 'Changed', book_by_author: [{ title: 'Five' }, { _id: 77, title: 'missing' }] },
    status: 404,
    after: ['_table/author/1', { _id: 1, name: 'Ada' }],
  },
  {
    name: 'of another service',
    method: 'PATCH',
    path: '_table/book/1',
    body: { title: 'Changed', customer_by_reader: { name: 'Dov' } },
    status: 400,
    contains: ['customer_by_reader'],
    after: ['_table/book/1?fields=title', { title: 'One' }],
  },
];

/** A filter of a table, and what it finds. */
const BY_RELATED: [table: string, filter: string, ...found: number[]][] = [
  ['book', "author_by_author.name = 'Ada'", 1, 2],
  ['book', "NOT (author_by_author.name = 'Ada')", 3, 4],
  ['author', '(book_by_author.year = 1990) AND (book_by_author.year = 2000)', 1],
  ['author', "book_by_author.home.city = 'Rome'", 1],
  ['author', "name = 'Cem' OR book_by_author.title = 'Three'", 2, 3],
  ['book', "home.city = 'Rome'", 1],
];

const GET = 1;
const POST = 2;
const PATCH = 8;

/** What a role may do with the tables, and what it gets. */
const RULED: { name: string; rules: Record<string, number>; cases: Case[] }[] = [
  {
    name: 'may change authors and create books',
    rules: { author: GET | PATCH, book: GET | POST },
    cases: [
      { name: 'create', method: 'PATCH', path: '_table/author/2', body: { book_by_author: [{ title: 'x' }] } },
      {
        name: 'change',
        method: 'PATCH',
        path: '_table/author/2',
        body: { name: 'Changed', book_by_author: [{ _id: 3, title: 'x' }] },
        status: 403,
        after: ['_table/author/2?fields=name', { name: 'Bea' }],
      },
    ],
  },
  {
    name: 'may change authors only',
    rules: { author: GET | PATCH },
    cases: [
      {
        name: 'in a filter',
        path: '_table/author?filter=book_by_author.year > 1',
        status: 403,
        contains: ['_table/book'],
      },
      {
        name: 'create',
        method: 'PATCH',
        path: '_table/author/2',
        body: { name: 'Changed', book_by_author: [{ title: 'x' }] },
        status: 403,
        contains: ['_table/book'],
        after: ['_table/author/2?fields=name', { name: 'Bea' }],
      },
    ],
  },
];

suiteWith('mongodb', 'documents and those that belong to them', () => {
  let mongo: RunningMongo;
  let shop: Shop;
  let admin: Client;
  let serviceId: number;
  const filled = (row: Case): Case => ({
    ...row,
    path: `library/${row.path}`,
    ...(row.after && { after: [`library/${row.after[0]}`, row.after[1]] as const }),
  });

  beforeAll(async () => {
    mongo = await startMongo();
    shop = await Shop.open();
    admin = shop.admin;
    const config = { dsn: mongo.url, database: mongo.newDatabase() };
    const service = { name: 'library', label: 'Library', type: 'mongodb', is_active: true, config };
    serviceId = (await admin.create('system/service', service)).id;
    await admin.json('POST', 'library/_schema', { resource: Object.keys(ROWS).map((name) => ({ name })) });
    const relate = (table: string, relation: object) =>
      admin.json('POST', `library/_schema/${table}/_related`, { resource: [{ is_virtual: true, ...relation }] });
    await relate('author', { name: 'a', type: 'has_many', field: '_id', ref_table: 'book', ref_field: 'author' });
    await relate('book', { name: 'b', type: 'belongs_to', field: 'author', ref_table: 'author', ref_field: '_id' });
    const elsewhere = { ref_service_id: shop.serviceId, ref_table: 'customer', ref_field: 'id' };
    await relate('book', { name: 'c', type: 'belongs_to', field: 'reader', ...elsewhere });
  });
  beforeEach(async () => {
    for (const [table, resource] of Object.entries(ROWS)) {
      await admin.json('DELETE', `library/_table/${table}?force=true`);
      await admin.json('POST', `library/_table/${table}`, { resource });
    }
  });
  afterAll(async () => {
    await shop?.product.stop();
    await mongo?.stop();
  });

  describe('written', () => {
    test.each(WRITES)('$name', (row) => check(admin, filled(row)));

    test('what was read may be sent again', async () => {
      const path = 'library/_table/author/1?related=book_by_author';
      const before = await admin.json<object>('GET', path);
      await admin.json('PUT', 'library/_table/author/1', before);
      expect(await admin.json('GET', path)).toEqual(before);
    });
  });

  describe('filtered by', () => {
    test.each(BY_RELATED)('%s where %s', async (table, filter, ...found) => {
      const path = `library/_table/${table}?fields=_id&order=_id&filter=${encodeURIComponent(filter)}`;
      expect(await admin.json('GET', path)).toEqual(list(...found.map((_id) => ({ _id }))));
    });

    test('changed and deleted', async () => {
      const byBea = "library/_table/book?filter=author_by_author.name = 'Bea'";
      expect(await admin.json('PATCH', byBea, { resource: [{ year: 1 }] })).toEqual(list({ _id: 3 }));
      expect(await admin.json('DELETE', byBea)).toEqual(list({ _id: 3 }));
      expect(await admin.json('GET', 'library/_table/book?count_only=true')).toBe(3);
    });

    test('a relation to another service', async () => {
      const { status, text } = await admin.send('GET', "library/_table/book?filter=customer_by_reader.name = 'x'");
      expect([status, text]).toEqual([400, expect.stringContaining('customer_by_reader')]);
    });

    test('the plan is told', async () => {
      const path = "library/_table/book?filter=author_by_author.name = 'Ada'";
      const { text } = await admin.send('GET', path, undefined, { prefer: 'explain' });
      expect(JSON.parse(text)).toMatchObject({
        resource: {
          related: [{ table: 'author', field: '_id', pushed: { field: 'name' }, residual: null, scan: false }],
          pushed: { field: 'author', is: 'in', values: ['_id of author'] },
        },
      });
    });

    test('a role sees what its conditions let through, there too', async () => {
      const late = [{ name: 'year', operator: '>', value: '1995' }];
      const client = await clientOf([
        { component: '_table/author/*', verb_mask: GET },
        { component: '_table/book/*', verb_mask: GET, filters: late },
      ]);
      const found = (year: number) =>
        client.json('GET', `library/_table/author?fields=_id&filter=book_by_author.year = ${year}`);
      expect([await found(1990), await found(2000)]).toEqual([list(), list({ _id: 1 })]);
    });

    test('a condition of a role is on what is related', async () => {
      const ofAda = [{ name: 'author_by_author.name', operator: '=', value: 'Ada' }];
      const client = await clientOf([
        { component: '_table/author/*', verb_mask: GET },
        { component: '_table/book/*', verb_mask: GET | PATCH, filters: ofAda },
      ]);
      expect(await client.json('GET', 'library/_table/book?fields=_id&order=_id')).toEqual(
        list({ _id: 1 }, { _id: 2 }),
      );
      expect((await client.send('PATCH', 'library/_table/book/3', { year: 1 })).status).toBe(404);
    });
  });

  const clientOf = async (rules: readonly Omit<Rule, 'service_id'>[]): Promise<Client> => {
    const role = await shop.role(...rules.map((rule) => ({ service_id: serviceId, ...rule })));
    return shop.product.anyone.as(withKey((await shop.app(role)).api_key));
  };

  describe.each(RULED)('by a role that $name', ({ rules, cases }) => {
    let client: Client;
    beforeAll(async () => {
      client = await clientOf(
        Object.entries(rules).map(([table, verb_mask]) => ({ component: `_table/${table}/*`, verb_mask })),
      );
    });
    // Twice: what was asked for once is remembered.
    test.each([...cases, ...cases])('$name', (row) => check(client, filled(row)));
  });
});
