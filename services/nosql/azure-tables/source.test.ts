import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { JsonNumber, parseJson } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import { type RunningAzurite, startAzurite } from '../../../deploy/testing/azurite.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, NoSqlSource, StoreQuery, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

const soon = () => Deadline.after(30_000);
const compare = (name: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field: name, comparator, operands },
});
const all = (...of: Condition[]): Condition => ({ kind: 'all', of });
const any = (...of: Condition[]): Condition => ({ kind: 'any', of });
const insert = (document: Document): Write => ({ kind: 'insert', document });
const at = (partition: string, row: string, more: Document = {}): Document => ({
  ...{ PartitionKey: partition, RowKey: row },
  ...more,
});
const { EQ, GT, LT, IN, BETWEEN, STARTS_WITH } = Comparator;

let server: RunningAzurite;
let source: NoSqlSource;
let orders: StoreTable;
let things: StoreTable;

const query = async (table: StoreTable, changes: Partial<StoreQuery>) => {
  const whole = { condition: undefined, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
  const documents: Document[] = [];
  let next: string | undefined;
  let behind: ((index: number) => string) | undefined;
  for await (const page of source.find(table, { ...whole, ...changes }, soon())) {
    documents.push(...page.documents.map((one) => parseJson(one.json()) as Document));
    next = page.next;
    behind = page.behind;
  }
  return { documents, next, behind };
};
const get = async (table: StoreTable, ...keys: [string, string][]) =>
  (await source.get(table, keys, undefined, soon())).map((one) => {
    const { Timestamp, ...members } = one?.members() ?? {};
    return one && members;
  });

beforeAll(async () => {
  server = await startAzurite('table');
  const { account, key, endpoint } = server;
  const config = { account_name: account, account_key: key, endpoint };
  source = engine.open(config, { dataDir: '', serviceName: 'tables', connectionsMax: 20 });
  await source.createTable('orders', [], undefined, soon());
  await source.createTable('things', [], undefined, soon());
  const tables = await source.tables(soon());
  orders = tables.find(({ name }) => name === 'orders') as StoreTable;
  things = tables.find(({ name }) => name === 'things') as StoreTable;
  const writes = Array.from({ length: 60 }, (_, n) =>
    insert(
      at(n % 2 ? 'anna' : 'ben', String(n).padStart(3, '0'), {
        ...{ n, status: n % 3 ? 'open' : 'paid', total: n / 4, big: { $int64: n } },
        ...(n % 2 && { day: { $date: `2024-01-${String((n % 28) + 1).padStart(2, '0')}` } }),
      }),
    ),
  );
  expect((await source.write(orders, writes, false, soon())).every((one) => 'key' in one)).toBe(true);
});
afterAll(async () => {
  await source?.close();
  await server?.stop();
});

test('tables as they are there', () => {
  const key = (name: string) => ({ name, type: 'string', generated: false });
  expect(orders).toEqual({ name: 'orders', key: [key('PartitionKey'), key('RowKey')], indexes: [], native: null });
});

describe('values', () => {
  const document = {
    PartitionKey: "o'neil & söhne",
    RowKey: '100% +é',
    empty: '',
    yes: true,
    no: false,
    small: -5,
    large: 2 ** 40,
    huge: new JsonNumber('9007199254740993'),
    fraction: 0.1,
    tiny: 1e-300,
    bytes: { $binary: 'AAEC/w==' },
    day: { $date: '2024-02-29T12:00:00.1234567Z' },
    id: { $uuid: '0b5d0f3e-7f6a-4c55-9a63-0f8d5e1c2a3b' },
    text: '$where \u{1f600} "quoted" \n',
    größe: 1,
  };

  test('come back as they were', async () => {
    const key = { PartitionKey: document.PartitionKey, RowKey: document.RowKey };
    const outcomes = await source.write(things, [insert({ ...document, nothing: null })], false, soon());
    expect(outcomes).toEqual([{ key, created: true }]);
    const [found] = await source.get(things, [[key.PartitionKey, key.RowKey]], undefined, soon());
    const { Timestamp, ...members } = found?.members() ?? {};
    expect(members).toEqual(document);
    expect(parseJson(found?.json() as Uint8Array)).toEqual({ ...document, Timestamp });
    expect(Timestamp).toEqual({ $date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/) });
    const { documents } = await query(things, { condition: compare('PartitionKey', EQ, key.PartitionKey) });
    expect(documents).toEqual([{ ...document, Timestamp }]);
  });

  test('a member becomes null, and the others stay as they are', async () => {
    const key = [document.PartitionKey, document.RowKey];
    const write: Write = { kind: 'merge', key, members: { yes: null, small: 6, none: null }, upsert: false };
    expect(await source.write(things, [write], false, soon())).toMatchObject([{ created: false }]);
    const { yes, ...others } = document;
    expect(await get(things, [key[0] as string, key[1] as string])).toEqual([{ ...others, small: 6 }]);
  });
});

