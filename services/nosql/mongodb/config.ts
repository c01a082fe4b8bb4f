/** The settings of a MongoDB service: what an administrator is asked, and what the driver is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { integer, mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { STORE_FIELDS } from '../config-fields.ts';

const DEFAULT_PORT = 27017;
const OPTIONAL = { default: null, required: false, allow_null: true };
const NAME_TO_VALUE = { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } };

export interface MongoConfig {
  readonly url: string;
  readonly database: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of the connection string. */
  readonly options: Readonly<Record<string, string>>;
}

/** Names and order as clients know them (system-api §5.16). */
export const configFields: readonly ConfigField[] = [
  {
    name: 'host',
    label: 'Host',
    type: 'string',
    description: 'Name or address of the database server; several, with their ports, are separated by commas.',
    ...OPTIONAL,
  },
  {
    name: 'port',
    label: 'Port Number',
    type: 'integer',
    description: `Port of the database server; ${DEFAULT_PORT} where none is given.`,
    ...OPTIONAL,
  },
  {
    name: 'database',
    label: 'Database',
    type: 'string',
    description: 'Name of the database, where the connection string or the options have none. May be a lookup.',
    ...OPTIONAL,
  },
  {
    name: 'username',
    label: 'Username',
    type: 'string',
    description: 'Database user that the service signs in as. May be a lookup.',
    ...OPTIONAL,
  },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    description: 'Password of the database user. Stored encrypted. May be a lookup.',
    ...OPTIONAL,
  },
  {
    name: 'dsn',
    label: 'Connection String',
    type: 'string',
    description: 'Whole connection string, mongodb:// or mongodb+srv://, in place of host and port.',
    ...OPTIONAL,
  },
  {
    name: 'options',
    label: 'Options',
    type: 'object',
    description: 'Options of the connection string: replicaSet, tls, authSource, readPreference, …',
    ...OPTIONAL,
    object: NAME_TO_VALUE,
  },
  {
    name: 'driver_options',
    label: 'Driver Options',
    type: 'object',
    description: 'More of the same, as older installations have them.',
    ...OPTIONAL,
    object: NAME_TO_VALUE,
  },
  ...STORE_FIELDS,
];

/** Options that read files of this machine or start programs on it, and what the tier decides itself. */
const REFUSED =
  /^(?:tls(?:CAFile|CertificateKeyFile|CertificateFile|CRLFile)|ssl(?:CA|Cert|Key|CRL)|autoEncryption|maxPoolSize|proxy\w+|authMechanismProperties)$/i;

/** Options that say who signs in, and where: settings of their own. */
const NO_OPTIONS = new Set(['db', 'username', 'password']);

/** @throws MillraceError invalid that names the setting */
export function readMongoConfig(config: ServiceConfig): MongoConfig {
  const options = { ...mapping(config, 'driver_options'), ...mapping(config, 'options') };
  const dsn = text(config, 'dsn');
  const inDsn = new URLSearchParams(/\?(.*)$/s.exec(dsn ?? '')?.[1] ?? '');
  for (const name of [...Object.keys(options), ...inDsn.keys()]) {
    if (REFUSED.test(name)) throw invalid(`The option '${name}' is not taken here.`, { field: 'options' });
  }
  const url = dsn === undefined ? urlOf(config) : prefixed(dsn);
  const database = text(config, 'database') ?? options['db'] ?? databaseIn(url);
  if (!database) throw invalid("Setting 'database' is missing.", { field: 'database' });
  if (/[\s/\\."$*<>:|?\0]/.test(database)) throw wrongSetting('database', 'the name of a database');
  return {
    url,
    database,
    username: text(config, 'username') ?? options['username'],
    password: secret(config, 'password') ?? options['password'],
    options: Object.fromEntries(Object.entries(options).filter(([name]) => !NO_OPTIONS.has(name))),
  };
}

function urlOf(config: ServiceConfig): string {
  const host = text(config, 'host') ?? 'localhost';
  const port = integer(config, 'port', 1, DEFAULT_PORT, 65_535);
  if (/[\s/@?#]/.test(host)) throw wrongSetting('host', 'a name or an address');
  const hosts = host
    .split(',')
    .map((one) => (/:\d+$/.test(one) ? one : `${one.includes(':') ? `[${one}]` : one}:${port}`));
  return `mongodb://${hosts.join(',')}/`;
}

const prefixed = (dsn: string): string => (/^mongodb(?:\+srv)?:\/\//.test(dsn) ? dsn : `mongodb://${dsn}`);

/** Behind the hosts, in front of the options. */
const databaseIn = (url: string): string | undefined => /^[a-z+]+:\/\/[^/]+\/([^?]+)/.exec(url)?.[1] || undefined;
