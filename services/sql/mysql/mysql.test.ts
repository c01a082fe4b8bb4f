import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { callerGone, Deadline, deadlinePassed } from '#common/deadline.ts';
import type { ErrorCode, MillraceError } from '#common/errors.ts';
import type { JsonKind } from '#common/schema/catalogue.ts';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { type MysqlDatabase, startMysql } from '../../../deploy/testing/mysql.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import type { EachMode, SqlSource, StatementOutcome } from '../engine.ts';
import type { Param, ResultColumn, Rows, Statement } from '../statement.ts';
import { mariadb, mysql } from './index.ts';

const CONNECTIONS_MAX = 4;

const soon = (): Deadline => Deadline.after(30_000);
const sql = (text: string, params: readonly Param[] = [], kinds: Record<string, JsonKind> = {}): Statement => ({
  text,
  params,
  columns: Object.entries(kinds).map(([name, json]) => ({ name, json })),
});
const text = (rows: Rows): string => Buffer.from(rows.json).toString();

/** Aborts once the work has been going on for a while: that it is running cannot be seen from outside. */
function late(milliseconds = 150): Deadline {
  const deadline = Deadline.after(milliseconds);
  setTimeout(() => deadline.abort(deadlinePassed()), milliseconds);
  return deadline;
}

/** Runs for longer than any test. */
const SLOW = 'select sleep(60)';
const VALUES: readonly [declared: string, kind: JsonKind, stored: Param, json: string][] = [
  ['int', 'number', 5, '5'],
  ['bigint', 'number', 9007199254740993n, '9007199254740993'],
  ['bigint', 'number', -9223372036854775808n, '-9223372036854775808'],
  ['bigint unsigned', 'number', 18446744073709551615n, '18446744073709551615'],
  ['decimal(30,2)', 'number', '12345678901234567890.10', '12345678901234567890.10'],
  ['decimal(10,2)', 'number', 5200.5, '5200.50'],
  ['double', 'number', 1e300, '1e+300'],
  ['double', 'number', 0.1, '0.1'],
  ['float', 'number', 0.1, '0.1'],
  ['float', 'number', 16777217.5, '16777218'],
  ['tinyint(1)', 'boolean', 1, 'true'],
  ['tinyint(1)', 'boolean', 0, 'false'],
  ['bit(1)', 'boolean', 1, 'true'],
  ['bit(1)', 'boolean', 0, 'false'],
  ['bit(20)', 'number', 70_000, '70000'],
  ['year', 'number', 2024, '2024'],
  ['date', 'string', '2024-02-29', '"2024-02-29"'],
  ['datetime', 'string', '2024-02-29 23:59:59', '"2024-02-29 23:59:59"'],
  ['datetime(3)', 'string', '2024-02-29T23:59:59.120', '"2024-02-29 23:59:59.120"'],
  ['timestamp', 'string', '2024-02-29 23:59:59', '"2024-02-29 23:59:59"'],
  ['time', 'string', '-25:30:00', '"-25:30:00"'],
  ['varchar(60)', 'string', 'a"b\\c\n\u0001', '"a\\"b\\\\c\\n\\u0001"'],
  ['varchar(60)', 'string', 'Zoë ☃ 𝄞', '"Zoë ☃ 𝄞"'],
  ['varchar(60)', 'string', '', '""'],
  ['varchar(60)', 'string', null, 'null'],
  ['text', 'string', '007', '"007"'],
  ['text', 'number', 'many', '"many"'],
  ['json', 'string', '{"a": [1, "x"]}', '"{\\"a\\": [1, \\"x\\"]}"'],
  [`enum('a','b''c')`, 'string', "b'c", `"b'c"`],
  ['varbinary(9)', 'bytes', new Uint8Array([0, 1, 2, 255]), '"AAEC/w=="'],
  ['blob', 'bytes', new Uint8Array(), '""'],
];

interface Connecting {
  readonly config: Record<string, unknown>;
  readonly type: 'mysql' | 'mariadb';
}

