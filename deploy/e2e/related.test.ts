/** Records together with the records that belong to them, on every engine: read, filtered by, written. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Case, check } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { type Rule, Shop } from './shop.ts';

const ID = { name: 'id', type: 'id' };
const NAME = { name: 'name', type: 'string', allow_null: true };
const to = (name: string, ref_table: string, more: object = {}) => ({
  ...{ name, type: 'reference', ref_table, ref_field: 'id', allow_null: true },
  ...more,
});

const TABLES = [
  { name: 'author', field: [ID, NAME, to('mentor_id', 'author')] },
  { name: 'book', field: [ID, NAME, to('author_id', 'author'), { name: 'year', type: 'integer', allow_null: true }] },
  { name: 'tag', field: [ID, NAME] },
  {
    name: 'book_tag',
    field: [ID, to('book_id', 'book', { allow_null: false }), to('tag_id', 'tag', { allow_null: false })],
  },
];

const AUTHORS = [
  { id: 1, name: 'Ada', mentor_id: null },
  { id: 2, name: 'Bea', mentor_id: 1 },
  { id: 3, name: 'Cem', mentor_id: 1 },
];
const BOOKS = [
  { id: 1, name: 'One', author_id: 1, year: 1990 },
  { id: 2, name: 'Two', author_id: 1, year: 2000 },
  { id: 3, name: 'Three', author_id: 2, year: 2010 },
  { id: 4, name: 'Nobody', author_id: null, year: null },
];
const TAGS = [
  { id: 1, name: 'old' },
  { id: 2, name: 'new' },
];
const BOOK_TAGS = [
  { id: 1, book_id: 1, tag_id: 1 },
  { id: 2, book_id: 2, tag_id: 1 },
  { id: 3, book_id: 2, tag_id: 2 },
  { id: 4, book_id: 3, tag_id: 2 },
];

const list = (...records: unknown[]) => ({ resource: records });
const ids = (...found: number[]) => list(...found.map((id) => ({ id })));

const READS: Case[] = [
  {
    name: 'has many, of one',
    path: '_table/author/1?fields=id&related=book_by_author_id&book_by_author_id.fields=id,name',
    answers: {
      id: 1,
      book_by_author_id: [
        { id: 1, name: 'One' },
        { id: 2, name: 'Two' },
      ],
    },
  },
  {
    name: 'belongs to, of many',
    path: '_table/book?fields=id&related=author_by_author_id&author_by_author_id.fields=name&order=id',
    answers: list(
      { id: 1, author_id: 1, author_by_author_id: { name: 'Ada' } },
      { id: 2, author_id: 1, author_by_author_id: { name: 'Ada' } },
      { id: 3, author_id: 2, author_by_author_id: { name: 'Bea' } },
      { id: 4, author_id: null, author_by_author_id: null },
    ),
  },
  {
    name: 'many to many, in both directions',
    path: '_table/tag?fields=id&related=book_by_book_tag&book_by_book_tag.fields=id&book_by_book_tag.order=id desc',
    answers: list(
      { id: 1, book_by_book_tag: [{ id: 2 }, { id: 1 }] },
      { id: 2, book_by_book_tag: [{ id: 3 }, { id: 2 }] },
    ),
  },
  {
    name: 'three levels',
    path:
      '_table/author?ids=1&fields=id&related=book_by_author_id.tag_by_book_tag&book_by_author_id.fields=id' +
      '&book_by_author_id.tag_by_book_tag.fields=name&book_by_author_id.tag_by_book_tag.order=name',
    answers: list({
      id: 1,
      book_by_author_id: [
        { id: 1, tag_by_book_tag: [{ name: 'old' }] },
        { id: 2, tag_by_book_tag: [{ name: 'new' }, { name: 'old' }] },
      ],
    }),
  },
  {
    name: 'a filter, an order and a limit',
    path:
      '_table/author?fields=id&ids=1,2&related=book_by_author_id&book_by_author_id.fields=id' +
      '&book_by_author_id.filter=year > 1990 AND name != :n&params[:n]=x&book_by_author_id.order=year desc' +
      '&book_by_author_id.limit=1',
    answers: list({ id: 1, book_by_author_id: [] }, { id: 2, book_by_author_id: [{ id: 3 }] }),
  },
  {
    name: 'a filter of the records and one of what is related',
    path:
      "_table/author?fields=id&filter=name = 'Ada'&related=book_by_author_id&book_by_author_id.fields=id" +
      '&book_by_author_id.filter=year = 2000',
    answers: list({ id: 1, book_by_author_id: [{ id: 2 }] }),
  },
  {
    name: 'how many',
    path: '_table/author?fields=id&order=id&related=book_by_author_id&book_by_author_id.count_only=true',
    answers: list({ id: 1, book_by_author_id: 2 }, { id: 2, book_by_author_id: 1 }, { id: 3, book_by_author_id: 0 }),
  },
  {
    name: 'how many, through a table between',
    path: '_table/tag?fields=id&order=id&related=book_by_book_tag&book_by_book_tag.count_only=true',
    answers: list({ id: 1, book_by_book_tag: 2 }, { id: 2, book_by_book_tag: 2 }),
  },
  {
    name: 'grouped',
    path:
      '_table/author/1?fields=id&related=book_by_author_id&book_by_author_id.group=author_id' +
      '&book_by_author_id.fields=author_id,COUNT(*)',
    contains: ['"author_id":1', ':2}'],
  },
  { name: 'an unknown relation', path: '_table/author/1?fields=id&related=nosuch', answers: { id: 1 } },
  {
    name: 'a filter that does not parse',
    path: '_table/author?related=book_by_author_id&book_by_author_id.filter=(year',
    status: 400,
  },
  {
    name: 'a filter on a field that is not there',
    path: '_table/author?related=book_by_author_id&book_by_author_id.filter=nosuch = 1',
    status: 400,
    contains: ['nosuch'],
  },
];

/** A filter of a table, and what it finds. */
const BY_RELATED: [table: string, filter: string, ...found: number[]][] = [
  ['book', "author_by_author_id.name = 'Ada'", 1, 2],
  ['book', "NOT (author_by_author_id.name = 'Ada')", 3, 4],
  ['author', 'book_by_author_id.year > 1995', 1, 2],
  ['author', 'book_by_author_id.year IS NULL'],
  ['author', '(book_by_author_id.year = 1990) AND (book_by_author_id.year = 2000)', 1],
  ['book', "tag_by_book_tag.name = 'new'", 2, 3],
  ['tag', "book_by_book_tag.author_by_author_id.name LIKE 'A%'", 1, 2],
  ['author', "book_by_author_id.tag_by_book_tag.name in ('old')", 1],
  ['author', "name = 'Cem' OR book_by_author_id.name = 'Three'", 2, 3],
];

