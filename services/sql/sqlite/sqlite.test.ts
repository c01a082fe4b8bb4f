import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callerGone, Deadline, deadlinePassed } from '#common/deadline.ts';
import type { ErrorCode, MillraceError } from '#common/errors.ts';
import type { JsonKind } from '#common/schema/catalogue.ts';
import type { EachMode, SqlSource, StatementOutcome } from '../engine.ts';
import type { Param, ResultColumn, Rows, Statement } from '../statement.ts';
import { engine } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'));
const file = 'main.sqlite';
const CONNECTIONS_MAX = 4;

const open = (config: Record<string, unknown>): SqlSource =>
  engine.open(config, { dataDir: folder, serviceName: 'test', connectionsMax: CONNECTIONS_MAX });
const soon = (): Deadline => Deadline.after(30_000);

/** One for all tests, which find it empty: a process takes longer to start than most of them. */
const source = open({ database: file });

afterEach(async () => {
  for (const table of ['c', 'p', 't', '"odd ""table"']) await run(`drop table if exists ${table}`);
});
afterAll(async () => {
  await source.close();
  rmSync(folder, { recursive: true });
});

const sql = (text: string, params: readonly Param[] = [], kinds: Record<string, JsonKind> = {}): Statement => ({
  text,
  params,
  columns: Object.entries(kinds).map(([name, json]) => ({ name, json })),
});
const run = (text: string, params: readonly Param[] = [], kinds: Record<string, JsonKind> = {}): Promise<Rows> =>
  source.run(sql(text, params, kinds), soon());
const text = (rows: Rows): string => Buffer.from(rows.json).toString();
const list = async (statement: string): Promise<unknown> =>
  JSON.parse(`[${text(await run(statement, [], { id: 'number' }))}]`).map((row: { id: number }) => row.id);

/** Runs for minutes and gives no row on the way. */
const ENDLESS =
  '(with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000000000) select count(*) from n)';
/** Aborts once the work has been going on for a while: that it is running cannot be seen from outside. */
function late(milliseconds = 150): Deadline {
  const deadline = Deadline.after(milliseconds);
  setTimeout(() => deadline.abort(deadlinePassed()), milliseconds);
  return deadline;
}

describe('values', () => {
  const CASES: readonly [why: string, declared: string, kind: JsonKind, stored: Param, json: string][] = [
    ['an integer', 'integer', 'number', 5, '5'],
    ['2^53 + 1', 'bigint', 'number', 9007199254740993n, '9007199254740993'],
    ['the smallest integer', 'bigint', 'number', -9223372036854775808n, '-9223372036854775808'],
    ['a whole decimal', 'decimal(10,2)', 'number', '5200.00', '5200'],
    ['a decimal', 'decimal(10,2)', 'number', '5200.5', '5200.5'],
    ['a double', 'double', 'number', 1e300, '1e+300'],
    ['infinity', 'double', 'number', Number.POSITIVE_INFINITY, '"Infinity"'],
    ['text in a number column', 'integer', 'number', 'many', '"many"'],
    ['true', 'tinyint(1)', 'boolean', true, 'true'],
    ['0', 'tinyint(1)', 'boolean', 0, 'false'],
    ['a boolean as text', 'boolean', 'boolean', 'yes', 'true'],
    ['bytes', 'blob', 'bytes', new Uint8Array([0, 1, 2, 255]), '"AAEC/w=="'],
    ['bytes in a text column', 'text', 'string', new Uint8Array([255]), '"/w=="'],
    ['no bytes', 'blob', 'bytes', new Uint8Array(), '""'],
    ['NULL', 'text', 'string', null, 'null'],
    ['an empty text', 'text', 'string', '', '""'],
    ['quotes and control characters', 'text', 'string', 'a"b\\c\n\u0001', '"a\\"b\\\\c\\n\\u0001"'],
    ['text beyond ASCII', 'text', 'string', 'Zoë ☃ 𝄞', '"Zoë ☃ 𝄞"'],
    ['a whole number without a type', '', 'string', 7, '7'],
  ];
  test.each(CASES)('%s', async (_, declared, kind, stored, json) => {
    await run(`create table t (v ${declared})`);
    const written = await run('insert into t values (?1) returning v', [stored], { v: kind });
    const read = await run('select v from t', [], { v: kind });
    expect([text(written), text(read)]).toEqual([`{"v":${json}}`, `{"v":${json}}`]);
    expect([written.affected, read.affected]).toEqual([1, 0]);
  });

  test('rows end where `ends` says, hidden columns stand apart, quoted names are kept', async () => {
    await run('create table "odd ""table" (id integer primary key, "a ""b" text)');
    await run(`insert into "odd ""table" values (1, 'ö'), (9007199254740993, null)`);
    const columns: ResultColumn[] = [
      { name: 'id', json: 'number', hidden: true },
      { name: 'a "b', json: 'string' },
    ];
    const statement = { text: 'select id, "a ""b" from "odd ""table" order by id', params: [], columns };
    const rows = await source.run(statement, soon());
    const json = Buffer.from(rows.json);
    const [first, second] = rows.ends as [number, number];
    expect(json.subarray(0, first).toString()).toBe('{"a \\"b":"ö"}');
    expect(json.subarray(first + 1, second).toString()).toBe('{"a \\"b":null}');
    expect(second).toBe(json.length);
    expect(rows.hidden).toEqual(['1', '9007199254740993']);
  });

  test('the same text may be asked for in two forms', async () => {
    await run('create table t (id integer)');
    await run('insert into t values (1)');
    expect(text(await run('select id from t', [], { id: 'number' }))).toBe('{"id":1}');
    expect(text(await run('select id from t', [], { other: 'boolean' }))).toBe('{"other":true}');
  });

  test('an answer of megabytes arrives whole', async () => {
    await run('create table t (v text)');
    await run('insert into t values (?1)', ['☃'.repeat(1_000_000)]);
    expect(JSON.parse(text(await run('select v from t', [], { v: 'string' }))).v).toHaveLength(1_000_000);
  });
});

