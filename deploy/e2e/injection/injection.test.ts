/**
 * No text of a caller ever becomes SQL: every payload in every place that can be written to, and the statement log of
 * the database itself as the witness.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../../testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../../testing/postgres.ts';
import { suiteWith } from '../../testing/suite.ts';
import { type Headers, withKey, withToken } from '../client.ts';
import { until } from '../process.ts';
import { type Product, startProduct, temporaryFolder } from '../product.ts';
import { faultOf } from './answers.ts';
import { carryOut, type Outcome } from './campaign.ts';
import { type Judgement, judge } from './findings.ts';
import {
  MARIADB_LOG_SETTINGS,
  POSTGRES_LOG_SETTINGS,
  readMariadbLog,
  readPostgresLog,
  readRecordedLog,
  type StatementLog,
} from './logs.ts';
import { markerOf, marksIn } from './marker.ts';
import { CANARY, type Engine, payloadsOf, SECRET, SLEEP_SECONDS } from './payloads.ts';
import { ASKED, PLACES, type Place, SYSTEM_PLACES } from './places.ts';
import { Wire } from './wire.ts';

/** What the secret table holds: in no answer, whatever was asked. */
const WORD = `Secret${randomBytes(12).toString('hex')}`;
const CAMPAIGN_MS = 240_000;
/** Of what should not be, where there is much of it. */
const SHOWN = 20;
/** Below the sleep of the attacks by time, above what a busy machine takes. */
const SLOW_MS = (SLEEP_SECONDS * 1000) / 2;