function suites(connect: () => Promise<Connecting>): void {
  let connecting: Connecting;
  let source: SqlSource;
  const open = (more: Record<string, unknown> = {}): SqlSource => {
    const { config, type } = connecting;
    const engine = type === 'mysql' ? mysql : mariadb;
    const context = { dataDir: '', serviceName: 'test', connectionsMax: CONNECTIONS_MAX };
    return engine.open({ ...config, ...more }, context);
  };
  const run = (statement: string, params: readonly Param[] = [], kinds: Record<string, JsonKind> = {}) =>
    source.run(sql(statement, params, kinds), soon());
  const list = async (statement: string): Promise<unknown> =>
    JSON.parse(`[${text(await run(statement, [], { id: 'number' }))}]`).map((row: { id: number }) => row.id);
  /** Statements of that text which the server is at. */
  const running = async (part: string): Promise<number> => {
    const query = 'select count(*) from information_schema.processlist where info like ? and id <> connection_id()';
    return JSON.parse(text(await run(query, [`${part}%`], { n: 'number' }))).n;
  };

  beforeAll(async () => {
    connecting = await connect();
    source = open();
  });
  afterAll(() => source?.close());
  beforeEach(async () => {
    for (const table of ['c', 'p', 't', '`odd ``table`']) await run(`drop table if exists ${table}`);
  });

  describe('values', () => {
    test.each(VALUES)('%s as %s: %s', async (declared, kind, stored, json) => {
      await run(`create table t (v ${declared})`);
      await run('insert into t values (?)', [stored]);
      const read = await run('select v from t', [], { v: kind });
      expect([text(read), read.affected]).toEqual([`{"v":${json}}`, 0]);
    });

    test('a geometry goes out and in as it is', async () => {
      await run('create table t (id int, v point)');
      await run('insert into t values (1, point(1, 2))');
      const read = JSON.parse(text(await run('select v from t', [], { v: 'bytes' }))).v;
      await run('insert into t values (2, ?)', [Buffer.from(read, 'base64')]);
      const shown = await run('select st_astext(v) from t where id = ?', [2], { v: 'string' });
      expect(text(shown).toUpperCase().replace(/\s+/, ' ')).toBe('{"V":"POINT(1 2)"}');
    });

    test('rows end where `ends` says, hidden columns stand apart, quoted names are kept', async () => {
      await run('create table `odd ``table` (id bigint primary key, `a ``b` text)');
      await run("insert into `odd ``table` values (1, 'ö'), (9007199254740993, null)");
      const columns: ResultColumn[] = [
        { name: 'id', json: 'number', hidden: true },
        { name: 'a "b', json: 'string' },
      ];
      const statement = { text: 'select id, `a ``b` from `odd ``table` order by id', params: [], columns };
      const rows = await source.run(statement, soon());
      const json = Buffer.from(rows.json);
      const [first, second] = rows.ends as [number, number];
      expect(json.subarray(0, first).toString()).toBe('{"a \\"b":"ö"}');
      expect(json.subarray(first + 1, second).toString()).toBe('{"a \\"b":null}');
      expect(second).toBe(json.length);
      expect(rows.hidden).toEqual(['1', '9007199254740993']);
    });

    test('the same text may be asked for in two forms', async () => {
      await run('create table t (id int)');
      await run('insert into t values (1)');
      expect(text(await run('select id from t', [], { id: 'number' }))).toBe('{"id":1}');
      expect(text(await run('select id from t', [], { other: 'boolean' }))).toBe('{"other":true}');
    });

    test('an answer of megabytes arrives whole', async () => {
      await run('create table t (v longtext)');
      await run('insert into t values (?)', ['☃'.repeat(1_000_000)]);
      expect(JSON.parse(text(await run('select v from t', [], { v: 'string' }))).v).toHaveLength(1_000_000);
    });

    test('a table that changes meanwhile is read as it is', async () => {
      await run('create table t (id int)');
      await run('insert into t values (7)');
      expect(await list('select id from t')).toEqual([7]);
      await run('alter table t modify id varchar(20)');
      expect(await list('select id from t')).toEqual([7]);
      await run("update t set id = 'seven'");
      expect(await list('select id from t')).toEqual(['seven']);
    });

    test('what does not fit is refused, never cut', async () => {
      await run('create table t (v varchar(2), n tinyint)');
      for (const [values, params] of [
        ['?, 1', ['abc']],
        ["'a', ?", [999]],
      ] as const) {
        await expect(run(`insert into t values (${values})`, params)).rejects.toMatchObject({ code: 'invalid' });
      }
      expect(await list('select count(*) from t')).toEqual([0]);
    });
  });

  describe('many statements in one transaction', () => {
    const CASES: readonly [mode: EachMode, outcomes: string[], left: number[]][] = [
      ['stop', ['rows', 'conflict'], [1, 10]],
      ['continue', ['rows', 'conflict', 'rows', 'conflict'], [1, 10, 11]],
      ['rollback', ['rows', 'conflict'], [1]],
    ];
    const kind = (outcome: StatementOutcome): string => ('error' in outcome ? outcome.error.code : 'rows');
    test.each(CASES)('%s', async (mode, outcomes, left) => {
      await run('create table t (id int primary key)');
      await run('insert into t values (1)');
      const statements = [10, 1, 11, 1].map((id) => sql('insert into t values (?)', [id]));
      const found = await source.runEach(statements, { mode, optimistic: true }, soon());
      expect(found.map(kind)).toEqual(outcomes);
      expect(await list('select id from t order by id')).toEqual(left);
    });

    test('a write shows its rows by a select of its own', async () => {
      await run('create table t (id int primary key auto_increment, v int)');
      const shows = (when: 'before' | 'after', condition: string): NonNullable<Statement['reads']> => ({
        when,
        statement: sql(`select id, v from t where ${condition}`, [], { id: 'number', v: 'number' }),
      });
      const statements: Statement[] = [
        { ...sql('insert into t (v) values (?)', [5]), reads: shows('after', 'id = last_insert_id()') },
        { ...sql('update t set v = ? where id = ?', [6, 1]), reads: shows('after', 'id = 1') },
        { ...sql('update t set v = ? where id = ?', [6, 77]), reads: shows('after', 'id = 1') },
        { ...sql('delete from t where id = ?', [1]), reads: shows('before', 'id = 1 for update') },
      ];
      const found = await source.runEach(statements, { mode: 'continue', optimistic: true }, soon());
      const shown = found.map((one) => ('rows' in one ? `${one.rows.affected} ${text(one.rows)}` : kind(one)));
      expect(shown).toEqual(['1 {"id":1,"v":5}', '1 {"id":1,"v":6}', '0 ', '1 {"id":1,"v":6}']);
      expect(await list('select id from t')).toEqual([]);
    });

    test('a change that changes nothing still counts the record', async () => {
      await run('create table t (id int primary key, v int)');
      await run('insert into t values (1, 5)');
      expect((await run('update t set v = ? where id = 1', [5])).affected).toBe(1);
    });

    test.each(['continue', 'rollback'] as const)('two that wait for each other are both done: %s', async (mode) => {
      await run('create table t (id int primary key, v int)');
      await run('insert into t values (1, 0), (2, 0)');
      const both = (ids: number[]): Promise<StatementOutcome[]> =>
        source.runEach(
          // The pause makes sure that each holds what the other one wants.
          ids.map((id) => sql('update t set v = v + 1 + sleep(0.1) where id = ?', [id])),
          { mode, optimistic: true },
          soon(),
        );
      const found = await Promise.all([both([1, 2]), both([2, 1])]);
      expect(found.flat().map(kind)).toEqual(['rows', 'rows', 'rows', 'rows']);
      expect(await list('select v from t')).toEqual([2, 2]);
    });
  });

  describe('a transaction of several steps', () => {
    test('reads what it wrote, and others see it at the end', async () => {
      await run('create table t (id int)');
      const seen = await source.transaction(async (step) => {
        await step(sql('insert into t values (1)'));
        const before = await list('select id from t');
        return [before, text(await step(sql('select id from t', [], { id: 'number' })))];
      }, soon());
      expect([seen, await list('select id from t')]).toEqual([[[], '{"id":1}'], [1]]);
    });

    test('work that rejects leaves nothing', async () => {
      await run('create table t (id int)');
      const work = source.transaction(async (step) => {
        await step(sql('insert into t values (1)'));
        throw new Error('no');
      }, soon());
      await expect(work).rejects.toThrow('no');
      await run('insert into t values (2)');
      expect(await list('select id from t')).toEqual([2]);
    });

    test('a step that is too slow ends it and leaves nothing', async () => {
      await run('create table t (id int)');
      const work = source.transaction(async (step) => {
        await step(sql('insert into t values (1)'));
        await step(sql(`${SLOW} from t`, [], { n: 'number' }));
      }, late());
      await expect(work).rejects.toMatchObject({ code: 'deadline' });
      await run('insert into t values (2)');
      expect(await list('select id from t')).toEqual([2]);
    });
  });

  describe('a slow query', () => {
    test('is ended in the database at its deadline, while others go on', async () => {
      const slow = source.run(sql(`${SLOW} as a`, [], { a: 'number' }), late(300));
      await vi.waitFor(async () => expect(await running(`${SLOW} as a`)).toBe(1));
      await expect(slow).rejects.toMatchObject({ code: 'deadline' });
      await vi.waitFor(async () => expect(await running(`${SLOW} as a`)).toBe(0));
    });

    test('gives its place back when the caller goes away', async () => {
      const deadlines = Array.from({ length: CONNECTIONS_MAX }, soon);
      const slow = deadlines.map((deadline) => source.run(sql(`${SLOW} as b`, [], { b: 'number' }), deadline));
      const other = list('select 5');
      for (const deadline of deadlines) deadline.abort(callerGone());
      const outcomes = await Promise.allSettled(slow);
      expect(outcomes.map((one) => one.status === 'rejected' && one.reason.code)).toEqual(
        deadlines.map(() => 'cancelled'),
      );
      expect(await other).toEqual([5]);
      await vi.waitFor(async () => expect(await running(`${SLOW} as b`)).toBe(0));
    });

    test('a deadline that has passed runs nothing', async () => {
      await run('create table t (id int)');
      const deadline = soon();
      deadline.abort(deadlinePassed());
      const write = source.run(sql('insert into t values (2)'), deadline);
      await expect(write).rejects.toMatchObject({ code: 'deadline' });
      expect(await list('select id from t')).toEqual([]);
    });
  });

  describe('a stream', () => {
    const ROWS = 20_000;
    const NUMBERS =
      'select d.n * 1000 + c.n * 100 + b.n * 10 + a.n + 1 as i from ' +
      ['a', 'b', 'c', 'd']
        .map((name) => {
          const count = name === 'd' ? ROWS / 1000 : 10;
          const parts = Array.from({ length: count }, (_, n) => `select ${n} as n`);
          return `(${parts.join(' union all ')}) ${name}`;
        })
        .join(', ');
    const WIDE = `select i, repeat('x', 100) from (${NUMBERS}) n order by i`;
    const wide = sql(WIDE, [], { i: 'number', x: 'string' });

    test('gives all rows in pieces', async () => {
      let next = 1;
      let pieces = 0;
      for await (const rows of source.stream(wide, soon())) {
        for (const row of JSON.parse(`[${text(rows)}]`)) expect(row.i).toBe(next++);
        pieces++;
      }
      expect([next, pieces > 3]).toEqual([ROWS + 1, true]);
    });

    test('that is left early gives its connection back', async () => {
      for (let i = 0; i < 2 * CONNECTIONS_MAX; i++) {
        for await (const rows of source.stream(wide, soon())) {
          expect(rows.count).toBeLessThan(ROWS);
          break;
        }
      }
      expect(await list('select 5')).toEqual([5]);
    });

    test('stops at the deadline', async () => {
      const deadline = soon();
      const pieces = source.stream(wide, deadline)[Symbol.asyncIterator]();
      expect((await pieces.next()).value.count).toBeGreaterThan(0);
      deadline.abort(deadlinePassed());
      await expect(pieces.next()).rejects.toMatchObject({ code: 'deadline' });
      expect(await list('select 5')).toEqual([5]);
    });

    test('of a statement that fails says so', async () => {
      const pieces = source.stream(sql('select * from nosuch', [], { i: 'number' }), soon());
      await expect(pieces[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'invalid' });
    });
  });

  describe('failures', () => {
    const CASES: readonly [statement: string, code: ErrorCode, says: RegExp][] = [
      ["insert into t values (2, 'taken', 1, 1, 'a')", 'conflict', /'one_name'/],
      ["insert into t values (1, 'new', 1, 1, 'a')", 'conflict', /'PRIMARY'/],
      ["insert into t values (2, null, 1, 1, 'a')", 'invalid', /'name'.*NULL/],
      ['insert into t (id, parent) values (2, 1)', 'invalid', /'name'.*NULL/],
      ["insert into t values (2, 'new', 9, 1, 'a')", 'conflict', /reference.*'fk_parent'/],
      ["insert into t values (2, 'new', 1, -1, 'a')", 'invalid', /'positive'/],
      ["insert into t values (2, repeat('x', 61), 1, 1, 'a')", 'invalid', /'name'.*too long/],
      ["insert into t values (2, 'new', 1, 99999999999, 'a')", 'invalid', /'n'.*range/],
      ["insert into t values (2, 'new', 1, 'x', 'a')", 'invalid', /'n'.*type/],
      ["insert into t values (2, 'new', 1, 1, 'c')", 'invalid', /'e'.*type/],
      ['delete from t', 'conflict', /refer/],
      ['select * from nosuch', 'invalid', /./],
      ['select nosuch from t', 'invalid', /./],
      ['create table t (id int)', 'conflict', /./],
      ['nonsense', 'internal', /./],
    ];
    test.each(CASES)('%s', async (statement, code, says) => {
      await run(`create table t (id int primary key, name varchar(60) not null, parent int, n int, e enum('a', 'b'),
        unique key one_name (name), constraint fk_parent foreign key (parent) references t (id),
        constraint positive check (n > 0))`);
      await run("insert into t values (1, 'taken', null, 1, 'a')");
      await run("insert into t values (3, 'other', 1, 1, 'a')");
      const error = await run(statement, [], { id: 'number' }).catch((thrown: MillraceError) => thrown);
      expect(error).toMatchObject({ name: 'MillraceError', code });
      expect((error as MillraceError).message).toMatch(says);
      expect((error as MillraceError).message).not.toMatch(/SQL\b|nosuch|maria|insert into|delete/i);
    });

    const UNUSABLE: readonly [why: string, config: Record<string, unknown>][] = [
      ['nobody listens', { port: 1 }],
      ['a wrong password', { password: 'wrong' }],
      ['a user that is none', { username: 'nobody' }],
      ['a database that is none', { database: 'nosuch' }],
      ['a host that is none', { host: 'nowhere.invalid' }],
      ['a socket that is none', { unix_socket: '/nowhere/mysql.sock' }],
      ['a time zone that is none', { timezone: 'Middle/Earth' }],
      ['a variable that is none', { options: { quux: '1' } }],
      ['a statement that fails', { statements: ['nonsense'] }],
    ];
    test.each(UNUSABLE)('%s', async (_, config) => {
      const other = open(config);
      try {
        const error = await other.run(sql('select 1', [], { n: 'number' }), soon()).catch((thrown) => thrown);
        expect(error).toMatchObject({ name: 'MillraceError', code: 'unavailable' });
        expect(error.message).not.toMatch(/wrong|nobody|nosuch|nowhere|127\.0/);
      } finally {
        await other.close();
      }
    });

    test('a server without TLS is refused where TLS must be', async () => {
      const other = open({ options: { ssl_mode: 'verify-full' } });
      const error = await other.run(sql('select 1', [], { n: 'number' }), soon()).catch((thrown) => thrown);
      await other.close();
      expect(error).toMatchObject({ code: 'unavailable' });
    });
  });

  describe('a session', () => {
    test('is the same whatever the server, and takes the settings of the service', async () => {
      const other = open({
        timezone: '+02:00',
        collation: 'utf8_unicode_ci',
        modes: 'ONLY_FULL_GROUP_BY, ansi_quotes',
        options: { lock_wait_timeout: 7 },
        statements: ['set @mine = 5'],
      });
      const asked = ['time_zone', 'sql_mode', 'collation_connection', 'lock_wait_timeout', 'mine'];
      const columns = Object.fromEntries(asked.map((name): [string, JsonKind] => [name, 'string']));
      const variables = asked.map((name) => (name === 'mine' ? '@mine' : `@@${name}`)).join(', ');
      const rows = await other.run(sql(`select ${variables}`, [], columns), soon());
      await other.close();
      const found = JSON.parse(text(rows));
      expect(found).toMatchObject({ time_zone: '+02:00', collation_connection: 'utf8mb4_unicode_ci', mine: '5' });
      expect(String(found.lock_wait_timeout)).toBe('7');
      expect(found.sql_mode).toMatch(/STRICT_ALL_TABLES.*NO_ENGINE_SUBSTITUTION/);
      expect([/ONLY_FULL_GROUP_BY/, /ANSI/].map((mode) => mode.test(found.sql_mode))).toEqual([true, false]);
    });

    test('there are not more than may be', async () => {
      const ids = await Promise.all(
        Array.from({ length: 5 * CONNECTIONS_MAX }, () => list('select connection_id() + 0 * sleep(0.02)')),
      );
      expect(new Set(ids.flat()).size).toBeLessThanOrEqual(CONNECTIONS_MAX);
    });

    test('one that the server ended is replaced', async () => {
      const [id] = (await list('select connection_id()')) as [number];
      await run(`kill ${id}`).catch(() => {});
      await vi.waitFor(async () => expect(await list('select 5')).toEqual([5]));
    });

    test('after close nothing is run', async () => {
      const other = open();
      await other.run(sql('select 1', [], { n: 'number' }), soon());
      await Promise.all([other.close(), other.close()]);
      await expect(other.run(sql('select 1', [], { n: 'number' }), soon())).rejects.toMatchObject({
        name: 'MillraceError',
      });
    });
  });
}

