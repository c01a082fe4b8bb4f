import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { Outcome } from '#common/testing/bench.ts';
import { all, any, apart, fields, insert, is, not, read, remove, update } from '#common/testing/words.ts';
import { Comparator, DefineMode, type Filter, Paging, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import { type RunningCassandra, startCassandra } from '../../../deploy/testing/cassandra.ts';
import { freshKeyspace, type KeyspaceSettings } from '../../../deploy/testing/cassandra-keyspace.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Bench } from '../conformance/bench.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, NoSqlSource, StoreQuery, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

const soon = () => Deadline.after(30_000);
const compare = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field, comparator, operands },
});
const both = (...of: Condition[]): Condition => ({ kind: 'all', of });
const { EQ, IN, GT, LT } = Comparator;

const UUID = '8f14e45f-ceea-467f-a8f3-5b2a4b6f5c11';
const OTHER_UUID = '9f14e45f-ceea-467f-a8f3-5b2a4b6f5c11';
const TIME_UUID = '8f14e45f-ceea-11ee-a8f3-5b2a4b6f5c11';

/** Of each type a column of its name, as JSON: what is written, and what is read where that is spelled otherwise. */
const KINDS: readonly (readonly [name: string, type: string, written: string, read?: string])[] = [
  ['k_ascii', 'ascii', '"~ $where"'],
  ['k_text', 'text', String.raw`"it's \"quoted\" \u0000 😀 '; DROP TABLE kinds; --"`],
  ['k_empty', 'text', '""'],
  ['k_tinyint', 'tinyint', '-128'],
  ['k_smallint', 'smallint', '32767'],
  ['k_int', 'int', '-2147483648'],
  ['k_bigint', 'bigint', '9223372036854775807'],
  ['k_varint', 'varint', `-1${'0'.repeat(60)}`],
  ['k_decimal', 'decimal', '-0.12345678901234567890123456789012345678'],
  ['k_float', 'float', '0.1'],
  ['k_double', 'double', '1.7976931348623157e308'],
  ['k_boolean', 'boolean', 'false'],
  ['k_uuid', 'uuid', `"${UUID}"`],
  ['k_timeuuid', 'timeuuid', `"${TIME_UUID}"`],
  ['k_timestamp', 'timestamp', '{"$date":"1500-02-28T23:59:59.999Z"}'],
  ['k_date', 'date', '"2024-02-29"'],
  ['k_time', 'time', '"23:59:59.000000001"'],
  ['k_duration', 'duration', '"1y2mo3d4h5m6s"'],
  ['k_inet', 'inet', '"192.0.2.1"'],
  ['k_inet6', 'inet', '"2001:db8::1"'],
  ['k_blob', 'blob', '{"$binary":"AAEC/w=="}'],
  ['k_nothing', 'blob', '{"$binary":""}'],
  ['k_list', 'list<bigint>', '[9223372036854775807,1]'],
  ['k_set', 'set<text>', '["b","a"]', '["a","b"]'],
  ['k_map', 'map<int, decimal>', '{"1":12345678901234567890.5}'],
  ['k_names', 'map<text, text>', '{"$gt":"","__proto__":"x","constructor":"y"}'],
  ['k_frozen', 'frozen<list<int>>', '[]'],
  ['k_tuple', 'tuple<int, text>', '[1,null]'],
  ['k_vector', 'vector<float, 2>', '[0.5,-1]'],
  ['k_udt', 'frozen<address>', '{"street":"x","number":null}'],
  ['k_nested', 'map<text, frozen<list<address>>>', '{"a":[{"street":"x","number":1}]}'],
];
const recordOf = (id: number, of: (kind: (typeof KINDS)[number]) => string): string =>
  `{"id":${id},${KINDS.map((kind) => `"${kind[0]}":${of(kind)}`).join(',')}}`;

const MANY = 2_500;
const places = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const batches = places(MANY / 100).map((batch) => {
  const rows = places(100).map((n) => batch * 100 + n);
  const inserts = rows.map(
    (n) => `INSERT INTO many (id, n, city) VALUES (${n}, ${n % 7}, '${n % 2 ? 'Oslo' : 'Rome'}');`,
  );
  return `BEGIN UNLOGGED BATCH ${inserts.join(' ')} APPLY BATCH`;
});

const TABLES = [
  'CREATE TYPE address (street text, number int)',
  `CREATE TABLE kinds (id int PRIMARY KEY, ${KINDS.map(([name, type]) => `${name} ${type}`).join(', ')})`,
  'CREATE TABLE plain (id text PRIMARY KEY, n int, t text, big varint)',
  'CREATE TABLE orders (region text, year int, at timestamp, ref uuid, total decimal, note text, owner text STATIC, ' +
    'PRIMARY KEY ((region, year), at, ref)) WITH CLUSTERING ORDER BY (at DESC, ref ASC)',
  "UPDATE orders SET owner = 'nobody' WHERE region = 'bare' AND year = 1",
  'CREATE TABLE made (id uuid PRIMARY KEY, n int)',
  'CREATE TABLE made_in_time (whose text, id timeuuid, n int, PRIMARY KEY (whose, id))',
  'CREATE TABLE hits (id text PRIMARY KEY, n counter)',
  "UPDATE hits SET n = n + 9007199254740993 WHERE id = 'a'",
  'CREATE TABLE "Odd" ("Id" int PRIMARY KEY, "a b" text, "q""uote" text, "constructor" text, "__proto__" text, "Name" text, name text)',
  'CREATE INDEX foreign_1 ON "Odd" ("q""uote")',
  'CREATE TABLE digits ("2" text, "1" int, n int, PRIMARY KEY ("2", "1"))',
  'CREATE TABLE numbers (id int PRIMARY KEY, d double, f float)',
  ...['1.5, 0.1', 'NaN, NaN', 'Infinity, Infinity', '-Infinity, -Infinity', '-2, -2'].map(
    (pair, n) => `INSERT INTO numbers (id, d, f) VALUES (${n}, ${pair})`,
  ),
  'CREATE TABLE many (id int PRIMARY KEY, n int, city text)',
  'CREATE INDEX ON many (city)',
  ...batches,
];

