/** The engine against a server: what it says, and how it fails. */
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import { whyNot } from '../../../deploy/testing/available.ts';
import { type RunningMongo, startMongo } from '../../../deploy/testing/mongodb.ts';
import type { Document, StoredDocument } from '../document.ts';
import type { NoSqlSource, StoreQuery, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';
import { mayHaveTransactions } from './transactions.ts';

const soon = (): Deadline => Deadline.after(20_000);
const QUERY: StoreQuery = {
  condition: undefined,
  order: [],
  offset: 0,
  limit: undefined,
  fields: undefined,
  after: undefined,
};

describe.skipIf(whyNot('mongodb'))('mongodb', () => {
  let server: RunningMongo;
  let source: NoSqlSource;
  let table: StoreTable;
  beforeAll(async () => {
    server = await startMongo();
    const config = { dsn: server.url, database: server.newDatabase() };
    source = engine.open(config, { dataDir: '.', serviceName: 'm', connectionsMax: 5 });
    await source.createTable('todo', [], undefined, soon());
    table = (await source.tables(soon())).find(({ name }) => name === 'todo') as StoreTable;
  }, 60_000);
  afterAll(async () => {
    await source?.close();
    await server?.stop();
  });

  const insert = async (...documents: Document[]) =>
    source.write(
      table,
      documents.map((document): Write => ({ kind: 'insert', document })),
      false,
      soon(),
    );
  const text = (document: StoredDocument | undefined) => document && Buffer.from(document.json()).toString();
  const all = async (query: Partial<StoreQuery>): Promise<string[]> => {
    const found: string[] = [];
    for await (const { documents } of source.find(table, { ...QUERY, ...query }, soon())) {
      found.push(...documents.map((document) => text(document) as string));
    }
    return found;
  };

  test('a table has its key', () => {
    expect(table).toMatchObject({ name: 'todo', key: [{ name: '_id', generated: true }] });
  });

  test('documents come back as they were sent, with an identifier where they bring none', async () => {
    const [first, second] = await insert(
      { _id: 'a', n: new JsonNumber('9007199254740993'), deep: [{ x: null }] },
      { name: 'b' },
    );
    expect(first).toEqual({ key: { _id: 'a' }, created: true });
    expect(second).toMatchObject({ key: { _id: expect.stringMatching(/^[0-9a-f]{24}$/) } });
    const id = (second as { key: Document }).key['_id'] as string;
    const [a, b, c] = await source.get(table, [['a'], [id], ['nothing']], undefined, soon());
    expect([text(a), text(b), c]).toEqual([
      '{"_id":"a","n":9007199254740993,"deep":[{"x":null}]}',
      `{"_id":"${id}","name":"b"}`,
      undefined,
    ]);
  });

  test('writes go together where the server has transactions, and nowhere else', async () => {
    const client = new MongoClient(server.url);
    const hello = await client
      .db()
      .command({ hello: 1 })
      // The emulator does not know the command.
      .catch(() => ({}))
      .finally(() => client.close());
    const { writeTogether } = source;
    expect(mayHaveTransactions(hello) || writeTogether === undefined).toBe(true);
    if (!writeTogether) return;
    const both = ['t1', 't1'].map((_id): Write => ({ kind: 'insert', document: { _id } }));
    const outcomes = await writeTogether(table, both, soon());
    expect(outcomes).toMatchObject([{ created: true }, { error: { code: 'conflict' } }]);
    expect(await source.get(table, [['t1']], undefined, soon())).toEqual([undefined]);
    await writeTogether(table, both.slice(1), soon());
    expect((await source.get(table, [['t1']], undefined, soon())).map(text)).toEqual(['{"_id":"t1"}']);
  });

  test('a number in a path finds a number', async () => {
    await insert({ _id: 7, name: 'seven' });
    expect(text((await source.get(table, [['7']], undefined, soon()))[0])).toBe('{"_id":7,"name":"seven"}');
  });

  test('single inserts of one turn fail each by itself', async () => {
    await insert({ _id: 'taken' });
    const outcomes = await Promise.all(['x1', 'taken', 'x2'].map((_id) => insert({ _id })));
    expect(outcomes.flat()).toMatchObject([{ created: true }, { error: { code: 'conflict' } }, { created: true }]);
  });

  test.each([
    [false, ['created', 'conflict', 'invalid', 'created']],
    [true, ['created', 'conflict']],
  ])('of many inserts one fails alone, ordered: %s', async (ordered, expected) => {
    const prefix = ordered ? 'o' : 'u';
    await insert({ _id: `${prefix}2` });
    const documents: Document[] = [
      { _id: `${prefix}1` },
      { _id: `${prefix}2` },
      { a: { $gt: 1 } },
      { _id: `${prefix}4` },
    ];
    const outcomes = await source.write(
      table,
      documents.map((document): Write => ({ kind: 'insert', document })),
      ordered,
      soon(),
    );
    expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : 'created'))).toEqual(expected);
  });

  test('replace, merge, delete, and what is not there', async () => {
    await insert({ _id: 'm', a: 1, b: { c: 2 } });
    const key = ['m'];
    const done = await source.write(
      table,
      [
        { kind: 'merge', key, members: { b: { d: 3 } }, upsert: false },
        { kind: 'merge', key: ['no'], members: { a: 1 }, upsert: false },
        { kind: 'replace', key: ['up'], document: { x: 1 }, upsert: true },
        { kind: 'delete', key: ['no'] },
      ],
      false,
      soon(),
    );
    expect(done).toEqual([
      { key: { _id: 'm' }, created: false },
      { missing: true },
      { key: { _id: 'up' }, created: true },
      { missing: true },
    ]);
    expect((await source.get(table, [['m'], ['up']], undefined, soon())).map(text)).toEqual([
      '{"_id":"m","a":1,"b":{"d":3}}',
      '{"_id":"up","x":1}',
    ]);
    await source.write(table, [{ kind: 'replace', key, document: { z: 1 }, upsert: false }], true, soon());
    expect(await all({ condition: { kind: 'compare', field: 'z', comparator: Comparator.EQ, operands: [1] } })).toEqual(
      ['{"_id":"m","z":1}'],
    );
    const onlyIf = { kind: 'compare', field: 'z', comparator: Comparator.EQ, operands: [2] } as const;
    expect(await source.write(table, [{ kind: 'delete', key, onlyIf }], true, soon())).toEqual([{ missing: true }]);
  });

  test('a name with a dot is no path', async () => {
    await insert({ _id: 'dot', a: { b: 1 } });
    const [outcome] = await source.write(
      table,
      [{ kind: 'merge', key: ['dot'], members: { 'a.b': 2 }, upsert: false }],
      true,
      soon(),
    );
    expect(outcome).toMatchObject({ error: { code: 'invalid', context: { field: 'a.b' } } });
  });

  test('pages by key, with the cursor of the store', async () => {
    await source.createTable('many', [], undefined, soon());
    const many = { ...table, name: 'many' };
    const documents = Array.from(
      { length: 2500 },
      (_, n): Write => ({ kind: 'insert', document: { _id: n, even: n % 2 === 0 } }),
    );
    expect(await source.write(many, documents, false, soon())).toHaveLength(2500);
    const pages = [];
    for await (const page of source.find(many, QUERY, soon())) pages.push(page);
    expect(pages.map((page) => page.documents.length)).toEqual([1000, 1000, 500]);
    const after = pages[0]?.behind?.(9) as string;
    const rest: StoredDocument[] = [];
    for await (const page of source.find(many, { ...QUERY, after, limit: 2 }, soon())) rest.push(...page.documents);
    expect(rest.map(text)).toEqual(['{"_id":10,"even":true}', '{"_id":11,"even":false}']);
    expect(
      await source.count?.(
        many,
        { kind: 'compare', field: 'even', comparator: Comparator.EQ, operands: [true] },
        soon(),
      ),
    ).toBe(1250);
    await expect(
      source
        .find(many, { ...QUERY, after: 'x' }, soon())
        [Symbol.asyncIterator]()
        .next(),
    ).rejects.toMatchObject({ code: 'invalid' });
  });

  test('orders, offsets and fields', async () => {
    await insert({ _id: 's1', s: 2, t: 'x' }, { _id: 's2', s: 1 }, { _id: 's3', s: 3 });
    const condition = {
      kind: 'not',
      of: { kind: 'compare', field: 's', comparator: Comparator.IS_NULL, operands: [] },
    } as const;
    expect(
      await all({ condition, order: [{ field: 's', descending: true }], offset: 1, limit: 1, fields: ['t'] }),
    ).toEqual(['{"_id":"s1","t":"x"}']);
  });

  test('all that meet a condition are changed, and removed', async () => {
    await insert({ _id: 'w1', w: 1 }, { _id: 'w2', w: 1 });
    const condition = { kind: 'compare', field: 'w', comparator: Comparator.EQ, operands: [1] } as const;
    expect(await source.updateWhere?.(table, condition, { v: 2 }, soon())).toBe(2);
    expect(await all({ condition })).toEqual(['{"_id":"w1","w":1,"v":2}', '{"_id":"w2","w":1,"v":2}']);
    expect(await source.deleteWhere?.(table, condition, soon())).toBe(2);
    expect(await all({ condition })).toEqual([]);
  });

  test('tables come and go', async () => {
    await source.createTable('brief', [], undefined, soon());
    await expect(source.createTable('brief', [], undefined, soon())).rejects.toMatchObject({ code: 'conflict' });
    await source.dropTable('brief', soon());
    expect((await source.tables(soon())).map(({ name }) => name)).not.toContain('brief');
    await expect(source.createTable('a$b', [], undefined, soon())).rejects.toMatchObject({ code: 'invalid' });
  });

  test('what nobody waits for ends', async () => {
    const deadline = soon();
    const pages = source.find({ ...table, name: 'many' }, QUERY, deadline)[Symbol.asyncIterator]();
    await pages.next();
    await pages.return?.(undefined);
  });
});

test('a server that is not there is told of without its name', async () => {
  const source = engine.open(
    { host: '127.0.0.1', port: 1, database: 'd', options: { serverSelectionTimeoutMS: '200' } },
    { dataDir: '.', serviceName: 'm', connectionsMax: 1 },
  );
  const error = await source.tables(soon()).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ code: 'unavailable' });
  expect(String(error)).not.toContain('127.0.0.1');
  await source.close();
});

test.each([
  ['no database', { host: 'h' }, 'database'],
  ['a name with a slash', { host: 'h', database: 'a/b' }, 'database'],
  ['no port', { host: 'h', port: 'x', database: 'd' }, 'port'],
  ['a host with a user', { host: 'u@h', database: 'd' }, 'host'],
])('settings are refused: %s', (_, config, field) => {
  const open = () => engine.open(config, { dataDir: '.', serviceName: 'm', connectionsMax: 1 });
  expect(open).toThrow(expect.objectContaining({ code: 'invalid', context: expect.objectContaining({ field }) }));
});
