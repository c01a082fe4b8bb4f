/** The settings of an Azure Tables service: what an administrator is asked, and what the client is opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { STORE_FIELDS } from '../config-fields.ts';
import { httpAddress, missingSetting, textField } from '../settings.ts';

const PROTOCOLS = ['https', 'http'] as const;
const PUBLIC_CLOUD = 'table.core.windows.net';
/** It becomes part of a host name. */
const ACCOUNT = /^[a-z0-9]{3,24}$/;
/** The signature of the account's key needs it as Azure gives it out. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Names and order as clients know them (database-api §9.3); endpoint is ours. */
export const configFields: readonly ConfigField[] = [
  textField('account_name', 'Account Name', 'Name of the storage account. May be a lookup.', true),
  {
    ...{ name: 'account_key', label: 'Account Key', type: 'password', required: true, allow_null: false },
    description: 'One of the two keys of the account. Stored encrypted. May be a lookup.',
  },
  {
    ...{ name: 'protocol', label: 'Protocol', type: 'picklist', default: 'https', required: true, allow_null: false },
    description: 'How the tables are reached where no endpoint is given.',
    values: PROTOCOLS.map((name) => ({ label: name.toUpperCase(), name })),
  },
  textField(
    'endpoint',
    'Endpoint',
    'Address of the table service of another cloud or of an emulator, with the account’s name in it as it is there; empty: Azure’s public cloud.',
  ),
  ...STORE_FIELDS,
];

export interface AzureTablesConfig {
  readonly account: string;
  readonly key: string;
  /** With the account's name in it. */
  readonly endpoint: string;
}

/** @throws MillraceError invalid that names the field */
export function readAzureTablesConfig(config: ServiceConfig): AzureTablesConfig {
  const account = text(config, 'account_name');
  if (account === undefined) throw missingSetting('account_name');
  const key = secret(config, 'account_key')?.trim();
  if (!key) throw missingSetting('account_key');
  if (!BASE64.test(key)) throw wrongSetting('account_key', 'a key as Azure gives it out (Base64)');
  const protocol = text(config, 'protocol') ?? PROTOCOLS[0];
  if (!(PROTOCOLS as readonly string[]).includes(protocol)) throw wrongSetting('protocol', PROTOCOLS.join(' or '));
  const endpoint = httpAddress(config, 'endpoint');
  if (endpoint === undefined && !ACCOUNT.test(account)) {
    throw wrongSetting('account_name', 'the name of an account: 3 to 24 small letters and digits');
  }
  return { account, key, endpoint: endpoint ?? `${protocol}://${account}.${PUBLIC_CLOUD}` };
}