suiteWith('cassandra', 'Cassandra', () => {
  let server: RunningCassandra;
  let settings: KeyspaceSettings;
  let bench: Bench;
  let source: NoSqlSource;

  beforeAll(async () => {
    server = await startCassandra();
    settings = await freshKeyspace(server, TABLES);
    bench = new Bench({ engine, config: { ...settings } });
    source = bench.source;
  });
  afterAll(async () => {
    await bench?.close();
    await server?.stop();
  });

  const tableOf = async (name: string): Promise<StoreTable> =>
    (await source.tables(soon())).find((table) => table.name === name) as StoreTable;
  const query = async (table: StoreTable, changes: Partial<StoreQuery> = {}) => {
    const whole = { condition: undefined, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
    const documents: Document[] = [];
    for await (const page of source.find(table, { ...whole, ...changes }, soon())) {
      documents.push(...page.documents.map((one) => parseJson(one.json()) as Document));
    }
    return documents;
  };
  const write = async (name: string, ...writes: Write[]) => source.write(await tableOf(name), writes, true, soon());
  const one = (table: string, key: unknown, more: object = {}) =>
    bench.outcome(read(table, { target: Target.ONE, ...more }, { keys: [key] }));
  const change = (table: string, key: unknown, members: unknown, more: object = {}) =>
    bench.outcome(update(table, Target.ONE, members, more, { keys: [key] }));
  const replace = (table: string, key: unknown, members: unknown) => change(table, key, members, { replace: true });
  const found = async (table: string, filter: Filter, ...names: string[]): Promise<unknown> => {
    const { filter: bare, parameters } = apart(filter);
    const outcome = await bench.outcome(
      read(table, { filter: bare, ...(names.length > 0 && fields(...names)) }, { parameters }),
    );
    return 'json' in outcome ? outcome.json : outcome;
  };
  const refused = (field: string) => ({ code: 'invalid', field });
  const refusedIn = (field: string) => ({ code: 'invalid', batch: [refused(field)], rolledBack: false });

  describe('types', () => {
    test('all of them come back as they were written', async () => {
      expect(await bench.outcome(insert('kinds', `[${recordOf(1, ([, , written]) => written)}]`))).toEqual({
        json: [{ id: 1 }],
      });
      const { json } = (await one('kinds', '1')) as { json: unknown };
      const expected = parseJson(Buffer.from(recordOf(1, ([, , written, back = written]) => back)));
      expect(JSON.parse(stringifyJson(json))).toEqual(JSON.parse(stringifyJson(expected)));
      expect(json).toEqual(expected);
    });

    test('nothing, and empty collections, which are nothing where they are not frozen', async () => {
      await bench.ask(insert('kinds', `[${recordOf(2, () => 'null')}]`));
      const empty = { id: 3, k_list: [], k_set: [], k_map: {}, k_frozen: [], k_text: '' };
      await bench.ask(insert('kinds', [empty]));
      const nothing = Object.fromEntries(KINDS.map(([name]) => [name, null]));
      expect(await one('kinds', '2')).toEqual({ json: { id: 2, ...nothing } });
      expect(await one('kinds', '3')).toEqual({ json: { id: 3, ...nothing, k_frozen: [], k_text: '' } });
    });

    test('a change writes as well, and null takes away', async () => {
      const members = { k_timestamp: '2026-01-31', k_text: null, k_uuid: UUID.toUpperCase(), k_list: [1] };
      await bench.ask(insert('kinds', [{ id: 4, k_text: 'x', k_list: [2, 3] }]));
      expect(await change('kinds', '4', members)).toEqual({ json: { id: 4 } });
      expect(await one('kinds', '4', fields(...Object.keys(members)))).toEqual({
        json: { ...members, k_timestamp: { $date: '2026-01-31T00:00:00.000Z' }, k_uuid: UUID },
      });
    });

    test.each([
      ['k_ascii', '"é"'],
      ['k_tinyint', '128'],
      ['k_smallint', '"x"'],
      ['k_int', '1.5'],
      ['k_bigint', '9223372036854775808'],
      ['k_varint', '[1]'],
      ['k_decimal', '{"$gt":""}'],
      ['k_float', '1e39'],
      ['k_double', '1e999'],
      ['k_boolean', '"maybe"'],
      ['k_uuid', '"x"'],
      ['k_timeuuid', `"${UUID}"`],
      ['k_timestamp', '"2026-02-30"'],
      ['k_date', '"2026-02-30"'],
      ['k_time', '"25:00:00"'],
      ['k_duration', '"soon"'],
      ['k_inet', '"localhost"'],
      ['k_blob', '"!"'],
      ['k_list', '{"$gt":""}'],
      ['k_map', '[1]'],
      ['k_udt', '"x"'],
    ])('another type is refused: %s %s', async (name, value) => {
      expect(await bench.outcome(insert('kinds', `[{"id":9,"${name}":${value}}]`))).toEqual(refusedIn(name));
      expect(await change('kinds', '1', `{"${name}":${value}}`)).toEqual(refused(name));
    });

    test.each([
      ['k_list', '["x"]'],
      ['k_list', '[null]'],
      ['k_map', '{"x":1}'],
      ['k_tuple', '[1,"x",2]'],
      ['k_vector', '[1]'],
      ['k_udt', '{"nowhere":1}'],
      ['k_nested', '{"a":[{"number":"x"}]}'],
    ])('another type within one is refused by the store: %s %s', async (name, value) => {
      expect(await change('kinds', '1', `{"${name}":${value}}`)).toMatchObject({ code: 'invalid' });
    });

    test('what is no number is none', async () => {
      const rows = (await bench.outcome(read('numbers', {}))) as { json: { id: number }[] };
      expect(rows.json.toSorted((a, b) => a.id - b.id)).toEqual([
        { id: 0, d: 1.5, f: 0.1 },
        ...[1, 2, 3].map((id) => ({ id, d: null, f: null })),
        { id: 4, d: -2, f: -2 },
      ]);
    });
    const NUMBERS: readonly (readonly [why: string, filter: Filter, ids: readonly number[]])[] = [
      ['greater', is('d', '>', -10), [0, 4]],
      ['less', is('d', '<', 10), [0, 4]],
      ['greater, floats', is('f', '>=', -10), [0, 4]],
      ['less, floats', is('f', '<=', 10), [0, 4]],
      ['both', all(is('d', '>', -10), is('d', '<', 1)), [4]],
      ['a float', is('f', '=', 0.1), [0]],
      ['what a float would round', is('f', '>=', 0.1000000001), []],
      ['beyond floats', is('f', '<', 1e300), [0, 4]],
      ['null', is('d', 'is null'), [1, 2, 3]],
    ];
    test.each(NUMBERS)('numbers in conditions: %s', async (_, filter, ids) => {
      const rows = (await found('numbers', filter, 'id')) as { id: number }[];
      expect(rows.map(({ id }) => id).toSorted()).toEqual(ids);
      expect(await bench.outcome(read('numbers', { filter, countOnly: true }))).toEqual({ json: ids.length });
    });

    test('counters are read, and not written', async () => {
      expect(await one('hits', 'a')).toEqual({ json: { id: 'a', n: new JsonNumber('9007199254740993') } });
      expect(await change('hits', 'a', { n: 5 })).toEqual(refused('n'));
      expect(await bench.outcome(insert('hits', [{ id: 'b', n: 1 }]))).toEqual(refusedIn('n'));
      expect(await bench.outcome(insert('hits', [{ id: 'b' }]))).toMatchObject({ code: 'invalid' });
    });
  });

  describe('keys', () => {
    const at = '2026-01-31T12:00:00.000Z';
    const key = { region: 'north', year: 2026, at: { $date: at }, ref: UUID };
    const path = ['north', 2026, at, UUID];
    const older = { ...key, at: { $date: '2025-01-31T12:00:00.000Z' }, ref: OTHER_UUID };
    beforeAll(async () => {
      const records = [
        { ...key, total: 1.5, owner: 'ann' },
        { ...older, total: 2 },
        { ...key, region: 'south', total: 3 },
      ];
      await bench.ask(insert('orders', records));
    });

    test('one of four columns, in a path and in a record', async () => {
      const whole = { ...key, total: 1.5, owner: 'ann', note: null };
      expect(await one('orders', path)).toEqual({ json: whole });
      expect(await one('orders', `north,2026,2026-01-31 13:00+01:00,${UUID.toUpperCase()}`)).toEqual({ json: whole });
      const given = read('orders', { target: Target.RECORDS, ...fields('total') }, { records: [older, key] });
      expect(await bench.outcome(given)).toEqual({ json: [{ total: 2 }, { total: 1.5 }] });
      expect(await one('orders', ['north', 2025, at, UUID])).toEqual({ code: 'not_found' });
    });

    const FILTERS: readonly (readonly [why: string, filter: Filter, totals: readonly number[]])[] = [
      ['its partition, in the order of the table', all(is('region', '=', 'north'), is('year', '=', 2026)), [1.5, 2]],
      ['a part of its partition', is('region', '=', 'south'), [3]],
      ['a bound', all(is('region', '=', 'north'), is('year', '=', '2026'), is('at', '>', '2026-01-01')), [1.5]],
      ['a bound alone', all(is('at', '<', '2026-01-01')), [2]],
      ['a date', all(is('at', '=', '2026-01-31T13:00:00+01:00'), is('region', '=', 'north')), [1.5]],
      ['a UUID', is('ref', '=', OTHER_UUID), [2]],
      ['several UUIDs', all(is('ref', 'in', OTHER_UUID, UUID), is('region', '=', 'north')), [1.5, 2]],
      ['a UUID that is none', is('ref', '=', 'x'), []],
      ['a column of the partition', is('owner', '=', 'ann'), [1.5, 2]],
      ['none of it', is('owner', '=', 'nobody'), []],
    ];
    test.each(FILTERS)('in a condition: %s', async (_, filter, totals) => {
      expect(((await found('orders', filter, 'total')) as { total: number }[]).map(({ total }) => total)).toEqual(
        totals,
      );
      expect(await bench.outcome(read('orders', { filter, countOnly: true }))).toEqual({ json: totals.length });
    });

    test('a partition without records has none', async () => {
      const all = (await bench.outcome(read('orders', fields('region')))) as { json: { region: string }[] };
      expect(all.json.map(({ region }) => region).toSorted()).toEqual(['north', 'north', 'south']);
      expect(await bench.outcome(read('orders', { countOnly: true }))).toEqual({ json: 3 });
    });

    test('a part that is missing or null', async () => {
      const { ref, ...parts } = key;
      expect(await bench.outcome(insert('orders', [{ ...parts, region: null }]))).toEqual(refusedIn('region'));
      expect(await one('orders', path.slice(0, 3))).toMatchObject({ code: 'invalid' });
      const [outcome] = await write('orders', {
        ...{ kind: 'merge', key: ['north', 2026, null, UUID], members: { note: 'x' }, upsert: true },
      });
      expect(outcome).toMatchObject({ error: { code: 'invalid', context: { field: 'at' } } });
      expect(ref).toBe(UUID);
    });

    test.each([
      ['year', ['north', 'x', at, UUID]],
      ['at', ['north', 2026, 'x', UUID]],
      ['at', ['north', 2026, '2026-02-30', UUID]],
      ['ref', ['north', 2026, at, 'x']],
    ])('another type is refused: %s of %j', async (field, bad) => {
      const [region, year, when, ref] = bad;
      expect(await one('orders', bad)).toEqual(refused(field));
      expect(await change('orders', bad, { note: 'x' })).toEqual(refused(field));
      expect(await bench.outcome(insert('orders', [{ region, year, at: when, ref }]))).toEqual(refusedIn(field));
    });

    test('they never change', async () => {
      const table = await tableOf('orders');
      const values: Wire[] = ['north', 2026, { $date: at }, UUID];
      const changes: Write[] = [
        { kind: 'merge', key: values, members: { year: 2027 }, upsert: false },
        { kind: 'replace', key: values, document: { ...key, ref: OTHER_UUID }, upsert: false },
        { kind: 'merge', key: values, members: { year: 2026, at, ref: UUID.toUpperCase() }, upsert: false },
      ];
      const outcomes = await source.write(table, changes, false, soon());
      expect(outcomes).toMatchObject([
        { error: refusedOf('year') },
        { error: refusedOf('ref') },
        { key, created: false },
      ]);
    });
    const refusedOf = (field: string) => ({ code: 'invalid', context: { field } });

    test('columns of a partition belong to all of its records, and stay where one is replaced', async () => {
      const mine = { ...key, region: 'east' };
      const others = { ...older, region: 'east' };
      const values = (one: typeof key): unknown[] => [one.region, one.year, one.at.$date, one.ref];
      await bench.ask(insert('orders', [{ ...mine, note: 'a' }, others]));
      // From nothing, to something else, and beside a column of the record.
      for (const [members, owner] of [
        [{ owner: 'ann' }, 'ann'],
        [{ owner: 'ben' }, 'ben'],
        [{ owner: 'cid', note: 'b' }, 'cid'],
      ] as const) {
        expect(await change('orders', values(mine), members)).toEqual({ json: mine });
        expect(await one('orders', values(others), fields('owner'))).toEqual({ json: { owner } });
      }
      expect(await replace('orders', values(mine), { total: 9 })).toEqual({ json: mine });
      expect(await one('orders', values(mine))).toEqual({ json: { ...mine, total: 9, note: null, owner: 'cid' } });
      const elsewhere = [...values(mine).slice(0, 3), OTHER_UUID];
      expect(await change('orders', elsewhere, { owner: 'dan' })).toEqual({ code: 'not_found' });
      const filter = is('region', '=', 'east');
      expect(await bench.outcome(remove('orders', Target.FILTER, { filter }))).toMatchObject({ json: [{}, {}] });
    });

    test('conditions on columns of the partition make no record', async () => {
      const onlyIf = compare('owner', EQ, 'ann');
      const there: Wire[] = ['north', 2026, { $date: at }, UUID];
      const gone: Wire[] = ['north', 2026, { $date: at }, OTHER_UUID];
      const outcomes = await write(
        'orders',
        { kind: 'merge', key: gone, members: { note: 'x' }, upsert: false, onlyIf },
        { kind: 'merge', key: gone, members: { owner: 'x' }, upsert: false, onlyIf },
        { kind: 'delete', key: gone, onlyIf },
        { kind: 'merge', key: there, members: { owner: 'ann' }, upsert: false, onlyIf: compare('owner', EQ, 'x') },
        { kind: 'merge', key: there, members: { owner: 'ann' }, upsert: false, onlyIf },
        { kind: 'merge', key: there, members: { note: 'y' }, upsert: false, onlyIf },
      );
      const missing = { missing: true };
      expect(outcomes).toEqual([missing, missing, missing, missing, { key, created: false }, { key, created: false }]);
      expect(await one('orders', ['north', 2026, at, OTHER_UUID])).toEqual({ code: 'not_found' });
    });

    test('UUIDs are made where none is given', async () => {
      const made = (await bench.outcome(insert('made', [{ n: 1 }, { n: 2, id: null }, { n: 3, id: UUID }]))) as {
        json: { id: string }[];
      };
      const ids = made.json.map(({ id }) => id);
      expect(ids[2]).toBe(UUID);
      expect(new Set(ids).size).toBe(3);
      expect(await one('made', ids[0])).toEqual({ json: { id: ids[0], n: 1 } });
    });

    test('and those of time, in their order', async () => {
      const records = places(5).map((n) => ({ whose: 'x', n }));
      for (const one of records) await bench.ask(insert('made_in_time', [one]));
      const rows = (await found('made_in_time', is('whose', '=', 'x'))) as { id: string; n: number }[];
      expect(rows.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
      expect(rows.every(({ id }) => id[14] === '1')).toBe(true);
    });

    test('that look like places of a list', async () => {
      await bench.ask(insert('digits', [{ 1: 7, 2: 'a', n: 1 }]));
      expect(await one('digits', ['a', 7])).toEqual({ json: { 1: 7, 2: 'a', n: 1 } });
      expect(await change('digits', ['a', 7], { n: 2 })).toEqual({ json: { 1: 7, 2: 'a' } });
      expect(await change('digits', ['a', 7], {})).toMatchObject({ code: 'invalid' });
      const [outcome] = await write('digits', { kind: 'merge', key: ['a', 7], members: {}, upsert: false });
      expect(outcome).toEqual({ key: { 1: 7, 2: 'a' }, created: false });
      expect(await bench.outcome(remove('digits', Target.ONE, {}, { keys: [['a', 7]] }))).toMatchObject({ json: {} });
    });

    test('one that is longer than any: nobody has it', async () => {
      const long = '☃'.repeat(30_000);
      expect(await found('plain', is('id', '=', long))).toEqual([]);
      expect(await found('plain', is('id', 'in', long, 'nobody'))).toEqual([]);
      expect(await found('many', is('city', '=', long))).toEqual([]);
    });

    test('one that is empty: nobody has it', async () => {
      expect(await found('plain', is('id', '=', ''))).toEqual([]);
      expect(await found('plain', is('id', 'in', '', 'nobody'))).toEqual([]);
      expect(await bench.outcome(insert('plain', [{ id: '' }]))).toMatchObject({ code: 'invalid' });
    });
  });

  describe('names', () => {
    const odd = JSON.parse(
      '{"a b":"1","q\\"uote":"2","constructor":"3","__proto__":"4","Name":"5","name":"6"}',
    ) as object;

    test('of any kind are written, read and changed', async () => {
      expect(await bench.outcome(insert('Odd', `[{"Id":1,${stringifyJson(odd).slice(1)}]`))).toEqual({
        json: [{ Id: 1 }],
      });
      const { json } = (await one('Odd', 1)) as { json: object };
      expect(Object.entries(json).toSorted()).toEqual([['Id', 1], ...Object.entries(odd)].toSorted());
      for (const name of Object.keys(odd)) {
        expect(await found('Odd', is(name, '=', (odd as Record<string, string>)[name]), 'Id')).toEqual([{ Id: 1 }]);
        expect(await found('Odd', is(name, '=', 'other'), 'Id')).toEqual([]);
        expect(await change('Odd', 1, `{${JSON.stringify(name)}:"new"}`)).toEqual({ json: { Id: 1 } });
        const changed = (await one('Odd', 1, fields(name))) as { json: Record<string, unknown> };
        expect(Object.entries(changed.json)).toEqual([[name, 'new']]);
      }
      expect(await replace('Odd', 1, { name: 'left' })).toEqual({ json: { Id: 1 } });
      const left = (await one('Odd', 1)) as { json: object };
      expect(
        Object.entries(left.json)
          .filter(([, value]) => value !== null)
          .toSorted(),
      ).toEqual([
        ['Id', 1],
        ['name', 'left'],
      ]);
    });

    test.each(['nothing', 'NAME', 'toString', '"; DROP TABLE plain; --', 'n" = 1; --', 'n.x', '$set', 'fromJson(?)'])(
      'of no column: %s',
      async (name) => {
        await write('plain', { kind: 'replace', key: ['there'], document: { n: 1 }, upsert: true });
        const member = `${JSON.stringify(name)}:1`;
        expect(await bench.outcome(insert('plain', `[{"id":"new",${member}}]`))).toEqual(refusedIn(name));
        expect(await change('plain', 'there', `{${member}}`)).toEqual(refused(name));
        expect(await replace('plain', 'there', `{${member}}`)).toEqual(refused(name));
        expect(await found('plain', is(name, '=', 1))).toEqual([]);
        expect(await found('plain', not(is(name, '=', 1)))).toEqual([]);
        expect(await bench.outcome(read('plain', { ...fields('n'), order: [{ field: name }] }))).toMatchObject({
          json: [{ n: 1 }],
        });
        expect(await one('plain', 'there', fields('n', name))).toMatchObject({ json: { n: 1 } });
        expect(await one('plain', 'new')).toEqual({ code: 'not_found' });
      },
    );
  });

  test.each([
    "'; DROP TABLE plain; --",
    '"; DROP TABLE plain; --',
    "' OR '1'='1",
    '{"$gt":""}',
    'null',
    '0x00',
    'fromJson(?)',
    '\u0000',
    '%',
    '\\',
  ])('CQL in a value is a value: %j', async (value) => {
    await write('plain', { kind: 'replace', key: [value], document: { t: value }, upsert: true });
    expect(await one('plain', value)).toMatchObject({ json: { id: value, t: value } });
    expect(await found('plain', is('id', '=', value), 't')).toEqual([{ t: value }]);
    expect(await found('plain', all(is('t', '=', value), is('id', 'in', value, 'x')), 't')).toEqual([{ t: value }]);
    expect(await change('plain', value, { t: `${value}!` }, { rowFilter: is('t', '=', value) })).toMatchObject({
      code: 'denied',
    });
    expect(await change('plain', value, { n: 1 }, { rowFilter: is('t', '=', value) })).toEqual({ json: { id: value } });
    expect(await bench.outcome(remove('plain', Target.ONE, {}, { keys: [value] }))).toEqual({ json: { id: value } });
  });

  test('operators are no values', async () => {
    expect(await bench.outcome(insert('plain', [{ id: { $gt: '' } }]))).toMatchObject({ code: 'invalid' });
    expect(await bench.outcome(insert('plain', [{ id: 'x', n: { $gt: '' } }]))).toEqual(refusedIn('n'));
    await bench.ask(insert('plain', [{ id: 'operators' }]));
    expect(await change('plain', 'operators', { n: { $inc: 1 } })).toEqual(refused('n'));
    expect(await change('plain', 'operators', { t: { $set: 'x' } })).toEqual(refused('t'));
  });

  describe('many at once', () => {
    test('of those who make one record, one has made it', async () => {
      const table = await tableOf('plain');
      const merge = (n: number): Write => ({ kind: 'merge', key: ['shared'], members: { n }, upsert: true });
      const outcomes = await Promise.all(places(20).map((n) => source.write(table, [merge(n)], true, soon())));
      const made = outcomes.flat().map((one) => ('created' in one ? one.created : one));
      expect(made.filter((one) => one === true)).toHaveLength(1);
      expect(made.filter((one) => one === false)).toHaveLength(19);
    });

    test('of those who insert it, one wins', async () => {
      const outcomes = await Promise.all(places(20).map((n) => bench.outcome(insert('plain', [{ id: 'raced', n }]))));
      expect(outcomes.filter((one) => 'json' in one)).toHaveLength(1);
      expect(outcomes.filter((one: Outcome) => 'batch' in one && isConflict(one.batch))).toHaveLength(19);
    });
    const isConflict = (batch: readonly unknown[] | undefined): boolean =>
      JSON.stringify(batch) === '[{"code":"conflict"}]';

    test('writes of one record in one call are done in their order', async () => {
      const table = await tableOf('plain');
      const writes = places(20).map(
        (n): Write => ({ kind: 'replace', key: ['row'], document: { n, t: `${n}` }, upsert: true }),
      );
      await source.write(table, writes, false, soon());
      expect(await one('plain', 'row')).toMatchObject({ json: { n: 19, t: '19' } });
    });
  });

  describe('conditions of writes', () => {
    const beyond = new JsonNumber('12345678901234567890');
    const CASES: readonly (readonly [why: string, onlyIf: Condition, holds: boolean])[] = [
      ['a column', compare('n', EQ, 5), true],
      ['another value', compare('n', EQ, 6), false],
      ['two bounds', both(compare('n', GT, 4), compare('n', LT, 6)), true],
      ['several parts of one column', both(compare('n', GT, 4), compare('n', EQ, 5), compare('n', LT, 6)), true],
      ['a column without a value', compare('t', EQ, 'x'), false],
      ['the key', compare('id', EQ, 'guarded'), true],
      ['another key', compare('id', EQ, 'other'), false],
      ['keys', compare('id', IN, 'guarded', 'x'), true],
      ['the key and a column', both(compare('id', GT, 'a'), compare('n', LT, 6)), true],
      ['a number that no double holds', compare('big', EQ, beyond), true],
      ['its neighbour', compare('big', EQ, new JsonNumber('12345678901234567891')), false],
      ['less than its neighbour', compare('big', LT, new JsonNumber('12345678901234567891')), true],
      ['what never holds', { kind: 'any', of: [] }, false],
    ];
    test.each(CASES)('%s', async (_, onlyIf, holds) => {
      const document = { n: 5, big: beyond };
      const key = ['guarded'];
      const expected = holds ? { key: { id: 'guarded' }, created: false } : { missing: true };
      const guarded: Write[] = [
        { kind: 'merge', key, members: {}, upsert: false, onlyIf },
        { kind: 'merge', key, members: { n: 5 }, upsert: false, onlyIf },
        { kind: 'replace', key, document, upsert: false, onlyIf },
        { kind: 'delete', key, onlyIf },
      ];
      const [made, ...outcomes] = await write('plain', { kind: 'replace', key, document, upsert: true }, ...guarded);
      expect(made).toMatchObject({ key: { id: 'guarded' } });
      expect(outcomes).toEqual([expected, expected, expected, expected]);
      const [left] = await source.get(await tableOf('plain'), [key], undefined, soon());
      expect(left === undefined).toBe(holds);
    });

    test('what is not there', async () => {
      const key = ['nobody'];
      const outcomes = await write(
        'plain',
        { kind: 'merge', key, members: { n: 1 }, upsert: false },
        { kind: 'merge', key, members: {}, upsert: false },
        { kind: 'replace', key, document: {}, upsert: false },
        { kind: 'delete', key },
      );
      expect(outcomes).toEqual(outcomes.map(() => ({ missing: true })));
    });

    test('a record that has nothing but its key is there', async () => {
      const key = ['bare'];
      const outcomes = await write(
        'plain',
        { kind: 'merge', key, members: {}, upsert: true },
        { kind: 'merge', key, members: {}, upsert: true },
        { kind: 'replace', key, document: {}, upsert: false },
        { kind: 'merge', key, members: { n: null }, upsert: false },
      );
      expect(outcomes.map((one) => 'created' in one && one.created)).toEqual([true, false, false, false]);
      expect(await one('plain', 'bare')).toEqual({ json: { id: 'bare', n: null, t: null, big: null } });
    });
  });

  describe('lists', () => {
    const ids = (rows: readonly unknown[]): number[] =>
      rows.map((row) => (row as { id: number }).id).toSorted((a, b) => a - b);
    const wanted = places(MANY).filter((n) => n % 7 === 3 && n % 2 === 1 && n >= 100);
    const PAGES: readonly (readonly [why: string, limit: number, filter: Filter, expected: readonly number[]])[] = [
      ['everything', 400, all(), places(MANY)],
      ['what the store finds', 50, all(is('n', '=', 3), is('city', '=', 'Oslo'), is('id', '>=', 100)), wanted],
      ['what is found here', 50, all(is('n', '=', 3), is('city', 'like', 'o%'), is('id', '>=', 100)), wanted],
      [
        'what both find',
        50,
        all(is('n', '>', 2), is('n', '<', 5), is('n', '=', 3), is('city', 'like', 'o%'), is('id', '>=', 100)),
        wanted,
      ],
      [
        'what the rest of a statement leaves',
        7,
        all(is('n', '=', 3), is('n', '<=', 3), is('id', '<', 500)),
        places(500).filter((n) => n % 7 === 3),
      ],
      ['identifiers', 3, all(is('id', 'in', ...places(20)), is('n', '<', 5)), places(20).filter((n) => n % 7 < 5)],
    ];
    test.each(PAGES)('page by page, nothing lost or twice: %s', async (_, limit, filter, expected) => {
      const seen: unknown[] = [];
      let keys: unknown[] = [];
      for (let paging: Paging = Paging.FIRST; ; paging = Paging.AFTER) {
        const { json, nextAfter } = await bench.ask(read('many', { filter, limit, paging, ...fields('id') }, { keys }));
        const page = parseJson(json) as unknown[];
        expect(page.length).toBeLessThanOrEqual(limit);
        seen.push(...page);
        if (nextAfter === '') break;
        keys = [JSON.parse(Buffer.from(nextAfter, 'base64url').toString())];
      }
      expect(ids(seen)).toEqual(expected);
    });

    test.each(['', 'x', 'zz', '00', 'deadbeef', 'ff'.repeat(5_000)])('a token that is none: %s', async (token) => {
      const behind = (cursor: unknown) =>
        bench.outcome(read('many', { limit: 5, paging: Paging.AFTER }, { keys: [cursor] }));
      expect(await behind(token)).toMatchObject({ code: 'invalid' });
      if (token !== '') expect(await behind([token, '0'])).toMatchObject({ code: 'invalid' });
      expect(await behind([token, '-1'])).toMatchObject({ code: 'invalid' });
    });

    const COUNTS: readonly (readonly [why: string, filter: Filter, expected: number])[] = [
      ['everything', all(), MANY],
      ['what the store finds', all(is('n', '=', 3), is('city', '=', 'Oslo'), is('id', '>=', 100)), wanted.length],
      ['the rest of a statement', all(is('n', '=', 3), is('n', '<', 3)), 0],
      ['one of two', any(is('id', '=', 1), is('id', '=', 2)), 2],
      ['identifiers and a column with an index', all(is('id', 'in', 1, 2, 3), is('city', '=', 'Oslo')), 2],
      ['identifiers, of which one is named', all(is('id', 'in', 1, 2, 3), is('id', '=', 2)), 1],
      ['identifiers of another type', is('id', 'in', 1, 9_999_999_999), 1],
      ['identifiers, more than one statement takes', is('id', 'in', ...places(300)), 300],
    ];
    test.each(COUNTS)('counted: %s', async (_, filter, expected) => {
      expect(await bench.outcome(read('many', { filter, countOnly: true }))).toEqual({ json: expected });
      const listed = (await bench.outcome(read('many', { filter, limit: 1000, ...fields('id') }))) as {
        json: unknown[];
      };
      expect(listed.json).toHaveLength(Math.min(expected, 1000));
    });

    test('with a limit', async () => {
      const table = await tableOf('many');
      expect(await query(table, { limit: 3 })).toHaveLength(3);
      expect(await query(table, { limit: 0 })).toHaveLength(0);
      expect(await query(table, { limit: 1_500, fields: ['n'] })).toHaveLength(1_500);
    });
  });

  describe('tables', () => {
    const define = (...records: object[]) =>
      bench.outcome({ action: { case: 'defineTables', value: { mode: DefineMode.CREATE } }, records });
    const parts = (table: string, ...records: object[]) =>
      bench.outcome({ action: { case: 'defineParts', value: { table, kind: PartKind.FIELD } }, records });
    const dropParts = (table: string, ...names: string[]) =>
      bench.outcome({ action: { case: 'dropParts', value: { table, kind: PartKind.FIELD, names } } });
    const success = { json: { success: true } };
    const dropped = (table: string) =>
      bench.outcome({ action: { case: 'dropTables', value: { tables: [table], target: Target.ONE } } });

    test('as they are there', async () => {
      expect((await tableOf('orders')).native).toEqual({
        columns: {
          ...{ region: 'text', year: 'int', at: 'timestamp', ref: 'uuid' },
          ...{ note: 'text', owner: 'text', total: 'decimal' },
        },
        partition_key: ['region', 'year'],
        clustering_key: ['at', 'ref'],
        clustering_order: { at: 'desc' },
        static: ['owner'],
      });
      expect((await tableOf('Odd')).indexes).toEqual([{ name: 'foreign_1', fields: ['q"uote'], unique: false }]);
      expect((await tableOf('kinds')).fields).toHaveLength(KINDS.length + 1);
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
      expect((await tableOf('of_fields')).native).toMatchObject({
        columns: { shop: 'text', number: 'int', total: 'decimal', tags: 'list<text>', constructor: 'boolean' },
        partition_key: ['shop'],
        clustering_key: ['number'],
      });
      const record = { shop: 'a', number: 1, total: 1.5, tags: ['x'], constructor: true };
      expect(await bench.outcome(insert('of_fields', [record]))).toEqual({ json: [{ shop: 'a', number: 1 }] });
      expect(await one('of_fields', ['a', 1])).toEqual({ json: record });
      expect(await dropped('of_fields')).toEqual(success);
      expect(await tableOf('of_fields')).toBeUndefined();
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
      expect((await tableOf('of_words')).native).toEqual(native);
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
      await expect(source.createTable('plain', [], undefined, soon())).rejects.toMatchObject({ code: 'conflict' });
      await expect(source.dropTable('gone', soon())).rejects.toMatchObject({ code: 'not_found' });
      const gone = { ...(await tableOf('plain')), name: 'gone' };
      await expect(query(gone)).rejects.toMatchObject({ code: 'not_found' });
      expect(await source.write(gone, [{ kind: 'delete', key: ['x'] }], true, soon())).toMatchObject([
        { error: { code: 'not_found' } },
      ]);
    });

    test('fields come and go', async () => {
      await define({ name: 'growing', field: [{ name: 'id', type: 'integer', is_primary_key: true }] });
      expect(await parts('growing', { name: 'a', type: 'integer' }, { name: 'b', type: 'datetime' })).toMatchObject({
        json: [[], []],
      });
      expect((await tableOf('growing')).native).toMatchObject({ columns: { id: 'int', a: 'int', b: 'timestamp' } });
      await bench.ask(insert('growing', [{ id: 1, a: 7 }]));
      expect(await dropParts('growing', 'a', 'nothing')).toEqual(success);
      expect(await one('growing', 1)).toEqual({ json: { id: 1, b: null } });
      expect(await bench.outcome(insert('growing', [{ id: 2, a: 7 }]))).toEqual(refusedIn('a'));
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
      const namesOf = async () => (await tableOf('indexed')).indexes.map(({ name, fields }) => [name, ...fields]);
      expect(await namesOf()).toEqual([['ndx_a', 'a']]);
      const table = await tableOf('indexed');
      const same = { name: 'ndx_a', fields: ['a'], unique: false };
      await expect(source.createIndex?.(table, same, soon())).rejects.toMatchObject({ code: 'conflict' });
      await source.createIndex?.(table, { name: 'made by hand', fields: ['b'], unique: false }, soon());
      expect(await namesOf()).toEqual([
        ['made_by_hand', 'b'],
        ['ndx_a', 'a'],
      ]);
      expect(await dropParts('indexed', 'a')).toEqual(success);
      expect(await namesOf()).toEqual([['made_by_hand', 'b']]);
      expect(await dropParts('indexed', 'b')).toEqual({ code: 'conflict' });
      await source.dropIndex?.(table, 'made by hand', soon());
      await source.dropIndex?.(table, 'made by hand', soon());
      expect(await namesOf()).toEqual([]);
      const odd = await tableOf('Odd');
      await source.dropIndex?.(odd, 'foreign_1', soon());
      expect((await tableOf('Odd')).indexes).toHaveLength(1);
    });

    test('an index that is unique cannot be', () => {
      expect(() => engine.checkIndex?.({ name: 'i', fields: ['a'], unique: true })).toThrow(
        expect.objectContaining({ code: 'invalid', context: { field: 'a' } }),
      );
    });
  });

  test('a record that is too large fails alone', async () => {
    const table = await tableOf('plain');
    const merge = (id: string, t: string): Write => ({ kind: 'merge', key: [id], members: { t }, upsert: true });
    const outcomes = await source.write(
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
      engine.open({ ...settings, ...config }, { dataDir: '', serviceName: 'other', connectionsMax: 4 });

    test.each([
      ['of a keyspace that is not there', { keyspace: 'nowhere' }],
      ['of a datacenter that is not there', { local_datacenter: 'nowhere' }],
      ['that speaks TLS to a server that does not', { options: { ssl: true } }],
    ])('%s', async (_, config) => {
      const other = open(config);
      const asked = other.tables(soon());
      await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
      await expect(asked).rejects.not.toMatchObject({ message: expect.stringContaining('127.0.0.1') });
      await other.close();
    });

    test('of a datacenter that is there, at another consistency', async () => {
      const other = open({ local_datacenter: server.datacenter, consistency: 'one' });
      expect((await other.tables(soon())).length).toBeGreaterThan(0);
      await other.close();
    });

    test('that is closed while it connects leaves no connection', async () => {
      const gate = new Gate(server);
      const other = open({ hosts: '127.0.0.1', port: await gate.listen() });
      const asked = other.tables(soon()).catch(() => {});
      await expect.poll(() => gate.connections, { interval: 1 }).toBeGreaterThan(0);
      await other.close();
      await asked;
      await expect.poll(() => gate.connections, { timeout: 10_000 }).toBe(0);
      await gate.close();
    });

    test('whose server comes later, and comes back', async () => {
      const gate = new Gate(server);
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

/** In front of the server, at a port that comes and goes. */
class Gate {
  readonly #to: { readonly host: string; readonly port: number };
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(to: { readonly host: string; readonly port: number }) {
    this.#to = to;
  }

  async listen(port = 0): Promise<number> {
    const server = createServer((near) => {
      const far = connect(this.#to.port, this.#to.host);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
  }
}
