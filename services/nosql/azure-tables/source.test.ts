import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { JsonNumber, parseJson } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import { type RunningAzurite, startAzurite } from '../../../deploy/testing/azurite.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, NoSqlSource, StoreQuery, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

const soon = () => Deadline.after(20_000);
const compare = (name: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field: name, comparator, operands },
});
const insert = (PartitionKey: string, RowKey: string, members: Document = {}): Write => ({
  kind: 'insert',
  document: { PartitionKey, RowKey, ...members },
});

let server: RunningAzurite;
let source: NoSqlSource;
let table: StoreTable;

const query = async (changes: Partial<StoreQuery>, of = table) => {
  const whole = { condition: undefined, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
  const documents: Document[] = [];
  let next: string | undefined;
  for await (const page of source.find(of, { ...whole, ...changes }, soon())) {
    documents.push(...page.documents.map((one) => parseJson(one.json()) as Document));
    next = page.next;
  }
  return { documents, next };
};
const rowsOf = (documents: readonly Document[]) => documents.map((one) => one['RowKey']);

beforeAll(async () => {
  server = await startAzurite('table');
  const config = { account_name: server.account, account_key: server.key, protocol: 'http', endpoint: server.endpoint };
  source = engine.open(config, { dataDir: '', serviceName: 'azure', connectionsMax: 20 });
  await source.createTable('Orders', [], undefined, soon());
  table = (await source.tables(soon())).find(({ name }) => name === 'Orders') as StoreTable;
  const writes = Array.from({ length: 40 }, (_, n) =>
    insert(n % 2 ? 'anna' : 'ben', String(n).padStart(3, '0'), { status: n % 3 ? 'open' : "o'paid", total: n / 4 }),
  );
  await source.write(table, writes, false, soon());
});
afterAll(async () => {
  await source?.close();
  await server?.stop();
});

test('what is written comes back as it was', async () => {
  const members: Document = {
    text: "it's",
    empty: '',
    yes: true,
    int: 5,
    big: 5_000_000_000,
    huge: new JsonNumber('9223372036854775807'),
    long: new JsonNumber('5'),
    whole: new JsonNumber('5.0'),
    vast: new JsonNumber('1e+100'),
    fraction: 0.1,
    nan: { $double: 'NaN' },
    date: { $date: '2024-01-31T10:00:00.1234567Z' },
    uuid: { $uuid: '12345678-1234-1234-1234-1234567890ab' },
    bytes: { $binary: 'AAEC/w==' },
  };
  const { Timestamp, ...whole } = await written(members);
  expect(whole).toEqual({ PartitionKey: 'types', RowKey: 'one', ...members });
  expect(Timestamp).toEqual({ $date: expect.stringMatching(/^\d{4}-.*\.\d{7}Z$/) });
});

async function written(members: Document): Promise<Document> {
  await source.write(table, [insert('types', 'one', members)], true, soon());
  const [found] = await source.get(table, [['types', 'one']], undefined, soon());
  await source.write(table, [{ kind: 'delete', key: ['types', 'one'] }], true, soon());
  return { ...(found?.members() as Document) };
}

const SPELLED = [
  { given: { $int64: '5' }, json: '5' },
  { given: { $double: 5 }, json: '5.0' },
  { given: { $date: '2024-01-31' }, json: '{"$date":"2024-01-31T00:00:00.0000000Z"}' },
  { given: { $date: '2024-01-31T10:00:00+02:00' }, json: '{"$date":"2024-01-31T08:00:00.0000000Z"}' },
];
test.each(SPELLED)('$given as a client may say it', async ({ given, json }) => {
  await source.write(table, [insert('types', 'two', { it: given })], true, soon());
  const [found] = await source.get(table, [['types', 'two']], ['it'], soon());
  await source.write(table, [{ kind: 'delete', key: ['types', 'two'] }], true, soon());
  expect(Buffer.from(found?.json(['it']) ?? []).toString()).toBe(`{"it":${json}}`);
});

const READS: { why: string; condition: Condition; rows: string[] }[] = [
  {
    why: 'a partition and a range of rows',
    condition: {
      kind: 'all',
      of: [compare('PartitionKey', Comparator.EQ, 'anna'), compare('RowKey', Comparator.BETWEEN, '003', '006')],
    },
    rows: ['003', '005'],
  },
  {
    why: 'a key that may be a number',
    condition: {
      kind: 'all',
      of: [compare('PartitionKey', Comparator.EQ, 'anna'), compare('RowKey', Comparator.IN, '003', 3)],
    },
    rows: ['003'],
  },
  { why: 'a key that is none', condition: compare('RowKey', Comparator.EQ, 3), rows: [] },
  {
    why: 'a quote, and OR',
    condition: {
      kind: 'any',
      of: [
        { kind: 'all', of: [compare('status', Comparator.EQ, "o'paid"), compare('RowKey', Comparator.LT, '005')] },
        compare('RowKey', Comparator.EQ, '039'),
      ],
    },
    rows: ['003', '039', '000'],
  },
  {
    why: 'more comparisons than Azure takes',
    condition: {
      kind: 'all',
      of: [
        compare('RowKey', Comparator.IN, ...Array.from({ length: 14 }, (_, n) => String(n).padStart(3, '0'))),
        compare('status', Comparator.IN, "o'paid", 'x', 'y'),
      ],
    },
    rows: ['003', '009', '000', '006', '012'],
  },
  {
    why: 'a date that is nowhere',
    condition: compare('status', Comparator.EQ, { $date: '2024-01-31T00:00:00Z' }),
    rows: [],
  },
];
test.each(READS)('read: $why', async ({ condition, rows }) => {
  expect(rowsOf((await query({ condition })).documents)).toEqual(rows);
});

test('pages follow each other, by the store’s token and behind a document', async () => {
  const all = rowsOf((await query({})).documents);
  const seen: Wire[] = [];
  let after: string | undefined;
  do {
    const page = await query({ limit: 7, after });
    seen.push(...(rowsOf(page.documents) as Wire[]));
    after = page.next;
  } while (after !== undefined);
  expect(seen).toEqual(all);
  const whole = { condition: undefined, order: [], offset: 0, limit: 9, fields: undefined, after: undefined };
  for await (const page of source.find(table, whole, soon())) after = page.behind?.(4);
  expect(rowsOf((await query({ after })).documents)).toEqual(all.slice(5));
});

test('keys in their order, twice, missing, and only some fields', async () => {
  const keys = [
    ['anna', '001'],
    ['anna', '002'],
    ['ben', '002'],
    ['anna', '001'],
  ];
  const found = await source.get(table, keys, ['total'], soon());
  expect(found.map((one) => one?.members()['total'])).toEqual([0.25, undefined, 0.5, 0.25]);
  expect(found[0]?.members()['status']).toBeUndefined();
});

const WRITES: { why: string; write: Write; outcome: object }[] = [
  { why: 'insert of what is there', write: insert('anna', '001'), outcome: { error: { code: 'conflict' } } },
  {
    why: 'replace of nothing',
    write: { kind: 'replace', key: ['no', '1'], document: {}, upsert: false },
    outcome: { missing: true },
  },
  {
    why: 'merge into nothing',
    write: { kind: 'merge', key: ['no', '1'], members: { a: 1 }, upsert: false },
    outcome: { missing: true },
  },
  {
    why: 'merge of null into nothing',
    write: { kind: 'merge', key: ['no', '1'], members: { a: null }, upsert: false },
    outcome: { missing: true },
  },
  {
    why: 'merge of null makes one',
    write: { kind: 'merge', key: ['made', '1'], members: { a: null, b: 1 }, upsert: true },
    outcome: { created: true },
  },
  { why: 'delete of nothing', write: { kind: 'delete', key: ['no', '1'] }, outcome: { missing: true } },
  {
    why: 'a condition that holds',
    write: {
      kind: 'merge',
      key: ['anna', '001'],
      members: { note: 'x' },
      upsert: false,
      onlyIf: compare('total', Comparator.LT, 1),
    },
    outcome: { created: false },
  },
  {
    why: 'a condition that does not',
    write: { kind: 'delete', key: ['anna', '001'], onlyIf: compare('total', Comparator.GT, 1) },
    outcome: { missing: true },
  },
  {
    why: 'another version',
    write: { kind: 'delete', key: ['anna', '001'], version: 'W/"other"' },
    outcome: { error: { code: 'conflict' } },
  },
  { why: 'a list', write: insert('bad', '1', { list: [1] }), outcome: { error: { code: 'invalid' } } },
  { why: 'an object', write: insert('bad', '1', { object: { $gt: '' } }), outcome: { error: { code: 'invalid' } } },
  {
    why: 'a name that is an operator',
    write: insert('bad', '1', { $set: 1 }),
    outcome: { error: { code: 'invalid' } },
  },
  { why: 'a name with dots', write: insert('bad', '1', { 'a.b': 1 }), outcome: { error: { code: 'invalid' } } },
  {
    why: 'a prototype',
    write: insert('bad', '1', JSON.parse('{"__proto__":1}')),
    outcome: { error: { code: 'invalid' } },
  },
  {
    why: 'a number of more bits',
    write: insert('bad', '1', { n: new JsonNumber('0.10000000000000000001') }),
    outcome: { error: { code: 'invalid' } },
  },
  {
    why: 'no partition key',
    write: { kind: 'insert', document: { RowKey: '1' } },
    outcome: { error: { code: 'invalid' } },
  },
  { why: 'a key with a slash', write: insert('a/b', '1'), outcome: { error: { code: 'invalid' } } },
  {
    why: 'a text that is too long',
    write: insert('bad', '1', { text: 'x'.repeat(40_000) }),
    outcome: { error: { code: 'invalid' } },
  },
];
test.each(WRITES)('write: $why', async ({ write, outcome }) => {
  expect(await source.write(table, [write], true, soon())).toMatchObject([outcome]);
});

test('null takes a value away, and leaves the others', async () => {
  await source.write(table, [insert('null', '1', { a: 1, b: new JsonNumber('2.0') })], true, soon());
  await source.write(
    table,
    [{ kind: 'merge', key: ['null', '1'], members: { a: null, c: 3 }, upsert: false }],
    true,
    soon(),
  );
  const [found] = await source.get(table, [['null', '1']], undefined, soon());
  const { Timestamp: _, ...members } = found?.members() ?? {};
  expect(members).toEqual({ PartitionKey: 'null', RowKey: '1', b: new JsonNumber('2.0'), c: 3 });
});

test('many writes, of which bad ones fail alone', async () => {
  const writes: Write[] = Array.from({ length: 250 }, (_, n) => insert('bulk', String(n), { n }));
  writes.push(insert('bulk', '7'), insert('bulk', '', { list: [] }), insert('anna', '001'));
  const outcomes = await source.write(table, writes, false, soon());
  const failed = outcomes.flatMap((one, n) => ('error' in one ? [[n, one.error.code]] : []));
  expect(failed).toEqual([
    [250, 'conflict'],
    [251, 'invalid'],
    [252, 'conflict'],
  ]);
  const { documents } = await query({ condition: compare('PartitionKey', Comparator.EQ, 'bulk') });
  expect(documents).toHaveLength(250);
});

describe('all or none', () => {
  test('all', async () => {
    const writes: Write[] = [
      insert('anna', 'a'),
      { kind: 'merge', key: ['anna', '001'], members: { note: null }, upsert: false },
      { kind: 'delete', key: ['anna', '003'] },
    ];
    expect(await source.writeTogether?.(table, writes, soon())).toHaveLength(3);
    const found = await source.get(
      table,
      [
        ['anna', 'a'],
        ['anna', '003'],
      ],
      undefined,
      soon(),
    );
    expect(found.map((one) => one !== undefined)).toEqual([true, false]);
  });

  test('none', async () => {
    const outcomes = await source.writeTogether?.(table, [insert('anna', 'c'), insert('anna', '001')], soon());
    expect(outcomes).toMatchObject([{ key: { RowKey: 'c' } }, { error: { code: 'conflict' } }]);
    expect(await source.get(table, [['anna', 'c']], undefined, soon())).toEqual([undefined]);
  });
});

test('a table that is not there, and one that is', async () => {
  const gone = { ...table, name: `T${randomUUID().replaceAll('-', '')}` };
  await expect(query({}, gone)).rejects.toMatchObject({ code: 'not_found' });
  await expect(source.get(gone, [['a', 'b']], undefined, soon())).rejects.toMatchObject({ code: 'not_found' });
  await expect(source.dropTable(gone.name, soon())).rejects.toMatchObject({ code: 'not_found' });
  await expect(source.createTable('Orders', [], undefined, soon())).rejects.toMatchObject({ code: 'conflict' });
  await expect(source.createTable('no-name', [], undefined, soon())).rejects.toMatchObject({ code: 'invalid' });
});
