/** The settings of a SQLite service: what an administrator is asked, and where its file is. */
import { resolve } from 'node:path';
import type { ConfigField } from '#common/config/field.ts';
import { wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { databaseFields, statementsOf } from '../database-fields.ts';

export interface SqliteConfig {
  /** Absolute path, or `:memory:`. */
  readonly file: string;
  /** SQL that the administrator wants run on each new connection. */
  readonly statements: readonly string[];
}

const IN_MEMORY = ':memory:';

/** Names and order as clients know them (system-api §5.16). */
export const configFields: readonly ConfigField[] = [
  {
    name: 'database',
    label: 'Database',
    type: 'string',
    description:
      'File of the database, created where there is none. A relative path starts at the data folder. May be a lookup.',
    required: true,
  },
  ...databaseFields({
    options: 'Kept for clients that send it; SQLite connections have no options of this kind.',
    attributes: 'Kept for clients that send it; SQLite connections have no attributes of this kind.',
    statements: 'SQL that runs on each new connection before it is used, such as a PRAGMA.',
  }),
];

/**
 * @param dataDir  where a relative path starts
 * @throws invalid that names the setting
 */
export function readSqliteConfig(config: ServiceConfig, dataDir: string): SqliteConfig {
  const database = config['database'];
  if (typeof database !== 'string' || database.trim() === '') {
    throw invalid("Database connection information must contain at least 'database'.", { field: 'database' });
  }
  if (database.includes('\0')) throw wrongSetting('database', 'the path of a file');
  const file = database.trim();
  return { file: file === IN_MEMORY ? IN_MEMORY : resolve(dataDir, file), statements: statementsOf(config) };
}
