/**
 * Nothing that a caller sends is ever an operator, a path or a program of a document store: every payload in every place
 * that can be written to. What no attack may change or show is looked at after each place.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { suiteWith } from '../../testing/suite.ts';
import { expectPlainError } from '../cases.ts';
import { type Client, withKey } from '../client.ts';
import { CASSANDRA, DOCUMENT_STORES, type DocumentStore, type OpenStore } from '../nosql-stores.ts';
import { Shop } from '../shop.ts';

/** In no answer to the guest, whatever was asked: it is in the documents that his role hides. */
const WORD = `Secret${randomBytes(12).toString('hex')}`;
const AT_ONCE = 8;

/** As values and as names. */
const TEXTS: readonly string[] = [
  ...['$where', '$ne', '$gt', '$expr', '$function', '$set', '$unset', '$[]', '$oid', '$date', '$regex', '$'],
  ...['a.$', 'a.$[]', 'name.$ne', '$where.x', 'a..b', '.', '..', 'a.', '.a', 'dot.ted', 'name.0'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__proto__.polluted'],
  ...['constructor.prototype.polluted', '__defineGetter__', 'valueOf', 'then'],
  ...['{"$ne":null}', '{"$gt":""}', '{"$where":"return true"}', '{"$regex":".*"}', "{'$gt':''}", '[]', '[{"$ne":1}]'],
  ...[
    "' or 1=1 or '",
    "x') or (id is not null",
    "';return true;//",
    "x' || '1'=='1",
    'true',
    'null',
    'NaN',
    'Infinity',
  ],
  ...['1e999', '-0', '0x10', `${2 ** 53}1`],
  ...['#n0', ':v0', ':v0 OR attribute_exists(#n0)', 'attribute_exists(id)', 'SET name = :v0', 'size(name)'],
  ...[
    "x' or PartitionKey ne '",
    'name eq null',
    '../_all_docs',
    '_design/evil',
    '_all_docs',
    '_local/x',
    '_rev',
    '_deleted',
  ],
  ...[
    '../canary',
    'canary/c0',
    'canary?force=true',
    '%2e%2e',
    '%00',
    'nul\0',
    '\n',
    '\r\nX-Evil: 1',
    '\u{1f600}',
    '\u202e',
  ],
  ...['{user.id}', '{nosuch}', '*', '%', '_', '\\', '\\\\', '"', '`', 'x'.repeat(3000), 'system.users', 'system.js'],
];

const OPERATORS = [
  '$ne',
  '$gt',
  '$where',
  '$regex',
  '$in',
  '$exists',
  '$expr',
  '$function',
  '$oid',
  '$date',
  '$binary',
];
const OPERANDS = [null, '', 'x', 1, [], {}];

/** As values alone: of every type that JSON has, and of those that stores have. */
const OBJECTS: readonly unknown[] = [
  ...OPERATORS.flatMap((operator, i) => [
    { [operator]: OPERANDS[i % OPERANDS.length] },
    { [operator]: OPERANDS[(i + 3) % OPERANDS.length] },
  ]),
  ...['S', 'N', 'BOOL', 'NULL', 'M', 'L', 'B'].map((type) => ({ [type]: 'x' })),
  ...[{ $or: [{}] }, { $and: [] }, { $ref: 'canary', $id: 'c0' }, { a: { $set: { name: 'x' } } }, { _deleted: true }],
  ...[JSON.parse('{"__proto__":{"polluted":1}}'), { constructor: { prototype: { polluted: 1 } } }],
  ...[[], {}, [[]], ['x'], [{ $ne: null }], [null], null, true, false, 0, -1, 1.5, ''],
];
/** In bodies, where the others are the same as in addresses, and where each takes long. */
const SOME_TEXTS = TEXTS.filter((_, i) => i % 5 === 0);

interface Place {
  readonly name: string;
  readonly call: (payload: string) => readonly [method: string, path: string, body?: unknown];
  /** The store takes its time there, and some fail where several tables come and go at once: one after the other. */
  readonly isSlow?: boolean;
}
/** Of any value. */
interface BodyPlace {
  readonly name: string;
  readonly call: (payload: unknown) => readonly [method: string, path: string, body: unknown];
}

const T = 'docs/_table/canary';
const W = 'docs/_table/scratch';
const S = 'docs/_schema';
const e = (text: string): string => encodeURIComponent(text);
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** A read that has a body. */
const ask = (path: string, body: unknown) => ['POST', `${path}?method=GET`, body] as const;
/** `__proto__` is a member here like any other. */
const member = (name: string, value: unknown): unknown =>
  JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`);
const members = (...some: unknown[]): unknown =>
  JSON.parse(
    `{${some
      .map((one) => JSON.stringify(one).slice(1, -1))
      .filter(Boolean)
      .join(',')}}`,
  );

const columnsOf = (key: string): object[] => [
  { name: key, type: 'string', is_primary_key: true },
  { name: 'name', type: 'string' },
  { name: 'amount', type: 'integer' },
  { name: 'word', type: 'string' },
  { name: 'stray', type: 'boolean' },
];

/** Of the guest, who sees one of the canaries. */
const readsOf = (key: string): Place[] => [
  { name: 'an id in the path', call: (p) => ['GET', `${T}/${e(p)}`] },
  { name: 'an id of members', call: (p) => ['GET', `${T}/(${e(p)},${e(p)})`] },
  { name: 'ids', call: (p) => ['GET', `${T}?ids=${e(p)}`] },
  { name: 'ids beside a good one', call: (p) => ['GET', `${T}?continue=true&ids=c1,${e(p)}`] },
  { name: 'the name of the id', call: (p) => ['GET', `${T}?ids=c0&id_field=${e(p)}`] },
  { name: 'a value of another id', call: (p) => ['GET', `${T}?id_field=name&ids=${e(p)}`] },
  { name: 'a filter', call: (p) => ['GET', `${T}?filter=${e(p)}`] },
  { name: 'a value', call: (p) => ['GET', `${T}?filter=${e(`name = ${quoted(p)}`)}`] },
  { name: 'not a value', call: (p) => ['GET', `${T}?filter=${e(`name != ${quoted(p)}`)}`] },
  { name: 'a value of a number', call: (p) => ['GET', `${T}?filter=${e(`amount > ${quoted(p)}`)}`] },
  { name: 'a bare value', call: (p) => ['GET', `${T}?filter=${e(`name = ${p}`)}`] },
  { name: 'a pattern', call: (p) => ['GET', `${T}?filter=${e(`name like ${quoted(`${p}%`)}`)}`] },
  { name: 'a list', call: (p) => ['GET', `${T}?filter=${e(`name in (${quoted(p)},'x')`)}`] },
  { name: 'a range', call: (p) => ['GET', `${T}?filter=${e(`name between ${quoted(p)} and ${quoted(p)}`)}`] },
  { name: 'a field of a filter', call: (p) => ['GET', `${T}?filter=${e(`${p} is not null`)}`] },
  { name: 'a field that is compared', call: (p) => ['GET', `${T}?filter=${e(`(${p} = 'x') or (${p} != 'x')`)}`] },
  { name: 'a parameter', call: (p) => ['GET', `${T}?filter=name%20%3D%20%3Ap&params[:p]=${e(p)}`] },
  { name: 'fields', call: (p) => ['GET', `${T}?fields=${e(p)}`] },
  { name: 'fields beside the key', call: (p) => ['GET', `${T}?fields=${key},${e(p)}`] },
  { name: 'fields of one', call: (p) => ['GET', `${T}/c1?fields=${e(p)}`] },
  { name: 'an order', call: (p) => ['GET', `${T}?order=${e(p)}`] },
  { name: 'an order, descending', call: (p) => ['GET', `${T}?order=${e(p)}%20desc`] },
  { name: 'a group', call: (p) => ['GET', `${T}?group=${e(p)}&fields=${e(p)},COUNT(*)`] },
  { name: 'a sum', call: (p) => ['GET', `${T}?group=name&fields=SUM(${e(p)}),MAX(${e(p)})`] },
  { name: 'a condition on groups', call: (p) => ['GET', `${T}?group=name&fields=name&having=${e(`${p} > 0`)}`] },
  { name: 'related', call: (p) => ['GET', `${T}?related=${e(p)}`] },
  { name: 'a cursor', call: (p) => ['GET', `${T}?after=${e(p)}`] },
  {
    name: 'a cursor of ours',
    call: (p) => ['GET', `${T}?after=${Buffer.from(JSON.stringify([p, 0])).toString('base64url')}`],
  },
  { name: 'a page', call: (p) => ['GET', `${T}?limit=${e(p)}&offset=${e(p)}`] },
  { name: 'a table', call: (p) => ['GET', `docs/_table/${e(p)}`] },
  { name: 'a record of a table', call: (p) => ['GET', `docs/_table/${e(p)}/c0`] },
  { name: 'a name in the words of the store', call: (p) => ['GET', `${T}?filter=${e(JSON.stringify(member(p, 1)))}`] },
  {
    name: 'a deep name in its words',
    call: (p) => ['GET', `${T}?filter=${e(JSON.stringify({ $or: [member(p, { $ne: 1 })] }))}`],
  },
  {
    name: 'an operator in its words',
    call: (p) => ['GET', `${T}?filter=${e(JSON.stringify({ name: member(p, 1) }))}`],
  },
];
const readBodiesOf = (key: string): BodyPlace[] => [
  { name: 'ids in a body', call: (p) => ask(T, { ids: [p] }) },
  { name: 'ids that are no list', call: (p) => ask(T, { ids: p }) },
  { name: 'records in a body', call: (p) => ask(T, { resource: [{ [key]: p }] }) },
  { name: 'a record that is no object', call: (p) => ask(T, { resource: [p] }) },
  { name: 'a filter in a body', call: (p) => ask(T, { filter: p }) },
  { name: 'a parameter in a body', call: (p) => ask(T, { filter: 'name = :p', params: { ':p': p } }) },
  { name: 'a parameter of a list', call: (p) => ask(T, { filter: 'name in (:p)', params: { ':p': p } }) },
  { name: 'a parameter of an order', call: (p) => ask(T, { filter: 'amount >= :p', params: { ':p': p } }) },
  { name: 'a parameter of a pattern', call: (p) => ask(T, { filter: 'name like :p', params: { ':p': p } }) },
  { name: 'parameters', call: (p) => ask(T, { filter: 'name = :p', params: p }) },
  ...['fields', 'order', 'group', 'related', 'limit', 'offset', 'id_field', 'after'].map(
    (option): BodyPlace => ({ name: `${option} in a body`, call: (p) => ask(T, { [option]: p }) }),
  ),
  { name: 'a value in the words of the store', call: (p) => ask(T, { filter: JSON.stringify({ name: p }) }) },
  { name: 'alternatives in its words', call: (p) => ask(T, { filter: JSON.stringify({ $or: [p, { name: p }] }) }) },
];

/** Of the administrator, in a table of their own. */
const writesOf = (key: string): Place[] => [
  ...['PATCH', 'PUT', 'DELETE'].map(
    (verb): Place => ({ name: `an id of ${verb}`, call: (p) => [verb, `${T}/${e(p)}`, { name: 'taken' }] }),
  ),
  { name: 'ids of DELETE', call: (p) => ['DELETE', `${T}?ids=${e(p)}`] },
  { name: 'ids of PATCH', call: (p) => ['PATCH', `${T}?ids=${e(p)}`, { resource: [{ name: 'taken' }] }] },
  { name: 'a value of the filter of DELETE', call: (p) => ['DELETE', `${T}?filter=${e(`name = ${quoted(p)}`)}`] },
  {
    name: 'a value of the filter of PATCH',
    call: (p) => ['PATCH', `${T}?filter=${e(`name = ${quoted(p)}`)}`, { resource: [{ amount: -1 }] }],
  },
  { name: 'the filter of DELETE', call: (p) => ['DELETE', `${W}?filter=${e(p)}`] },
  { name: 'a table of DELETE', call: (p) => ['DELETE', `docs/_table/${e(p)}?force=true`] },
  { name: 'a key that is made', call: (p) => ['POST', W, { resource: [{ [key]: p, name: 'made' }] }] },
  {
    name: 'a name in a new record',
    call: (p) => ['POST', W, { resource: [members({ name: 'x' }, member(p, { a: 1 }))] }],
  },
  {
    name: 'a deep name in a new record',
    call: (p) => ['POST', W, { resource: [{ name: 'x', deep: [member(p, 1)] }] }],
  },
  { name: 'a name of PATCH', call: (p) => ['PATCH', `${W}/w1`, member(p, { name: 'x' })] },
  { name: 'a name of PUT', call: (p) => ['PUT', `${W}/w1`, member(p, { name: 'x' })] },
  {
    name: 'a name of PATCH by records',
    call: (p) => ['PATCH', W, { resource: [members({ [key]: 'w1' }, member(p, 1))] }],
  },
  {
    name: 'a name of PATCH by filter',
    call: (p) => ['PATCH', `${W}?filter=${key}%3Dw1`, { resource: [member(p, 1)] }],
  },
  { name: 'fields of a write', call: (p) => ['PATCH', `${W}/w1?fields=${e(p)}`, { name: 'x' }] },
  { name: 'a table that is described', call: (p) => ['GET', `${S}/${e(p)}`] },
  { name: 'a field that is described', call: (p) => ['GET', `${S}/scratch/_field/${e(p)}`] },
  { isSlow: true, name: 'a table that is made', call: (p) => ['POST', S, { resource: [{ name: p }] }] },
  { isSlow: true, name: 'a table that is dropped', call: (p) => ['DELETE', `${S}/${e(p)}`] },
  {
    name: 'a field that is declared',
    call: (p) => ['POST', `${S}/scratch/_field`, { resource: [{ name: p, type: 'string' }] }],
  },
  { name: 'a field that is dropped', call: (p) => ['DELETE', `${S}/scratch/_field/${e(p)}`] },
  { name: 'a type', call: (p) => ['POST', `${S}/scratch/_field`, { resource: [{ name: 'typed', type: p }] }] },
  {
    name: 'an alias',
    call: (p) => ['PATCH', `${S}/scratch/_field`, { resource: [{ name: 'other', type: 'string', alias: p }] }],
  },
  {
    name: 'a relation',
    call: (p) => [
      'POST',
      `${S}/scratch/_related`,
      { resource: [{ name: 'r', type: 'belongs_to', field: p, is_virtual: true, ref_table: p, ref_field: p }] },
    ],
  },
];
const writeBodiesOf = (key: string): BodyPlace[] => [
  { name: 'a value in a new record', call: (p) => ['POST', W, { resource: [{ name: p }] }] },
  {
    name: 'a key of a new record',
    call: (p) => ['POST', T, { resource: [{ [key]: p === 'c0' ? 'x' : p, stray: true }] }],
  },
  { name: 'a new record', call: (p) => ['POST', W, { resource: [p] }] },
  { name: 'new records', call: (p) => ['POST', W, { resource: p }] },
  { name: 'a value of PATCH', call: (p) => ['PATCH', `${W}/w1`, { name: p }] },
  { name: 'a value of PUT', call: (p) => ['PUT', `${W}/w1`, { name: p }] },
  { name: 'a body of PATCH', call: (p) => ['PATCH', `${W}/w1`, p] },
  { name: 'a body of PUT', call: (p) => ['PUT', `${W}/w1`, p] },
  { name: 'the key in a body of PATCH', call: (p) => ['PATCH', T, { resource: [{ [key]: p, name: 'taken' }] }] },
  { name: 'the key in a body of DELETE', call: (p) => ['DELETE', T, { resource: [{ [key]: p }] }] },
  { name: 'ids in a body of DELETE', call: (p) => ['DELETE', T, { ids: [p] }] },
  { name: 'ids in a body of PATCH', call: (p) => ['PATCH', T, { ids: [p], resource: [{ name: 'taken' }] }] },
  { name: 'the name of a table', call: (p) => ['POST', S, { resource: [{ name: p }] }] },
  { name: 'what a table has of the store', call: (p) => ['POST', S, { resource: [{ name: 'native', native: p }] }] },
  { name: 'a field of a table', call: (p) => ['POST', `${S}/scratch/_field`, { resource: [p] }] },
  {
    name: 'a default',
    call: (p) => ['PATCH', `${S}/scratch/_field`, { resource: [{ name: 'other', type: 'string', default: p }] }],
  },
  {
    name: 'a validation',
    call: (p) => ['PATCH', `${S}/scratch/_field`, { resource: [{ name: 'other', type: 'string', validation: p }] }],
  },
];

function suites(store: DocumentStore): void {
  const { key, version } = store;
  let opened: OpenStore;
  let shop: Shop;
  let guest: Client;
  let before: unknown;

  const withoutVersion = (record: object): object =>
    Object.fromEntries(Object.entries(record).filter(([name]) => name !== version));
  const recordsOf = async (table: string): Promise<object[]> => {
    const { resource } = await shop.admin.json<{ resource: object[] }>('GET', `docs/_table/${table}?order=${key}`);
    return resource.map(withoutVersion);
  };
  /** What no attack may change. Records that somebody puts beside the canaries are theirs. */
  const stateOf = async (): Promise<unknown> => {
    const canaries = (await recordsOf('canary')).filter((one) => (one as { stray?: boolean }).stray !== true);
    return [canaries, await recordsOf('secret')];
  };
  const refill = async (): Promise<void> => {
    await shop.admin.json('DELETE', `${W}?force=true`);
    await shop.admin.json('POST', W, { resource: [{ [key]: 'w1', name: 'w' }] });
  };

  /** @returns what should not be */
  async function faultOf(
    client: Client,
    [method, path, body]: readonly [string, string, unknown?],
  ): Promise<string | undefined> {
    const { status, text } = await client.send(method, path, body === undefined ? undefined : JSON.stringify(body));
    const call = `${method} ${path} ${JSON.stringify(body)}`.slice(0, 300);
    if (status >= 500) return `${status} to ${call}: ${text.slice(0, 300)}`;
    if (client === guest && text.includes(WORD)) return `what is hidden, to ${call}`;
    if (text.includes('polluted":1') && method === 'GET') return `pollution, to ${call}`;
    try {
      if (status >= 400) expectPlainError(text);
    } catch {
      return `insides, to ${call}: ${text.slice(0, 300)}`;
    }
    return undefined;
  }

  async function campaign<T>(
    client: Client,
    payloads: readonly T[],
    call: (payload: T) => readonly [string, string, unknown?],
    atOnce = AT_ONCE,
  ): Promise<void> {
    const faults: (string | undefined)[] = [];
    for (let at = 0; at < payloads.length; at += atOnce) {
      const some = payloads.slice(at, at + atOnce);
      faults.push(...(await Promise.all(some.map((payload) => faultOf(client, call(payload))))));
    }
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
    expect(await stateOf()).toEqual(before);
  }

  beforeAll(async () => {
    opened = await store.open();
    shop = await Shop.open();
    const { type, config } = opened;
    const service = { name: 'docs', label: 'Docs', type, is_active: true, config };
    const { id: service_id } = await shop.admin.create('system/service', service);
    const field = store.hasColumns ? columnsOf(key) : [];
    const tables = ['canary', 'scratch', 'secret'].map((name) => ({ name, field }));
    await shop.admin.json('POST', S, { resource: tables });
    const canaries = Array.from({ length: 5 }, (_, i) => ({
      ...{ [key]: `c${i}`, name: `n${i}`, amount: i },
      ...(i !== 1 && { word: WORD }),
    }));
    await shop.admin.json('POST', T, { resource: canaries });
    await shop.admin.json('POST', 'docs/_table/secret', { resource: [{ [key]: 's', word: WORD }] });
    await refill();
    const filters = [{ name: 'name', operator: '=', value: 'n1' }];
    const role = await shop.role({ service_id, component: '_table/canary/*', verb_mask: 1, filters, filter_op: 'AND' });
    guest = shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    expect((await guest.send('GET', T)).text).toContain('n1');
    before = await stateOf();
  });
  afterAll(async () => {
    await shop?.close();
    await opened?.stop();
  });

  describe('what is read', () => {
    test.each(readsOf(key))('$name', ({ call }) => campaign(guest, TEXTS, call));
    test.each(readBodiesOf(key))('$name', ({ call }) => campaign(guest, [...OBJECTS, ...SOME_TEXTS], call));
  });

  describe('what is written', () => {
    test.each(writesOf(key))('$name', async ({ call, isSlow }) => {
      await (isSlow ? campaign(shop.admin, SOME_TEXTS, call, 1) : campaign(shop.admin, TEXTS, call));
      await refill();
    });
    test.each(writeBodiesOf(key))('$name', async ({ call }) => {
      await campaign(shop.admin, [...OBJECTS, ...SOME_TEXTS], call);
      await refill();
    });
  });

  test('a text comes back as it was sent', async () => {
    const kept = TEXTS.filter((text) => !text.includes('\0'));
    const records = kept.map((name, i) => ({ [key]: `k${String(i).padStart(3, '0')}`, name }));
    // Lookups stand for what they are in what callers write.
    const { resource } = await shop.admin.json<{ resource: { name: string }[] }>('POST', `${W}?fields=name`, {
      resource: records.filter(({ name }) => name !== '{user.id}'),
    });
    expect(resource.map(({ name }) => name)).toEqual(kept.filter((name) => name !== '{user.id}'));
    for (const name of kept.filter((one) => !one.includes('{'))) {
      const body = { filter: 'name = :p', params: { ':p': name }, fields: 'name' };
      expect(await shop.admin.json('POST', `${W}?method=GET`, body)).toEqual({ resource: [{ name }] });
    }
  });
}

for (const store of [...DOCUMENT_STORES, CASSANDRA]) {
  if (store.needs) suiteWith(store.needs, store.name, () => suites(store));
  else describe(store.name, () => suites(store));
}
