/** Views of CouchDB over HTTP: rows as its programs make them, of documents that the caller may see. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCouchDb, startCouchDb } from '../testing/couchdb.ts';
import { type Client, withKey } from './client.ts';
import { Shop } from './shop.ts';

const PETS = [
  { _id: 'a', name: 'Ada', kind: 'cat', age: 3 },
  { _id: 'b', name: 'Bob', kind: 'dog', age: 5, friend: 'a' },
  { _id: 'c', name: 'Cid', kind: 'cat', age: 9 },
];
const DESIGN = {
  views: {
    ages: { map: 'function (doc) { emit(doc.age, doc.name); }' },
    kinds: { map: 'function (doc) { emit(doc.kind, doc.age); }', reduce: '_sum' },
    friends: { map: 'function (doc) { if (doc.friend) emit(doc.name, { _id: doc.friend }); }' },
    shown: { map: 'function (doc) { emit(doc.name, { _id: "b" }); }' },
  },
};

describe('views of CouchDB over HTTP', () => {
  let couch: RunningCouchDb;
  let shop: Shop;
  let admin: Client;
  let cats: Client;
  const table = `pets/_table/millrace_test_views_${process.pid}`;
  const database = table.slice('pets/_table/'.length);
  const ask = async (query: string, client = admin, path = table) => {
    const { status, text } = await client.send('GET', `${path}?design=by&${query}`);
    const { error, ...answer } = JSON.parse(text) as { resource?: object[]; error?: { context?: { field?: string } } };
    return error ? { status, field: error.context?.field } : answer;
  };
  const keys = async (query: string, client = admin) =>
    ((await ask(query, client)) as { resource: { id: string }[] }).resource.map(({ id }) => id);

  beforeAll(async () => {
    couch = await startCouchDb();
    shop = await Shop.open();
    admin = shop.admin;
    const service = { name: 'pets', label: 'Pets', type: 'couchdb', is_active: true };
    const { id } = await admin.create('system/service', { ...service, config: { dsn: `${couch.url}/${database}` } });
    await admin.json('POST', 'pets/_schema', { resource: [{ name: database }] });
    await admin.json('POST', table, { resource: PETS });
    const made = await fetch(`${couch.url}/${database}/_design/by`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(DESIGN),
    });
    expect(made.status).toBe(201);
    const filters = [{ name: 'kind', operator: '=', value: 'cat' }];
    const role = await shop.role({ service_id: id, component: `_table/${database}/*`, verb_mask: 31, filters });
    cats = shop.product.anyone.as(withKey((await shop.app(role)).api_key));
  });
  afterAll(async () => {
    await admin?.send('DELETE', `pets/_schema/${database}`);
    await shop?.product.stop();
    await couch?.stop();
  });

  test('rows take the place of records', async () => {
    expect(await ask('view=ages')).toEqual({
      resource: [
        { id: 'a', key: 3, value: 'Ada' },
        { id: 'b', key: 5, value: 'Bob' },
        { id: 'c', key: 9, value: 'Cid' },
      ],
    });
  });

  test.each([
    ['startkey=4', ['b', 'c']],
    ['start_key=4&end_key=5', ['b']],
    ['startkey=3&endkey=9&inclusive_end=false', ['a', 'b']],
    ['descending=true', ['c', 'b', 'a']],
    ['key=5', ['b']],
    ['keys=[9,3]', ['c', 'a']],
    ['limit=1&skip=1', ['b']],
    ['filter=age>4', ['b', 'c']],
    ['filter=age>4&limit=1&offset=1', ['c']],
    ["filter=(kind='cat')and(age>4)", ['c']],
  ])('%s', async (query, found) => {
    expect(await keys(`view=ages&${query}`)).toEqual(found);
  });

  test('rows that are reduced', async () => {
    expect(await ask('view=kinds')).toEqual({ resource: [{ key: null, value: 17 }] });
    const groups = [
      { key: 'cat', value: 12 },
      { key: 'dog', value: 5 },
    ];
    expect(await ask('view=kinds&group=true')).toEqual({ resource: groups });
    expect(await keys('view=kinds&reduce=false')).toEqual(['a', 'c', 'b']);
  });

  test('with their documents, a count, and some of their members', async () => {
    const first = (await ask('view=ages&limit=1&include_docs=true&include_count=true')) as { resource: object[] };
    expect(first).toMatchObject({ resource: [{ id: 'a', doc: PETS[0] }], meta: { count: 3 } });
    expect(await ask('view=ages&limit=1&fields=key,value')).toEqual({ resource: [{ key: 3, value: 'Ada' }] });
  });

  test('in the body of a tunnelled call', async () => {
    const { text } = await admin.send('POST', `${table}?method=GET`, {
      design: 'by',
      view: 'ages',
      startkey: 5,
      limit: 1,
    });
    expect(JSON.parse(text)).toEqual({ resource: [{ id: 'b', key: 5, value: 'Bob' }] });
  });

  test('a role sees rows of its records only, whatever is asked for', async () => {
    expect(await keys('view=ages', cats)).toEqual(['a', 'c']);
    expect(await keys('view=ages&limit=1&offset=1', cats)).toEqual(['c']);
    expect(await ask('view=ages&key=5&include_docs=true', cats)).toEqual({ resource: [] });
    // Reduced by default; its rows are given one by one.
    expect(await keys('view=kinds', cats)).toEqual(['a', 'c']);
    for (const field of ['reduce', 'group']) {
      expect(await ask(`view=kinds&${field}=true`, cats)).toEqual({ status: 400, field });
    }
    expect(await ask('view=kinds&group_level=1', cats)).toEqual({ status: 400, field: 'group_level' });
    expect(await ask('view=ages&include_count=true', cats)).toEqual({ status: 400, field: 'include_count' });
  });

  test('a row may show another document than its own: not to a role that sees some only', async () => {
    expect(await ask('view=friends&include_docs=true')).toMatchObject({ resource: [{ id: 'b', doc: { _id: 'a' } }] });
    expect(await ask('view=friends&include_docs=true', cats)).toEqual({ resource: [] });
    expect(await ask('view=shown&include_docs=true', cats)).toEqual({ resource: [] });
  });

  test.each([
    ['view=../_all_docs', 'view'],
    ['view=..', 'view'],
    ['view=_all', 'view'],
    ['view=', 'view'],
    ['view=ages&design=a%2Fb', 'design'],
    ['view=ages&startkey=a', 'startkey'],
    ['view=ages&keys=1', 'keys'],
    ['view=ages&descending=down', 'descending'],
    ['view=ages&group_level=many', 'group_level'],
    ['view=ages&order=age', 'order'],
    ['view=ages&ids=a', 'ids'],
    ['view=ages&count_only=true', 'count_only'],
    ['view=ages&after=', 'after'],
    ['view=ages&filter={"age":3}', 'filter'],
  ])('%s is refused by name', async (query, field) => {
    expect(await ask(query.replace('{', '%7B').replace('}', '%7D'))).toEqual({ status: 400, field });
  });

  test('a view that is not there, and services that have none', async () => {
    expect(await ask('view=nothing')).toMatchObject({ status: 404 });
    expect(await ask('view=ages', admin, 'shop/_table/customer')).toEqual({ status: 400, field: 'view' });
  });

  test('rows do not come as a stream', async () => {
    const { status } = await admin.send('GET', `${table}?design=by&view=ages`, undefined, {
      accept: 'application/x-ndjson',
    });
    expect(status).toBe(400);
  });

  test('strict calls know its options, and no others', async () => {
    const strict = { prefer: 'handling=strict' };
    const send = (query: string) => admin.send('GET', `${table}?${query}`, undefined, strict);
    expect((await send('design=by&view=ages&startkey=4')).status).toBe(200);
    expect((await send('startkey=4')).status).toBe(400);
  });
});