let product: Product;
const recordFolder = temporaryFolder();
const record = join(recordFolder, 'statements');
beforeAll(async () => {
  product = await startProduct({
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'recorder.mjs'))}`,
    RECORD_FILE: record,
  });
  await product.admin.create('system/lookup', { name: ASKED, value: 'n1' });
});
afterAll(async () => {
  await product?.stop();
  rmSync(recordFolder, { recursive: true });
});
const recorded = (isWanted: (database: string) => boolean): StatementLog =>
  readRecordedLog(readFileSync(record, 'utf8'), isWanted);

const ID = { name: 'id', type: 'id' };
const optional = (name: string, type: string, more: object = {}) => ({ name, type, allow_null: true, ...more });
const VALUES = [
  optional('amount', 'integer'),
  optional('price', 'decimal', { precision: 12, scale: 2 }),
  optional('born', 'date'),
  optional('seen', 'datetime'),
  optional('flag', 'boolean'),
  optional('data', 'binary'),
  optional('parent_id', 'reference', { ref_table: 'parent', ref_field: 'id' }),
];
const TABLES = [
  { name: 'parent', field: [ID, optional('name', 'text')] },
  { name: CANARY, field: [ID, { name: 'name', type: 'string', size: 200 }, ...VALUES] },
  { name: 'scratch', field: [ID, optional('note', 'text'), ...VALUES] },
  { name: 'widened', field: [ID, optional('name', 'string')] },
  { name: 'called', field: [ID, optional('name', 'string')] },
  { name: SECRET, field: [ID, optional('word', 'string')] },
];
const ROWS: readonly (readonly [table: string, rows: readonly object[]])[] = [
  ['parent', [{ name: 'p' }]],
  [CANARY, Array.from({ length: 5 }, (_, i) => ({ name: `n${i}`, amount: i, born: '2024-01-31', parent_id: 1 }))],
  ['scratch', [{ note: 'first' }]],
  ['called', [{ name: 'c' }]],
  [SECRET, [{ word: WORD }]],
];

/** @returns headers of somebody with a row filter */
async function fill(service: string, type: string, config: object): Promise<Headers> {
  const { admin } = product;
  const { id } = await admin.create('system/service', { name: service, label: service, type, is_active: true, config });
  await admin.json('POST', `${service}/_schema`, { resource: TABLES });
  for (const [table, rows] of ROWS) await admin.json('POST', `${service}/_table/${table}`, rows);
  const filters = [{ name: 'name', operator: '=', value: `{${ASKED}}` }];
  const access = [{ service_id: id, component: `_table/${CANARY}`, verb_mask: 1, requestor_mask: 1, filters }];
  const role = { name: service, is_active: true, role_service_access_by_role_id: access };
  const { id: role_id } = await admin.create('system/role', role);
  const app = { name: service, is_active: true, role_id };
  const { api_key } = await admin.create<{ api_key: string }>('system/app?fields=*', app);
  return { ...withKey(api_key), ...withToken('') };
}

/** What no attack may change: the canaries, the secret, and which tables there are. */
function stateOf(service: string): Promise<unknown[]> {
  const paths = [`_table/${CANARY}?order=id`, `_table/${SECRET}`, '_schema?refresh=true&as_list=true'];
  return Promise.all(paths.map((path) => product.admin.json('GET', `${service}/${path}`)));
}

interface Target {
  readonly engine: Engine;
  readonly service: string;
  readonly places: readonly Place[];
  readonly firstPlace: number;
  /** Fills the service. @returns headers of the guest */
  readonly prepare: () => Promise<Headers>;
  readonly stateOf: () => Promise<unknown>;
  /** Of the database, after the campaign. */
  readonly log: () => Promise<StatementLog>;
}

function suite({ engine, service, places, firstPlace, prepare, stateOf, log }: Target): void {
  const payloads = payloadsOf(engine);
  let before: unknown;
  let outcome: Outcome;
  let judgement: Judgement;
  beforeAll(async () => {
    const guest = await prepare();
    before = await stateOf();
    const wire = new Wire(product.origin, product.admin.headers);
    const startedMs = performance.now();
    outcome = await carryOut({
      places,
      firstPlace,
      payloads,
      wire,
      service,
      guest,
      faultOf: (reply) => faultOf(reply, WORD),
    });
    wire.close();
    const statements = await log();
    judgement = judge(statements, engine, outcome.sentOf);
    console.info(
      `${service}: ${payloads.length} payloads × ${places.length} places, ${outcome.requests} requests in ` +
        `${((performance.now() - startedMs) / 1000).toFixed(1)} s, the slowest ${outcome.slowestMs.toFixed(0)} ms; ` +
        `${statements.texts.length} statements logged; payloads in values ${judgement.bound.size}, ` +
        `as quoted names ${judgement.quoted}, in SQL ${judgement.findings.length}`,
    );
  }, CAMPAIGN_MS);

  test('every answer is a success or a plain refusal', () => expect(outcome.complaints.slice(0, SHOWN)).toEqual([]));
  test('no payload is part of a statement', () => expect(judgement.findings.slice(0, SHOWN)).toEqual([]));
  test('nothing was changed, made or dropped', async () => expect(await stateOf()).toEqual(before));
  test('no attack by time slept', () => expect(outcome.slowestMs).toBeLessThan(SLOW_MS));
  test('no file was written', () =>
    expect(readdirSync(tmpdir()).filter((name) => marksIn(name).length > 0)).toEqual([]));

  test('the log shows names in quotes, where names were made', () => {
    const made = places.filter(({ isName }) => isName).map(({ name }) => outcome.successes.get(name) ?? 0);
    expect(judgement.quoted).toBeGreaterThanOrEqual(made.reduce((sum, count) => sum + count, 0));
  });

  const values = places.filter(({ goodShare, notIn }) => goodShare && !notIn?.includes(engine));
  test.each(values)('the log shows values of: $name', (place) => {
    const number = firstPlace + places.indexOf(place);
    const bound = payloads.filter((_, payload) => judgement.bound.has(markerOf({ place: number, payload })));
    const least = (place.goodShare ?? 1) * payloads.length;
    expect(outcome.successes.get(place.name)).toBeGreaterThan(least);
    expect(bound.length).toBeGreaterThan(least);
  });
}

/** What a statement would look like that a payload had got into: sent by ourselves, it must be found. */
const CONTROL = markerOf({ place: 999, payload: 0 });
const CONTROL_SQL = `select name from parent where name = '${CONTROL}' or 1=1`;
const isOfControl = ({ text }: { readonly text: string }): boolean => text.includes(CONTROL);

/** A look at the schema may be under way; an attack by time would be for much longer. */
async function untilNone(running: () => Promise<unknown[]>): Promise<void> {
  const isQuiet = async (): Promise<boolean> => (await running()).length === 0;
  expect(await until('all statements have ended', isQuiet, SLOW_MS / 2)).toBe(true);
}

const DATABASE = { places: PLACES, firstPlace: 0 };

describe('SQLite', () => {
  const service = 'sqlite';
  const file = (): string => join(product.folder, 'attacked.sqlite');
  suite({
    ...{ ...DATABASE, engine: 'sqlite', service },
    prepare: () => fill(service, 'sqlite', { database: file() }),
    stateOf: () => stateOf(service),
    log: async () => recorded((database) => database === file()),
  });
});

suiteWith('postgres', 'PostgreSQL', () => {
  const service = 'postgres';
  let postgres: RunningPostgres;
  let observer: PgClient;
  let log = '';
  afterAll(async () => {
    await observer?.end();
    await postgres?.stop();
  });
  /** It comes through a pipe: complete when the last word is there. */
  const readLog = async (): Promise<StatementLog> => {
    const last = `select 'end ${randomUUID()}'`;
    await observer.query(last);
    await until('the log is complete', async () => log.includes(last));
    return readPostgresLog(log);
  };
  suite({
    ...{ ...DATABASE, engine: 'postgres', service },
    prepare: async () => {
      const onLog = (text: string): void => {
        log += text;
      };
      postgres = await startPostgres({ settings: { ...POSTGRES_LOG_SETTINGS, fsync: 'off' }, onLog });
      observer = new PgClient(postgres.url);
      await observer.connect();
      await observer.query(`
        create function greet(name text) returns text language sql as $$ select 'Hello, ' || name $$;
        create function add(a int, b int) returns int language sql as $$ select a + b $$;
        create procedure rename(which int, inout name text) language plpgsql as $$ begin name := upper(name); end $$`);
      const { host, port, database, user: username, password } = postgres;
      return fill(service, 'pgsql', { host, port, database, username, password });
    },
    stateOf: () => stateOf(service),
    log: readLog,
  });

  test('a payload that did get into a statement is found', async () => {
    await observer.query(CONTROL_SQL);
    expect(judge(await readLog(), 'postgres', () => undefined).findings.filter(isOfControl)).toHaveLength(1);
  });

  test('nothing is running any more', () =>
    untilNone(async () => {
      const others = `state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()`;
      return (await observer.query(`select query from pg_stat_activity where ${others}`)).rows;
    }));
});

suiteWith('mariadb', 'MariaDB', () => {
  const service = 'mariadb';
  let mariadb: RunningMariadb;
  let observer: Connection;
  afterAll(async () => {
    await observer?.end();
    await mariadb?.stop();
  });
  const rowsOf = async (sql: string): Promise<RowDataPacket[]> => (await observer.query<RowDataPacket[]>(sql))[0];
  suite({
    ...{ ...DATABASE, engine: 'mariadb', service },
    prepare: async () => {
      mariadb = await startMariadb({ settings: MARIADB_LOG_SETTINGS });
      observer = await mysql.createConnection(mariadb.url);
      const { host, port, database, user: username, password } = mariadb;
      return fill(service, 'mariadb', { host, port, database, username, password });
    },
    stateOf: () => stateOf(service),
    log: () => readMariadbLog(observer),
  });

  test('a payload that did get into a statement is found', async () => {
    await observer.query(CONTROL_SQL);
    const { findings } = judge(await readMariadbLog(observer), 'mariadb', () => undefined);
    expect(findings.filter(isOfControl)).toHaveLength(1);
  });

  test('nothing is running any more', () =>
    untilNone(() => {
      const others = `command not in ('Sleep', 'Daemon') and id <> connection_id()`;
      return rowsOf(`select info from information_schema.processlist where ${others}`);
    }));

  // One that does not parse is not logged.
  test('every statement could be prepared', async () => {
    const logged = `select count(*) from mysql.general_log where command_type = 'Prepare'`;
    const tried = `select variable_value from information_schema.global_status where variable_name = 'COM_STMT_PREPARE'`;
    expect(await rowsOf(`select (${tried}) - (${logged}) as unlogged`)).toEqual([{ unlogged: 0 }]);
  });
});

describe('the system database', () => {
  const service = 'system';
  suite({
    ...{ engine: 'sqlite', service, places: SYSTEM_PLACES, firstPlace: PLACES.length },
    prepare: async () => {
      await product.admin.create('system/role', { name: 'attacked', is_active: true });
      return {};
    },
    stateOf: () => product.admin.json('GET', 'system/role?fields=id,name,is_active'),
    // Whatever was sent to the other services may have been kept in it as well.
    log: async () => recorded((database) => !database.endsWith('attacked.sqlite')),
  });
});
