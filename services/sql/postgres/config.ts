/** The settings of a PostgreSQL service: what an administrator is asked, and what the connections are opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { MAX_RECORDS } from '#common/config/record-fields.ts';
import { boolean, integer, mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { databaseFields, statementsOf } from '../database-fields.ts';

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** undefined: all schemas; `default`: the connection's own; else the one to use. */
  readonly schema: string | undefined;
  readonly sslMode: SslMode;
  readonly timezone: string | undefined;
  readonly applicationName: string | undefined;
  /** Server settings of each session, by name: `search_path`, `work_mem`. */
  readonly options: Readonly<Record<string, string>>;
  /** SQL that the administrator wants run on each new connection. */
  readonly statements: readonly string[];
  readonly allowUpsert: boolean;
  readonly maxRecords: number;
  readonly cacheEnabled: boolean;
  readonly cacheTtlSeconds: number;
}

const DEFAULT_PORT = 5432;

/** Names and order as clients know them (system-api §5.16). */
export const configFields: readonly ConfigField[] = [
  {
    name: 'host',
    label: 'Host',
    type: 'string',
    description: 'Name or address of the database server, or the folder of its Unix socket.',
    required: true,
  },
  {
    name: 'port',
    label: 'Port Number',
    type: 'integer',
    description: 'Port of the database server; 5432 where none is given.',
  },
  {
    name: 'database',
    label: 'Database',
    type: 'string',
    description: 'Name of the database. May be a lookup.',
    required: true,
  },
  {
    name: 'username',
    label: 'Username',
    type: 'string',
    description: 'Database user that the service signs in as. May be a lookup.',
  },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    description: 'Password of the database user. Stored encrypted. May be a lookup.',
  },
  {
    name: 'schema',
    label: 'Schema',
    type: 'string',
    description:
      'Empty: every schema that the user may use. "default": only the default schema of the connection. Anything else: only the schema of that name.',
  },
  {
    name: 'charset',
    label: 'Character Set',
    type: 'string',
    description:
      'Encoding of the connection. It is always UTF-8; the server converts from the encoding of the database.',
  },
  {
    name: 'sslmode',
    label: 'SSL Mode',
    type: 'string',
    description: `Encryption of the connection: ${SSL_MODES.join(', ')}.`,
  },
  {
    name: 'timezone',
    label: 'Timezone',
    type: 'string',
    description: 'Time zone that times with a zone are shown in, such as UTC or Europe/Vienna.',
  },
  {
    name: 'application_name',
    label: 'Application Name',
    type: 'string',
    description: "What the database shows as this connection's application.",
  },
  ...databaseFields({
    options: 'Server settings for each session, by name, such as work_mem or search_path.',
    attributes: 'Kept for clients that send it; PostgreSQL connections have no attributes of this kind.',
    statements: 'SQL that runs on each new connection before it is used.',
  }),
];

/** @throws invalid that names the field; never with the value, which may be a secret */
export function readPostgresConfig(config: ServiceConfig): PostgresConfig {
  const host = text(config, 'host');
  const database = text(config, 'database');
  if (!host || !database) {
    throw invalid("Database connection information must contain at least 'host' and 'database'.");
  }
  requireUtf8(text(config, 'charset'));
  mapping(config, 'attributes');
  const schema = text(config, 'schema');
  const maxRecords = integer(config, 'max_records', Number.MIN_SAFE_INTEGER, MAX_RECORDS);
  return {
    host,
    port: integer(config, 'port', 1, DEFAULT_PORT, 65_535),
    database,
    username: text(config, 'username'),
    password: secret(config, 'password'),
    schema: schema?.toLowerCase() === 'all' ? undefined : schema,
    sslMode: sslMode(text(config, 'sslmode')),
    timezone: text(config, 'timezone'),
    applicationName: text(config, 'application_name'),
    options: mapping(config, 'options'),
    statements: statementsOf(config),
    allowUpsert: boolean(config, 'allow_upsert'),
    // Zero and less have always meant "not set".
    maxRecords: maxRecords > 0 ? maxRecords : MAX_RECORDS,
    cacheEnabled: boolean(config, 'cache_enabled'),
    cacheTtlSeconds: integer(config, 'cache_ttl', 0, 0),
  };
}

function sslMode(value: string | undefined): SslMode {
  if (value === undefined) return 'prefer';
  const mode = SSL_MODES.find((known) => known === value.toLowerCase());
  if (!mode) throw wrongSetting('sslmode', `one of ${SSL_MODES.join(', ')}`);
  return mode;
}

/** Other encodings would have to be converted here again: JSON is UTF-8. */
function requireUtf8(charset: string | undefined): void {
  if (charset !== undefined && !/^(utf-?8|utf8mb4|unicode)$/i.test(charset)) throw wrongSetting('charset', 'utf8');
}