describe('a list of values as one parameter', () => {
  const CASES: readonly [why: string, kind: JsonKind, stored: Param, values: Param[], found: number][] = [
    ['integers', 'number', 9007199254740993n, [1n, 9007199254740993n], 1],
    ['texts', 'string', 'a"b', ['a"b', ''], 1],
    ['bytes', 'bytes', new Uint8Array([1, 171]), [new Uint8Array([1, 171])], 1],
    ['none', 'number', 1, [], 0],
  ];
  test.each(CASES)('%s', async (_, json, stored, values, found) => {
    await run(`create table t (v ${{ number: 'integer', string: 'text', bytes: 'blob', boolean: '' }[json]})`);
    await run('insert into t values (?1)', [stored]);
    const { tables } = await source.introspect(soon());
    const column = tables[0]!.columns[0]!;
    const condition = engine.dialect.inList?.('"v"', 1, column);
    const rows = await run(
      `select 1 from t where ${condition}`,
      [engine.dialect.arrayParam?.(values, column) ?? null],
      {
        one: 'number',
      },
    );
    expect(rows.count).toBe(found);
  });
});

describe('where a statement runs', () => {
  test('a write that begins like a read', async () => {
    await run('create table t (id integer)');
    const rows = await run('with n as (select 3 as i) insert into t select i from n returning id', [], {
      id: 'number',
    });
    expect(text(rows)).toBe('{"id":3}');
  });

  test('in memory everything shares one database', async () => {
    const memory = open({ database: ':memory:' });
    try {
      await memory.run(sql('create table t (id integer)'), soon());
      await memory.run(sql('insert into t values (1), (2)'), soon());
      const pieces: Rows[] = [];
      for await (const rows of memory.stream(sql('select id from t', [], { id: 'number' }), soon())) {
        await memory.run(sql('insert into t values (3)'), soon());
        pieces.push(rows);
      }
      expect(pieces.map(text)).toEqual(['{"id":1},{"id":2}']);
    } finally {
      await memory.close();
    }
  });

  test('what is acknowledged is seen by other programs', async () => {
    await run('create table t (id integer)');
    await run('insert into t values (1)');
    const other = new Database(join(folder, file));
    expect([other.pragma('journal_mode', { simple: true }), other.prepare('select id from t').all()]).toEqual([
      'wal',
      [{ id: 1 }],
    ]);
    other.close();
  });

  test("the administrator's statements run on each connection", async () => {
    const other = open({ database: file, statements: ['pragma foreign_keys = off'] });
    try {
      const rows = await other.run(
        sql('select foreign_keys as f from pragma_foreign_keys', [], { f: 'number' }),
        soon(),
      );
      expect(text(rows)).toBe('{"f":0}');
    } finally {
      await other.close();
    }
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
    await run('create table t (id integer primary key)');
    await run('insert into t values (1)');
    const statements = [10, 1, 11, 1].map((id) =>
      sql('insert into t values (?1) returning id', [id], { id: 'number' }),
    );
    const found = await source.runEach(statements, { mode, optimistic: true }, soon());
    expect(found.map(kind)).toEqual(outcomes);
    expect(await list('select id from t order by id')).toEqual(left);
  });

  test('a reference that is checked at the end concerns the one that it belongs to', async () => {
    await run('create table p (id integer primary key)');
    await run('create table c (p integer references p deferrable initially deferred)');
    const statements = [sql('insert into p values (1)'), sql('insert into c values (2)')];
    const found = await source.runEach(statements, { mode: 'continue', optimistic: false }, soon());
    expect(found.map(kind)).toEqual(['rows', 'conflict']);
    expect(await list('select id from p')).toEqual([1]);
    expect(await list('select p from c')).toEqual([]);
  });

  test('where all or nothing is asked, it undoes all', async () => {
    await run('create table p (id integer primary key)');
    await run('create table c (p integer references p deferrable initially deferred)');
    const statements = [sql('insert into p values (1)'), sql('insert into c values (2)')];
    const done = source.runEach(statements, { mode: 'rollback', optimistic: false }, soon());
    await expect(done).rejects.toMatchObject({ code: 'conflict' });
    expect(await list('select id from p')).toEqual([]);
    await run('insert into p values (3)');
  });
});

