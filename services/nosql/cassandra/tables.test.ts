/** Tables as they are there, made and changed, and servers that are not there. */
import { describe, expect, test } from 'vitest';
import { insert, is } from '#common/testing/words.ts';
import { DefineMode, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import { startCassandra } from '../../../deploy/testing/cassandra.ts';
import { freshKeyspace } from '../../../deploy/testing/cassandra-keyspace.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import type { NoSqlSource, Write } from '../engine.ts';
import { engine } from './index.ts';
import { Gate } from './testing/gate.ts';
import { KINDS, OTHER_UUID, refused, refusedIn, soon, Trial } from './testing/trial.ts';

suiteWith('cassandra', 'tables of Cassandra', () => {
  const trial = new Trial(startCassandra, freshKeyspace);

  describe('tables', () => {
    const define = (...records: object[]) =>
      trial.bench.outcome({ action: { case: 'defineTables', value: { mode: DefineMode.CREATE } }, records });
    const parts = (table: string, ...records: object[]) =>
      trial.bench.outcome({ action: { case: 'defineParts', value: { table, kind: PartKind.FIELD } }, records });
    const dropParts = (table: string, ...names: string[]) =>
      trial.bench.outcome({ action: { case: 'dropParts', value: { table, kind: PartKind.FIELD, names } } });
    const success = { json: { success: true } };
    const dropped = (table: string) =>
      trial.bench.outcome({ action: { case: 'dropTables', value: { tables: [table], target: Target.ONE } } });

    test('as they are there', async () => {
      expect((await trial.tableOf('orders')).native).toEqual({
        columns: {
          ...{ region: 'text', year: 'int', at: 'timestamp', ref: 'uuid' },
          ...{ note: 'text', owner: 'text', total: 'decimal' },
        },
        partition_key: ['region', 'year'],
        clustering_key: ['at', 'ref'],
        clustering_order: { at: 'desc' },
        static: ['owner'],
      });
      expect((await trial.tableOf('Odd')).indexes).toEqual([{ name: 'foreign_1', fields: ['q"uote'], unique: false }]);
      expect((await trial.tableOf('kinds')).fields).toHaveLength(KINDS.length + 1);
    });

    test('one of fields, of which two are the key', async () => {
      const field = [
        { name: 'shop', type: 'string', is_primary_key: true },
        { name: 'number', type: 'integer', is_primary_key: true },
        { name: 'total', type: 'decimal' },
        { name: 'tags', type: 'array' },
        { name: 'constructor', type: 'boolean' },
      ];
      expect(await define({ name: 'of_fields', field })).toMatchObject({ json: [{ name: 'of_fields' }] });
      expect((await trial.tableOf('of_fields')).native).toMatchObject({
        columns: { shop: 'text', number: 'int', total: 'decimal', tags: 'list<text>', constructor: 'boolean' },
        partition_key: ['shop'],
        clustering_key: ['number'],
      });
      const record = { shop: 'a', number: 1, total: 1.5, tags: ['x'], constructor: true };
      expect(await trial.bench.outcome(insert('of_fields', [record]))).toEqual({ json: [{ shop: 'a', number: 1 }] });
      expect(await trial.one('of_fields', ['a', 1])).toEqual({ json: record });
      expect(await dropped('of_fields')).toEqual(success);
      expect(await trial.tableOf('of_fields')).toBeUndefined();
    });

    test('one whose key is of type id', async () => {
      const field = [
        { name: 'id', type: 'id' },
        { name: 'n', type: 'integer' },
        { name: 'made', type: 'timestamp_on_create' },
      ];
      await define({ name: 'of_ids', field });
      const { json } = (await trial.bench.outcome(insert('of_ids', [{ n: 1 }]))) as { json: { id: string }[] };
      const id = json[0]?.id as string;
      expect(await trial.found('of_ids', is('id', '=', id), 'n')).toEqual([{ n: 1 }]);
      expect(await trial.bench.outcome(insert('of_ids', [{ id: OTHER_UUID, n: 2 }]))).toEqual({
        json: [{ id: OTHER_UUID }],
      });
      expect(await trial.one('of_ids', OTHER_UUID)).toMatchObject({
        json: { n: 2, made: { $date: expect.any(String) } },
      });
      expect(await define({ name: 'of_ids', field })).toMatchObject({ json: [{ name: 'of_ids' }] });
    });

    test('a column keeps its type', async () => {
      await define({ name: 'typed', native: { columns: { n: 'int' } } });
      expect(await parts('typed', { name: 'n', type: 'string' })).toEqual(refused('n'));
      const more = [
        { name: 'fresh', type: 'string' },
        { name: 'n', type: 'string' },
      ];
      expect(await define({ name: 'typed', field: more })).toEqual(refused('n'));
      expect((await trial.tableOf('typed')).fields?.map(({ name }) => name)).toEqual(['id', 'n']);
      await parts('typed', { name: 'n', type: 'bigint', default: 7 });
      await trial.bench.ask(insert('typed', [{ id: OTHER_UUID }]));
      expect(await trial.one('typed', OTHER_UUID)).toMatchObject({ json: { n: 7 } });
      expect(await trial.found('typed', is('n', '=', 7), 'n')).toEqual([{ n: 7 }]);
    });

    test("one in Cassandra's own words", async () => {
      const native = {
        columns: { a: 'text', b: 'int', constructor: 'int', s: 'set<frozen<address>>', shared: 'text' },
        partition_key: ['a'],
        clustering_key: ['b', 'constructor'],
        clustering_order: { b: 'desc' },
        static: ['shared'],
      };
      expect(await define({ name: 'of_words', native })).toMatchObject({ json: [{ name: 'of_words' }] });
      expect((await trial.tableOf('of_words')).native).toEqual(native);
    });

    test.each(['a-b', 'a b', 'x"; DROP TABLE plain; --', 'é', 'x'.repeat(49), '../x'])(
      'a name that cannot be: %s',
      async (name) => {
        expect(await define({ name })).toMatchObject({ code: 'invalid' });
      },
    );
    test.each([
      ['a column whose name cannot be', { columns: { 'a"b': 'text' } }, 'a"b'],
      ['CQL in a type', { columns: { a: 'text); DROP TABLE plain; --' } }, 'a'],
      ['a key that is no column', { partition_key: ['x'] }, 'x'],
    ])('%s', async (_, native, field) => {
      expect(await define({ name: 'refused', native })).toEqual(refused(field));
    });
    test.each([
      ['a type that nobody knows', { columns: { a: 'nothing' } }],
      ['a static column without a clustering key', { columns: { a: 'text' }, static: ['a'] }],
      ['a key of a collection', { columns: { id: 'list<int>' } }],
      ['a key twice', { columns: { a: 'int' }, partition_key: ['a', 'a'] }],
    ])('refused by the store: %s', async (_, native) => {
      expect(await define({ name: 'refused', native })).toMatchObject({ code: 'invalid' });
    });

    test('one that is there, and one that is not', async () => {
      await expect(trial.source.createTable('plain', [], undefined, soon())).rejects.toMatchObject({
        code: 'conflict',
      });
      await expect(trial.source.dropTable('gone', soon())).rejects.toMatchObject({ code: 'not_found' });
      const gone = { ...(await trial.tableOf('plain')), name: 'gone' };
      await expect(trial.query(gone)).rejects.toMatchObject({ code: 'not_found' });
      expect(await trial.source.write(gone, [{ kind: 'delete', key: ['x'] }], true, soon())).toMatchObject([
        { error: { code: 'not_found' } },
      ]);
    });

    test('fields come and go', async () => {
      await define({ name: 'growing', field: [{ name: 'id', type: 'integer', is_primary_key: true }] });
      expect(await parts('growing', { name: 'a', type: 'integer' }, { name: 'b', type: 'datetime' })).toMatchObject({
        json: [[], []],
      });
      expect((await trial.tableOf('growing')).native).toMatchObject({
        columns: { id: 'int', a: 'int', b: 'timestamp' },
      });
      await trial.bench.ask(insert('growing', [{ id: 1, a: 7 }]));
      expect(await dropParts('growing', 'a', 'nothing')).toEqual(success);
      expect(await trial.one('growing', 1)).toEqual({ json: { id: 1, b: null } });
      expect(await trial.bench.outcome(insert('growing', [{ id: 2, a: 7 }]))).toEqual(refusedIn('a'));
      expect(await dropParts('growing', 'id')).toEqual(refused('id'));
      expect(await parts('growing', { name: 'a"b', type: 'integer' })).toEqual(refused('a"b'));
      expect(await parts('growing', { name: 'a', type: 'string' })).toMatchObject({ code: 'invalid' });
      expect(await parts('growing', { name: 'a', type: 'integer' })).toMatchObject({ json: [[]] });
    });

    test('indexes come and go, and those of others stay', async () => {
      await define({
        name: 'indexed',
        field: [
          { name: 'id', type: 'string', is_primary_key: true },
          { name: 'a', type: 'string', is_index: true },
          { name: 'b', type: 'string' },
        ],
      });
      const namesOf = async () => (await trial.tableOf('indexed')).indexes.map(({ name, fields }) => [name, ...fields]);
      expect(await namesOf()).toEqual([['ndx_a', 'a']]);
      const table = await trial.tableOf('indexed');
      const same = { name: 'ndx_a', fields: ['a'], unique: false };
      await expect(trial.source.createIndex?.(table, same, soon())).rejects.toMatchObject({ code: 'conflict' });
      await trial.source.createIndex?.(table, { name: 'made by hand', fields: ['b'], unique: false }, soon());
      expect(await namesOf()).toEqual([
        ['made_by_hand', 'b'],
        ['ndx_a', 'a'],
      ]);
      expect(await dropParts('indexed', 'a')).toEqual(success);
      expect(await namesOf()).toEqual([['made_by_hand', 'b']]);
      expect(await dropParts('indexed', 'b')).toEqual({ code: 'conflict' });
      await trial.source.dropIndex?.(table, 'made by hand', soon());
      await trial.source.dropIndex?.(table, 'made by hand', soon());
      expect(await namesOf()).toEqual([]);
      const odd = await trial.tableOf('Odd');
      await trial.source.dropIndex?.(odd, 'foreign_1', soon());
      expect((await trial.tableOf('Odd')).indexes).toHaveLength(1);
    });

    test('an index that is unique cannot be', () => {
      expect(() => engine.checkIndex?.({ name: 'i', fields: ['a'], unique: true })).toThrow(
        expect.objectContaining({ code: 'invalid', context: { field: 'a' } }),
      );
    });
  });

  test('a record that is too large fails alone', async () => {
    const table = await trial.tableOf('plain');
    const merge = (id: string, t: string): Write => ({ kind: 'merge', key: [id], members: { t }, upsert: true });
    const outcomes = await trial.source.write(
      table,
      [merge('large', 'x'.repeat(17 << 20)), merge('small', 'x'), merge('x'.repeat(70_000), 'x')],
      false,
      soon(),
    );
    expect(outcomes).toMatchObject([
      { error: { code: 'invalid' } },
      { key: { id: 'small' }, created: true },
      { error: { code: 'invalid' } },
    ]);
  });

  describe('another service', () => {
    const open = (config: object): NoSqlSource =>
      engine.open({ ...trial.settings, ...config }, { dataDir: '', serviceName: 'other', connectionsMax: 4 });

    test.each([
      ['of a keyspace that is not there', { keyspace: 'nowhere' }],
      ['of a datacenter that is not there', { local_datacenter: 'nowhere' }],
      ['that speaks TLS to a trial.server that does not', { options: { ssl: true } }],
    ])('%s', async (_, config) => {
      const other = open(config);
      const asked = other.tables(soon());
      await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
      await expect(asked).rejects.not.toMatchObject({ message: expect.stringContaining('127.0.0.1') });
      await other.close();
    });

    test('of a datacenter that is there, at another consistency', async () => {
      const other = open({ local_datacenter: trial.server.datacenter, consistency: 'one' });
      expect((await other.tables(soon())).length).toBeGreaterThan(0);
      await other.close();
    });

    test('that is closed while it connects leaves no connection', async () => {
      const gate = new Gate(trial.server);
      const other = open({ hosts: '127.0.0.1', port: await gate.listen() });
      const asked = other.tables(soon()).catch(() => {});
      await expect.poll(() => gate.connections, { interval: 1 }).toBeGreaterThan(0);
      await other.close();
      await asked;
      await expect.poll(() => gate.connections, { timeout: 10_000 }).toBe(0);
      await gate.close();
    });

    test('whose trial.server comes later, and comes back', async () => {
      const gate = new Gate(trial.server);
      const port = await gate.listen();
      await gate.close();
      const other = open({ hosts: '127.0.0.1', port });
      await expect(other.tables(soon())).rejects.toMatchObject({ code: 'unavailable' });
      await gate.listen(port);
      expect((await other.tables(soon())).length).toBeGreaterThan(0);
      await gate.close();
      await expect(other.tables(soon())).rejects.toMatchObject({ code: 'unavailable' });
      await gate.listen(port);
      await expect
        .poll(
          () =>
            other.tables(soon()).then(
              () => true,
              () => false,
            ),
          { timeout: 20_000 },
        )
        .toBe(true);
      await other.close();
      await gate.close();
    });
  });
});
