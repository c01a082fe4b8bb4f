/** The settings of a DynamoDB service: what an administrator is asked, and what the client is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { STORE_FIELDS } from '../config-fields.ts';
import { httpAddress, missingSetting, textField } from '../settings.ts';

/** It becomes part of a host name. */
const REGION = /^[A-Za-z0-9-]{1,63}$/;

/** Names and order as clients know them (database-api §9.4); endpoint is ours. */
export const configFields: readonly ConfigField[] = [
  textField('region', 'Region', 'Region of the tables, such as eu-central-1.', true),
  textField('key', 'Access Key ID', 'Empty, together with the secret: the credentials that the machine itself has.'),
  {
    ...{ name: 'secret', label: 'Secret Access Key', type: 'password', allow_null: true },
    description: 'Secret of the access key. Stored encrypted. May be a lookup.',
  },
  textField('proxy', 'Proxy', 'Address of a proxy that requests go through, with http:// or https://.'),
  textField(
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
  if (region === undefined) throw missingSetting('region');
  if (!REGION.test(region)) throw wrongSetting('region', 'the name of a region, such as eu-central-1');
  if (accessKeyId !== undefined && secretAccessKey === undefined) throw missingSetting('secret');
  if (accessKeyId === undefined && secretAccessKey !== undefined) throw missingSetting('key');
  return {
    region,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    proxy: httpAddress(config, 'proxy'),
    endpoint: httpAddress(config, 'endpoint'),
  };
}
