/** Where callers put who they are (system-api §1.5): the first place that holds something wins. */

export interface Credentials {
  readonly apiKey: string | undefined;
  readonly token: string | undefined;
  readonly basic: { readonly user: string; readonly password: string } | undefined;
}

/** What the places are read from. */
export interface CredentialSource {
  header(name: string): string | undefined;
  query(name: string): string | undefined;
  /** A top-level text of the body; looked at only when nothing else holds it. */
  body(name: string): string | undefined;
}

export function readCredentials(source: CredentialSource, path: string): Credentials {
  const authorization = source.header('authorization');
  const token =
    bearer(authorization) ||
    source.header('x-dreamfactory-session-token') ||
    source.query('session_token') ||
    source.body('session_token') ||
    undefined;
  const apiKey =
    source.query('api_key') ||
    source.header('x-dreamfactory-api-key') ||
    // An app's own record has a field of this name.
    (path.includes('system/app') ? undefined : source.body('api_key')) ||
    undefined;
  return { apiKey, token, basic: token ? undefined : basic(authorization) };
}

function bearer(header: string | undefined): string | undefined {
  return header && /^bearer /i.test(header) ? header.slice(7).trim() : undefined;
}

function basic(header: string | undefined): Credentials['basic'] {
  if (!header || !/^basic /i.test(header)) return undefined;
  const decoded = Buffer.from(header.slice(6).trim(), 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