describe('a transaction of several steps', () => {
  test('reads what it wrote, and others see it at the end', async () => {
    await run('create table t (id integer)');
    const seen = await source.transaction(async (step) => {
      await step(sql('insert into t values (1)'));
      const before = await list('select id from t');
      return [before, text(await step(sql('select id from t', [], { id: 'number' })))];
    }, soon());
    expect([seen, await list('select id from t')]).toEqual([[[], '{"id":1}'], [1]]);
  });

  test('other writes wait for its end', async () => {
    await run('create table t (id integer)');
    const order: string[] = [];
    let other: Promise<unknown> = Promise.resolve();
    await source.transaction(async (step) => {
      await step(sql('insert into t values (1)'));
      other = run('insert into t values (2)').then(() => order.push('other'));
      await step(sql('insert into t values (3)'));
      order.push('transaction');
    }, soon());
    await other;
    expect(order).toEqual(['transaction', 'other']);
  });

  test('work that rejects leaves nothing', async () => {
    await run('create table t (id integer)');
    const work = source.transaction(async (step) => {
      await step(sql('insert into t values (1)'));
      throw new Error('no');
    }, soon());
    await expect(work).rejects.toThrow('no');
    await run('insert into t values (2)');
    expect(await list('select id from t')).toEqual([2]);
  });

  test('a deadline that passes in the middle leaves nothing', async () => {
    await run('create table t (id integer)');
    const deadline = soon();
    const work = source.transaction(async (step) => {
      await step(sql('insert into t values (1)'));
      deadline.abort(deadlinePassed());
      await new Promise(() => {});
    }, deadline);
    await expect(work).rejects.toMatchObject({ code: 'deadline' });
    await run('insert into t values (2)');
    expect(await list('select id from t')).toEqual([2]);
  });

  test('a step that is too slow ends it', async () => {
    await run('create table t (id integer)');
    const deadline = late();
    const work = source.transaction(async (step) => {
      await step(sql('insert into t values (1)'));
      await step(sql(`insert into t values (${ENDLESS})`));
    }, deadline);
    await expect(work).rejects.toMatchObject({ code: 'deadline' });
    await run('insert into t values (2)');
    expect(await list('select id from t')).toEqual([2]);
  });
});

