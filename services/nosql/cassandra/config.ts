/** The settings of a Cassandra service: what an administrator is asked, and what the client is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { boolean, integer, mapping, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { STORE_FIELDS } from '../config-fields.ts';
import { missingSetting, textField } from '../settings.ts';

const PORT = 9042;
const HOST = '127.0.0.1';
const CONSISTENCIES = ['one', 'local_one', 'quorum', 'local_quorum', 'each_quorum', 'all'] as const;
const NAME_TO_VALUE = { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } };

/** `hosts` to `options` as clients know them (database-api §9.5); the others are ours. */
export const configFields: readonly ConfigField[] = [
  textField('hosts', 'Hosts', `Hosts of the cluster that are asked first, comma-separated; empty: ${HOST}.`),
  {
    ...{ name: 'port', label: 'Port', type: 'integer', default: PORT, allow_null: true },
    description: 'Port for clients (native transport).',
  },
  textField('username', 'Username', 'User, where the cluster asks for one. May be a lookup.'),
  {
    ...{ name: 'password', label: 'Password', type: 'password', allow_null: true },
    description: 'Password of this user. Stored encrypted. May be a lookup.',
  },
  textField('keyspace', 'Keyspace', 'The keyspace whose tables are served. It has to be there.', true),
  textField(
    'local_datacenter',
    'Local Datacenter',
    'Name of the datacenter whose hosts are asked; empty: all hosts of the cluster.',
  ),
  {
    ...{ name: 'consistency', label: 'Consistency', type: 'picklist', default: 'local_quorum', allow_null: true },
    description: 'How many replicas must have answered a read or taken a write.',
    values: CONSISTENCIES.map((name) => ({ label: name.toUpperCase(), name })),
  },
  {
    ...{ name: 'options', label: 'Options', type: 'object', default: null, required: false, allow_null: true },
    description:
      '"ssl": true for an encrypted connection; "ssl_ca", "ssl_cert", "ssl_key": certificates of authorities, ' +
      'our certificate and its key, PEM; "key_pass_phrase": of the key; "ssl_server_name": the name in the ' +
      'certificates of the hosts, which are reached by their addresses.',
    object: NAME_TO_VALUE,
  },
  ...STORE_FIELDS,
];

export interface CassandraConfig {
  /** `host:port`. */
  readonly hosts: readonly string[];
  readonly keyspace: string;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly localDatacenter: string | undefined;
  readonly consistency: (typeof CONSISTENCIES)[number];
  /** undefined: not encrypted. */
  readonly tls: Tls | undefined;
}

/** PEM. */
export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** In the certificates of all hosts: they are reached by their addresses. */
  readonly servername?: string;
}

const HOST_NAME = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/;
const isHost = (host: string): boolean => HOST_NAME.test(host) && Number(/:(\d+)$/.exec(host)?.[1] ?? PORT) <= 65_535;
/** Of the store, which keeps names of up to 48 characters. */
const KEYSPACE = /^\w{1,48}$/;

/** @throws MillraceError invalid that names the field */
export function readCassandraConfig(config: ServiceConfig): CassandraConfig {
  const port = integer(config, 'port', 1, PORT, 65_535);
  const hosts = (text(config, 'hosts') ?? HOST).split(',').map((host) => host.trim());
  if (!hosts.every(isHost)) throw wrongSetting('hosts', 'names of hosts, comma-separated');
  const keyspace = text(config, 'keyspace');
  if (keyspace === undefined) throw missingSetting('keyspace');
  if (!KEYSPACE.test(keyspace)) throw wrongSetting('keyspace', 'the name of a keyspace');
  const consistency = (text(config, 'consistency') ?? 'local_quorum').toLowerCase();
  const known = CONSISTENCIES.find((name) => name === consistency);
  if (known === undefined) throw wrongSetting('consistency', CONSISTENCIES.join(', '));
  const [username, password] = [text(config, 'username'), secret(config, 'password')];
  if (username === undefined && password !== undefined) throw missingSetting('username');
  return {
    hosts: hosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:${port}`)),
    keyspace,
    credentials: username === undefined ? undefined : { username, password: password ?? '' },
    localDatacenter: text(config, 'local_datacenter'),
    consistency: known,
    tls: tlsOf(mapping(config, 'options')),
  };
}

const PEMS = { ssl_ca: 'ca', ssl_cert: 'cert', ssl_key: 'key' } as const;

function tlsOf(options: Record<string, string>): Tls | undefined {
  const pems = Object.entries(PEMS).flatMap(([option, name]) => (options[option] ? [[name, options[option]]] : []));
  const [bad] = Object.keys(PEMS).filter((name) => options[name] && !options[name].includes('-----BEGIN'));
  if (bad !== undefined) throw wrongSetting(`options.${bad}`, 'PEM, which begins with -----BEGIN');
  if (pems.length === 0 && !boolean(options, 'ssl')) return undefined;
  const [passphrase, servername] = [options['key_pass_phrase'], options['ssl_server_name']];
  return { ...Object.fromEntries(pems), ...(passphrase && { passphrase }), ...(servername && { servername }) };
}