describe('reads', () => {
  const numbers = (found: (n: number) => boolean) => Array.from({ length: 60 }, (_, n) => n).filter(found);
  const READS: { why: string; condition: Condition; found: (n: number) => boolean }[] = [
    {
      why: 'a partition and a range',
      condition: all(compare('PartitionKey', EQ, 'anna'), compare('RowKey', BETWEEN, '050', '054')),
      found: (n) => n === 51 || n === 53,
    },
    { why: 'a date', condition: compare('day', LT, { $date: '2024-01-03' }), found: (n) => n % 2 === 1 && n % 28 < 2 },
    { why: 'a prefix', condition: compare('RowKey', STARTS_WITH, '04'), found: (n) => n >= 40 && n < 50 },
    {
      why: 'OR of AND',
      condition: any(all(compare('status', EQ, 'paid'), compare('RowKey', GT, '055')), compare('RowKey', EQ, '000')),
      found: (n) => n === 57 || n === 0,
    },
    { why: 'a quote', condition: compare('status', EQ, "open' or RowKey ge '"), found: () => false },
    { why: 'nothing', condition: any(), found: () => false },
    { why: 'a field that nobody has', condition: compare('nope', EQ, 'x'), found: () => false },
    {
      why: 'more than one filter takes',
      condition: all(
        compare('PartitionKey', EQ, 'ben'),
        compare('RowKey', IN, ...Array.from({ length: 40 }, (_, i) => `0${2 * i + 20}`)),
        compare('status', EQ, 'paid'),
      ),
      found: (n) => n % 2 === 0 && n >= 20 && n % 3 === 0,
    },
  ];
  test.each(READS)('$why', async ({ condition, found }) => {
    const { documents } = await query(orders, { condition });
    expect(documents.map((one) => Number(one['n'])).sort((a, b) => a - b)).toEqual(numbers(found));
  });

  test('some fields, and the key in any case', async () => {
    const { documents } = await query(orders, { fields: ['n', 'day'], limit: 1 });
    expect(documents).toEqual([at('anna', '001', { n: 1, day: { $date: '2024-01-02T00:00:00.0000000Z' } })]);
    const [one] = await source.get(orders, [['ben', '000']], ['n', 'day'], soon());
    expect(one?.members()).toEqual(at('ben', '000', { n: 0 }));
  });

  test.each([undefined, compare('status', EQ, 'open')])('pages follow each other by key: %j', async (condition) => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await query(orders, { condition, limit: 7, after });
      expect(page.documents.length).toBeLessThanOrEqual(7);
      seen.push(...page.documents.map((one) => `${one['PartitionKey']} ${one['RowKey']}`));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(seen.toSorted());
    expect([new Set(seen).size, seen.length]).toEqual(condition ? [40, 40] : [60, 60]);
  });

  test('behind any document of a page', async () => {
    const { documents, behind } = await query(orders, { limit: 35 });
    for (const place of [0, 28, 29, 30]) {
      const { documents: others } = await query(orders, { after: behind?.(place) });
      expect(others).toHaveLength(59 - place);
      if (documents[place + 1]) expect(others[0]).toEqual(documents[place + 1]);
    }
  });

  test('a token that is none', async () => {
    await expect(query(orders, { after: 'bm9uZQ' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('keys in their order, twice, missing', async () => {
    const keys = [
      ['anna', '001'],
      ['anna', '002'],
      ['ben', '002'],
      ['anna', '001'],
    ];
    const found = await source.get(orders, keys, ['n'], soon());
    expect(found.map((one) => one?.members()['n'])).toEqual([1, undefined, 2, 1]);
  });

  test('a sample', async () => {
    expect(await source.sample(orders, 5, soon())).toHaveLength(5);
  });
});

describe('writes', () => {
  const SINGLE: { why: string; write: Write; outcome: object }[] = [
    { why: 'insert of what is there', write: insert(at('anna', '001')), outcome: { error: { code: 'conflict' } } },
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
    { why: 'delete of nothing', write: { kind: 'delete', key: ['no', '1'] }, outcome: { missing: true } },
    {
      why: 'merge makes one',
      write: { kind: 'merge', key: ['new', '1'], members: { a: 1, b: null }, upsert: true },
      outcome: { created: true },
    },
    {
      why: 'replace makes one',
      write: { kind: 'replace', key: ['new', '2'], document: at('new', '2', { a: 1 }), upsert: true },
      outcome: { created: true },
    },
    {
      why: 'replace of what is there',
      write: { kind: 'replace', key: ['new', '2'], document: { b: 1 }, upsert: true },
      outcome: { created: false, key: at('new', '2') },
    },
    { why: 'delete', write: { kind: 'delete', key: ['new', '2'] }, outcome: { key: at('new', '2') } },
    {
      why: 'no key',
      write: insert({ PartitionKey: 'a' }),
      outcome: { error: { code: 'invalid', context: { field: 'RowKey' } } },
    },
    {
      why: 'a key with a slash',
      write: insert(at('a/b', '1')),
      outcome: { error: { code: 'invalid', context: { field: 'PartitionKey' } } },
    },
    {
      why: 'an object for a key',
      write: { kind: 'delete', key: [{ $gt: '' }, '1'] },
      outcome: { error: { code: 'invalid' } },
    },
    {
      why: 'an object',
      write: insert(at('a', '1', { a: { b: 1 } })),
      outcome: { error: { code: 'invalid', context: { field: 'a' } } },
    },
    {
      why: 'a name with a dot',
      write: insert(at('a', '1', { 'a.b': 1 })),
      outcome: { error: { code: 'invalid', context: { field: 'a.b' } } },
    },
    {
      why: 'a name with $',
      write: insert(at('a', '1', { $a: 1 })),
      outcome: { error: { code: 'invalid', context: { field: '$a' } } },
    },
    {
      why: 'a name of the protocol',
      write: insert(at('a', '1', { 'odata.etag': 1 })),
      outcome: { error: { code: 'invalid' } },
    },
    {
      why: 'a name of the client',
      write: insert(at('a', '1', { etag: 1 })),
      outcome: { error: { code: 'invalid', context: { field: 'etag' } } },
    },
    {
      why: 'a name of the prototype',
      write: { kind: 'merge', key: ['a', '1'], members: JSON.parse('{"__proto__":1}'), upsert: true },
      outcome: { error: { code: 'invalid' } },
    },
    {
      why: 'a text that is too large',
      write: insert(at('a', '1', { a: 'x'.repeat(40_000) })),
      outcome: { error: { code: 'invalid' } },
    },
  ];
  test.each(SINGLE)('$why', async ({ write, outcome }) => {
    expect(await source.write(orders, [write], true, soon())).toMatchObject([outcome]);
  });

  test('a version that is no longer there', async () => {
    await source.write(things, [insert(at('v', '1', { a: 1 }))], true, soon());
    const [before] = await source.get(things, [['v', '1']], undefined, soon());
    const guarded = (members: Document): Write => ({
      ...{ kind: 'merge', key: ['v', '1'], members, upsert: false },
      ...(before?.version !== undefined && { version: before.version }),
    });
    expect(before?.version).toBeTruthy();
    expect(await source.write(things, [guarded({ a: 2 })], true, soon())).toMatchObject([{ created: false }]);
    for (const members of [{ a: 3 }, { a: null }] as Document[]) {
      expect(await source.write(things, [guarded(members)], true, soon())).toMatchObject([
        { error: { code: 'conflict' } },
      ]);
    }
    const remove = { kind: 'delete' as const, key: ['v', '1'], ...(before?.version && { version: before.version }) };
    expect(await source.write(things, [remove], false, soon())).toMatchObject([{ error: { code: 'conflict' } }]);
    expect(await source.writeTogether?.(things, [remove], soon())).toMatchObject([{ error: { code: 'conflict' } }]);
    expect(await get(things, ['v', '1'])).toEqual([at('v', '1', { a: 2 })]);
  });

  test('hundreds at once, of which bad ones fail alone', async () => {
    const writes: Write[] = Array.from({ length: 450 }, (_, n) => insert(at(`bulk${n % 2}`, String(n), { n })));
    writes.push(insert(at('bulk0', '0')), insert(at('bulk0', '')), insert(at('bulk1', 'x', { n: [1] })));
    await source.write(things, [insert(at('bulk1', '77'))], false, soon());
    const outcomes = await source.write(things, writes, false, soon());
    const failed = outcomes.flatMap((one, n) => ('error' in one ? [[n, one.error.code]] : []));
    expect(failed).toEqual([
      [77, 'conflict'],
      [450, 'conflict'],
      [452, 'invalid'],
    ]);
    expect((await query(things, { condition: compare('PartitionKey', EQ, 'bulk1') })).documents).toHaveLength(225);
  });

  test('in order, up to the first that fails', async () => {
    const writes = ['1', '2', '3', '2', '4'].map((row) => insert(at('ordered', row)));
    const outcomes = await source.write(things, writes, true, soon());
    expect(outcomes).toHaveLength(4);
    expect(outcomes[3]).toMatchObject({ error: { code: 'conflict' } });
    expect(await get(things, ['ordered', '3'], ['ordered', '4'])).toEqual([at('ordered', '3'), undefined]);
    const others = [insert(at('ordered', '5')), insert(at('ordered', '1')), insert(at('ordered', '6'))];
    expect(await source.write(things, others, true, soon())).toMatchObject([{ created: true }, { error: {} }]);
    expect(await get(things, ['ordered', '5'], ['ordered', '6'])).toEqual([at('ordered', '5'), undefined]);
  });

  test('all or none', async () => {
    const writes: Write[] = [
      insert(at('tx', '1', { a: 1, b: 2 })),
      insert(at('tx', '2')),
      { kind: 'merge', key: ['tx', '3'], members: { a: 1 }, upsert: true },
    ];
    expect(await source.writeTogether?.(things, writes, soon())).toHaveLength(3);
    const more: Write[] = [
      { kind: 'merge', key: ['tx', '1'], members: { a: null }, upsert: false },
      { kind: 'delete', key: ['tx', '2'] },
      { kind: 'replace', key: ['tx', '4'], document: {}, upsert: false },
      insert(at('tx', '5')),
    ];
    const outcomes = await source.writeTogether?.(things, more, soon());
    expect(outcomes).toHaveLength(3);
    expect(outcomes?.[2]).toEqual({ missing: true });
    const rows = ['1', '2', '3', '4', '5'].map((row): [string, string] => ['tx', row]);
    const before = [at('tx', '1', { a: 1, b: 2 }), at('tx', '2'), at('tx', '3', { a: 1 }), undefined, undefined];
    expect(await get(things, ...rows)).toEqual(before);
    expect(await source.writeTogether?.(things, more.slice(0, 2), soon())).toHaveLength(2);
    expect(await get(things, ...rows)).toEqual([
      at('tx', '1', { b: 2 }),
      undefined,
      at('tx', '3', { a: 1 }),
      undefined,
      undefined,
    ]);
  });
});

describe('tables', () => {
  test('one that is not there', async () => {
    const gone = { ...orders, name: 'gone' };
    await expect(query(gone, {})).rejects.toMatchObject({ code: 'not_found' });
    await expect(source.get(gone, [['a', 'b']], undefined, soon())).rejects.toMatchObject({ code: 'not_found' });
    expect(await source.write(gone, [insert(at('a', 'b'))], false, soon())).toMatchObject([
      { error: { code: 'not_found' } },
    ]);
    await expect(source.dropTable('gone', soon())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('one that is there already', async () => {
    await expect(source.createTable('orders', [], undefined, soon())).rejects.toMatchObject({ code: 'conflict' });
  });

  const REFUSED = ['', 'ab', '1abc', 'a-b-c', 'tables', "a'b'c", 'x'.repeat(64)];
  test.each(REFUSED)("no table '%s'", async (name) => {
    await expect(source.createTable(name, [], undefined, soon())).rejects.toMatchObject({ code: 'invalid' });
  });

  test('no key of another name', async () => {
    const key = [{ name: 'id', type: 'string', generated: false }] as const;
    await expect(source.createTable('fine', key, undefined, soon())).rejects.toMatchObject({ code: 'invalid' });
  });

  test('one comes and goes', async () => {
    await source.createTable('fleeting', [], undefined, soon());
    await source.dropTable('fleeting', soon());
    expect((await source.tables(soon())).map(({ name }) => name)).not.toContain('fleeting');
  });
});
