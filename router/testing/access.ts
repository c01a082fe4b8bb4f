/** A small installation as a router knows it, and the people who use it, for the tests of decisions. */
import { createHash, createHmac } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TOKEN_ISSUER } from '#common/session-token.ts';
import { type RoleAccessSchema, UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { AccessState } from '../access/state.ts';
import { type Principal, principalOf } from '../authenticate/principal.ts';

export type UpdateInit = MessageInitShape<typeof UpdateSchema>;
export type AccessInit = MessageInitShape<typeof RoleAccessSchema>;

export const SECRET = Buffer.from('a secret of 32 bytes, and no more');
/** The id of the one database service. */
export const DB = 7;

let version = 0n;

/** Applied to a state; a full one unless it says otherwise. */
export function update(state: AccessState, init: UpdateInit): void {
  version += 1n;
  state.apply(create(UpdateSchema, { version, ...init } as UpdateInit));
}

export function stateOf(init: UpdateInit = {}): AccessState {
  const state = new AccessState();
  update(state, {
    full: true,
    services: [
      { id: DB, name: 'db', type: 'sqlite', isActive: true, tier: 'sql' },
      { id: 1, name: 'system', type: 'system', isActive: true, tier: 'system' },
      { id: 2, name: 'user', type: 'user', isActive: true, tier: 'system' },
    ],
    settings: { tokenSecrets: [SECRET] },
    ...init,
  } as UpdateInit);
  return state;
}

/** A rule for the API on the database service: everything, unless told otherwise. */
export const rule = (component: string, init: AccessInit = {}): AccessInit => ({
  serviceId: DB,
  component,
  verbMask: 31,
  requestorMask: 1,
  filterOp: 'AND',
  ...init,
});

/** A state with one user (id 5), who has one role (id 3) by one app (id 4, key `key`). */
export function stateWithRole(access: readonly AccessInit[], init: UpdateInit = {}): AccessState {
  return stateOf({
    roles: [{ id: 3, name: 'Clerk', isActive: true, access: [...access] }],
    apps: [{ id: 4, name: 'shop', apiKey: 'key', isActive: true, roleId: 3 }],
    users: [{ id: 5, email: 'ann@a.example', name: "Ann O'Neil", username: 'ann', isActive: true }],
    ...init,
  });
}

/** Whoever sends the key of an app, with a token or (null) without. */
export function principalIn(state: AccessState, userId: number | null = 5, apiKey: string | null = 'key'): Principal {
  const user = userId === null ? undefined : state.users.get(userId);
  const app = apiKey === null ? undefined : state.appsByKey.get(apiKey);
  return principalOf(state, user, app, { apiKey: apiKey ?? undefined, token: user && 'a.token', basic: false });
}

export const ADMIN: Principal = {
  ...principalIn(stateWithRole([])),
  role: undefined,
  isAdmin: true,
};

/** Seconds since 1970, from now. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

export const subjectOf = (email: string): string => createHash('md5').update(email).digest('hex');

/** A signed session token of the user with this id. */
export function tokenOf(
  claims: Record<string, unknown> = {},
  { secret = SECRET, header = { typ: 'JWT', alg: 'HS256' } as Record<string, unknown> } = {},
): string {
  const body = {
    iss: TOKEN_ISSUER,
    jti: 'j1',
    iat: inSeconds(-10),
    nbf: inSeconds(-10),
    exp: inSeconds(600),
    sub: subjectOf('ann@a.example'),
    user_id: 5,
    forever: false,
    ...claims,
  };
  const signed = [header, body].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
