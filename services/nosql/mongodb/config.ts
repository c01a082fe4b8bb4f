/** The settings of a MongoDB service: what an administrator is asked, and what connections are opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { integer, mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { STORE_FIELDS } from '../config-fields.ts';

export interface MongoConfig {
  /** With what the driver needs to sign in, but no options. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly options: Readonly<Record<string, string>>;
}

const DEFAULT_PORT = 27_017;
const NAME_TO_VALUE = { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } };

export const configFields: readonly ConfigField[] = [
  {
    name: 'dsn',
    label: 'Connection String',
    type: 'string',
    description: 'mongodb://host:port/database or mongodb+srv://…; stands for the settings below that it holds.',
  },
  { name: 'host', label: 'Host', type: 'string', description: 'Name or address of the server.' },
  {
    name: 'port',
    label: 'Port Number',
    type: 'integer',
    description: `Port of the server; ${DEFAULT_PORT} where none is given.`,
  },
  { name: 'database', label: 'Database', type: 'string', description: 'Name of the database.' },
  { name: 'username', label: 'Username', type: 'string', description: 'Who signs in.' },
  { name: 'password', label: 'Password', type: 'password', description: 'With which password.' },
  {
    name: 'options',
    label: 'Connection Options',
    type: 'object',
    description: 'Options of a connection string: replicaSet, authSource, tls, …',
    object: NAME_TO_VALUE,
  },
  {
    name: 'driver_options',
    label: 'Driver Options',
    type: 'object',
    description: 'More of the same; kept apart as clients know them.',
    object: NAME_TO_VALUE,
  },
  ...STORE_FIELDS,
];

/** What the tier itself decides, or what would read files of its machine or run something there. */
const REFUSED =
  /^(?:tlscafile|tlscertificatekeyfile|tlscrlfile|sslca|sslcert|sslkey|sslcrl|autoencryption|promotevalues|raw|maxpoolsize|proxy.*|pkfactory|monitorcommands|servicename|gssapi.*|authmechanismproperties)$/i;

/** @throws MillraceError invalid that names the setting */
export function readMongoConfig(config: ServiceConfig): MongoConfig {
  const dsn = text(config, 'dsn');
  const given = { ...mapping(config, 'options'), ...mapping(config, 'driver_options') };
  const { db, ...options } = given;
  for (const name of Object.keys(options)) {
    if (REFUSED.test(name)) throw invalid(`Setting 'options' must not hold '${name}'.`, { field: 'options' });
  }
  const username = text(config, 'username');
  const password = secret(config, 'password');
  if (dsn === undefined) {
    const host = text(config, 'host');
    const database = text(config, 'database') ?? db;
    if (host === undefined || database === undefined) {
      throw invalid("A MongoDB service needs 'host' and 'database', or 'dsn'.", { field: 'host' });
    }
    const port = integer(config, 'port', 1, DEFAULT_PORT, 65_535);
    if (/[/?@,\s]/.test(host)) throw wrongSetting('host', 'the name or address of one server');
    return { url: `mongodb://${host}:${port}/`, username, password, database, options };
  }
  const [, scheme = 'mongodb://', rest = ''] = /^(mongodb(?:\+srv)?:\/\/)?(.*)$/s.exec(dsn) ?? [];
  const [, authority = '', path = '', query = ''] = /^([^/?]+)\/?([^?]*)(?:\?(.*))?$/s.exec(rest) ?? [];
  const database = decodeURIComponent(path) || text(config, 'database') || db;
  if (authority === '' || !database) throw wrongSetting('dsn', 'mongodb://host:port/database');
  const inQuery = Object.fromEntries(new URLSearchParams(query));
  for (const name of Object.keys(inQuery)) if (REFUSED.test(name)) throw wrongSetting('dsn', `free of '${name}'`);
  return { url: `${scheme}${authority}/`, username, password, database, options: { ...inQuery, ...options } };
}
