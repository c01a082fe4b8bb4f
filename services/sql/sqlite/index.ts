/** SQLite as an engine of the SQL tier. */
import type { SqlEngine } from '../engine.ts';
import { configFields, readSqliteConfig } from './config.ts';
import { sqliteDialect } from './dialect.ts';
import { SqliteSource } from './source.ts';

export const engine: SqlEngine = {
  name: 'sqlite',
  label: 'SQLite',
  description: 'Records and schema of a SQLite database file.',
  group: 'Database',
  configFields,
  dialect: sqliteDialect,
  open: (config, { dataDir, connectionsMax }) => new SqliteSource(readSqliteConfig(config, dataDir), connectionsMax),
};
