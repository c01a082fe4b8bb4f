/** A Cassandra with a keyspace of tables of all kinds, for the suites of this engine. */
import { afterAll, beforeAll } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { parseJson } from '#common/json.ts';
import type { Outcome } from '#common/testing/bench.ts';
import { apart, fields, read, update } from '#common/testing/words.ts';
import { type Comparator, type Filter, Target } from '#proto/data/v1/data_pb.ts';
import { Bench } from '../../conformance/bench.ts';
import type { Document, Wire } from '../../document.ts';
import type { BoundComparison, NoSqlSource, StoreQuery, StoreTable, Write } from '../../engine.ts';
import { engine } from '../index.ts';

export const soon = () => Deadline.after(30_000);
export const compare = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field, comparator, operands },
});

export const UUID = '8f14e45f-ceea-467f-a8f3-5b2a4b6f5c11';
export const OTHER_UUID = '9f14e45f-ceea-467f-a8f3-5b2a4b6f5c11';
export const TIME_UUID = '8f14e45f-ceea-11ee-a8f3-5b2a4b6f5c11';
/** Of each type a column of its name, as JSON: what is written, and what is read where that is spelled otherwise. */
export const KINDS: readonly (readonly [name: string, type: string, written: string, read?: string])[] = [
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

export const MANY = 2_500;
export const places = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
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
  'CREATE TABLE dues (id text PRIMARY KEY, due timestamp)',
  "INSERT INTO dues (id) VALUES ('due')",
  'CREATE TABLE analyzed (id int PRIMARY KEY, who text)',
  "CREATE CUSTOM INDEX ON analyzed (who) USING 'StorageAttachedIndex' WITH OPTIONS = {'case_sensitive': 'false'}",
  "INSERT INTO analyzed (id, who) VALUES (1, 'bob')",
  "INSERT INTO analyzed (id, who) VALUES (2, 'BOB')",
  'CREATE TABLE many (id int PRIMARY KEY, n int, city text)',
  'CREATE INDEX ON many (city)',
  ...batches,
];
interface TestServer {
  readonly host: string;
  readonly port: number;
  readonly datacenter: string;
  stop(): Promise<void>;
}

/** Registers what opens and ends it. */
export class Trial<S extends TestServer> {
  server!: S;
  settings!: ServiceConfig;
  bench!: Bench;

  /** @param keyspaceOf  a new one, in which these statements were carried out */
  constructor(start: () => Promise<S>, keyspaceOf: (server: S, statements: readonly string[]) => Promise<object>) {
    beforeAll(async () => {
      this.server = await start();
      this.settings = { ...(await keyspaceOf(this.server, TABLES)) };
      this.bench = new Bench({ engine, config: { ...this.settings } });
    });
    afterAll(async () => {
      await this.bench?.close();
      await this.server?.stop();
    });
  }

  get source(): NoSqlSource {
    return this.bench.source;
  }

  async tableOf(name: string): Promise<StoreTable> {
    return (await this.source.tables(soon())).find((table) => table.name === name) as StoreTable;
  }

  async query(table: StoreTable, changes: Partial<StoreQuery> = {}): Promise<Document[]> {
    const whole = { condition: undefined, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
    const documents: Document[] = [];
    for await (const page of this.source.find(table, { ...whole, ...changes }, soon())) {
      documents.push(...page.documents.map((one) => parseJson(one.json()) as Document));
    }
    return documents;
  }

  async write(name: string, ...writes: Write[]) {
    return this.source.write(await this.tableOf(name), writes, true, soon());
  }

  one(table: string, key: unknown, more: object = {}): Promise<Outcome> {
    return this.bench.outcome(read(table, { target: Target.ONE, ...more }, { keys: [key] }));
  }

  change(table: string, key: unknown, members: unknown, more: object = {}): Promise<Outcome> {
    return this.bench.outcome(update(table, Target.ONE, members, more, { keys: [key] }));
  }

  replace(table: string, key: unknown, members: unknown): Promise<Outcome> {
    return this.change(table, key, members, { replace: true });
  }

  async found(table: string, filter: Filter, ...names: string[]): Promise<unknown> {
    const { filter: bare, parameters } = apart(filter);
    const outcome = await this.bench.outcome(
      read(table, { filter: bare, ...(names.length > 0 && fields(...names)) }, { parameters }),
    );
    return 'json' in outcome ? outcome.json : outcome;
  }
}

export const refused = (field: string) => ({ code: 'invalid', field });
export const refusedIn = (field: string) => ({ code: 'invalid', batch: [refused(field)], rolledBack: false });
