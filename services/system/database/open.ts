/** Opens the system database by its URL and brings it up to date. Engine differences live in this folder only. */
import { mkdir } from 'node:fs/promises';
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
import { MillraceError } from '#common/errors.ts';
import { migrations } from './migrations/index.ts';
import type { Tables } from './tables.ts';

export type EngineName = 'sqlite' | 'postgres' | 'mysql';

export type Db = Kysely<Tables> | Transaction<Tables>;

/** Connections of one process: sign-ins and administration, never the data of services. */
const POOL_SIZE = 10;

/** @param url sqlite:path, postgres://… or mysql://…  @throws MillraceError unavailable */
export async function openDatabase(url: string): Promise<Kysely<Tables>> {
  const engine = engineOf(url);
  const db = new Kysely<Tables>({ dialect: await dialect(engine, url) });
  try {
    const { error } = await new Migrator({
      db,
      provider: { getMigrations: async () => migrations(engine) },
    }).migrateToLatest();
    if (error) throw error;
  } catch (cause) {
    await db.destroy();
    throw new MillraceError('unavailable', 'The system database cannot be opened.', undefined, cause);
  }
  return db;
}

export function engineOf(url: string): EngineName {
  if (url.startsWith('sqlite:')) return 'sqlite';
  return url.startsWith('mysql:') ? 'mysql' : 'postgres';
}

async function dialect(engine: EngineName, url: string): Promise<Dialect> {
  switch (engine) {
    case 'sqlite': {
      const path = url.slice('sqlite:'.length);
      if (path !== ':memory:') await mkdir(dirname(path), { recursive: true });
      const database = new SqliteDriver(path);
      database.pragma('busy_timeout = 5000');
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      return new SqliteDialect({ database });
    }
    case 'postgres': {
      const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE, application_name: 'millrace-system' });
      pool.on('error', () => {}); // an idle connection that broke: the pool replaces it
      return new PostgresDialect({ pool });
    }
    case 'mysql':
      return new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: POOL_SIZE, charset: 'utf8mb4_bin' }) });
  }
}

/** Rows with given ids do not move PostgreSQL's sequences; the other engines follow by themselves. */
export async function followGivenIds(db: Db, engine: EngineName, table: keyof Tables): Promise<void> {
  if (engine !== 'postgres') return;
  const name = sql.table(table);
  await sql`select setval(pg_get_serial_sequence(${`"${table}"`}, 'id'), (select max(id) from ${name}))`.execute(db);
}
