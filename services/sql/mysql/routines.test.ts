import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Deadline, deadlinePassed } from '#common/deadline.ts';
import { type Ask, type Outcome, wireValue } from '#common/testing/bench.ts';
import { RoutineKind } from '#proto/data/v1/data_pb.ts';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { type MysqlDatabase, startMysql } from '../../../deploy/testing/mysql.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Bench } from '../conformance/bench.ts';
import { mariadb, mysql } from './index.ts';

type Server = Pick<RunningMariadb, 'host' | 'port' | 'user' | 'password' | 'database'>;

const call = (name: string, ...values: unknown[]): Ask => ({
  action: { case: 'call', value: { kind: RoutineKind.PROCEDURE, name } },
  parameters: values.map(wireValue),
});
const compute = (name: string, ...values: unknown[]): Ask => ({
  action: { case: 'call', value: { kind: RoutineKind.FUNCTION, name } },
  parameters: values.map(wireValue),
});

/** A value that goes in and comes back by a parameter, as a result of a function, and as a row. */
const VALUES: readonly [declared: string, given: unknown, json: string][] = [
  ['int', -5, '-5'],
  ['bigint', '9007199254740993', '9007199254740993'],
  ['bigint unsigned', '18446744073709551615', '18446744073709551615'],
  ['tinyint(1)', 'yes', 'true'],
  ['bool', false, 'false'],
  ['bit(1)', true, 'true'],
  ['bit(12)', 4095, '4095'],
  ['year', 2024, '2024'],
  ['decimal(10,3)', 1.1, '1.100'],
  ['decimal(40,10)', '123456789012345678901234567890.1', '123456789012345678901234567890.1000000000'],
  ['float', 0.1, '0.1'],
  ['double', 0.1, '0.1'],
  ['double', '1e300', '1e+300'],
  ['date', '2024-02-29', '"2024-02-29"'],
  ['datetime(3)', '2024-02-29T01:02:03.120+02:00', '"2024-02-28 23:02:03.120"'],
  ['time', '-25:30:00', '"-25:30:00"'],
  ['varchar(60)', 'a"b\\c\' ö☃😀\n', '"a\\"b\\\\c\' ö☃😀\\n"'],
  ['varchar(60)', '', '""'],
  ['varchar(60)', null, 'null'],
  ['text', '007', '"007"'],
  ["enum('a','b')", 'b', '"b"'],
  ["set('a','b')", 'a,b', '"a,b"'],
  ['varbinary(9)', 'AAEC/w==', '"AAEC/w=="'],
  ['blob', '', '""'],
  ['int', null, 'null'],
];

const REFUSED: readonly [declared: string, given: unknown][] = [
  ['int', 'x'],
  ['int', '2147483648'],
  ['tinyint', 200],
  ['decimal(4,2)', 123.4],
  ['varchar(2)', 'abc'],
  ['date', '2023-02-29'],
  ["enum('a','b')", 'c'],
  ['varbinary(9)', 'a b'],
];

