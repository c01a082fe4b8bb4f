/** A database that is slow, gone, back again, or no longer what it was. */
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { callerGone, Deadline, deadlinePassed } from '#common/deadline.ts';
import type { MillraceError } from '#common/errors.ts';
import { failureOf } from '#common/testing/bench.ts';
import { fields, insert, is, read, update } from '#common/testing/words.ts';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import { type RunningPostgres, startPostgres } from '../../../deploy/testing/postgres.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Bench } from '../conformance/bench.ts';
import { describeTables } from '../conformance/company.ts';
import type { Rows, Statement } from '../statement.ts';
import { Gate } from '../testing/gate.ts';
import { engine } from './index.ts';

let server: RunningPostgres;
/** Looks at and changes the database from outside. */
let outside: Bench;
const benches: Bench[] = [];

const settings = () => ({
  host: server.host,
  port: server.port,
  database: server.database,
  username: server.user,
  password: server.password,
});

function open(more: Record<string, unknown> = {}, connectionsMax = 2): Bench {
  const bench = new Bench({ engine, config: { ...settings(), ...more }, dataDir: tmpdir(), connectionsMax });
  benches.push(bench);
  return bench;
}

const plain = (text: string): Statement => ({ text, params: [], columns: [] });
const soon = (): Deadline => Deadline.after(30_000);
const text = (rows: Rows): string => Buffer.from(rows.json).toString();

/** How many sessions other than the one that looks are at work on it. */
async function running(what: string): Promise<number> {
  const rows = await outside.source.run(
    {
      text: `select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like $1`,
      params: [`%${what}%`],
      columns: [{ name: 'pid', json: 'number' }],
    },
    soon(),
  );
  return rows.count;
}

const SLOW_TABLES = [
  'create table t (id integer primary key, v text)',
  `insert into t values (1, 'one'), (2, 'two')`,
  'create function wait_long() returns text volatile language sql as $$ select pg_sleep(60)::text $$',
  'create view slow as select id, wait_long() as v from t',
];

