/** Opens the system database by its URL and brings it up to date. Engine differences live in this folder only. */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import SqliteDriver from 'better-sqlite3';
import {
  type Dialect,
  Kysely,
  Migrator,
  MysqlDialect,
  PostgresDialect,
  SqliteDialect,
  sql,
  type Transaction,
} from 'kysely';
import { createPool } from 'mysql2';
import pg from 'pg';
import { OPERATION_TIMEOUT_MS } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { migrations } from './migrations/index.ts';
import type { Tables } from './tables.ts';

export type EngineName = 'sqlite' | 'postgres' | 'mysql';

export type Db = Kysely<Tables> | Transaction<Tables>;

/** Connections of one process: sign-ins and administration, never the data of services. */
const POOL_SIZE = 10;
/** A database that is gone is said to be gone while the caller still waits. */
const CONNECT_TIMEOUT_MS = 5000;

/** @param url sqlite:path, postgres://… or mysql://…  @throws MillraceError unavailable */
export async function openDatabase(url: string): Promise<Kysely<Tables>> {
  const engine = engineOf(url);
  let db: Kysely<Tables> | undefined;
  try {
    db = new Kysely<Tables>({ dialect: await dialect(engine, url) });
    const provider = { getMigrations: async () => migrations(engine) };
    const { error } = await new Migrator({ db, provider }).migrateToLatest();
    if (error) throw error;
    return db;
  } catch (cause) {
    await db?.destroy();
    throw new MillraceError('unavailable', 'The system database cannot be opened.', undefined, cause);
  }
}

export function engineOf(url: string): EngineName {
  if (url.startsWith('sqlite:')) return 'sqlite';
  return url.startsWith('mysql:') ? 'mysql' : 'postgres';
}

async function dialect(engine: EngineName, url: string): Promise<Dialect> {
  switch (engine) {
    case 'sqlite': {
      const path = url.slice('sqlite:'.length);
      if (path !== ':memory:') await ownFile(path);
      const database = new SqliteDriver(path);
      database.pragma('busy_timeout = 5000');
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      return new SqliteDialect({ database });
    }
    case 'postgres': {
      const pool = new pg.Pool({
        connectionString: url,
        max: POOL_SIZE,
        application_name: 'millrace-system',
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        statement_timeout: OPERATION_TIMEOUT_MS,
      });
      // A connection that breaks while nothing runs on it: whoever uses it next is told, or the pool replaces it.
      pool.on('error', () => {});
      pool.on('connect', (client) => client.on('error', () => {}));
      return new PostgresDialect({ pool });
    }
    case 'mysql':
      return new MysqlDialect({
        pool: createPool({
          uri: url,
          connectionLimit: POOL_SIZE,
          connectTimeout: CONNECT_TIMEOUT_MS,
          charset: 'utf8mb4_bin',
        }),
      });
  }
}

/** Made for its owner alone, like the files that SQLite puts beside it: it holds hashes and keys. */
async function ownFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await (await open(path, 'a', 0o600)).close();
}

/** Rows with given ids do not move PostgreSQL's sequences; the other engines follow by themselves. */
export async function followGivenIds(db: Db, engine: EngineName, table: keyof Tables): Promise<void> {
  if (engine !== 'postgres') return;
  const name = sql.table(table);
  await sql`select setval(pg_get_serial_sequence(${`"${table}"`}, 'id'), (select max(id) from ${name}))`.execute(db);
}