const shown =
  'author/1?fields=id&related=book_by_author_id&book_by_author_id.fields=id,name&book_by_author_id.order=id';

const WRITES: Case[] = [
  {
    name: 'created together',
    method: 'POST',
    path: '_table/author',
    body: [
      { id: 9, name: 'New', book_by_author_id: [{ name: 'Nine', tag_by_book_tag: [{ name: 'fresh' }, { id: 1 }] }] },
    ],
    answers: ids(9),
    after: [
      '_table/author/9?fields=name&related=book_by_author_id.tag_by_book_tag&book_by_author_id.fields=name' +
        '&book_by_author_id.tag_by_book_tag.fields=name&book_by_author_id.tag_by_book_tag.order=name',
      {
        id: 9,
        name: 'New',
        book_by_author_id: [{ id: 5, name: 'Nine', tag_by_book_tag: [{ name: 'fresh' }, { name: 'old' }] }],
      },
    ],
  },
  {
    name: 'changed, adopted, created and disowned by one call',
    method: 'PATCH',
    path: '_table/author/1',
    body: {
      book_by_author_id: [{ id: 1, name: 'First' }, { id: 4 }, { name: 'Five' }, { id: 2, author_id: null }],
    },
    answers: { id: 1 },
    after: [
      `_table/${shown}`,
      {
        id: 1,
        book_by_author_id: [
          { id: 1, name: 'First' },
          { id: 4, name: 'Nobody' },
          { id: 5, name: 'Five' },
        ],
      },
    ],
  },
  {
    name: 'a failure undoes all of the record',
    method: 'PATCH',
    path: '_table/author/1',
    body: { name: 'Changed', book_by_author_id: [{ name: 'Five' }, { id: 77, name: 'missing' }] },
    status: 404,
    after: ['_table/author/1?fields=name', { name: 'Ada' }],
  },
  {
    name: 'the answer shows what is related',
    method: 'POST',
    path: '_table/book?fields=name&related=author_by_author_id&author_by_author_id.fields=name',
    body: [{ name: 'Seven', author_by_author_id: { name: 'Dov' } }],
    answers: list({ name: 'Seven', author_id: 4, author_by_author_id: { name: 'Dov' } }),
  },
];

const GET = 1;
const POST = 2;
const PATCH = 8;

