/** Credentials to principal. What is wrong with them is thrown in the order of system-api §2.6, rows 1 to 6a. */
import { MillraceError } from '#common/errors.ts';
import type { User } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { BasicVerifier } from './basic.ts';
import type { Credentials } from './credentials.ts';
import type { IssuerVerifier } from './issuers.ts';
import { machineOf, type Principal, principalOf } from './principal.ts';
import type { TokenVerifier } from './token.ts';

export interface Authenticators {
  readonly state: AccessState;
  readonly tokens: TokenVerifier;
  readonly basic: BasicVerifier;
  readonly issuers: IssuerVerifier;
}

/** The usual cases need no waiting; only HTTP Basic, and a new token of another issuer, answer with a promise. */
export function authenticate(
  { state, tokens, basic, issuers }: Authenticators,
  credentials: Credentials,
  clientAddress: () => string,
): Principal | Promise<Principal> {
  const app = credentials.apiKey === undefined ? undefined : state.appsByKey.get(credentials.apiKey);
  if (app && !app.isActive) throw new MillraceError('denied', 'App is not active.');
  const sent = { apiKey: credentials.apiKey, token: credentials.token, basic: credentials.basic !== undefined };
  const done = (user: User | undefined): Principal => principalOf(state, user, app, sent);
  if (credentials.token !== undefined && issuers.knows(credentials.token)) {
    const role = issuers.roleOf(credentials.token);
    return role instanceof Promise ? role.then((found) => machineOf(found, app, sent)) : machineOf(role, app, sent);
  }
  if (credentials.token !== undefined) return done(tokens.userOf(credentials.token));
  if (credentials.basic) return basic.userOf(credentials.basic, clientAddress()).then(done);
  return done(undefined);
}
