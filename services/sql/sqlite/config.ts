/** The settings of a SQLite service: what an administrator is asked, and where its file is. */
import { resolve } from 'node:path';
import type { ConfigField } from '#common/config/field.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';

export interface SqliteConfig {
  /** Absolute path, or `:memory:`. */
  readonly file: string;
  /** SQL that the administrator wants run on each new connection. */
  readonly statements: readonly string[];
}

const IN_MEMORY = ':memory:';
const NAME_TO_VALUE = { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } };

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
  {
    name: 'options',
    label: 'Driver Options',
    type: 'object',
    description: 'Kept for clients that send it; SQLite connections have no options of this kind.',
    default: null,
    required: false,
    allow_null: true,
    object: NAME_TO_VALUE,
  },
  {
    name: 'attributes',
    label: 'Driver Attributes',
    type: 'object',
    description: 'Kept for clients that send it; SQLite connections have no attributes of this kind.',
    default: null,
    required: false,
    allow_null: true,
    object: NAME_TO_VALUE,
  },
  {
    name: 'statements',
    label: 'Additional SQL Statements',
    type: 'array',
    description: 'SQL that runs on each new connection before it is used, such as a PRAGMA.',
    default: null,
    required: false,
    allow_null: true,
    items: 'string',
  },
  {
    name: 'allow_upsert',
    label: 'Allow Upsert',
    type: 'boolean',
    description: 'PUT and PATCH by identifier create the record where it does not exist.',
    default: false,
    allow_null: false,
  },
  {
    name: 'max_records',
    label: 'Maximum Records',
    type: 'integer',
    description: 'Most records that one answer holds; at least 1.',
    default: 1000,
    allow_null: false,
  },
  {
    name: 'cache_enabled',
    label: 'Data Retrieval Caching Enabled',
    type: 'boolean',
    description: 'Keeps answers of GET requests without a body for a while.',
    default: false,
    required: false,
    allow_null: false,
  },
  {
    name: 'cache_ttl',
    label: 'Cache Time To Live (seconds)',
    type: 'integer',
    description: 'How long such an answer is kept.',
    default: 0,
    required: false,
    allow_null: false,
  },
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
  if (database.includes('\0')) throw wrong('database', 'the path of a file');
  const file = database.trim();
  return { file: file === IN_MEMORY ? IN_MEMORY : resolve(dataDir, file), statements: statements(config) };
}

const wrong = (name: string, expected: string) => invalid(`Setting '${name}' must be ${expected}.`, { field: name });

function statements(config: ServiceConfig): readonly string[] {
  // Forms send an empty text for what was left out.
  const value = config['statements'] || [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw wrong('statements', 'a list of texts');
  }
  return value.filter((entry) => entry.trim() !== '');
}