/** What a role may do with the tables, and what it gets. */
const RULED: { name: string; rules: Record<string, number>; cases: Case[] }[] = [
  {
    name: 'may read authors only',
    rules: { author: GET },
    cases: [
      { name: 'named', path: '_table/author?related=book_by_author_id', status: 403, contains: ['_table/book'] },
      {
        name: 'all there are',
        path: '_table/author/1?fields=id&related=*',
        contains: ['author_by_mentor_id'],
        lacks: ['book'],
      },
      { name: 'in a filter', path: '_table/author?filter=book_by_author_id.year > 1', status: 403 },
    ],
  },
  {
    name: 'may read authors and tags, not what is between',
    rules: { book: GET, tag: GET },
    cases: [
      { name: 'through the table between', path: '_table/book?related=tag_by_book_tag', status: 403 },
      { name: 'in a filter', path: "_table/book?filter=tag_by_book_tag.name = 'x'", status: 403 },
    ],
  },
  {
    name: 'may change authors and create books',
    rules: { author: GET | PATCH, book: GET | POST },
    cases: [
      { name: 'create', method: 'PATCH', path: '_table/author/2', body: { book_by_author_id: [{ name: 'x' }] } },
      {
        name: 'change',
        method: 'PATCH',
        path: '_table/author/2',
        body: { name: 'Changed', book_by_author_id: [{ id: 3, name: 'x' }] },
        status: 403,
        after: ['_table/author/2?fields=name', { name: 'Bea' }],
      },
      {
        name: 'link to tags',
        method: 'PATCH',
        path: '_table/author/2',
        body: { book_by_author_id: [{ name: 'x', tag_by_book_tag: [{ id: 1 }] }] },
        status: 403,
      },
    ],
  },
];

function suites(open: () => Promise<Shop>): void {
  let shop: Shop;
  const filled = (row: Case): Case => ({
    ...row,
    path: `shop/${row.path}`,
    ...(row.after && { after: [`shop/${row.after[0]}`, row.after[1]] as const }),
  });
  beforeAll(async () => {
    shop = await open();
  });
  afterAll(() => shop?.close());

  const refill = async (): Promise<void> => {
    const { admin } = shop;
    const names = await admin.json<{ resource: string[] }>('GET', 'shop/_schema?as_list=true');
    for (const name of ['book_tag', 'tag', 'book', 'author']) {
      if (names.resource.includes(name)) await admin.json('DELETE', `shop/_schema/${name}`);
    }
    await admin.json('POST', 'shop/_schema', { resource: TABLES });
    const fill = (table: string, rows: object[]) =>
      admin.json(
        'POST',
        `shop/_table/${table}`,
        rows.map(({ id: _, ...row }: { id?: number }) => row),
      );
    await fill('author', AUTHORS);
    await fill('book', BOOKS);
    await fill('tag', TAGS);
    await fill('book_tag', BOOK_TAGS);
  };

  describe('read', () => {
    beforeAll(refill);
    test.each(READS)('$name', (row) => check(shop.admin, filled(row)));
    test.each(BY_RELATED)('%s where %s', async (table, filter, ...found) => {
      const path = `shop/_table/${table}?fields=id&order=id&filter=${encodeURIComponent(filter)}`;
      expect(await shop.admin.json('GET', path)).toEqual(ids(...found));
    });
    test('deleted and updated by a filter of related records', async () => {
      const changed = "shop/_table/book?filter=author_by_author_id.name = 'Bea'";
      expect(await shop.admin.json('PATCH', changed, [{ year: 1 }])).toEqual(ids(3));
      expect(await shop.admin.json('DELETE', "shop/_table/book_tag?filter=tag_by_tag_id.name = 'old'")).toEqual(
        ids(1, 2),
      );
    });
  });

  describe('written', () => {
    beforeEach(refill);
    test.each(WRITES)('$name', (row) => check(shop.admin, filled(row)));
  });

  describe.each(RULED)('by a role that $name', ({ rules, cases }) => {
    let client: Client;
    beforeAll(async () => {
      await refill();
      const entries = Object.entries(rules).map(
        ([table, verb_mask]): Rule => ({ component: `_table/${table}/*`, verb_mask }),
      );
      const app = await shop.app(await shop.role(...entries));
      client = shop.product.anyone.as(withKey(app.api_key));
    });
    // Twice: what was asked for once is remembered.
    test.each([...cases, ...cases])('$name', (row) => check(client, filled(row)));
  });
}

describe('SQLite', () => suites(() => Shop.open()));

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());
  suites(() => {
    const { host, port, database, user: username, password } = postgres;
    return Shop.open({}, { type: 'pgsql', config: { host, port, database, username, password } });
  });
});

suiteWith('mariadb', 'MariaDB', () => {
  let mariadb: RunningMariadb;
  beforeAll(async () => {
    mariadb = await startMariadb();
  });
  afterAll(() => mariadb?.stop());
  // It does all that is used of MySQL, which has less.
  describe.each(['mariadb', 'mysql'])('as %s', (type) => {
    suites(() => {
      const { host, port, database, user: username, password } = mariadb;
      return Shop.open({}, { type, config: { host, port, database, username, password } });
    });
  });
});