describe('a slow query', () => {
  beforeEach(async () => {
    await run('create table t (id integer)');
    await run('insert into t values (1)');
  });

  test('is ended at its deadline, while others go on', async () => {
    const deadline = soon();
    const slow = source.run(sql(`select ${ENDLESS}`, [], { n: 'number' }), deadline);
    // Sent in the same turn, so it stands behind the slow one.
    expect(await list('select id from t')).toEqual([1]);
    for (let i = 0; i < 20; i++) expect(await list('select id from t')).toEqual([1]);
    await run('insert into t values (2)');
    deadline.abort(deadlinePassed());
    await expect(slow).rejects.toMatchObject({ code: 'deadline' });
    expect(await list('select id from t')).toEqual([1, 2]);
  });

  test('gives its place back when the caller goes away', async () => {
    // More of them than there are processes for reading.
    const deadlines = [soon(), soon(), soon(), soon()];
    const slow = deadlines.map((deadline) => source.run(sql(`select ${ENDLESS}`, [], { n: 'number' }), deadline));
    const other = list('select id from t');
    for (const deadline of deadlines) deadline.abort(callerGone());
    const outcomes = await Promise.allSettled(slow);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      deadlines.map(() => 'cancelled'),
    );
    expect(await other).toEqual([1]);
  });

  test('that writes is undone, and the writes behind it are done', async () => {
    const slow = source.run(sql(`insert into t select ${ENDLESS}`), late());
    const behind = [2, 3, 4].map((id) => run('insert into t values (?1)', [id]));
    await expect(slow).rejects.toMatchObject({ code: 'deadline' });
    await Promise.all(behind);
    expect(await list('select id from t order by id')).toEqual([1, 2, 3, 4]);
  });

  test('a deadline that has passed runs nothing', async () => {
    const deadline = soon();
    deadline.abort(deadlinePassed());
    await expect(source.run(sql('insert into t values (2)'), deadline)).rejects.toMatchObject({ code: 'deadline' });
    expect(await list('select id from t')).toEqual([1]);
  });
});

/** Processes that sources of this file have started. */
function workers(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ');
  const isWorker = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sqlite/worker');
  return children.filter((pid) => pid !== '' && isWorker(pid)).map(Number);
}

test.skipIf(process.platform !== 'linux')('a lost process: reads are done again, a write says so', async () => {
  const COUNT =
    '(with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) select count(*) from n)';
  await run('create table t (id integer)');
  await list('select id from t');
  const read = run(`select ${COUNT}`, [], { n: 'number' });
  const write = run(`insert into t select ${COUNT}`);
  const behind = run('insert into t values (2)');
  await new Promise(setImmediate); // By now they have been sent.
  for (const pid of workers()) process.kill(pid, 'SIGKILL');
  await expect(write).rejects.toMatchObject({ code: 'unavailable' });
  await behind;
  expect(text(await read)).toBe('{"n":3000000}');
  expect(await list('select id from t')).toEqual([2]);
});

