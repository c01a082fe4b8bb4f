/** The witnesses of the injection suite are no use unless they speak up: corpus, answers, logs and their judge. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../build.ts';
import { faultOf } from './answers.ts';
import { judge, type SentOf } from './findings.ts';
import { readPostgresLog, readRecordedLog } from './logs.ts';
import { markerOf, marksIn } from './marker.ts';
import { type Engine, type Kind, payloadsOf } from './payloads.ts';
import { PLACES, SYSTEM_PLACES } from './places.ts';
import { readSql } from './sql-text.ts';

const ENGINES: readonly Engine[] = ['postgres', 'mariadb', 'sqlite'];
const KINDS: readonly Kind[] = ['generic', 'union', 'time', 'blind', 'stacked', 'identifier', 'encoding'];

describe.each(ENGINES)('payloads for %s', (engine) => {
  const payloads = payloadsOf(engine);
  const templates = payloads.map(({ template }) => template);

  test('are 300 at least, no two alike', () => {
    expect(payloads.length).toBeGreaterThanOrEqual(300);
    expect(new Set(templates)).toHaveProperty('size', payloads.length);
  });
  test.each(KINDS)('are %s ones as well', (kind) => {
    expect(payloads.filter((payload) => payload.kind === kind).length).toBeGreaterThanOrEqual(30);
  });
  test('can be found again', () => expect(templates.filter((template) => !template.includes('<m>'))).toEqual([]));
  test('do not speak as databases do', () =>
    expect(templates.filter((text) => faultOf({ status: 400, text }, 'Secret'))).toEqual([]));
});

test('places are told apart by their names', () => {
  for (const places of [PLACES, SYSTEM_PLACES])
    expect(new Set(places.map(({ name }) => name)).size).toBe(places.length);
});

test.each([
  [{ status: 500, text: '' }, 'a failure of ours'],
  [{ status: 503, text: '' }, 'a failure of ours'],
  [{ status: 200, text: '{"word":"Secret7"}' }, 'it tells the secret'],
  [{ status: 400, text: 'SQLSTATE[42601]' }, 'it tells what the database said'],
  [{ status: 400, text: 'near "OR": syntax error' }, 'it tells what the database said'],
  [{ status: 400, text: "Field 'amount' must be a valid integer." }, undefined],
  [{ status: 200, text: '{"name":"syntax error"}' }, undefined],
])('%o: %s', (reply, fault) => expect(faultOf(reply, 'Secret7')).toBe(fault));

const SQL: readonly [engine: Engine, text: string, bare: string, quoted: string[]][] = [
  [
    'postgres',
    `select "a""b" from "s"."t" where c = 'it''s'`,
    `select "" from ""."" where c = ''`,
    ['a"b', 's.t', "it's"],
  ],
  ['postgres', String.raw`default E'\\''x' end`, `default E'' end`, [String.raw`\'x`]],
  ['postgres', String.raw`default '\' end`, `default '' end`, ['\\']],
  ['postgres', 'a $$b$$ `c`', 'a $$b$$ `c`', []],
  [
    'mariadb',
    "select `a``b` from `s`.`t` where c = 'it\\'s'",
    "select `` from ``.`` where c = ''",
    ['a`b', 's.t', "it's"],
  ],
  ['mariadb', "_utf8mb4 x'5c27'", "_utf8mb4 x''", ['5c27']],
  ['sqlite', `select "a" from b where c = 'x\\' -- "d"`, `select "" from b where c = '' -- ""`, ['a', 'x\\', 'd']],
  ['sqlite', 'select [a] from b', 'select [a] from b', []],
];
test.each(SQL)('%s: %s', (engine, text, bare, quoted) => expect(readSql(engine, text)).toEqual({ bare, quoted }));

test.each(ENGINES)('%s: a quote that nothing closes', (engine) => {
  expect(() => readSql(engine, `select 'a''`)).toThrow();
});

const VALUE = markerOf({ place: 1, payload: 7 });
const NAME = markerOf({ place: 2, payload: 7 });
const sentOf: SentOf = ({ place, payload }) =>
  payload === 7 && place < 3
    ? { text: `${markerOf({ place, payload })}" OR '1'='1 -- `, isName: place === 2 }
    : undefined;
const Q = `${NAME}"" OR '1'='1 --`;

const TEXTS: readonly [why: string, text: string, found: boolean][] = [
  ['no payload', 'select "id" from "t" where "name" = $1', false],
  ['a value in a text', `select 1 where name = '${VALUE}'' OR 1=1'`, true],
  ['a value that broke out', `select 1 where name = '${VALUE}' OR 1=1 -- '`, true],
  ['a value in a quoted name', `select "${VALUE}" from "t"`, true],
  ['what nobody sent', `select "${markerOf({ place: 3, payload: 7 })}" from "t"`, true],
  ['a name in quotes', `select "${Q}" from "public"."${Q}" where "${Q}" = $1`, false],
  ['a name in quotes, in a text', `select 1 where oid = '"public"."${Q.replaceAll("'", "''")}"'::regclass`, false],
  ['a name of letters for an index', `create index "ndx_${NAME}__OR_1__1" on "${Q}" ("id")`, false],
  ['a default', `create table "t" ("c" text default '${NAME}" OR ''1''=''1 -- ')`, false],
  ['a name that broke out', `select "${NAME}" OR '1'='1 -- " from "t"`, true],
  ['letters of a name', `select "${NAME}" from "t"`, false],
  ['a name that is cut', `select "${NAME}""" from "t"`, true],
  ['a name without quotes', `select ${NAME} from "t"`, true],
  ['a second statement', `select "${Q}" from "t"; drop table "t"`, true],
  ['a comment', `select "${Q}" from "t" -- where "id" = $1`, true],
  ['a quote that stays open', `select "${Q}" from "t`, true],
];
test.each(TEXTS)('%s', (_, text, found) => {
  expect(judge({ texts: [text], values: [] }, 'postgres', sentOf).findings).toHaveLength(found ? 1 : 0);
});

test('values are counted once for each request', () => {
  const { findings, bound } = judge({ texts: [], values: [`${VALUE} a`, `${VALUE} ${NAME}`] }, 'sqlite', sentOf);
  expect([findings, [...bound]]).toEqual([[], [VALUE, NAME]]);
});

test("PostgreSQL's log", () => {
  const log = [
    'log> LOG:  statement: begin',
    'log> LOG:  execute m1: select a',
    '\tfrom t where b = $1',
    "log> DETAIL:  parameters: $1 = 'x",
    "\tlog> LOG:  statement: drop table t'",
    'log> ERROR:  invalid input syntax for type integer: "y"',
    "log> CONTEXT:  unnamed portal parameter $1 = 'y'",
    'log> STATEMENT:  select 1 where c = $1',
    '',
  ].join('\n');
  const { texts, values } = readPostgresLog(log);
  expect(texts.map((text) => text.trim())).toEqual(['begin', 'select a\nfrom t where b = $1', 'select 1 where c = $1']);
  expect(values[0]).toBe("parameters: $1 = 'x\nlog> LOG:  statement: drop table t'");
  expect(values).toHaveLength(3);
});

test('the recorder sees every text and every value that SQLite is given', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-recorder-'));
  try {
    const program = `
      const db = new (require('better-sqlite3'))(':memory:');
      db.exec('create table t (a, b)');
      db.pragma('user_version');
      db.prepare('insert into t values (?, ?)').run('v1', 2n);
      db.prepare('select * from t where a = @a').all({ a: 'v2' });
      for (const _ of db.prepare('select ?1 from t').iterate({ 1: 'v3' }));
      try { db.prepare("select '${VALUE}' or 1=1 -- from nothing'").get(); } catch {}`;
    const record = join(folder, 'record');
    const env = { PATH: process.env['PATH'], RECORD_FILE: record };
    const recorder = pathToFileURL(join(import.meta.dirname, 'recorder.mjs')).href;
    spawnSync(process.execPath, ['--import', recorder, '-e', program], { cwd: ROOT, env });
    const log = readRecordedLog(readFileSync(record, 'utf8'), (database) => database === ':memory:');
    const opened = ['create table t (a, b)', 'pragma user_version', 'insert into t values (?, ?)'];
    expect(log.texts.slice(0, 3)).toEqual(opened);
    expect(log.values).toEqual(['v1\n2', 'v2', 'v3']);
    expect(judge(log, 'sqlite', sentOf).findings).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('markers', () => {
  const mark = { place: 104, payload: 311 };
  expect(marksIn(`x${markerOf(mark).toUpperCase()}'y`)).toEqual([mark]);
});
