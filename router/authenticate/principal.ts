/** Who asks: user, app and the role that the two lead to (system-api §4.3). */
import { REQUESTOR_API } from '#common/verbs.ts';
import type { App, User } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { CompiledRole } from '../decide/role.ts';

export interface Principal {
  readonly user: User | undefined;
  readonly app: App | undefined;
  readonly role: CompiledRole | undefined;
  /** System administrator without a role of his own: everything is allowed. */
  readonly isAdmin: boolean;
  readonly requestor: number;
  /** The session token as it was sent. */
  readonly token: string | undefined;
  /** What was sent at all: refusals differ by it. */
  readonly sentApiKey: boolean;
  readonly sentToken: boolean;
  /** How many scripts stand between a client and this call. */
  readonly scriptDepth?: number;
  /** Name of all that began with the same script. */
  readonly scriptTree?: Uint8Array;
}

export function principalOf(
  state: AccessState,
  user: User | undefined,
  app: App | undefined,
  sent: { apiKey: string | undefined; token: string | undefined; basic: boolean },
): Principal {
  const isAdmin = user?.isSysAdmin === true && user.appRoles.length === 0;
  return {
    user,
    app,
    role: isAdmin ? undefined : roleOf(state, user, app),
    isAdmin,
    requestor: REQUESTOR_API,
    token: sent.token,
    sentApiKey: sent.apiKey !== undefined,
    sentToken: sent.token !== undefined || sent.basic,
  };
}

/** A machine with a token of another issuer: nobody of ours, with the role that the rule for its issuer gives. */
export function machineOf(
  role: CompiledRole | undefined,
  app: App | undefined,
  sent: { apiKey: string | undefined; token: string | undefined },
): Principal {
  return {
    ...{ user: undefined, app, role, isAdmin: false, requestor: REQUESTOR_API },
    ...{ token: sent.token, sentApiKey: sent.apiKey !== undefined, sentToken: true },
  };
}

/** The user's role for this very app, else the app's default role; a role held for one app never applies to another. */
function roleOf(state: AccessState, user: User | undefined, app: App | undefined): CompiledRole | undefined {
  if (!app) return undefined;
  const assigned = user?.appRoles.find((entry) => entry.appId === app.id)?.roleId;
  const id = assigned ?? app.roleId;
  return id === undefined ? undefined : state.roles.get(id);
}
