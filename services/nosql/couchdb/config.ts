/** The settings of a CouchDB or Cloudant service: what an administrator is asked, and what requests are sent with. */
import type { ConfigField } from '#common/config/field.ts';
import { mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { STORE_FIELDS } from '../config-fields.ts';
import { isTableName } from './types.ts';

const OPTIONAL = { default: null, required: false, allow_null: true };
const NAME_TO_VALUE = { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } };

/** Names and order of `dsn`, `options` and what follows as clients know them (system-api §5.16). */
const fieldsOf = (dsn: string, own: readonly ConfigField[], options: string): readonly ConfigField[] => [
  { name: 'dsn', label: 'Connection String', type: 'string', description: dsn },
  { name: 'username', label: 'Username', type: 'string', description: 'User, where the address names none.' },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    description: 'Password of this user. Stored encrypted. May be a lookup.',
  },
  ...own,
  {
    name: 'options',
    label: 'Options',
    type: 'object',
    description: options,
    ...OPTIONAL,
    object: NAME_TO_VALUE,
  },
  ...STORE_FIELDS,
];

export const couchdbFields = fieldsOf(
  'Address of the server with a database behind it: http://username:password@localhost:5984/db. May hold lookups.',
  [],
  '"db": a database, where the address names none; "ssl_ca": certificates of authorities, PEM.',
);

export const cloudantFields = fieldsOf(
  'Address of the account with a database behind it: https://account.cloudantnosqldb.appdomain.cloud/db.',
  [
    {
      name: 'api_key',
      label: 'IAM API Key',
      type: 'password',
      description: 'Key of IBM Cloud, in place of a user and password. Stored encrypted. May be a lookup.',
    },
  ],
  '"db": a database, where the address names none; "iam_url": where tokens come from, if not from IBM Cloud.',
);

const IAM_URL = 'https://iam.cloud.ibm.com';

export interface CouchConfig {
  /** Scheme, host and port. */
  readonly origin: string;
  /** In front of each path; no slash at the end. */
  readonly prefix: string;
  /** The one that there is in any case, for users that may not list them. */
  readonly database: string;
  /** `Authorization` for a user and password. */
  readonly basic: string | undefined;
  readonly iam: { readonly url: string; readonly apiKey: string } | undefined;
  /** Certificates of authorities, PEM. */
  readonly authorities: string | undefined;
}

/** @throws invalid that names the field; never with the value, which may hold a password */
export function readCouchConfig(config: ServiceConfig): CouchConfig {
  const options = mapping(config, 'options');
  const dsn = text(config, 'dsn');
  const database = options['db'] || undefined;
  if (!dsn && !database) throw invalid("Either 'dsn' or 'options.db' must be given.");
  const url = httpUrl('dsn', dsn ?? 'http://localhost:5984');
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const last = database ?? decoded(parts.pop() ?? '');
  if (!isTableName(last)) throw wrongSetting(database === undefined ? 'dsn' : 'options.db', 'the name of a database');
  const apiKey = secret(config, 'api_key');
  return {
    origin: url.origin,
    prefix: parts.map((part) => `/${part}`).join(''),
    database: last,
    basic: basicOf(
      decoded(url.username) || text(config, 'username'),
      decoded(url.password) || secret(config, 'password'),
    ),
    iam:
      apiKey === undefined
        ? undefined
        : { url: httpUrl('options.iam_url', options['iam_url'] || IAM_URL).origin, apiKey },
    authorities: options['ssl_ca'] || undefined,
  };
}

const basicOf = (user: string | undefined, password: string | undefined): string | undefined =>
  user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;

function httpUrl(field: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw wrongSetting(field, 'an address that begins with http:// or https://');
  return url;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrongSetting('dsn', 'an address whose parts are percent-encoded');
  }
}
