/** The settings of a GridFS service: what an administrator is asked, and what the client is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { integer, mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { containerFields } from '../container-fields.ts';
import { missingSetting, stringField } from '../object/settings.ts';

const DEFAULT_PORT = 27_017;
const DEFAULT_BUCKET = 'fs';
const hosting = containerFields('Database, where none is named above.').map((field) =>
  field.name === 'container' ? { ...field, required: false, allow_null: true } : field,
);

const objectField = (name: string, label: string, description: string): ConfigField => ({
  ...{ name, label, type: 'object', description, required: false, allow_null: true, default: null },
  object: { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } },
});

/** Names and order as clients know them (files-and-scripting-api §1.12). */
export const configFields: readonly ConfigField[] = [
  stringField('host', 'Host', 'Name or address of the MongoDB server; localhost where none is given.'),
  {
    name: 'port',
    label: 'Port Number',
    type: 'integer',
    description: `Port of the server; ${DEFAULT_PORT} where none is given.`,
  },
  stringField('database', 'Database', 'Name of the database. May be a lookup.'),
  stringField('username', 'Username', 'User that the service signs in as. May be a lookup.'),
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    description: 'Password of the user. Stored encrypted. May be a lookup.',
  },
  stringField('dsn', 'Connection String', 'In place of all above: mongodb://user:password@host:27017/database.'),
  objectField(
    'options',
    'Connection Options',
    'Options of a connection string, such as replicaSet or tls; "db": the database.',
  ),
  objectField(
    'driver_options',
    'Driver Options',
    'Kept for clients that send it; all that is to be set is in the options.',
  ),
  stringField('bucket_name', 'Bucket Name', `Prefix of the two collections; ${DEFAULT_BUCKET} where none is given.`),
  ...hosting,
];

export interface GridfsConfig {
  /** With credentials and options. */
  readonly url: string;
  readonly database: string;
  readonly bucket: string;
}

/** @throws MillraceError invalid that names the field; never with the value, which may hold a password */
export function readGridfsConfig(config: ServiceConfig): GridfsConfig {
  const { db, ...options } = mapping(config, 'options');
  mapping(config, 'driver_options');
  const dsn = text(config, 'dsn');
  const address = dsn === undefined ? addressOf(config) : /^mongodb(\+srv)?:\/\//.test(dsn) ? dsn : `mongodb://${dsn}`;
  const [, hosts = '', named = '', query = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(address) ?? [];
  if (hosts === '') throw wrongSetting('dsn', 'an address that begins with mongodb:// or mongodb+srv://');
  const database = decoded(named) || db || text(config, 'database') || text(config, 'container');
  if (!database) throw missingSetting('database');
  if (/[/\\. "$*<>:|?\0]/.test(database)) throw wrongSetting('database', 'the name of a database');
  const bucket = text(config, 'bucket_name') ?? DEFAULT_BUCKET;
  if (/[$\0]|^system\./.test(bucket)) throw wrongSetting('bucket_name', 'the prefix of collections');
  const parameters = [query, new URLSearchParams(options).toString()].filter((part) => part !== '').join('&');
  // Where the user is known is said by the database of the address, and need not be the one of the files.
  return { url: `${hosts}/${named}${parameters && `?${parameters}`}`, database, bucket };
}

function addressOf(config: ServiceConfig): string {
  const host = text(config, 'host') ?? 'localhost';
  if (/[/?#@\s]/.test(host)) throw wrongSetting('host', 'a name or address');
  const user = text(config, 'username');
  const password = secret(config, 'password');
  const credentials = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@`;
  const database = text(config, 'database') ?? '';
  return `mongodb://${credentials}${host}:${integer(config, 'port', 1, DEFAULT_PORT, 65_535)}/${encodeURIComponent(database)}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrongSetting('dsn', 'an address whose parts are percent-encoded');
  }
}
