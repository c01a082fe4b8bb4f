/** The settings of a Dropbox service: what an administrator is asked, and what requests are signed with. */
import type { ConfigField } from '#common/config/field.ts';
import { secret, text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { containerFields } from '../container-fields.ts';

export const configFields: readonly ConfigField[] = [
  {
    name: 'refresh_token',
    label: 'Refresh Token',
    type: 'password',
    description: 'Lasts until it is withdrawn; access tokens are got with it. Needs the app key. Stored encrypted.',
  },
  {
    name: 'app_key',
    label: 'App Key',
    type: 'string',
    description: 'Of the app in the App Console that the tokens were issued to.',
  },
  {
    name: 'app_secret',
    label: 'App Secret',
    type: 'password',
    description: 'Of that app; may be empty where the refresh token was issued with PKCE. Stored encrypted.',
  },
  {
    name: 'access_token',
    label: 'Access Token',
    type: 'password',
    description: 'Instead of a refresh token, for a few hours. Stored encrypted.',
  },
  ...containerFields('Root folder, made with the first file; / for all that the app may see.'),
];

export interface DropboxConfig {
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
  readonly appKey: string | undefined;
  readonly appSecret: string | undefined;
  /** As Dropbox writes paths: a slash in front, none at the end; empty: the root. */
  readonly root: string;
}

/** @throws MillraceError invalid that names the field; never with the value, which may be a secret */
export function readDropboxConfig(config: ServiceConfig): DropboxConfig {
  const container = text(config, 'container');
  if (!container) throw wrongSetting('container', 'given');
  const accessToken = token(config, 'access_token');
  const refreshToken = token(config, 'refresh_token');
  const appKey = text(config, 'app_key');
  if (!accessToken && !refreshToken)
    throw invalid("One of the settings 'refresh_token' and 'access_token' must be given.", { field: 'refresh_token' });
  if (refreshToken && !appKey) throw wrongSetting('app_key', "given where 'refresh_token' is");
  const parts = container.split('/').filter((part) => part !== '');
  return {
    accessToken,
    refreshToken,
    appKey,
    appSecret: token(config, 'app_secret'),
    root: parts.map((part) => `/${part}`).join(''),
  };
}

/** Pasted from a page; a header takes no line ends. */
function token(config: ServiceConfig, name: string): string | undefined {
  const value = secret(config, name)?.trim();
  if (value !== undefined && !/^[\x21-\x7e]*$/.test(value)) throw wrongSetting(name, 'a token');
  return value || undefined;
}
