import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { JsonNumber, parseJson } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import { type RunningDynamodb, startDynamodb } from '../../../deploy/testing/dynamodb.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, KeyField, NoSqlSource, StoreQuery, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

const soon = () => Deadline.after(20_000);
const field = (name: string, type: KeyField['type']): KeyField => ({ name, type, generated: false });
const compare = (name: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field: name, comparator, operands },
});
const insert = (document: Document): Write => ({ kind: 'insert', document });

suiteWith('dynamodb', 'DynamoDB', () => {
  let server: RunningDynamodb;
  let source: NoSqlSource;
  let orders: StoreTable;
  let things: StoreTable;

  const tableOf = async (name: string): Promise<StoreTable> =>
    (await source.tables(soon())).find((table) => table.name === name) as StoreTable;

  const query = async (table: StoreTable, changes: Partial<StoreQuery>) => {
    const whole = { condition: undefined, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
    const documents: Document[] = [];
    let next: string | undefined;
    for await (const page of source.find(table, { ...whole, ...changes }, soon())) {
      documents.push(...page.documents.map((one) => parseJson(one.json()) as Document));
      next = page.next;
    }
    return { documents, next };
  };

  beforeAll(async () => {
    server = await startDynamodb();
    const { endpoint, region, key, secret } = server;
    source = engine.open({ region, key, secret, endpoint }, { dataDir: '', serviceName: 'dynamo', connectionsMax: 20 });
    await source.createTable('orders', [field('customer', 'string'), field('number', 'number')], undefined, soon());
    await source.createTable('things', [], { BillingMode: 'PAY_PER_REQUEST' }, soon());
    orders = await tableOf('orders');
    await source.createIndex?.(orders, { name: 'by_status', fields: ['status'], unique: false }, soon());
    orders = await tableOf('orders');
    things = await tableOf('things');
    const writes = Array.from({ length: 60 }, (_, n) =>
      insert({ customer: n % 2 ? 'anna' : 'ben', number: n, status: n % 3 ? 'open' : 'paid', total: n / 4 }),
    );
    await source.write(orders, writes, false, soon());
  });
  afterAll(async () => {
    await source?.close();
    await server?.stop();
  });

  test.each([
    ['a unique one', { fields: ['a'], unique: true }],
    ['one of truths', { fields: ['a'], unique: false, types: ['any'] }],
    ['one of a member of a member', { fields: ['a.b'], unique: false }],
    ['one of three fields', { fields: ['a', 'b', 'c'], unique: false }],
  ] as const)('an index that cannot be: %s', (_, index) => {
    expect(() => engine.checkIndex?.({ name: 'i', ...index })).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field: index.fields[0] } }),
    );
  });

  test('an index is of the type that its field has', async () => {
    const things = await tableOf('things');
    await source.createIndex?.(things, { name: 'by_n', fields: ['n'], unique: false, types: ['number'] }, soon());
    const { native } = await tableOf('things');
    expect(native).toMatchObject({
      AttributeDefinitions: expect.arrayContaining([{ AttributeName: 'n', AttributeType: 'N' }]),
    });
    await source.dropIndex?.(things, 'by_n', soon());
    expect((await tableOf('things')).indexes).toEqual([]);
  });

  test('tables as they are there', () => {
    expect(orders).toMatchObject({
      key: [field('customer', 'string'), field('number', 'number')],
      indexes: [{ name: 'by_status', fields: ['status'], unique: false }],
    });
    expect(things.key).toEqual([field('id', 'string')]);
  });

  test('what is written comes back as it was', async () => {
    const document = {
      id: "o'neil",
      nothing: null,
      empty: '',
      yes: true,
      fine: new JsonNumber('0.12345678901234567890123456789012345678'),
      big: new JsonNumber('9007199254740993'),
      bytes: { $binary: 'AAEC/w==' },
      texts: { $set: ['a', 'b'] },
      numbers: { $set: [1, new JsonNumber('9007199254740993')] },
      binaries: { $set: [{ $binary: 'AA==' }] },
      tagLike: { $map: { $set: 'no set' } },
      $where: 'data',
      'dotted.name': { 'a.b': [1, [2, { $gt: 3 }]] },
      constructor: 'data',
    };
    expect(await source.write(things, [insert(document)], false, soon())).toEqual([
      { key: { id: "o'neil" }, created: true },
    ]);
    const [found] = await source.get(things, [["o'neil"]], undefined, soon());
    expect(found?.members()).toEqual(document);
    expect(parseJson(found?.json() as Uint8Array)).toEqual(document);
  });

  const READS: { why: string; condition: Condition; numbers: number[] }[] = [
    {
      why: 'a partition and a range',
      condition: {
        kind: 'all',
        of: [
          compare('customer', Comparator.EQ, 'anna'),
          compare('number', Comparator.GE, 50),
          compare('number', Comparator.LE, 54),
        ],
      },
      numbers: [51, 53],
    },
    {
      why: 'a range the wrong way round',
      condition: {
        kind: 'all',
        of: [compare('customer', Comparator.EQ, 'anna'), compare('number', Comparator.BETWEEN, 54, 50)],
      },
      numbers: [],
    },
    {
      why: 'a key twice',
      condition: {
        kind: 'all',
        of: [compare('customer', Comparator.EQ, 'anna'), compare('number', Comparator.IN, 1, 3, 4)],
      },
      numbers: [1, 3],
    },
    { why: 'another type than that of the key', condition: compare('customer', Comparator.EQ, 5), numbers: [] },
    {
      why: 'an index',
      condition: { kind: 'all', of: [compare('status', Comparator.EQ, 'paid'), compare('number', Comparator.LT, 9)] },
      numbers: [0, 3, 6],
    },
    {
      why: 'a scan with OR and NOT',
      condition: {
        kind: 'any',
        of: [
          compare('total', Comparator.EQ, 0.25),
          {
            kind: 'all',
            of: [{ kind: 'not', of: compare('status', Comparator.EQ, 'open') }, compare('number', Comparator.GT, 55)],
          },
        ],
      },
      numbers: [1, 57],
    },
    {
      why: 'no value',
      condition: compare('nope', Comparator.IS_NULL),
      numbers: Array.from({ length: 60 }, (_, n) => n),
    },
    {
      why: 'a name of the language',
      condition: { kind: 'not', of: compare('status', Comparator.IS_NULL) },
      numbers: Array.from({ length: 60 }, (_, n) => n),
    },
    {
      why: 'more than one expression takes',
      condition: {
        kind: 'all',
        of: [
          compare('total', Comparator.IN, ...Array.from({ length: 900 }, (_, n) => n + 10)),
          compare('number', Comparator.GT, 50),
        ],
      },
      numbers: [52, 56],
    },
  ];
  test.each(READS)('read: $why', async ({ condition, numbers }) => {
    const { documents } = await query(orders, { condition });
    expect(documents.map((one) => one['number']).sort((a, b) => Number(a) - Number(b))).toEqual(numbers);
  });

  test('pages follow each other', async () => {
    const condition = compare('status', Comparator.EQ, 'open');
    const seen: Wire[] = [];
    let after: string | undefined;
    do {
      const page = await query(orders, { condition, limit: 7, after });
      expect(page.documents.length).toBeLessThanOrEqual(7);
      seen.push(...page.documents.map((one) => one['number'] as Wire));
      after = page.next;
    } while (after !== undefined);
    expect(new Set(seen).size).toBe(40);
    expect(seen.length).toBe(40);
  });

  test('a token of another list is refused', async () => {
    await expect(query(orders, { after: 'bm9uZQ' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('keys in their order, twice, missing', async () => {
    const keys = [
      ['anna', 1],
      ['anna', 2],
      ['ben', '2.0'],
      ['anna', 1],
    ];
    const found = await source.get(orders, keys, ['total'], soon());
    expect(found.map((one) => one?.members()['total'])).toEqual([0.25, undefined, 0.5, 0.25]);
  });

  test('a thousand writes, of which bad ones fail alone', async () => {
    const writes: Write[] = Array.from({ length: 1000 }, (_, n) => ({
      ...{ kind: 'replace', key: [`bulk-${n}`], upsert: true },
      document: { n, text: n === 500 ? 'x'.repeat(450_000) : 'short' },
    }));
    writes.push(
      { kind: 'replace', key: [''], upsert: true, document: {} },
      { kind: 'replace', key: ['bulk-1'], upsert: true, document: { n: -1 } },
    );
    const outcomes = await source.write(things, writes, false, soon());
    const failed = outcomes.flatMap((one, n) => ('error' in one ? [[n, one.error.code]] : []));
    expect(failed).toEqual([
      [500, 'invalid'],
      [1000, 'invalid'],
    ]);
    const [last] = await source.get(things, [['bulk-1']], undefined, soon());
    expect(last?.members()).toEqual({ id: 'bulk-1', n: -1 });
  });

  const conditional: { why: string; write: Write; outcome: object }[] = [
    {
      why: 'insert of what is there',
      write: insert({ customer: 'anna', number: 1 }),
      outcome: { error: { code: 'conflict' } },
    },
    {
      why: 'replace of nothing',
      write: { kind: 'replace', key: ['nobody', 1], document: {}, upsert: false },
      outcome: { missing: true },
    },
    {
      why: 'merge into nothing',
      write: { kind: 'merge', key: ['nobody', 1], members: { a: 1 }, upsert: false },
      outcome: { missing: true },
    },
    {
      why: 'merge makes one',
      write: { kind: 'merge', key: ['new', 1], members: { 'a.b': 1, size: null }, upsert: true },
      outcome: { created: true },
    },
    { why: 'delete of nothing', write: { kind: 'delete', key: ['nobody', 1] }, outcome: { missing: true } },
    {
      why: 'a condition that holds',
      write: {
        kind: 'merge',
        key: ['anna', 1],
        members: { note: 'x' },
        upsert: false,
        onlyIf: compare('status', Comparator.EQ, 'open'),
      },
      outcome: { created: false },
    },
    {
      why: 'a condition that does not hold',
      write: { kind: 'delete', key: ['anna', 1], onlyIf: compare('status', Comparator.EQ, 'paid') },
      outcome: { missing: true },
    },
    {
      why: 'a key of the wrong type',
      write: { kind: 'delete', key: ['anna', 'one'] },
      outcome: { error: { code: 'invalid' } },
    },
    {
      why: 'a number that would be rounded',
      write: { kind: 'merge', key: ['anna', 1], members: { n: new JsonNumber('1e400') }, upsert: false },
      outcome: { error: { code: 'invalid' } },
    },
    {
      why: 'a name that cannot be',
      write: { kind: 'merge', key: ['anna', 1], members: JSON.parse('{"__proto__":1}'), upsert: false },
      outcome: { error: { code: 'invalid' } },
    },
  ];
  test.each(conditional)('write: $why', async ({ write, outcome }) => {
    expect(await source.write(orders, [write], true, soon())).toMatchObject([outcome]);
  });

  describe('all or none', () => {
    test('all', async () => {
      const writes = [insert({ customer: 'tx', number: 1 }), insert({ customer: 'ty', number: 2 })];
      expect(await source.writeTogether?.(orders, writes, soon())).toHaveLength(2);
      expect(
        await source.get(
          orders,
          [
            ['tx', 1],
            ['ty', 2],
          ],
          undefined,
          soon(),
        ),
      ).not.toContain(undefined);
    });

    test('none', async () => {
      const writes: Write[] = [
        insert({ customer: 'tz', number: 1 }),
        { kind: 'merge', key: ['tz', 2], members: { a: 1 }, upsert: true },
        insert({ customer: 'ben', number: 2 }),
        insert({ customer: 'tz', number: 3 }),
      ];
      const outcomes = await source.writeTogether?.(orders, writes, soon());
      expect(outcomes).toHaveLength(3);
      expect(outcomes?.[2]).toMatchObject({ error: { code: 'conflict' } });
      expect(
        await source.get(
          orders,
          [
            ['tz', 1],
            ['tz', 2],
            ['tz', 3],
          ],
          undefined,
          soon(),
        ),
      ).toEqual([undefined, undefined, undefined]);
    });
  });

  test('a table that is not there', async () => {
    const gone = { ...orders, name: 'gone' };
    await expect(query(gone, {})).rejects.toMatchObject({ code: 'not_found' });
    await expect(source.dropTable('gone', soon())).rejects.toMatchObject({ code: 'not_found' });
    await expect(source.createTable('orders', [], undefined, soon())).rejects.toMatchObject({ code: 'conflict' });
  });
});
