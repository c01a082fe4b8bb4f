/** The settings of an SFTP service: what an administrator is asked, and what connections are opened with. */
import type { ConfigField } from '#common/config/field.ts';
import { integer, secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { containerFields } from '../container-fields.ts';
import { type Fingerprint, readFingerprint } from './fingerprint.ts';

const DEFAULT_PORT = 22;
const DEFAULT_TIMEOUT_S = 90;
const SECOND_MS = 1000;

/** Names and order as clients know them (files-and-scripting-api §1.12). */
export const configFields: readonly ConfigField[] = [
  { name: 'host', label: 'Host', type: 'string', description: 'Name or address of the server.', required: true },
  {
    name: 'port',
    label: 'Port',
    type: 'integer',
    description: 'Port of the server.',
    default: DEFAULT_PORT,
  },
  { name: 'username', label: 'Username', type: 'string', description: 'User that the service signs in as.' },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    description: 'Password of the user, or, where a private key is given that has one, the passphrase of the key.',
  },
  {
    name: 'timeout',
    label: 'Timeout',
    type: 'integer',
    description: 'Seconds that the server may take to let us in, or be silent.',
    default: DEFAULT_TIMEOUT_S,
  },
  {
    name: 'host_fingerprint',
    label: 'Host Fingerprint',
    type: 'string',
    description:
      "Fingerprint of the server's key as ssh-keygen -l shows it (SHA256:… or MD5 with colons); any other server is refused. Empty: any server is believed.",
  },
  {
    name: 'private_key',
    label: 'Private Key',
    type: 'password',
    description: 'Private key of the user, as text (OpenSSH or PEM). Stored encrypted.',
  },
  ...containerFields('Root folder. A relative path starts at the folder that the user signs in to.'),
];

export interface SftpConfig {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string | undefined;
  readonly privateKey: string | undefined;
  readonly fingerprint: Fingerprint | undefined;
  readonly timeoutMs: number;
  /** Without a slash at the end; empty: the root of the server. */
  readonly container: string;
}

/** @throws MillraceError invalid that names the field; never with the value, which may be a secret */
export function readSftpConfig(config: ServiceConfig): SftpConfig {
  const host = text(config, 'host');
  const username = text(config, 'username');
  const container = text(config, 'container');
  if (!host) throw wrongSetting('host', 'given');
  if (!username) throw wrongSetting('username', 'given');
  if (!container) throw wrongSetting('container', 'given');
  const password = secret(config, 'password');
  const privateKey = secret(config, 'private_key');
  if (password === undefined && privateKey === undefined)
    throw invalid("One of the settings 'password' and 'private_key' must be given.", { field: 'password' });
  const fingerprint = text(config, 'host_fingerprint');
  return {
    host,
    port: integer(config, 'port', 1, DEFAULT_PORT, 65_535),
    username,
    password,
    privateKey: privateKey && pemOf(privateKey),
    fingerprint: fingerprint === undefined ? undefined : readFingerprint(fingerprint),
    timeoutMs: integer(config, 'timeout', 1, DEFAULT_TIMEOUT_S, 3600) * SECOND_MS,
    container: container.replace(/\/+$/, ''),
  };
}

const PEM = /^\s*(-----BEGIN [A-Z0-9 ]+-----)\s*([A-Za-z0-9+/=\s]+?)\s*(-----END [A-Z0-9 ]+-----)\s*$/;
const PEM_LINE = /.{1,70}/g;

/** A form with one line takes the line ends away; headers in front of the bytes are left as they are. */
function pemOf(text: string): string {
  const [, begin, bytes, end] = PEM.exec(text) ?? [];
  if (bytes === undefined) return text;
  return [begin, ...(bytes.replace(/\s/g, '').match(PEM_LINE) ?? []), end, ''].join('\n');
}
