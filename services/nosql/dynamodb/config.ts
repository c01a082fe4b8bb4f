/** The settings of a DynamoDB service: what an administrator is asked, and what the client is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { STORE_FIELDS } from '../config-fields.ts';

const field = (name: string, label: string, description: string, required = false): ConfigField => ({
  ...{ name, label, type: 'string', description, required, allow_null: !required },
});

/** Names and order as clients know them (database-api §9.4); endpoint is ours. */
export const configFields: readonly ConfigField[] = [
  field('region', 'Region', 'Region of the tables, such as eu-central-1.', true),
  field('key', 'Access Key ID', 'Empty, together with the secret: the credentials that the machine itself has.'),
  {
    ...{ name: 'secret', label: 'Secret Access Key', type: 'password', allow_null: true },
    description: 'Secret of the access key. Stored encrypted. May be a lookup.',
  },
  field('proxy', 'Proxy', 'Address of a proxy that requests go through, with http:// or https://.'),
  field(
    'endpoint',
    'Endpoint',
    'Address of a server with the interface of DynamoDB, such as DynamoDB Local; empty: Amazon’s.',
  ),
  ...STORE_FIELDS,
];

export interface DynamoConfig {
  readonly region: string;
  /** undefined: those of the machine. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly proxy: string | undefined;
  /** undefined: Amazon's. */
  readonly endpoint: string | undefined;
}

/** @throws MillraceError invalid that names the field */
export function readDynamoConfig(config: ServiceConfig): DynamoConfig {
  const [region, accessKeyId, secretAccessKey] = [
    text(config, 'region'),
    text(config, 'key'),
    secret(config, 'secret'),
  ];
  if (region === undefined) throw missing('region');
  if (accessKeyId !== undefined && secretAccessKey === undefined) throw missing('secret');
  if (accessKeyId === undefined && secretAccessKey !== undefined) throw missing('key');
  return {
    region,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    proxy: address(config, 'proxy'),
    endpoint: address(config, 'endpoint'),
  };
}

function address(config: ServiceConfig, name: string): string | undefined {
  const found = text(config, name);
  if (found === undefined) return undefined;
  const url = URL.canParse(found) ? new URL(found) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash) {
    throw wrongSetting(name, 'an address that begins with http:// or https://');
  }
  return found.replace(/\/+$/, '');
}

const missing = (name: string): MillraceError => invalid(`Setting '${name}' is missing.`, { field: name });