suiteWith('mariadb', 'MariaDB', () => {
  let server: RunningMariadb | undefined;
  const connect = async (): Promise<Record<string, unknown>> => {
    server ??= await startMariadb();
    const { host, port, database, user: username, password } = server;
    return { host, port, database, username, password };
  };
  afterAll(() => server?.stop());
  suites(async () => ({ type: 'mariadb', config: await connect() }));

  test('a server that goes away and comes back', async () => {
    const first = await startMariadb();
    const { host, port, database, user: username, password } = first;
    const config = { host, port, database, username, password };
    const source = mariadb.open(config, { dataDir: '', serviceName: 'test', connectionsMax: CONNECTIONS_MAX });
    const ask = async (): Promise<string> =>
      text(await source.run(sql('select 5', [], { n: 'number' }), Deadline.after(5000)));
    try {
      expect(await ask()).toBe('{"n":5}');
      const slow = source.run(sql(SLOW, [], { n: 'number' }), soon());
      slow.catch(() => {});
      await first.stop();
      await expect(slow).rejects.toMatchObject({ code: 'unavailable' });
      await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
      const second = await startMariadb({ port });
      await expect(ask()).resolves.toBe('{"n":5}');
      await second.stop();
    } finally {
      await source.close();
    }
  });
});

suiteWith('mysql', 'MySQL', () => {
  let server: MysqlDatabase | undefined;
  afterAll(() => server?.stop());
  suites(async () => {
    server = await startMysql();
    const { host, port, database, user: username, password } = server;
    return { type: 'mysql', config: { host, port, database, username, password } };
  });
});