describe('a stream', () => {
  const NUMBERS = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1) select i from n';

  test('gives all rows in pieces', async () => {
    let next = 1;
    let pieces = 0;
    for await (const rows of source.stream(sql(NUMBERS, [50_000], { i: 'number' }), soon())) {
      for (const row of JSON.parse(`[${text(rows)}]`)) expect(row.i).toBe(next++);
      pieces++;
    }
    expect([next, pieces > 3]).toEqual([50_001, true]);
  });

  test('that is left early ends the query, and holds back no change', async () => {
    await run('create table t (id integer)');
    await run(`insert into t ${NUMBERS}`, [50_000]);
    for await (const rows of source.stream(sql('select id from t', [], { id: 'number' }), soon())) {
      expect(rows.count).toBeLessThan(50_000);
      await run('delete from t');
      expect(await list('select id from t')).toEqual([]);
      break;
    }
    await run('drop table t');
    // Fails while any reader still has its snapshot.
    expect(text(await run('pragma wal_checkpoint(truncate)', [], { busy: 'number' }))).toBe('{"busy":0}');
  });

  test('stops at the deadline', async () => {
    const deadline = soon();
    const pieces = source.stream(sql(NUMBERS, [1e9], { i: 'number' }), deadline)[Symbol.asyncIterator]();
    expect((await pieces.next()).value.count).toBeGreaterThan(0);
    deadline.abort(deadlinePassed());
    await expect(pieces.next()).rejects.toMatchObject({ code: 'deadline' });
  });

  test('is refused where too many are open', async () => {
    const start = () => source.stream(sql(NUMBERS, [50_000], { i: 'number' }), soon())[Symbol.asyncIterator]();
    const open = Array.from({ length: CONNECTIONS_MAX }, start);
    await Promise.all(open.map((pieces) => pieces.next()));
    await expect(start().next()).rejects.toMatchObject({ code: 'overloaded' });
    await Promise.all(open.map((pieces) => pieces.return?.()));
    expect((await start().next()).done).toBe(false);
  });

  test('of a statement that fails says so', async () => {
    const pieces = source.stream(sql('select * from nosuch', [], { i: 'number' }), soon());
    await expect(pieces[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('failures', () => {
  const CASES: readonly [statement: string, code: ErrorCode, says: RegExp][] = [
    ["insert into t values (2, 'taken', 1, 1)", 'conflict', /'name'/],
    ["insert into t values (1, 'new', 1, 1)", 'conflict', /'id'/],
    ['insert into t values (2, null, 1, 1)', 'invalid', /'name'.*NULL/],
    ["insert into t values (2, 'new', 9, 1)", 'conflict', /reference/],
    ["insert into t values (2, 'new', 1, -1)", 'invalid', /'positive'/],
    ['insert into t values (2)', 'internal', /./],
    ['select * from nosuch', 'invalid', /./],
    ['select nosuch from t', 'invalid', /./],
    ['create table t (id integer)', 'conflict', /./],
    ['nonsense', 'internal', /./],
  ];
  test.each(CASES)('%s', async (statement, code, says) => {
    await run(`create table t (id integer primary key, name text not null unique,
      parent integer references t (id), n integer constraint positive check (n > 0))`);
    await run("insert into t values (1, 'taken', 1, 1)");
    const error = await run(statement, [], { id: 'number' }).catch((thrown: MillraceError) => thrown as MillraceError);
    expect(error).toMatchObject({ name: 'MillraceError', code });
    expect((error as MillraceError).message).toMatch(says);
    expect((error as MillraceError).message).not.toMatch(/SQL\b|constraint failed|nosuch|sqlite/i);
  });

  const UNUSABLE: readonly [why: string, database: string, statements: string[]][] = [
    ['a folder that is not there', 'nosuch/a.sqlite', []],
    ['a folder instead of a file', '.', []],
    ['a file that is no database', 'notes.txt', []],
    ['a statement of the administrator that fails', 'fine.sqlite', ['nonsense']],
  ];
  test.each(UNUSABLE)('%s', async (_, database, statements) => {
    writeFileSync(join(folder, 'notes.txt'), 'no database, and longer than the header of one '.repeat(50));
    const other = open({ database, statements });
    try {
      for (const statement of [sql('select 1', [], { n: 'number' }), sql('create table t (id integer)')]) {
        const error = await other.run(statement, soon()).catch((thrown: MillraceError) => thrown);
        expect(error).toMatchObject({ code: 'unavailable' });
        expect((error as MillraceError).message).not.toContain(folder);
      }
    } finally {
      await other.close();
    }
    expect(existsSync(join(folder, 'nosuch'))).toBe(false);
  });

  test('a file that another program has locked is waited for until the deadline', async () => {
    await run('create table t (id integer)');
    const other = new Database(join(folder, file));
    other.exec('begin immediate');
    const error = await source.run(sql('insert into t values (1)'), Deadline.after(100)).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', context: { retryable: true } });
    const patient = run('insert into t values (2)');
    other.exec('rollback');
    await patient;
    other.close();
    expect(await list('select id from t')).toEqual([2]);
  });

  test('after close; what was sent before is finished', async () => {
    const other = open({ database: file });
    const count = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1) select count(*) from n';
    await other.run(sql(count, [1], { n: 'number' }), soon());
    const last = other.run(sql(count, [200_000], { n: 'number' }), soon());
    await new Promise(setImmediate); // By now it has been sent.
    await Promise.all([other.close(), other.close()]);
    expect(text(await last)).toBe('{"n":200000}');
    const after = other.run(sql('select 1', [], { n: 'number' }), soon());
    await expect(after).rejects.toMatchObject({ code: 'unavailable' });
  });

  const BAD_CONFIG: readonly [why: string, config: Record<string, unknown>][] = [
    ['no database', {}],
    ['an empty database', { database: ' ' }],
    ['statements that are no list', { database: 'a', statements: 'pragma x' }],
  ];
  test.each(BAD_CONFIG)('setting: %s', (_, config) => {
    expect(() => open(config)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});
