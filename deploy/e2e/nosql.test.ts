/** Documents over HTTP: the same calls as for tables of SQL, and nothing that a client sends is ever an operator. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningMongo, startMongo } from '../testing/mongodb.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Client, withKey } from './client.ts';
import { Shop } from './shop.ts';

const PETS = [
  { _id: 'a', name: 'Ada', kind: 'cat', age: 3, owner: 1, tags: ['black'], home: { city: 'Rome' } },
  { _id: 'b', name: 'Bob', kind: 'dog', age: 5, owner: 2 },
  { _id: 'c', name: 'Cid', kind: 'cat', owner: 1 },
];

/** What must never be more than a name or a value. */
const OPERATORS = ['$where', '$ne', '$gt', '$expr', '$function', '$set', '$[]', 'a.$', '$oid'];
const NAMES = [...OPERATORS.slice(0, 8), 'dot.ted', '', 'nul\0'];

suiteWith('mongodb', 'documents of MongoDB over HTTP', () => {
  let mongo: RunningMongo;
  let shop: Shop;
  let admin: Client;
  let serviceId: number;
  const send = (verb: string, path: string, body?: object, headers: Record<string, string> = {}, client = admin) =>
    client.send(verb, path, body, headers);
  const get = async (path: string): Promise<unknown> => JSON.parse((await send('GET', path)).text);
  const names = async (query: string): Promise<unknown> => {
    const { status, text } = await send('GET', `pets/_table/pet?fields=name&order=name&${query}`);
    return status === 200
      ? (JSON.parse(text) as { resource: { name: string }[] }).resource.map(({ name }) => name)
      : status;
  };
  const filter = (text: string): string => `filter=${encodeURIComponent(text)}`;

  beforeAll(async () => {
    mongo = await startMongo();
    shop = await Shop.open();
    admin = shop.admin;
    const config = { dsn: mongo.url, database: mongo.newDatabase(), allow_upsert: true };
    const service = { name: 'pets', label: 'Pets', type: 'mongodb', is_active: true, config };
    serviceId = (await admin.create('system/service', service)).id;
    await admin.json('POST', 'pets/_schema', { resource: [{ name: 'pet' }] });
  });
  beforeEach(async () => {
    await admin.json('DELETE', 'pets/_table/pet?force=true');
    await admin.json('POST', 'pets/_table/pet', { resource: PETS });
  });
  afterAll(async () => {
    await shop?.product.stop();
    await mongo?.stop();
  });

  test('documents are made, read, changed, replaced and deleted', async () => {
    expect(await get('pets/_table/pet/a')).toEqual(PETS[0]);
    expect(await admin.json('PATCH', 'pets/_table/pet/a', { age: 4 })).toEqual({ _id: 'a' });
    expect(await get('pets/_table/pet/a')).toEqual({ ...PETS[0], age: 4 });
    await admin.json('PUT', 'pets/_table/pet/b', { name: 'New' });
    expect(await get('pets/_table/pet/b')).toEqual({ _id: 'b', name: 'New' });
    await admin.json('PUT', 'pets/_table/pet/d', { name: 'Made' });
    expect(await admin.json('DELETE', 'pets/_table/pet/d?fields=*')).toEqual({ _id: 'd', name: 'Made' });
    expect((await send('GET', 'pets/_table/pet/d')).status).toBe(404);
    const made = (await admin.json('POST', 'pets/_table/pet', { resource: [{ name: 'Eve' }] })) as {
      resource: { _id: string }[];
    };
    expect(made.resource[0]?._id).toMatch(/^[0-9a-f]{24}$/);
    expect(await get(`pets/_table/pet/${made.resource[0]?._id}?fields=name`)).toEqual({ name: 'Eve' });
  });

  const FILTERS: readonly (readonly [text: string, found: unknown])[] = [
    ["kind = 'cat'", ['Ada', 'Cid']],
    ["(kind = 'cat') and (age > 2)", ['Ada']],
    ['age is null', ['Cid']],
    ['not (age = 3)', ['Bob']],
    ["name like 'a%'", ['Ada']],
    ["tags = 'black'", ['Ada']],
    ["home.city = 'Rome'", ['Ada']],
    ['owner in (1)', ['Ada', 'Cid']],
    ['{"age":{"$gte":5}}', ['Bob']],
    ['{"$or":[{"name":"Ada"},{"age":{"$exists":false}}]}', ['Ada', 'Cid']],
    ['{"__proto__":"x"}', []],
    ['{"__proto__":{"age":{"$gt":3}}}', 400],
    ['{"$where":"true"}', 400],
    ['{"a":{"$function":{"body":"1"}}}', 400],
    ['{"$expr":{"$eq":[1,1]}}', 400],
    ['{"age":{"$not":{"$where":"1"}}}', 400],
    ['{"$and":[{"$jsonSchema":{}}]}', 400],
    ["$where = 'true'", []],
  ];
  test.each(FILTERS)('filter %s', async (text, found) => {
    expect(await names(filter(text))).toEqual(found);
  });

  test.each(OPERATORS)('%s as a value is a text', async (operator) => {
    const values = [{ [operator]: 1 }, `{"${operator}":null}`, operator];
    for (const value of values) {
      const { status, text } = await send('POST', 'pets/_table/pet?method=GET', {
        filter: 'name = :v',
        params: { ':v': value },
      });
      expect([status === 200 ? JSON.parse(text) : { resource: [] }, status < 500]).toEqual([{ resource: [] }, true]);
    }
    expect((await send('GET', `pets/_table/pet/${encodeURIComponent(`{"${operator}":null}`)}`)).status).toBe(404);
    expect((await send('GET', `pets/_table/pet?ids=${encodeURIComponent(`{"${operator}":null}`)}`)).status).toBe(400);
  });

  test.each(NAMES)('%s is no name of a field that changes', async (name) => {
    for (const [verb, path] of [
      ['PATCH', 'pets/_table/pet/a'],
      ['PUT', 'pets/_table/pet/a'],
    ] as const) {
      const { status } = await send(verb, path, { [name]: { age: 99 } });
      expect([verb, status]).toEqual([verb, 400]);
    }
    // What a new document can hold as data it may.
    const isData = !name.startsWith('$') && !name.includes('\0');
    expect((await send('POST', 'pets/_table/pet', { resource: [{ [name]: 1 }] })).status).toBe(isData ? 200 : 400);
    expect(await get('pets/_table/pet/a')).toEqual(PETS[0]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a name like any other', async (name) => {
    const body = `{"resource":[{"_id":"p","${name}":{"x":1}}]}`;
    expect((await admin.send('POST', 'pets/_table/pet', body, { 'content-type': 'application/json' })).status).toBe(
      200,
    );
    expect((await send('GET', 'pets/_table/pet/p')).text).toBe(`{"_id":"p","${name}":{"x":1}}`);
    expect(await names(filter(`${name} is not null`))).toHaveLength(1);
  });

  const BAD: readonly (readonly [why: string, verb: string, path: string, body: object | undefined, status: number])[] =
    [
      ['a collection that is not there', 'GET', 'pets/_table/nobody', undefined, 404],
      ['a record of one that is not there', 'POST', 'pets/_table/nobody', { resource: [{ a: 1 }] }, 404],
      ['a key that is there', 'POST', 'pets/_table/pet', { resource: [{ _id: 'a' }] }, 400],
      ['a list as a key', 'POST', 'pets/_table/pet', { resource: [{ _id: [1] }] }, 400],
      ['an identifier that is none', 'POST', 'pets/_table/pet', { resource: [{ x: { $oid: 'zz' } }] }, 400],
      ['a date that is none', 'POST', 'pets/_table/pet', { resource: [{ x: { $date: 'soon' } }] }, 400],
      ['a document that is too deep', 'POST', 'pets/_table/pet', { resource: [nested(150)] }, 400],
      [
        'a document that is too large',
        'POST',
        'pets/_table/pet',
        { resource: [{ x: 'x'.repeat(17 * 1024 * 1024) }] },
        400,
      ],
      ['procedures', 'GET', 'pets/_proc', undefined, 404],
    ];
  test.each(BAD)('%s', async (_, verb, path, body, status) => {
    expect((await send(verb, path, body)).status).toBe(status);
  });

  test('a role sees and writes what its conditions let through', async () => {
    const filters = [{ name: 'kind', operator: '=', value: 'cat' }];
    const role = await shop.role({ service_id: serviceId, component: '_table/pet/*', verb_mask: 31, filters });
    const { api_key } = await shop.app(role);
    const cats = shop.product.anyone.as(withKey(api_key));
    const list = (await cats.json('GET', 'pets/_table/pet?order=name&fields=name')) as { resource: unknown[] };
    expect(list.resource).toEqual([{ name: 'Ada' }, { name: 'Cid' }]);
    expect((await cats.send('GET', 'pets/_table/pet/b')).status).toBe(404);
    expect((await cats.send('PATCH', 'pets/_table/pet/b', { age: 1 })).status).toBe(404);
    expect((await cats.send('DELETE', 'pets/_table/pet/b')).status).toBe(404);
    expect((await cats.send('POST', 'pets/_table/pet', { resource: [{ kind: 'dog' }] })).text).toContain('"code":403');
    const everything = await cats.send('GET', `pets/_table/pet?${filter('{"$or":[{},{"kind":"dog"}]}')}`);
    expect(everything.text).not.toContain('Bob');
  });

  test('the plan is told', async () => {
    const { text } = await send('GET', `pets/_table/pet?${filter('age > 3')}&order=name`, undefined, {
      prefer: 'explain',
    });
    expect(JSON.parse(text)).toMatchObject({
      resource: { engine: 'mongodb', residual: null, order: 'pushed', scan: false },
    });
  });

  test('groups are made by the store where that is exact, and come line by line', async () => {
    const group = `group=owner&fields=${encodeURIComponent('owner,COUNT(*),SUM(age)')}&order=owner`;
    const plan = JSON.parse((await send('GET', `pets/_table/pet?${group}`, undefined, { prefer: 'explain' })).text);
    expect(plan).toMatchObject({ resource: { group: 'pushed', order: 'residual', scan: false } });
    const lines = ['{"owner":1,"COUNT_ALL":2,"SUM_age":3}', '{"owner":2,"COUNT_ALL":1,"SUM_age":5}', ''];
    expect(await get(`pets/_table/pet?${group}`)).toEqual({
      resource: lines.slice(0, 2).map((one) => JSON.parse(one)),
    });
    const { text } = await send('GET', `pets/_table/pet?${group}`, undefined, { accept: 'application/x-ndjson' });
    expect(text).toBe(lines.join('\n'));
  });

  test('lists of any length come line by line, and go so', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `{"_id":${i},"name":"n${i}"}`).join('\n');
    const sent = await admin.send('POST', 'pets/_table/pet', lines, { 'content-type': 'application/x-ndjson' });
    expect(JSON.parse(sent.text)).toEqual({ count: 5000 });
    const { text } = await send('GET', 'pets/_table/pet?fields=name', undefined, { accept: 'application/x-ndjson' });
    expect(text.split('\n')).toHaveLength(5004);
  });

  describe('indexes', () => {
    const fieldOf = async (name: string): Promise<unknown> => get(`pets/_schema/plant/_field/${name}`);
    beforeAll(async () => {
      const field = [
        { name: 'height', type: 'integer', is_index: true },
        { name: 'label', type: 'string', is_unique: true },
      ];
      await admin.json('POST', 'pets/_schema', { resource: [{ name: 'plant', field }] });
    });

    test('are made with the fields of a new table, and shown', async () => {
      expect(await get('pets/_schema/plant')).toMatchObject({
        field: [
          { name: '_id', is_primary_key: true, is_index: false },
          { name: 'height', type: 'integer', is_index: true, is_unique: false },
          { name: 'label', type: 'string', is_index: false, is_unique: true },
        ],
        constraints: { undx_label: { constraint_type: 'UNIQUE', table_name: 'plant', column_name: 'label' } },
      });
    });
    test('keep what is unique so', async () => {
      const two = [{ label: 'rose' }, { height: 1 }, { height: 2 }, { label: 'rose' }];
      const { status, text } = await send('POST', 'pets/_table/plant', { resource: two });
      expect([status, JSON.parse(text).error.context.error]).toEqual([400, [3]]);
    });
    test.each([
      ['POST', 'pets/_schema/plant', { field: [{ name: 'a', is_index: true }] }, 'a'],
      ['PATCH', 'pets/_schema/plant', { field: [{ name: 'b', is_index: true }] }, 'b'],
      ['PATCH', 'pets/_schema', { resource: [{ name: 'plant', field: [{ name: 'c', is_index: true }] }] }, 'c'],
      ['POST', 'pets/_schema/plant/_field', { resource: [{ name: 'd', is_index: true }] }, 'd'],
      ['PUT', 'pets/_schema/plant/_field/e', { type: 'float', is_index: true }, 'e'],
      ['PATCH', 'pets/_schema/plant/_field/f', { is_index: '1' }, 'f'],
    ])('by %s %s', async (verb, path, body, field) => {
      await admin.json(verb, path, body);
      expect(await fieldOf(field)).toMatchObject({ is_index: true, is_unique: false });
      // What is indexed is not therefore declared: anything may be stored in it.
      const record = { _id: field, [field]: field === 'e' ? 1.5 : ['any', { kind: 1 }] };
      await admin.json('POST', 'pets/_table/plant', { resource: [record] });
      expect(await get(`pets/_table/plant/${field}`)).toEqual(record);
      await admin.json('DELETE', `pets/_table/plant/${field}`);
      await admin.json('DELETE', `pets/_schema/plant/_field/${field}`);
      expect(await fieldOf(field)).toMatchObject({ is_index: false });
    });
    test('go with fields that PUT does not name', async () => {
      const field = [{ name: 'height', type: 'integer' }];
      await admin.json('PUT', 'pets/_schema/plant', { field });
      expect(await get('pets/_schema/plant')).toMatchObject({
        field: expect.arrayContaining([expect.objectContaining({ name: 'height', is_index: true })]),
        constraints: [],
      });
    });
    test.each([
      ['a value that is no flag', { name: 'g', is_index: 'perhaps' }],
      ['a name that would be an operator', { name: '$g', is_index: true }],
      ['a unique one over values that are not', { name: 'kind', is_unique: true }],
    ])('%s is refused', async (_, field) => {
      const { status } = await send('PATCH', 'pets/_schema/pet', { field: [field] });
      expect([status >= 400, status < 500]).toEqual([true, true]);
      const { field: fields } = (await get('pets/_schema/pet')) as { field: { name: string; is_unique: boolean }[] };
      expect(fields.filter(({ name, is_unique }) => name.includes('g') && name !== 'tags' && is_unique)).toEqual([]);
      expect(fields.find(({ name }) => name === 'kind')?.is_unique).toBe(false);
    });
  });

  describe('relations over services', () => {
    beforeAll(async () => {
      await admin.json('POST', 'shop/_table/customer', { resource: [{ name: 'Ann' }, { name: 'Ben' }] });
      const far = { is_virtual: true, ref_service_id: shop.serviceId, ref_table: 'customer', ref_field: 'id' };
      const owner = { name: 'owner', type: 'belongs_to', field: 'owner', ...far };
      await admin.json('POST', 'pets/_schema/pet/_related', { resource: [owner] });
      const near = { is_virtual: true, ref_service_id: serviceId, ref_table: 'pet', ref_field: 'owner' };
      await admin.json('POST', 'shop/_schema/customer/_related', {
        resource: [{ name: 'pets', type: 'has_many', field: 'id', ...near }],
      });
    });

    test('from documents to rows', async () => {
      const related = 'customer_by_owner';
      expect(await get(`pets/_table/pet/a?fields=name&related=${related}`)).toMatchObject({
        [related]: { name: 'Ann' },
      });
    });

    test('from rows to documents', async () => {
      const related = 'pet_by_owner';
      const found = (await get(`shop/_table/customer/1?related=${related}`)) as Record<string, { name: string }[]>;
      expect(found[related]?.map(({ name }) => name).toSorted()).toEqual(['Ada', 'Cid']);
    });
  });

  test('the file of another service is no business of this one', async () => {
    const config = { dsn: mongo.url, database: 'x', options: { tlsCAFile: join('/etc', 'passwd') } };
    const service = { name: 'sly', label: 'Sly', type: 'mongodb', is_active: true, config };
    await send('POST', 'system/service', { resource: [service] });
    expect((await send('GET', 'sly/_table')).status).toBeGreaterThanOrEqual(400);
  });
});

function nested(levels: number): object {
  let value: object = { deep: true };
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}
