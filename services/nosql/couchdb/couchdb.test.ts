/** What is special about CouchDB, against a server. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import { type RunningCouchDb, startCouchDb } from '../../../deploy/testing/couchdb.ts';
import type { Document, StoredDocument } from '../document.ts';
import type { Condition, NoSqlSource, StoreQuery, StoreTable, Write } from '../engine.ts';
import { couchdb } from './index.ts';

let server: RunningCouchDb;
let source: NoSqlSource;
let table: StoreTable;
let made = 0;

const soon = (): Deadline => Deadline.after(20_000);

beforeAll(async () => {
  server = await startCouchDb();
  source = couchdb.open({ dsn: `${server.url}/anything` }, { dataDir: '/', serviceName: 'couch', connectionsMax: 4 });
});

afterAll(async () => {
  await source?.close();
  await server?.stop();
});

beforeEach(async () => {
  const name = `millrace_test_${process.pid}_${++made}`;
  await source.createTable(name, [], undefined, soon());
  table = { name, key: [], indexes: [], native: null };
  return async () => source.dropTable(name, soon());
});

const insert = (document: Document): Write => ({ kind: 'insert', document });
const write = (writes: readonly Write[], ordered = false) => source.write(table, writes, ordered, soon());
const get = (...ids: string[]) =>
  source.get(
    table,
    ids.map((id) => [id]),
    undefined,
    soon(),
  );
const bare = (document: StoredDocument | undefined): object | undefined => {
  if (!document) return undefined;
  const { _rev, ...rest } = document.members();
  return rest;
};
const revOf = async (id: string): Promise<string> => (await get(id))[0]?.version ?? '';
const shape = (outcomes: Awaited<ReturnType<typeof write>>) =>
  outcomes.map((outcome) =>
    'key' in outcome ? (outcome.created ? 'created' : 'changed') : 'error' in outcome ? outcome.error.code : 'missing',
  );

async function found(query: Partial<StoreQuery>): Promise<{ ids: string[]; next: string | undefined }> {
  const whole = { condition: undefined, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
  const ids: string[] = [];
  let next: string | undefined;
  for await (const page of source.find(table, { ...whole, ...query }, soon())) {
    ids.push(...page.documents.map((document) => String(document.members()['_id'])));
    next = page.next;
  }
  return { ids, next };
}

describe('tables', () => {
  test('are the databases, without those of CouchDB itself', async () => {
    const names = (await source.tables(soon())).map(({ name }) => name);
    expect(names).toContain(table.name);
    expect(names.filter((name) => name.startsWith('_'))).toEqual([]);
  });

  test('have the indexes that were made', async () => {
    await source.createIndex?.(table, { name: 'by_n', fields: ['n', 'm'], unique: false }, soon());
    const found = (await source.tables(soon())).find(({ name }) => name === table.name);
    expect(found?.indexes).toEqual([{ name: 'by_n', fields: ['n', 'm'], unique: false }]);
  });

  test.each([
    { why: 'a name twice', work: () => source.createTable(table.name, [], undefined, soon()), code: 'conflict' },
    { why: 'a name of CouchDB', work: () => source.createTable('_users', [], undefined, soon()), code: 'invalid' },
    { why: 'a name in capitals', work: () => source.createTable('People', [], undefined, soon()), code: 'invalid' },
    { why: 'an unknown setting', work: () => source.createTable('x', [], { w: 1 }, soon()), code: 'invalid' },
    {
      why: 'no such table',
      work: () => source.get({ ...table, name: 'nope' }, [['a']], undefined, soon()),
      code: 'not_found',
    },
    { why: 'a drop of the users', work: () => source.dropTable('_users', soon()), code: 'not_found' },
    {
      why: 'a unique index',
      work: async () => source.createIndex?.(table, { name: 'u', fields: ['n'], unique: true }, soon()),
      code: 'invalid',
    },
  ])('$why', async ({ work, code }) => {
    await expect(work()).rejects.toMatchObject({ code });
  });
});

describe('writes', () => {
  test('an identifier is made where there is none', async () => {
    const [outcome] = await write([insert({ n: 1 })]);
    expect(outcome).toMatchObject({ created: true, key: { _id: expect.stringMatching(/^[0-9a-f]{32}$/) } });
  });

  test('what comes back is what was sent', async () => {
    const document = {
      ...{ _id: 'ä/b c', text: 'x\u0000é😀', nothing: null, yes: true, list: [1, [2.5, { a: [] }]], empty: {} },
      ...{ 'a.b': 1, $gt: { $where: 'x' }, constructor: 'c' },
    };
    await write([insert(document)]);
    expect(bare((await get('ä/b c'))[0])).toEqual(document);
  });

  test('one that fails fails alone', async () => {
    await write([insert({ _id: 'a' })]);
    const outcomes = await write([
      insert({ _id: 'b' }),
      insert({ _id: 'a' }),
      insert({ _id: '_design/x' }),
      insert({ _id: 5 }),
      insert({ _id: 'c', _deleted: true }),
      insert({ _id: 'd', n: new JsonNumber('1e999') }),
      insert({ _id: 'e' }),
    ]);
    expect(shape(outcomes)).toEqual(['created', 'conflict', ...Array(4).fill('invalid'), 'created']);
    expect((await found({})).ids).toEqual(['a', 'b', 'e']);
  });

  test('a conflict names the present revision', async () => {
    await write([insert({ _id: 'a', n: 1 })]);
    const old = await revOf('a');
    await write([{ kind: 'merge', key: ['a'], members: { n: 2 }, upsert: false }]);
    const _rev = await revOf('a');
    const outcomes = await write([
      { kind: 'merge', key: ['a'], members: { n: 3, _rev: old }, upsert: false },
      { kind: 'replace', key: ['a'], document: { n: 3 }, upsert: true, version: old },
      { kind: 'delete', key: ['a'], version: old },
      insert({ _id: 'a' }),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ error: { code: 'conflict', context: { _id: 'a', _rev } } });
    }
    expect(shape(await write([{ kind: 'delete', key: ['a'], version: _rev }]))).toEqual(['changed']);
  });

  test('replace, merge, delete, and what is not there', async () => {
    await write([insert({ _id: 'a', n: 1, m: 1 }), insert({ _id: 'b', n: 1, m: 1 }), insert({ _id: 'c' })]);
    const outcomes = await write([
      { kind: 'replace', key: ['a'], document: { n: 2 }, upsert: false },
      { kind: 'merge', key: ['b'], members: { n: 2, 'm.x': 1 }, upsert: false },
      { kind: 'delete', key: ['c'] },
      { kind: 'replace', key: ['x'], document: {}, upsert: false },
      { kind: 'merge', key: ['y'], members: {}, upsert: false },
      { kind: 'delete', key: ['z'] },
      { kind: 'replace', key: ['u'], document: { n: 3 }, upsert: true },
      { kind: 'merge', key: ['v'], members: { n: 3 }, upsert: true },
    ]);
    expect(shape(outcomes)).toEqual([
      ...['changed', 'changed', 'changed', 'missing', 'missing', 'missing', 'created', 'created'],
    ]);
    expect((await get('a', 'b', 'c', 'u', 'v')).map(bare)).toEqual([
      { _id: 'a', n: 2 },
      { _id: 'b', n: 2, m: 1, 'm.x': 1 },
      undefined,
      { _id: 'u', n: 3 },
      { _id: 'v', n: 3 },
    ]);
  });

  test('one document several times in one call', async () => {
    const merge = (n: number): Write => ({ kind: 'merge', key: ['a'], members: { [`n${n}`]: n }, upsert: true });
    expect(shape(await write([merge(1), merge(2), merge(3)]))).toEqual(['created', 'changed', 'changed']);
    expect(bare((await get('a'))[0])).toEqual({ _id: 'a', n1: 1, n2: 2, n3: 3 });
  });

  test('writers of one document do not lose what the others wrote', async () => {
    await write([insert({ _id: 'a' })]);
    const merges = Array.from(
      { length: 6 },
      (_, n): Write => ({ kind: 'merge', key: ['a'], members: { [`n${n}`]: n }, upsert: false }),
    );
    await Promise.all(merges.map((merge) => write([merge])));
    expect(Object.keys(bare((await get('a'))[0]) ?? {})).toHaveLength(7);
  });

  test('a row of new ones ends at the first that fails', async () => {
    await write([insert({ _id: 'c' })]);
    const outcomes = await write(
      ['a', 'b', 'c', 'd', 'e'].map((_id) => insert({ _id })),
      true,
    );
    expect(shape(outcomes)).toEqual(['created', 'created', 'conflict']);
    expect((await found({})).ids).toEqual(['a', 'b', 'c']);
  });

  test('a row of changes ends at the first that fails', async () => {
    await write(['a', 'c'].map((_id) => insert({ _id })));
    const remove = (id: string): Write => ({ kind: 'delete', key: [id] });
    const outcomes = await write([remove('a'), remove('b'), insert({ _id: 'c' }), remove('c')], true);
    expect(shape(outcomes)).toEqual(['changed', 'missing', 'conflict']);
    expect((await found({})).ids).toEqual(['c']);
  });

  test('more than one request takes', async () => {
    const outcomes = await write(Array.from({ length: 1203 }, (_, n) => insert({ _id: `k${n}` })));
    expect(new Set(shape(outcomes))).toEqual(new Set(['created']));
    expect(await source.count?.(table, undefined, soon())).toBe(1203);
    expect((await get('k1202', 'nope', 'k0')).map((document) => document?.members()['_id'])).toEqual([
      'k1202',
      undefined,
      'k0',
    ]);
    expect((await found({})).ids).toHaveLength(1203);
  });
});

describe('reads', () => {
  const is = (field: string, comparator: Comparator, ...operands: (string | number | boolean)[]): Condition => ({
    kind: 'compare',
    field,
    comparator,
    operands,
  });

  beforeEach(async () => {
    const documents = [
      ...[{ n: 1, s: 'x' }, { n: 5, s: 'X' }, { n: '7', s: 'x\u200d' }, { n: null, s: true }, { s: 'x' }, { n: 12.5 }],
    ].map((document, index) => insert({ _id: 'ABcdef'[index]!, ...document }));
    expect(new Set(shape(await write(documents)))).toEqual(new Set(['created']));
    await source.createIndex?.(table, { name: 'i', fields: ['other'], unique: false }, soon());
  });

  test.each([
    { why: 'equal numbers', condition: is('n', Comparator.EQ, 5), ids: ['B'] },
    { why: 'equal texts, byte for byte', condition: is('s', Comparator.EQ, 'x'), ids: ['A', 'e'] },
    { why: 'a number is no text', condition: is('n', Comparator.EQ, 7), ids: [] },
    { why: 'yes or no', condition: is('s', Comparator.EQ, true), ids: ['d'] },
    { why: 'above', condition: is('n', Comparator.GT, 4), ids: ['B', 'f'] },
    { why: 'below', condition: is('n', Comparator.LE, 5), ids: ['A', 'B'] },
    { why: 'between', condition: is('n', Comparator.BETWEEN, 2, 12.5), ids: ['B', 'f'] },
    { why: 'one of', condition: is('n', Comparator.IN, 1, '7'), ids: ['A', 'c'] },
    { why: 'none', condition: is('n', Comparator.IS_NULL), ids: ['d', 'e'] },
    { why: 'any', condition: { kind: 'not', of: is('n', Comparator.IS_NULL) } as Condition, ids: ['A', 'B', 'c', 'f'] },
    { why: 'unequal', condition: { kind: 'not', of: is('n', Comparator.EQ, 5) } as Condition, ids: ['A', 'c', 'f'] },
    { why: 'id', condition: is('_id', Comparator.EQ, 'e'), ids: ['e'] },
    {
      why: 'or, and',
      condition: {
        kind: 'any',
        of: [is('n', Comparator.GT, 10), { kind: 'all', of: [is('s', Comparator.EQ, 'x'), is('n', Comparator.LT, 3)] }],
      } as Condition,
      ids: ['A', 'f'],
    },
    {
      why: 'in the words of the store',
      condition: { kind: 'native', query: { n: { $gt: 1, $lt: 9 } } } as Condition,
      ids: ['B'],
    },
  ])('$why', async ({ condition, ids }) => {
    const got = await found({ condition });
    expect(got.ids.toSorted()).toEqual(ids);
    expect(await source.count?.(table, condition, soon())).toBe(ids.length);
    const first = await found({ condition, order: [{ field: '_id', descending: true }], offset: 1 });
    expect(first.ids).toEqual(ids.toReversed().slice(1));
  });

  test.each([
    { why: 'upwards', descending: false, ids: ['A', 'B', 'c', 'd', 'e', 'f'] },
    { why: 'downwards', descending: true, ids: ['f', 'e', 'd', 'c', 'B', 'A'] },
  ])('pages $why, past the designs', async ({ descending, ids }) => {
    const order = [{ field: '_id', descending }];
    const got: string[] = [];
    for (let after: string | undefined, turn = 0; turn === 0 || after !== undefined; turn++) {
      const page = await found({ order, limit: 2, after });
      expect(page.ids.length).toBeLessThanOrEqual(2);
      got.push(...page.ids);
      after = page.next;
    }
    expect(got).toEqual(ids);
    for (const offset of ids.keys()) expect((await found({ order, offset })).ids).toEqual(ids.slice(offset));
  });

  test('pages of a condition', async () => {
    const condition = is('n', Comparator.GT, 0);
    const first = await found({ condition, limit: 2 });
    const second = await found({ condition, limit: 2, after: first.next });
    expect([...first.ids, ...second.ids]).toEqual(['A', 'B', 'f']);
  });

  test('only some fields', async () => {
    const [document] = await source.get(table, [['A']], ['_id', 's'], soon());
    expect(JSON.parse(Buffer.from(document?.json(['_id', 's', 'none']) ?? []).toString())).toEqual({
      _id: 'A',
      s: 'x',
    });
    const [key] = await source.get(table, [['A']], ['_id'], soon());
    expect(key?.members()).toEqual({ _id: 'A', _rev: await revOf('A') });
  });

  test('designs are no records', async () => {
    expect(await get('_design/i')).toEqual([undefined]);
    expect(await source.sample(table, 50, soon())).toHaveLength(6);
    expect(await source.count?.(table, undefined, soon())).toBe(6);
  });

  test.each(['x', 'b1', 's-1', ''])('a token that is none: %s', async (after) => {
    const condition = after.startsWith('b') ? undefined : is('n', Comparator.GT, 0);
    await expect(found({ condition, after })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('words of the store that may not be used', async () => {
    const query = { n: { $where: 'x' } };
    await expect(found({ condition: { kind: 'native', query } })).rejects.toMatchObject({ code: 'invalid' });
  });
});
