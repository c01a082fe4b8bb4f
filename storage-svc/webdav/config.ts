/** The settings of a WebDAV service: what an administrator is asked, and what requests are sent with. */
import type { ConfigField } from '#common/config/field.ts';
import { secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { containerFields } from '../container-fields.ts';

const AUTH_TYPES = { basic: '1', digest: '2' } as const;
export type AuthType = keyof typeof AUTH_TYPES;
const ENCODINGS = { identity: '1', deflate: '2', gzip: '4' } as const;
export type Encoding = keyof typeof ENCODINGS;

const picklist = (values: Readonly<Record<string, string>>): { label: string; name: string }[] =>
  Object.entries(values).map(([label, name]) => ({ label, name }));

/** Names and order as clients know them (files-and-scripting-api §1.12). */
export const configFields: readonly ConfigField[] = [
  {
    name: 'base_uri',
    label: 'Base URI',
    type: 'string',
    description:
      'Address of the server, such as https://dav.example.org; a path behind it is where the container starts.',
    required: true,
  },
  { name: 'username', label: 'Username', type: 'string', description: 'User that the service signs in as.' },
  { name: 'password', label: 'Password', type: 'password', description: 'Password of the user. Stored encrypted.' },
  {
    name: 'auth_type',
    label: 'Authentication Type',
    type: 'picklist',
    description: 'How we sign in. Empty: as the server asks, where a user is given.',
    allow_null: true,
    values: picklist(AUTH_TYPES),
  },
  {
    name: 'encoding',
    label: 'Encoding',
    type: 'picklist',
    description: 'How the server may pack its listings; files are never packed.',
    allow_null: true,
    values: picklist(ENCODINGS),
  },
  {
    name: 'proxy',
    label: 'Proxy',
    type: 'string',
    description: 'Address of a proxy on the way to the server, such as http://proxy.example.org:3128.',
  },
  ...containerFields('Root folder: a path behind the base URI; / for the base URI itself.'),
];

export interface WebdavConfig {
  /** With the path in front of the container; no slash at the end. */
  readonly base: URL;
  readonly username: string | undefined;
  readonly password: string;
  /** undefined: as the server asks. */
  readonly authType: AuthType | undefined;
  readonly encoding: Encoding;
  readonly proxy: URL | undefined;
  /** No slash at either end. */
  readonly container: string;
}

/** @throws MillraceError invalid that names the field; never with the value, which may be a secret */
export function readWebdavConfig(config: ServiceConfig): WebdavConfig {
  const base = addressOf(config, 'base_uri');
  const container = text(config, 'container');
  if (!base) throw wrongSetting('base_uri', 'given');
  if (!container) throw wrongSetting('container', 'given');
  const authType = choice(config, 'auth_type', AUTH_TYPES);
  const username = text(config, 'username');
  if (authType && !username) throw wrongSetting('username', 'given where auth_type is');
  return {
    base,
    username,
    password: secret(config, 'password') ?? '',
    authType,
    encoding: choice(config, 'encoding', ENCODINGS) ?? 'identity',
    proxy: addressOf(config, 'proxy'),
    container: container.replace(/^\/+|\/+$/g, ''),
  };
}

function addressOf(config: ServiceConfig, name: string): URL | undefined {
  const value = text(config, name);
  if (value === undefined) return undefined;
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw wrongSetting(name, 'an http or https address');
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** By number, as clients of the original send it, or by name. */
function choice<T extends string>(
  config: ServiceConfig,
  name: string,
  values: Readonly<Record<T, string>>,
): T | undefined {
  const value = config[name];
  if (value === null || value === undefined || value === '' || value === 0 || value === '0') return undefined;
  const word = String(value).toLowerCase();
  const found = (Object.keys(values) as T[]).find((each) => each === word || values[each] === word);
  if (!found) throw wrongSetting(name, `one of ${Object.keys(values).join(', ')}`);
  return found;
}
