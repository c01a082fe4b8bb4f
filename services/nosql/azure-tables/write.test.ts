/** Writes that travel together, and what becomes of each of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { type RunningAzurite, startAzurite } from '../../../deploy/testing/azurite.ts';
import type { Document } from '../document.ts';
import type { NoSqlSource, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

const soon = () => Deadline.after(30_000);
const insert = (document: Document): Write => ({ kind: 'insert', document });
const at = (partition: string, row: string, more: Document = {}): Document => ({
  ...{ PartitionKey: partition, RowKey: row },
  ...more,
});

let server: RunningAzurite;
let source: NoSqlSource;
let table: StoreTable;

const present = async (...keys: [string, string][]): Promise<boolean[]> =>
  (await source.get(table, keys, undefined, soon())).map((one) => one !== undefined);

beforeAll(async () => {
  server = await startAzurite('table');
  const config = { account_name: server.account, account_key: server.key, endpoint: server.endpoint };
  source = engine.open(config, { dataDir: '', serviceName: 'tables', connectionsMax: 8 });
  await source.createTable('things', [], undefined, soon());
  [table] = (await source.tables(soon())) as [StoreTable];
});
afterAll(async () => {
  await source?.close();
  await server?.stop();
});

test('hundreds at once, of which bad ones fail alone', async () => {
  await source.write(table, [insert(at('bulk1', '77'))], false, soon());
  const writes = Array.from({ length: 450 }, (_, n) => insert(at(`bulk${n % 2}`, String(n), { n })));
  writes.push(insert(at('bulk0', '0')), insert(at('bulk0', '')), insert(at('bulk1', 'x', { n: [1] })));
  const outcomes = await source.write(table, writes, false, soon());
  const failed = outcomes.flatMap((one, n) => ('error' in one ? [[n, one.error.code]] : []));
  expect(failed).toEqual([
    [77, 'conflict'],
    [450, 'conflict'],
    [452, 'invalid'],
  ]);
});

test('in order, up to the first that fails', async () => {
  const rows = ['1', '2', '3', '2', '4'];
  const outcomes = await source.write(
    table,
    rows.map((row) => insert(at('ordered', row))),
    true,
    soon(),
  );
  expect(outcomes).toMatchObject([{ created: true }, { created: true }, { created: true }, { error: {} }]);
  expect(await present(['ordered', '3'], ['ordered', '4'])).toEqual([true, false]);
  const others = [insert(at('ordered', '5')), insert(at('ordered', '1')), insert(at('ordered', '6'))];
  expect(await source.write(table, others, true, soon())).toMatchObject([{ created: true }, { error: {} }]);
  expect(await present(['ordered', '5'], ['ordered', '6'])).toEqual([true, false]);
});

test('in order, up to one that is bad by itself', async () => {
  const writes = [insert(at('bad', '1')), insert(at('bad', '2')), insert(at('bad', 'a/b')), insert(at('bad', '3'))];
  const outcomes = await source.write(table, writes, true, soon());
  expect(outcomes).toMatchObject([{ created: true }, { created: true }, { error: { code: 'invalid' } }]);
  expect(await present(['bad', '2'], ['bad', '3'])).toEqual([true, false]);
});

test('hundreds in order, over several partitions', async () => {
  const writes = Array.from({ length: 250 }, (_, n) => insert(at(n < 220 ? 'long' : 'short', String(n))));
  const outcomes = await source.write(table, writes, true, soon());
  expect(outcomes).toHaveLength(250);
  expect(outcomes.every((one) => 'key' in one && one.created)).toBe(true);
});

test('several of one record keep their order', async () => {
  const writes: Write[] = [
    insert(at('same', '1', { a: 1 })),
    { kind: 'merge', key: ['same', '1'], members: { b: 2 }, upsert: false },
    { kind: 'replace', key: ['same', '1'], document: { c: 3 }, upsert: false },
    insert(at('same', '2')),
  ];
  const outcomes = await source.write(table, writes, false, soon());
  expect(outcomes.map((one) => 'key' in one && one.created)).toEqual([true, false, false, true]);
  const [found] = await source.get(table, [['same', '1']], ['a', 'b', 'c'], soon());
  expect(found?.members()).toEqual(at('same', '1', { c: 3 }));
});

const UPSERTS = ['replace', 'merge'] as const;
test.each(UPSERTS)('%s tells whether it has made one', async (kind) => {
  const key = ['upsert', kind];
  const write: Write =
    kind === 'merge' ? { kind, key, members: { a: 1 }, upsert: true } : { kind, key, document: { a: 1 }, upsert: true };
  expect(await source.write(table, [write], false, soon())).toMatchObject([{ created: true }]);
  expect(await source.write(table, [write, insert(at('upsert', `${kind}2`))], true, soon())).toMatchObject([
    { created: false },
    { created: true },
  ]);
});

test('large ones do not fit into one request', async () => {
  const text = 'é'.repeat(30_000);
  const large = { a: text, b: text, c: text, d: text, e: text, f: text };
  const writes = Array.from({ length: 30 }, (_, n) => insert(at('large', String(n), large)));
  const outcomes = await source.write(table, writes, false, soon());
  expect(outcomes.filter((one) => 'error' in one)).toEqual([]);
});
