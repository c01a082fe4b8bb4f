/** The settings of a MySQL or MariaDB service: what an administrator is asked, and what connections are opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { boolean, integer, mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { databaseFields, statementsOf } from '../database-fields.ts';

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface MysqlConfig {
  /** undefined: `socket` is the way. */
  readonly host: string | undefined;
  readonly port: number;
  readonly socket: string | undefined;
  readonly database: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** undefined: the service's own database; `all`: each that the user may use; else the one to use. */
  readonly schema: string | undefined;
  readonly collation: string | undefined;
  readonly timezone: string | undefined;
  /** Words for sql_mode, besides ours. */
  readonly modes: readonly string[];
  readonly sslMode: SslMode;
  /** Certificates of authorities, PEM. */
  readonly sslCa: string | undefined;
  /** Session variables by name. */
  readonly options: Readonly<Record<string, string>>;
  /** SQL that the administrator wants run on each new connection. */
  readonly statements: readonly string[];
}

const DEFAULT_PORT = 3306;

/** Names and order as clients know them (system-api §5.16). */
export const configFields: readonly ConfigField[] = [
  {
    name: 'host',
    label: 'Host',
    type: 'string',
    description: 'Name or address of the database server.',
    required: true,
  },
  {
    name: 'port',
    label: 'Port Number',
    type: 'integer',
    description: `Port of the database server; ${DEFAULT_PORT} where none is given.`,
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
      'Empty: only the database above. "all": every database of the server that the user may use. Anything else: only the database of that name.',
  },
  {
    name: 'charset',
    label: 'Character Set',
    type: 'string',
    description: 'Encoding of the connection. It is always UTF-8; the server converts from the encoding of the tables.',
  },
  {
    name: 'collation',
    label: 'Collation',
    type: 'string',
    description: 'Order of texts where no table says one, such as utf8mb4_unicode_ci.',
  },
  {
    name: 'timezone',
    label: 'Timezone',
    type: 'string',
    description: 'Time zone that timestamps are shown in, such as +02:00; UTC where none is given.',
  },
  {
    name: 'modes',
    label: 'Modes',
    type: 'string',
    description: 'Words for the sql_mode of each session, separated by commas, such as ONLY_FULL_GROUP_BY.',
  },
  {
    name: 'strict',
    label: 'Strict Mode',
    type: 'boolean',
    description: 'Kept for clients that send it: a value that does not fit its field is always refused, never cut.',
  },
  {
    name: 'unix_socket',
    label: 'Socket',
    type: 'string',
    description: 'Unix socket of a server on this machine, instead of host and port.',
  },
  ...databaseFields({
    options: `Session variables by name, such as lock_wait_timeout; "ssl_mode" (${SSL_MODES.join(', ')}) and "ssl_ca" (PEM) for the encryption of the connection.`,
    attributes: 'Kept for clients that send it; connections have no attributes of this kind.',
    statements: 'SQL that runs on each new connection before it is used.',
  }),
];

/** @throws invalid that names the field; never with the value, which may be a secret */
export function readMysqlConfig(config: ServiceConfig): MysqlConfig {
  const socket = text(config, 'unix_socket');
  const host = text(config, 'host');
  const database = text(config, 'database');
  if (!(host || socket) || !database) {
    throw invalid("Database connection information must contain at least 'host' and 'database'.");
  }
  requireUtf8(text(config, 'charset'));
  mapping(config, 'attributes');
  boolean(config, 'strict');
  const { ssl_mode: sslMode, ssl_ca: sslCa, ...options } = mapping(config, 'options');
  for (const name of Object.keys(options)) {
    if (!/^\w+$/.test(name)) throw wrongSetting('options', 'an object whose names are those of session variables');
  }
  const schema = text(config, 'schema');
  return {
    host,
    port: integer(config, 'port', 1, DEFAULT_PORT, 65_535),
    socket,
    database,
    username: text(config, 'username'),
    password: secret(config, 'password'),
    schema: schema?.toLowerCase() === 'default' ? undefined : schema,
    collation: collation(text(config, 'collation')),
    timezone: text(config, 'timezone'),
    modes: modes(text(config, 'modes')),
    sslMode: readSslMode(sslMode, sslCa, socket !== undefined),
    sslCa,
    options,
    statements: statementsOf(config),
  };
}

function readSslMode(value: string | undefined, authorities: string | undefined, isSocket: boolean): SslMode {
  if (!value) return authorities ? 'verify-full' : isSocket ? 'disable' : 'prefer';
  const mode = SSL_MODES.find((known) => known === value.toLowerCase());
  if (!mode) throw wrongSetting('options.ssl_mode', `one of ${SSL_MODES.join(', ')}`);
  return mode;
}

/** The connection's texts are utf8mb4, whose collations are those of utf8 under another name. */
function collation(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [, order] = /^utf8(?:mb[34])?_(\w+)$/i.exec(value) ?? [];
  if (!order) throw wrongSetting('collation', 'one of utf8mb4');
  return `utf8mb4_${order}`;
}

/** What would change how the texts of statements are read is ours. */
const RESERVED_MODES = new Set(['ANSI', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'PIPES_AS_CONCAT', 'ORACLE', 'MSSQL']);

function modes(value: string | undefined): readonly string[] {
  const words = (value ?? '').split(',').map((word) => word.trim().toUpperCase());
  if (!words.every((word) => /^\w*$/.test(word))) throw wrongSetting('modes', 'words separated by commas');
  return words.filter((word) => word !== '' && !RESERVED_MODES.has(word));
}

/** Other encodings would have to be converted here again: JSON is UTF-8. */
function requireUtf8(charset: string | undefined): void {
  if (charset !== undefined && !/^(?:utf-?8|utf8mb[34])$/i.test(charset)) throw wrongSetting('charset', 'utf8');
}
