/** What only a PostgreSQL database has: schemas, partitions, views that can be written, numbers that are none. */
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ask, Outcome, Success } from '#common/testing/bench.ts';
import { allFields, fields, insert, is, read, remove, update } from '#common/testing/words.ts';
import { BatchMode, ResourceKind, Target } from '#proto/data/v1/data_pb.ts';
import { type RunningPostgres, startPostgres } from '../../../deploy/testing/postgres.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Bench } from '../conformance/bench.ts';
import { define, describeTables, drop } from '../conformance/company.ts';
import { engine } from './index.ts';

const MADE = [
  'create schema "Odd Schema"',
  'create schema hr',
  `create table "Odd Schema"."Order ""Line""" ("Order-Id" int, "Line.No" int, "select" text, primary key ("Line.No", "Order-Id"))`,
  'create table customer (id serial primary key, name text)',
  'create table hr.note (id bigserial primary key, customer_id int references customer on delete cascade, body text)',
  'create view short as select id, name from customer where length(name) < 5 with check option',
  'create view counted as select name, count(*) as n from customer group by name',
  'create materialized view kept as select 1 as id',
  'create table event (id int, at date, what text, primary key (id, at)) partition by range (at)',
  `create table event_2024 partition of event for values from ('2024-01-01') to ('2025-01-01')`,
  'create table bare (v int)',
  'create table later (id int primary key, after int references later deferrable initially deferred)',
  'create table guarded (id int primary key, v int)',
  `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'hands off' using errcode = 'P0001'; end $$`,
  'create trigger refuse before delete on guarded for each row execute function refuse()',
  'create table picky (id int primary key, v int)',
  'create function keep_out() returns trigger language plpgsql as $$ begin return case when new.id < 0 then null else new end; end $$',
  'create trigger keep_out before insert on picky for each row execute function keep_out()',
  `insert into customer (name) values ('Ann'), ('Barbara')`,
];

let server: RunningPostgres;
let bench: Bench;
const others: Bench[] = [];

const settings = () => ({
  host: server.host,
  port: server.port,
  database: server.database,
  username: server.user,
  password: server.password,
});
function open(more: object): Bench {
  const other = new Bench({ engine, config: { ...settings(), ...more }, dataDir: tmpdir() });
  others.push(other);
  return other;
}
const list = (schema = ''): Ask => ({ action: { case: 'listResources', value: { kind: ResourceKind.TABLE, schema } } });
const namesIn = async (some: Bench, schema?: string): Promise<string[]> =>
  ((await some.outcome(list(schema))) as { json: { name: string }[] }).json.map(({ name }) => name);