suiteWith('postgres', 'a PostgreSQL source', () => {
  beforeAll(async () => {
    server = await startPostgres();
    outside = new Bench({ engine, config: settings(), dataDir: tmpdir() });
    await outside.sql(...SLOW_TABLES);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(benches.splice(0).map((bench) => bench.close()));
  });
  afterAll(async () => {
    await outside.close();
    await server.stop();
  });

  describe('a statement that takes too long', () => {
    const slow = read('slow', { filter: is('id', '=', 1), ...fields('v') });

    test('is ended by the server itself at the deadline', async () => {
      const bench = open({}, 1);
      expect(await bench.outcome(slow, Deadline.after(200))).toEqual({ code: 'deadline' });
      expect(await running('"slow"')).toBe(0);
      expect(await bench.outcome(read('t', { countOnly: true }))).toEqual({ json: 2 });
    });

    const REASONS = [deadlinePassed(), callerGone()];
    test.each(REASONS)('is stopped in the database: $code', async (reason) => {
      const bench = open({}, 1);
      const deadline = soon();
      const outcome = bench.outcome(slow, deadline);
      await vi.waitUntil(async () => (await running('"slow"')) === 1);
      deadline.abort(reason);
      expect(await outcome).toEqual({ code: reason.code });
      expect(await running('"slow"')).toBe(0);
      expect(await bench.outcome(read('t', { countOnly: true }))).toEqual({ json: 2 });
    });

    test('a stream before its first row', async () => {
      const bench = open({}, 1);
      const deadline = soon();
      const first = bench
        .stream(read('slow', { everything: true }), deadline)
        .next()
        .catch(failureOf);
      await vi.waitUntil(async () => (await running('"slow"')) === 1);
      deadline.abort(callerGone());
      expect(await first).toEqual({ code: 'cancelled' });
      await vi.waitUntil(async () => (await running('"slow"')) === 0);
      expect(await bench.outcome(read('t', { countOnly: true }))).toEqual({ json: 2 });
    });

    test('what waits for a connection ends as well', async () => {
      const bench = open({}, 1);
      const busy = soon();
      const first = bench.outcome(slow, busy);
      await vi.waitUntil(async () => (await running('"slow"')) === 1);
      const deadline = soon();
      const second = bench.outcome(read('t', { countOnly: true }), deadline);
      deadline.abort(deadlinePassed());
      expect(await second).toEqual({ code: 'deadline' });
      busy.abort(callerGone());
      expect(await first).toEqual({ code: 'cancelled' });
    });
  });

  describe('a transaction', () => {
    test('gives back what its work throws, and undoes it', async () => {
      const { source } = open({}, 1);
      const thrown = new Error('of the caller');
      const work = source.transaction(async (run) => {
        await run(plain(`insert into t values (7, 'undone')`));
        throw thrown;
      }, soon());
      expect(await work.catch((error: unknown) => error)).toBe(thrown);
      expect((await source.run(plain('select 1 from t where id = 7'), soon())).count).toBe(0);
    });

    test('goes on behind a statement that was refused only by ending', async () => {
      const { source } = open({}, 1);
      const failures: unknown[] = [];
      const work = source.transaction(async (run) => {
        await run(plain('insert into t values (1)')).catch((error: unknown) => failures.push(failureOf(error)));
        await run(plain('select 1'));
      }, soon());
      await expect(work).rejects.toMatchObject({ code: 'internal' });
      expect(failures).toEqual([{ code: 'conflict' }]);
      expect((await source.run(plain('select 1 from t'), soon())).affected).toBe(2);
    });

    test('a connection that is lost on the way', async () => {
      const { source } = open({}, 1);
      const work = source.transaction((run) => run(plain('select pg_terminate_backend(pg_backend_pid())')), soon());
      await expect(work).rejects.toMatchObject({ code: 'unavailable' });
      expect((await source.run(plain('select 1'), soon())).affected).toBe(1);
    });

    test('a connection that is lost is no failure of a record', async () => {
      const bench = open({}, 1);
      await outside.sql(
        'create or replace function die() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$',
        'create table mortal (id integer primary key)',
        'create trigger die before insert on mortal for each row when (new.id = 2) execute function die()',
      );
      for (const mode of [BatchMode.ROLLBACK, BatchMode.CONTINUE, BatchMode.STOP]) {
        expect(await bench.outcome(insert('mortal', [{ id: 1 }, { id: 2 }], { mode }))).toEqual({
          code: 'unavailable',
        });
        expect(await bench.outcome(read('mortal', { countOnly: true }))).toEqual({ json: 0 });
      }
    });
  });

  describe('connections that are lost while they rest', () => {
    const ask = read('t', { countOnly: true });
    /** All of its connections rest. */
    async function rested(port: number): Promise<Bench> {
      const bench = open({ port }, 3);
      await bench.ask(describeTables(Target.ONE, 't'));
      await Promise.all([1, 2, 3].map((limit) => bench.ask(read('t', { limit }))));
      return bench;
    }
    const endSessions = async (): Promise<void> => {
      const others = `from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
      await outside.sql(`select pg_terminate_backend(pid, 10000) ${others}`);
    };
    const mine = (id: number) => insert('t', [{ id, v: 'mine' }]);
    const noneOfMine = () => outside.sql(`delete from t where v = 'mine'`);

    test('ended by the server: nobody notices', async () => {
      for (const work of [ask, mine(101), read('t', { target: Target.ONE, ...fields('id') }, { keys: [1] })]) {
        const bench = await rested(server.port);
        await endSessions();
        expect(await bench.outcome(work)).toHaveProperty('json');
      }
      await noneOfMine();
    });

    test('cut without a word: who reads does not notice', async () => {
      const gate = new Gate(server.port);
      await gate.open();
      const bench = await rested(gate.port);
      gate.wither();
      const one = read('t', { target: Target.ONE, ...fields('id') }, { keys: [1] });
      const crowd = await Promise.all([ask, one, ask, one].map((each) => bench.outcome(each)));
      expect(crowd).toEqual([{ json: 2 }, { json: { id: 1 } }, { json: 2 }, { json: { id: 1 } }]);
      gate.wither();
      const lines: string[] = [];
      for await (const piece of bench.stream(read('t', { everything: true, ...fields('id') }))) lines.push(piece);
      expect(lines.join('')).toBe('{"id":1}\n{"id":2}\n');
      await gate.shut();
    });

    test('cut without a word: who writes is told, as it may have been done', async () => {
      const gate = new Gate(server.port);
      await gate.open();
      const bench = await rested(gate.port);
      gate.wither();
      expect(await bench.outcome(mine(102))).toEqual({ code: 'unavailable' });
      expect(await bench.outcome(mine(102))).toEqual({ json: [{ id: 102 }] });
      await noneOfMine();
      await gate.shut();
    });

    test('ended in the middle of a statement: it is not begun again', async () => {
      const bench = open({}, 1);
      const slow = bench.outcome(read('slow', { filter: is('id', '=', 1), ...fields('v') }));
      await vi.waitUntil(async () => (await running('"slow"')) === 1);
      await endSessions();
      expect(await slow).toEqual({ code: 'unavailable' });
      expect(await running('"slow"')).toBe(0);
    });
  });

  describe('a database that cannot be used', () => {
    const CASES: readonly [why: string, config: Record<string, unknown>][] = [
      ['nobody listens', { port: 1 }],
      ['an unknown host', { host: 'no-such-host.invalid' }],
      ['a wrong password', { password: 'wrong-secret' }],
      ['an unknown user', { username: 'nobody-known' }],
      ['no such database', { database: 'no_such_database' }],
      ['TLS is asked for and there is none', { sslmode: 'require' }],
      ['SQL of the administrator that fails', { statements: ['select nonsense_of_the_administrator'] }],
    ];
    test.each(CASES)('%s', async (_, config) => {
      const bench = open(config);
      const error = (await bench.ask(read('t')).catch((thrown: unknown) => thrown)) as MillraceError;
      expect(error.code).toBe('unavailable');
      const told = JSON.stringify([error.message, error.context]);
      const secrets = [...Object.values(config), ...Object.values(settings())].map(String);
      expect(secrets.filter((secret) => secret.length > 3 && secret !== 'postgres' && told.includes(secret))).toEqual(
        [],
      );
      expect(told).not.toMatch(/postgres|ECONN|ENOTFOUND|SASL|SCRAM|nonsense/i);
    });

    test('gone and back again, without a restart', async () => {
      const gate = new Gate(server.port);
      await gate.open();
      const bench = open({ port: gate.port });
      const ask = read('t', { countOnly: true });
      expect(await bench.outcome(ask)).toEqual({ json: 2 });
      await gate.shut();
      for (let i = 0; i < 3; i++) expect(await bench.outcome(ask)).toEqual({ code: 'unavailable' });
      await gate.open();
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => bench.outcome(ask)));
      expect(new Set(outcomes.map((one) => JSON.stringify(one)))).toEqual(new Set(['{"json":2}']));
      await gate.shut();
    });

    test('not there when the service is first used, and later there', async () => {
      const gate = new Gate(server.port);
      await gate.open();
      await gate.shut();
      const bench = open({ port: gate.port });
      expect(await bench.outcome(read('t', { countOnly: true }))).toEqual({ code: 'unavailable' });
      await gate.open();
      expect(await bench.outcome(read('t', { countOnly: true }))).toEqual({ json: 2 });
      await gate.shut();
    });

    test('silent: the deadline holds, and its connections are given up', async () => {
      const gate = new Gate(server.port);
      await gate.open();
      const bench = open({ port: gate.port }, 1);
      const ask = read('t', { countOnly: true });
      await bench.ask(describeTables(Target.ONE, 't')); // nothing else is under way behind it
      expect(await bench.outcome(ask)).toEqual({ json: 2 });
      gate.freeze();
      const deadline = soon();
      const outcome = bench.outcome(ask, deadline);
      await new Promise((resolve) => setImmediate(resolve)); // on its way by then
      deadline.abort(deadlinePassed());
      expect(await outcome).toEqual({ code: 'deadline' });
      expect(await bench.outcome(ask)).toEqual({ json: 2 });
      await gate.shut();
    });
  });

  test('one that is closed finishes what is under way and takes nothing more', async () => {
    const bench = open({}, 1);
    await outside.sql('create or replace view slowly as select id, pg_sleep(0.2)::text as v from t');
    const under = bench.outcome(read('slowly', { order: [{ field: 'id' }], ...fields('id', 'v') }));
    await vi.waitUntil(async () => (await running('"slowly"')) === 1);
    const waiting = bench.outcome(read('t', { countOnly: true }));
    await bench.close();
    expect(await under).toMatchObject({ json: [{ id: 1 }, { id: 2 }] });
    expect(await waiting).toEqual({ code: 'unavailable' });
    expect(await bench.outcome(read('t', { countOnly: true }))).toEqual({ code: 'unavailable' });
  });

  describe('a table that is changed behind our back', () => {
    /** Reads it in several ways, so that statements are prepared; then the clock is past the catalogue's rest. */
    async function known(table: string, ...definition: string[]): Promise<Bench> {
      await outside.sql(`drop table if exists ${table}`, ...definition);
      const bench = open({}, 1);
      for (let i = 0; i < 2; i++) {
        await bench.ask(read(table, { order: [{ field: 'id' }] }));
        await bench.ask(read(table, { target: Target.ONE }, { keys: [1] }));
        for await (const _ of bench.stream(read(table, { everything: true })));
      }
      vi.useFakeTimers({ toFake: ['Date'] });
      vi.setSystemTime(Date.now() + 60_000);
      return bench;
    }
    const MADE = [
      'create table made (id integer primary key, a integer, b text)',
      `insert into made values (1, 10, 'x')`,
    ];

    const CASES: readonly [why: string, change: string[], record: Record<string, unknown>][] = [
      ['another type', ['alter table made alter a type text using a || $$!$$'], { id: 1, a: '10!', b: 'x' }],
      ['a field less', ['alter table made drop b'], { id: 1, a: 10 }],
      ['a field of another name', ['alter table made rename b to c'], { id: 1, a: 10, c: 'x' }],
      [
        'dropped and made again',
        [
          'drop table made',
          'create table made (id integer primary key, z boolean)',
          'insert into made values (1, true)',
        ],
        { id: 1, z: true },
      ],
    ];
    test.each(CASES)('%s: who reads does not notice', async (_, change, record) => {
      const bench = await known('made', ...MADE);
      await outside.sql(...change);
      expect(await bench.outcome(read('made', { target: Target.ONE }, { keys: [1] }))).toEqual({ json: record });
      expect(await bench.outcome(read('made'))).toEqual({ json: [record] });
    });
    test.each(CASES)('%s: nor does who reads a stream', async (_, change, record) => {
      const bench = await known('made', ...MADE);
      await outside.sql(...change);
      const pieces: string[] = [];
      for await (const piece of bench.stream(read('made', { everything: true }))) pieces.push(piece);
      expect(JSON.parse(pieces.join(''))).toEqual(record);
    });

    test('many who read at once', async () => {
      const bench = await known('made', ...MADE);
      await outside.sql('alter table made drop b');
      const one = read('made', { target: Target.ONE }, { keys: [1] });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => bench.outcome(one)));
      expect(outcomes).toEqual(Array(20).fill({ json: { id: 1, a: 10 } }));
    });

    test('a field more is found when it is asked for', async () => {
      const bench = await known('made', ...MADE);
      await outside.sql(`alter table made add d text default 'new'`);
      expect(await bench.outcome(read('made', fields('d')))).toEqual({ json: [{ d: 'new' }] });
    });

    test('what never was there is looked for only so often', async () => {
      const bench = await known('made', ...MADE);
      const introspect = vi.spyOn(bench.source, 'introspect');
      for (let i = 0; i < 5; i++) {
        expect(await bench.outcome(read('made', fields('nothing')))).toEqual({ code: 'invalid', field: 'nothing' });
      }
      expect(introspect).toHaveBeenCalledTimes(1);
    });

    test('a table that is gone', async () => {
      const bench = await known('made', ...MADE);
      await outside.sql('drop table made');
      expect(await bench.outcome(read('made'))).toEqual({ code: 'not_found' });
    });

    test('who writes is told, and next time it fits', async () => {
      const bench = await known('made', ...MADE);
      const write = update('made', Target.ONE, { b: 'y' }, fields('b'), { keys: [1] });
      expect(await bench.outcome(write)).toEqual({ json: { b: 'y' } });
      await outside.sql('alter table made drop b');
      expect(await bench.outcome(write)).toEqual({ code: 'invalid' });
      await vi.waitUntil(
        async () => ((await bench.outcome(read('made', fields('b')))) as { code?: string }).code === 'invalid',
      );
      expect(await bench.outcome(write)).toEqual({ code: 'invalid', field: 'b' });
    });

    test('who writes what still fits does not notice', async () => {
      const bench = await known('made', ...MADE);
      const write = (b: string) => update('made', Target.ONE, { b }, fields('a', 'b'), { keys: [1] });
      expect(await bench.outcome(write('y'))).toEqual({ json: { a: 10, b: 'y' } });
      await outside.sql('alter table made alter a type bigint');
      expect(await bench.outcome(write('z'))).toEqual({ json: { a: 10, b: 'z' } });
    });

    test('statements that the server has forgotten are prepared again', async () => {
      const bench = await known('made', ...MADE);
      await bench.sql('deallocate all');
      expect(await bench.outcome(read('made', fields('id')))).toEqual({ json: [{ id: 1 }] });
      expect(await bench.outcome(read('made', { target: Target.ONE }, { keys: [1] }))).toEqual({
        json: { id: 1, a: 10, b: 'x' },
      });
    });

    test('inside of a transaction it is a collision', async () => {
      const { source } = await known('made', ...MADE);
      const statement = { ...plain('select a from made'), columns: [{ name: 'a', json: 'number' as const }] };
      await source.run(statement, soon());
      await outside.sql('alter table made alter a type text');
      const inside = () => source.transaction((run) => run(statement), soon());
      await expect(inside()).rejects.toMatchObject({ code: 'conflict', context: { retryable: true } });
      expect(text(await inside())).toBe('{"a":10}');
    });
  });
});
