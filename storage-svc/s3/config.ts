/** The settings of an S3 service: what an administrator is asked, and what the client is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { boolean, secret, text } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { containerFields } from '../container-fields.ts';
import { httpAddress, missingSetting, requiredText, stringField } from '../object/settings.ts';

/** Names and order as clients know them (files-and-scripting-api §1.12); endpoint and path_style are ours. */
export const configFields: readonly ConfigField[] = [
  stringField(
    'region',
    'Region',
    'Region of the bucket, such as eu-central-1; what the store wants where it is not Amazon’s, often us-east-1 or auto.',
    true,
  ),
  stringField('key', 'Access Key ID', 'Empty, together with the secret: the credentials that the machine itself has.'),
  {
    ...{ name: 'secret', label: 'Secret Access Key', type: 'password', allow_null: true },
    description: 'Secret of the access key. Stored encrypted. May be a lookup.',
  },
  stringField('proxy', 'Proxy', 'Address of a proxy that requests go through, with http:// or https://.'),
  stringField(
    'endpoint',
    'Endpoint',
    'Address of a store with an S3 interface, such as https://storage.googleapis.com or that of a MinIO; empty: Amazon’s.',
  ),
  {
    ...{ name: 'path_style', label: 'Path Style', type: 'boolean', default: false },
    description:
      'The bucket stands in the path of the address, not in its host name: most stores of one’s own want it.',
  },
  ...containerFields('Name of the bucket; made where there is none.'),
];

export interface S3Config {
  readonly region: string;
  /** undefined: those of the machine. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly bucket: string;
  readonly proxy: string | undefined;
  /** undefined: Amazon's. */
  readonly endpoint: string | undefined;
  readonly isPathStyle: boolean;
}

/** @throws MillraceError invalid that names the field */
export function readS3Config(config: ServiceConfig): S3Config {
  const [accessKeyId, secretAccessKey] = [text(config, 'key'), secret(config, 'secret')];
  if (accessKeyId !== undefined && secretAccessKey === undefined) throw missingSetting('secret');
  if (accessKeyId === undefined && secretAccessKey !== undefined) throw missingSetting('key');
  return {
    region: requiredText(config, 'region'),
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    bucket: requiredText(config, 'container'),
    proxy: httpAddress(config, 'proxy'),
    endpoint: httpAddress(config, 'endpoint'),
    isPathStyle: boolean(config, 'path_style'),
  };
}