suiteWith('postgres', 'a PostgreSQL database', () => {
  beforeAll(async () => {
    server = await startPostgres();
    bench = new Bench({ engine, config: settings(), dataDir: tmpdir() });
    await bench.sql(...MADE);
  });
  afterAll(async () => {
    await Promise.all([bench, ...others].map((one) => one?.close()));
    await server?.stop();
  });

  describe('schemas', () => {
    const LINE = 'Odd Schema.Order "Line"';

    test('a table outside of the default one has the name of its schema in front', async () => {
      expect(await namesIn(bench)).toEqual(expect.arrayContaining(['customer', 'hr.note', LINE]));
      expect(await namesIn(bench, 'HR')).toEqual(['hr.note']);
    });

    test('records of a table whose names must be quoted', async () => {
      const record = { 'Order-Id': 1, 'Line.No': 2, select: 'x' };
      expect(await bench.outcome(insert(LINE, [record], allFields))).toEqual({ json: [record] });
      const one = { keys: [[2, 1]] };
      expect(await bench.outcome(update(LINE, Target.ONE, { SELECT: 'y' }, fields('select'), one))).toEqual({
        json: { select: 'y' },
      });
      const filter = is('line.no', '=', 2);
      expect(await bench.outcome(read(LINE, { filter, ...fields('order-id') }))).toEqual({ json: [{ 'Order-Id': 1 }] });
      expect(await bench.outcome(remove(LINE, Target.ONE, {}, one))).toEqual({ json: { 'Line.No': 2, 'Order-Id': 1 } });
    });

    test('relations cross them', async () => {
      await bench.ask(insert('hr.note', [{ customer_id: 1, body: 'hello' }]));
      const related = [{ name: 'customer_by_customer_id', ...fields('name') }];
      expect(await bench.outcome(read('hr.note', { related, ...fields('body') }))).toEqual({
        json: [{ body: 'hello', customer_id: 1, customer_by_customer_id: { name: 'Ann' } }],
      });
    });

    test('a table is made where its name says', async () => {
      await bench.ask(define([{ name: 'hr.made', field: [{ name: 'id', type: 'id' }] }]));
      expect(await namesIn(bench, 'hr')).toContain('hr.made');
      await bench.ask(drop(Target.ONE, 'hr.made'));
    });

    test('a service of one schema', async () => {
      const only = open({ schema: 'hr' });
      const [note, ...rest] = await namesIn(only);
      expect(rest).toEqual([]);
      expect(await only.outcome(read(note ?? '', { countOnly: true }))).toEqual({ json: 1 });
      expect(await only.outcome(read('customer'))).toEqual({ code: 'not_found' });
      await only.ask(define([{ name: 'own', field: [{ name: 'id', type: 'id' }] }]));
      expect(await namesIn(only)).toHaveLength(2);
      await bench.ask(describeTablesAfresh('hr.own'));
      expect(await bench.outcome(read('hr.own'))).toEqual({ json: [] });
      await only.ask(drop(Target.ONE, 'own'));
    });

    test('a service of the default schema', async () => {
      const names = await namesIn(open({ schema: 'default' }));
      expect(names).toContain('customer');
      expect(names.filter((name) => name.includes('.'))).toEqual([]);
    });
  });

  describe('what is like a table', () => {
    const CASES: readonly (readonly [why: string, ask: () => Ask, outcome: unknown])[] = [
      [
        'a view is written where it can be',
        () => insert('short', [{ id: 50, name: 'Eve' }], allFields),
        { json: [{ id: 50, name: 'Eve' }] },
      ],
      ['what a view would not show', () => insert('short', [{ id: 51, name: 'Josephine' }]), { code: 'invalid' }],
      [
        'a view that cannot be written',
        () => insert('counted', [{ name: 'x' }]),
        { code: expect.stringMatching(/invalid|unsupported|conflict/) },
      ],
      ['a materialized view is read', () => read('kept'), { json: [{ id: 1 }] }],
      ['a materialized view is not written', () => insert('kept', [{ id: 2 }]), { code: 'invalid' }],
      [
        'a table in parts',
        () => insert('event', [{ id: 1, at: '2024-05-05' }], fields('id', 'at')),
        { json: [{ id: 1, at: '2024-05-05' }] },
      ],
      ['no part for it', () => insert('event', [{ id: 1, at: '2030-05-05' }]), { code: 'invalid' }],
      [
        'a record of a table in parts',
        () => read('event', { target: Target.ONE, ...fields('what') }, { keys: [[1, '2024-05-05']] }),
        { json: { what: null } },
      ],
      ['a table without a key', () => insert('bare', [{ v: 1 }]), { json: [{ v: 1 }] }],
      ['a trigger that refuses', () => remove('guarded', Target.FILTER, { everything: true }), { code: 'invalid' }],
    ];
    test.each(CASES)('%s', async (_, ask, outcome) => {
      await bench.outcome(insert('guarded', [{ id: 1, v: 1 }]));
      const got = await bench.outcome(ask());
      if ('json' in got) expect(got).toEqual(outcome);
      // Of one record the failure is that of a batch of one.
      else expect(got.batch?.[0] ?? got).toMatchObject(outcome as object);
    });
  });

  describe('rules that are checked at the end', () => {
    test('who breaks one among many fails alone', async () => {
      const asks = [1, 2, 3, 4].map((id) => insert('later', [{ id, after: id === 3 ? 99 : null }]));
      const outcomes = await Promise.all(asks.map((ask) => bench.outcome(ask)));
      expect(outcomes.map((one) => ('json' in one ? one.json : one.batch))).toEqual([
        [{ id: 1 }],
        [{ id: 2 }],
        [{ code: 'conflict' }],
        [{ id: 4 }],
      ]);
    });
    test('records of one request that need each other', async () => {
      const both = [
        { id: 11, after: 12 },
        { id: 12, after: 11 },
      ];
      expect(await bench.outcome(insert('later', both, { mode: BatchMode.ROLLBACK }))).toEqual({
        json: [{ id: 11 }, { id: 12 }],
      });
    });
  });

  describe('a trigger that keeps records out without a word', () => {
    const one = (id: number): Ask => insert('picky', [{ id, v: id }], fields('id', 'v'));
    const refused = { code: 'invalid', batch: [{ code: 'conflict' }], rolledBack: false };

    test('who is kept out alone is told', async () => {
      expect(await bench.outcome(one(-1))).toEqual(refused);
      expect(await bench.outcome(insert('picky', [{ id: 1 }, { id: -2 }], { mode: BatchMode.CONTINUE }))).toEqual({
        code: 'invalid',
        batch: [{ id: 1 }, { code: 'conflict' }],
        rolledBack: false,
      });
    });

    test('among many at once nobody is shown what another wrote', async () => {
      const round = (from: number): Promise<Outcome[]> =>
        Promise.all([from, from + 1, -from, from + 2, from + 3].map((id) => bench.outcome(one(id))));
      const shown = (ids: (number | undefined)[]) =>
        ids.map((id) => ({ json: [id === undefined ? {} : { id, v: id }] }));
      // The first is under way when the others come: they share a statement, of which one record is missing.
      const first = await round(10);
      first.forEach((outcome, i) => {
        const id = [10, 11, -10, 12, 13][i] as number;
        expect([{ json: [{ id, v: id }] }, { json: [{}] }]).toContainEqual(outcome);
      });
      const [a, b, out, c, d] = await round(20);
      expect([a, b, c, d]).toEqual(shown([20, 21, 22, 23]));
      expect(out).toEqual(refused);
      expect(await bench.outcome(read('picky', { countOnly: true, filter: is('id', '>=', 10) }))).toEqual({ json: 8 });
    });

    test('many in one request', async () => {
      const records = Array.from({ length: 50 }, (_, i) => ({ id: i === 7 ? -100 : 100 + i }));
      const { json } = (await bench.outcome(insert('picky', records))) as Success;
      expect(json).toEqual(records.filter(({ id }) => id > 0));
    });
  });

  describe('keys that the database writes in another form than they are asked for in', () => {
    const KEYS: readonly (readonly [type: string, stored: string[], asked: unknown[], shown: unknown[]])[] = [
      ['char(5)', ['ab', 'cd'], ['ab', 'cd   '], ['ab   ', 'cd   ']],
      ['numeric(6,2)', ['1', '2.5'], ['1', '2.50'], [1, 2.5]],
      [
        'uuid',
        ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'],
        ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12}'],
        ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'],
      ],
      ['timestamptz', ['2024-01-01 00:00:00+00', '2024-01-02'], ['2024-01-01T01:00:00+01:00', '2024-01-02 00:00'], []],
    ];
    test.each(KEYS)('%s', async (type, stored, asked, shown) => {
      await bench.sql('drop table if exists formed', `create table formed (k ${type} primary key, n int)`);
      await bench.sql(`insert into formed values ${stored.map((one, i) => `('${one}', ${i})`).join()}`);
      await bench.ask(describeTablesAfresh('formed'));
      const one = (key: unknown): Ask => read('formed', { target: Target.ONE, ...fields('n') }, { keys: [key] });
      // Together they are one statement, alone they are not.
      expect(await Promise.all(asked.map((key) => bench.outcome(one(key))))).toEqual([
        { json: { n: 0 } },
        { json: { n: 1 } },
      ]);
      for (const [n, key] of asked.entries()) expect(await bench.outcome(one(key))).toEqual({ json: { n } });
      const several = read('formed', { target: Target.KEYS, ...fields('n') }, { keys: [...asked].reverse() });
      expect(await bench.outcome(several)).toEqual({ json: [{ n: 1 }, { n: 0 }] });
      const changed = update('formed', Target.KEYS, [{ n: 7 }], fields('k'), { keys: asked });
      if (shown.length > 0) expect(await bench.outcome(changed)).toEqual({ json: shown.map((k) => ({ k })) });
      const gone = remove('formed', Target.KEYS, fields('n'), { keys: asked });
      expect(await bench.outcome(gone)).toMatchObject({ json: [{}, {}] });
    });
  });

  test('numbers that are none are shown as text', async () => {
    await bench.sql(
      'create table odd (id int primary key, d float8, n numeric)',
      `insert into odd values (1, 'NaN', 'NaN'), (2, '-Infinity', null)`,
    );
    await bench.ask(describeTablesAfresh('odd'));
    expect(await bench.outcome(read('odd', { order: [{ field: 'id' }], ...fields('d', 'n') }))).toEqual({
      json: [
        { d: 'NaN', n: 'NaN' },
        { d: '-Infinity', n: null },
      ],
    });
  });

  test('a value of many megabytes comes whole', async () => {
    await bench.sql(
      'create table big (id int primary key, v text)',
      `insert into big select 1, repeat('ö"', 10000000)`,
    );
    await bench.ask(describeTablesAfresh('big'));
    const { json } = (await bench.outcome(
      read('big', { target: Target.ONE, ...fields('v') }, { keys: [1] }),
    )) as Success;
    expect((json as { v: string }).v.length).toBe(20_000_000);
  });

  test('an estimate of how many there are', async () => {
    await bench.sql(
      'create table counted_often (id int primary key)',
      'insert into counted_often select generate_series(1, 5000)',
      'analyze counted_often',
    );
    await bench.ask(describeTablesAfresh('counted_often'));
    const result = await bench.ask(read('counted_often', { limit: 1, includeCount: true, estimateCount: true }));
    expect([result.count, result.estimated]).toEqual([5000n, true]);
    const exact = await bench.ask(
      read('counted_often', { limit: 1, includeCount: true, estimateCount: true, filter: is('id', '<', 11) }),
    );
    expect([exact.count, exact.estimated]).toEqual([10n, false]);
  });

  test('a description of what is there', async () => {
    expect(await bench.outcome(describeTables(Target.ONE, 'counted'))).toMatchObject({
      json: { name: 'counted', primary_key: [] },
    });
  });
});

const describeTablesAfresh = (table: string): Ask => ({
  action: { case: 'describeTables', value: { tables: [table], target: Target.ONE, refresh: true } },
});