function suites(engine: typeof mysql, connect: () => Promise<Server>): void {
  let bench: Bench;
  /** For one connection only: what it leaves is what the next borrower finds. */
  let alone: Bench;
  let server: Server;
  const open = (more: Record<string, unknown> = {}, connectionsMax = 4): Bench => {
    const { host, port, database, user: username, password } = server;
    return new Bench({
      engine,
      config: { host, port, database, username, password, ...more },
      dataDir: '',
      connectionsMax,
    });
  };
  /** What a service knows of routines may be a second old. */
  const refresh = async (kind: RoutineKind): Promise<void> => {
    for (const one of [bench, alone]) {
      await one.ask({ action: { case: 'describeRoutines', value: { kind, names: [], refresh: true } } });
    }
  };
  const made = async (kind: 'procedure' | 'function', name: string, rest: string): Promise<void> => {
    await bench.sql(`drop ${kind} if exists ${name}`, `create ${kind} ${name}${rest}`);
    await refresh(kind === 'procedure' ? RoutineKind.PROCEDURE : RoutineKind.FUNCTION);
  };
  const json = async (one: Ask, by = bench): Promise<string> => Buffer.from((await by.ask(one)).json).toString();

  beforeAll(async () => {
    server = await connect();
    bench = open();
    alone = open({}, 1);
    await bench.sql('create table t (id int primary key)', 'insert into t values (1), (2)');
  });
  afterAll(async () => {
    await alone?.close();
    await bench?.close();
  });

  describe('values', () => {
    test.each(VALUES.map((row, i) => [...row, i] as const))('%s: %s is %s', async (declared, given, expected, i) => {
      const names = ['in_out', 'result', 'set'].map((name) => `${name}_${i}`) as [string, string, string];
      await made('procedure', names[0], `(inout a ${declared}, b ${declared}, out c ${declared}) set c = b`);
      await made('function', names[1], `(a ${declared}) returns ${declared} deterministic return a`);
      await made('procedure', names[2], `(a ${declared}) begin declare v ${declared}; set v = a; select v; end`);
      expect(await json(call(names[0], given, given))).toBe(`{"a":${expected},"c":${expected}}`);
      expect(await json(compute(names[1], given))).toBe(expected);
      expect(await json(call(names[2], given))).toBe(`[{"v":${expected}}]`);
    });

    test.each(REFUSED.map((row, i) => [...row, i] as const))('%s: %s is refused', async (declared, given, i) => {
      await made('procedure', `refused_${i}`, `(a ${declared}, inout b ${declared}) set b = a`);
      expect(await bench.outcome(call(`refused_${i}`, given, null))).toMatchObject({ code: 'invalid', field: 'a' });
      expect(await bench.outcome(call(`refused_${i}`, null, given))).toMatchObject({ code: 'invalid', field: 'b' });
    });
  });

  test('the columns of a set are as those of the table', async () => {
    await bench.sql(
      'create table kinds (b tinyint(1), n tinyint, d decimal(5,2), f float, x varbinary(3), g point, s text)',
      "insert into kinds values (1, 1, 1.5, 0.1, x'00ff', point(1, 2), 'ö')",
    );
    await made('procedure', 'kinds_of', '() select * from kinds');
    const set = JSON.parse(await json(call('kinds_of')));
    expect(set).toEqual([{ b: true, n: 1, d: 1.5, f: 0.1, x: 'AP8=', g: expect.stringMatching(/=$/), s: 'ö' }]);
  });

  const SETS: readonly [why: string, body: string, outcome: unknown][] = [
    ['no statement that shows anything', 'begin end', []],
    ['one without rows', 'select id from t where false', []],
    ['several', 'begin select 1 as a; select 2 as b, null as c; end', [[{ a: 1 }], [{ b: 2, c: null }]]],
    ['several and one without rows', 'begin select 1 as a; select id from t where false; end', [{ a: 1 }]],
    ['a write between', 'begin select 1 as a; update t set id = id; end', [{ a: 1 }]],
    ['columns of one name', 'select 1 as a, 2 as b, 3 as a, null as a', [{ a: [1, 3, null], b: 2 }]],
    ['a name that JSON has to escape', 'select 1 as `a "b\\c`', [{ 'a "b\\c': 1 }]],
    ['many rows', 'select a.id as i from t a, t b, t c order by i', [1, 1, 1, 1, 2, 2, 2, 2].map((i) => ({ i }))],
  ];
  test.each(SETS)('%s', async (_, body, expected) => {
    await made('procedure', 'shows', `() ${body}`);
    expect(await bench.outcome(call('shows'))).toEqual({ json: expected });
  });

  describe('a session', () => {
    /** What the one connection is like. */
    const session = async (expression: string): Promise<unknown> => {
      const columns = [{ name: 'v', json: 'string' as const }];
      const rows = await alone.source.run(
        { text: `select ${expression} as v`, params: [], columns },
        Deadline.after(5000),
      );
      return JSON.parse(Buffer.from(rows.json).toString()).v;
    };
    const LEFT: readonly [why: string, body: string, expression: string][] = [
      ['parameters', 'set b = 5', 'coalesce(@millrace_0, @millrace_1)'],
      ['variables', 'begin set @mine = 5; set b = 1; end', '@mine'],
      ['a transaction', 'begin start transaction; insert into t values (50); end', '(select id from t where id = 50)'],
      [
        'a transaction of a procedure that fails',
        "begin start transaction; insert into t values (51); signal sqlstate '45000'; end",
        '(select id from t where id = 51)',
      ],
      [
        'settings',
        'begin set autocommit = 0; set foreign_key_checks = 0; end',
        'nullif(@@autocommit + @@foreign_key_checks, 2)',
      ],
    ];
    test.each(LEFT)('keeps nothing of it: %s', async (_, body, expression) => {
      await made('procedure', 'leaves', `(inout a int, out b int) ${body}`);
      const settings =
        "concat_ws(' ', @@time_zone, @@sql_mode, @@collation_connection, @@collation_database, database())";
      const before = await session(settings);
      await alone.outcome(call('leaves', 7));
      expect(await session(expression)).toBeNull();
      expect(await session(settings)).toBe(before);
    });

    test('what was made in it can be made again', async () => {
      await made(
        'procedure',
        'temporary_table',
        '() begin create temporary table tmp as select 1 as a; select * from tmp; end',
      );
      for (let i = 0; i < 3; i++) expect(await alone.outcome(call('temporary_table'))).toEqual({ json: [{ a: 1 }] });
    });

    test('what others read beside it is read as before', async () => {
      await made('procedure', 'one', '(out a int) set a = 1');
      for (let i = 0; i < 3; i++) {
        expect(await session('(select max(id) from t)')).toBe(2);
        await alone.ask(call('one'));
      }
    });
  });

  test('calls at the same time have results of their own', async () => {
    await made('procedure', 'echo', '(a int, inout b varchar(9), out c int) begin do sleep(0.01); set c = a; end');
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const found = await Promise.all(numbers.map((i) => bench.outcome(call('echo', i, `b${i}`))));
    expect(found).toEqual(numbers.map((i) => ({ json: { b: `b${i}`, c: i } })));
  });

  describe('failures', () => {
    const FAILURES: readonly [why: string, body: string, outcome: Outcome][] = [
      ['raised', "signal sqlstate '45000' set message_text = 'x'", { code: 'invalid' }],
      ['raised with a number', "signal sqlstate '45000' set mysql_errno = 31234", { code: 'invalid' }],
      ['raised behind a set', "begin select 1 as a; signal sqlstate '45000'; end", { code: 'invalid' }],
      ['nothing found', "signal sqlstate '02000'", { code: 'invalid' }],
      ['a key that exists', 'insert into t values (1)', { code: 'conflict' }],
      ['what is not there', 'call nosuch()', { code: 'invalid' }],
    ];
    test.each(FAILURES)('%s', async (_, body, outcome) => {
      await made('procedure', 'fails', `() ${body}`);
      expect(await alone.outcome(call('fails'))).toEqual(outcome);
      expect(await alone.outcome(call('nosuch'))).toEqual({ code: 'not_found' });
    });

    test('one that takes other parameters now', async () => {
      await made('procedure', 'changes', '(a int) select a');
      expect(await bench.outcome(call('changes', 1))).toEqual({ json: [{ a: 1 }] });
      await bench.sql('drop procedure changes', 'create procedure changes() select 2 as a');
      expect(await bench.outcome(call('changes', 1))).toEqual({ code: 'invalid' });
    });
  });

  test('one that is too slow is ended in the database, and its transaction with it', async () => {
    const body = 'begin start transaction; insert into t values (60); select sleep(60) as slept; end';
    await made('procedure', 'slow', `() ${body}`);
    const running = async (): Promise<number> => {
      const text =
        "select count(*) from information_schema.processlist where info like '%as slept%' and id <> connection_id()";
      const columns = [{ name: 'n', json: 'number' as const }];
      const rows = await bench.source.run({ text, params: [], columns }, Deadline.after(5000));
      return JSON.parse(Buffer.from(rows.json).toString()).n;
    };
    const deadline = Deadline.after(30_000);
    const outcome = alone.outcome(call('slow'), deadline);
    await vi.waitFor(async () => expect(await running()).toBe(1));
    deadline.abort(deadlinePassed());
    expect(await outcome).toEqual({ code: 'deadline' });
    await vi.waitFor(async () => expect(await running()).toBe(0));
    await made('procedure', 'sixty', '() select count(*) as n from t where id = 60');
    expect(await alone.outcome(call('sixty'))).toEqual({ json: [{ n: 0 }] });
  });

  describe('what there is', () => {
    const OTHER = `other_${randomUUID().replaceAll('-', '')}`;
    beforeAll(async () => {
      await made('procedure', '`odd ``name`', '(`a ``b` int, out `c "d` int) set `c "d` = `a ``b` + 1');
      await made('procedure', 'same', '() select 1 as a');
      await made('function', 'same', '() returns decimal(12,2) deterministic return 2');
      await bench.sql(`create database ${OTHER}`, `create procedure ${OTHER}.there() select 'there' as a`);
    });
    afterAll(() => bench.sql(`drop database ${OTHER}`));

    test('parameters and results', async () => {
      const routines = (await bench.source.routines?.(Deadline.after(30_000))) ?? [];
      const found = routines.filter(({ name }) => name === 'same' || name === 'odd `name');
      const int = expect.objectContaining({ type: 'integer', nativeType: 'int' });
      const decimal = expect.objectContaining({ type: 'decimal', dbType: 'decimal(12,2)' });
      const none = { params: [], columns: [], isScalar: false };
      const { database: schemaName } = server;
      expect(found.sort((a, b) => `${b.kind} ${b.name}`.localeCompare(`${a.kind} ${a.name}`))).toEqual([
        { ...none, kind: 'procedure', name: 'same', schemaName, routineName: 'same' },
        {
          ...{ ...none, kind: 'procedure', name: 'odd `name', schemaName, routineName: 'odd `name' },
          params: [
            { name: 'a `b', mode: 'IN', type: int, hasDefault: false },
            { name: 'c "d', mode: 'OUT', type: int, hasDefault: false },
          ],
        },
        {
          ...{ ...none, kind: 'function', name: 'same', schemaName, routineName: 'same' },
          ...{ columns: [{ name: 'output', type: decimal }], isScalar: true },
        },
      ]);
    });

    test('names that need quotes', async () => {
      expect(await json(call('odd `name', 1))).toBe('{"c \\"d":2}');
    });

    test('a procedure and a function of one name', async () => {
      expect([await json(call('same')), await json(compute('SAME'))]).toEqual(['[{"a":1}]', '2.00']);
    });

    test.each([
      ['the own database', undefined, 'same', 'there'],
      ['all databases', 'all', `${OTHER}.there`, 'there'],
      ['another database', OTHER, 'there', 'same'],
    ])('of %s', async (_, schema, there, missing) => {
      const one = open(schema === undefined ? {} : { schema });
      try {
        expect(await one.outcome(call(there))).toMatchObject({ json: [{}] });
        expect(await one.outcome(call(missing))).toEqual({ code: 'not_found' });
      } finally {
        await one.close();
      }
    });
  });
}

suiteWith('mariadb', 'routines of a MariaDB', () => {
  let server: RunningMariadb;
  const connect = async (): Promise<Server> => {
    server = await startMariadb();
    return server;
  };
  afterAll(() => server?.stop());
  suites(mariadb, connect);
});

suiteWith('mysql', 'routines of a MySQL', () => {
  let database: MysqlDatabase;
  const connect = async (): Promise<Server> => {
    database = await startMysql();
    return database;
  };
  afterAll(() => database?.stop());
  suites(mysql, connect);
});
