/** Where NATS is and how to sign in there, from the environment. */
import type { EnvReader } from '../config/env.ts';

export interface NatsSettings {
  /** host:port, one or several of the same cluster. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** A file with a JWT and its key, as NATS makes them; read again for each connection. */
  readonly credentialsFile: string | undefined;
}

const DEFAULT_PORT = '4222';
const SCHEMES: ReadonlySet<string> = new Set(['nats:', 'tls:']);

/** @returns undefined: this installation has no NATS */
export function readNatsSettings(reader: EnvReader): NatsSettings | undefined {
  const texts = reader.list('MILLRACE_NATS_URL', []);
  const credentialsFile = reader.optional('MILLRACE_NATS_CREDENTIALS');
  const urls = texts.map((text) => (URL.canParse(text) ? new URL(text) : undefined));
  if (!urls.every((url) => url !== undefined && SCHEMES.has(url.protocol) && url.hostname !== '')) {
    // Not the text: it may hold a password.
    reader.fault('MILLRACE_NATS_URL must be addresses as nats://host:port or tls://user:password@host:port');
    return undefined;
  }
  return texts.length === 0 ? undefined : settingsOf(urls as URL[], credentialsFile);
}

/** @param urls  one or more; user and password, or a token, stand in any of them */
export function settingsOf(urls: readonly URL[], credentialsFile?: string): NatsSettings {
  const signed = urls.find(({ username }) => username !== '');
  const [name, password] = [signed?.username, signed?.password].map((part) => decodeURIComponent(part ?? ''));
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`),
    tls: urls.some(({ protocol }) => protocol === 'tls:'),
    user: password ? name : undefined,
    password: password || undefined,
    token: name && !password ? name : undefined,
    credentialsFile,
  };
}
