/** The settings of an FTP service: what an administrator is asked, and what connections are opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { boolean, integer, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { containerFields } from '../container-fields.ts';

const DEFAULT_PORT = 21;
const DEFAULT_TIMEOUT_S = 90;
const SECOND_MS = 1000;

/** Names and order as clients know them (files-and-scripting-api §1.12). */
export const configFields: readonly ConfigField[] = [
  { name: 'host', label: 'Host', type: 'string', description: 'Name or address of the server.', required: true },
  { name: 'port', label: 'Port', type: 'integer', description: 'Port of the server.', default: DEFAULT_PORT },
  {
    name: 'username',
    label: 'Username',
    type: 'string',
    description: 'User that the service signs in as; "anonymous" where none is given.',
  },
  { name: 'password', label: 'Password', type: 'password', description: 'Password of the user. Stored encrypted.' },
  {
    name: 'ssl',
    label: 'SSL',
    type: 'boolean',
    description: 'Encrypts commands and files (explicit TLS); the certificate of the server must be a valid one.',
    default: false,
  },
  {
    name: 'passive',
    label: 'Passive Mode',
    type: 'boolean',
    description: 'We connect to the server for each file; otherwise it connects to us, which firewalls seldom let it.',
    default: true,
  },
  {
    name: 'timeout',
    label: 'Timeout',
    type: 'integer',
    description: 'Seconds that the server may be silent.',
    default: DEFAULT_TIMEOUT_S,
  },
  ...containerFields('Root folder. A relative path starts at the folder that the user signs in to.'),
];

export interface FtpConfig {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly isEncrypted: boolean;
  readonly isPassive: boolean;
  readonly timeoutMs: number;
  /** Without a slash at the end; empty: the root of the server. */
  readonly container: string;
}

/** @throws MillraceError invalid that names the field; never with the value, which may be a secret */
export function readFtpConfig(config: ServiceConfig): FtpConfig {
  const host = text(config, 'host');
  const container = text(config, 'container');
  if (!host) throw wrongSetting('host', 'given');
  if (!container) throw wrongSetting('container', 'given');
  const passive = config['passive'];
  return {
    host,
    port: integer(config, 'port', 1, DEFAULT_PORT, 65_535),
    username: oneLine('username', text(config, 'username') ?? 'anonymous'),
    password: oneLine('password', secret(config, 'password') ?? ''),
    isEncrypted: boolean(config, 'ssl'),
    isPassive: passive === undefined || passive === null || passive === '' || boolean(config, 'passive'),
    timeoutMs: integer(config, 'timeout', 1, DEFAULT_TIMEOUT_S, 3600) * SECOND_MS,
    container: oneLine('container', container).replace(/\/+$/, ''),
  };
}

/** A line is a command of this protocol. */
function oneLine(name: string, value: string): string {
  if (/[\r\n]/.test(value)) throw wrongSetting(name, 'text without line ends');
  return value;
}
