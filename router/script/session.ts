/** `platform.session` (files-and-scripting-api §3.5), without private lookups: those are the worker's to add. */
import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { User } from '#proto/access/v1/access_pb.ts';
import { type Caller, CallerSchema } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { lookupsOf } from '../decide/lookups.ts';

const KNOWN_MAX = 1_000;
/** 132 bits. */
const ID_LENGTH = 22;

export interface Session {
  /** Of both of the others: equal callers have the same, and nobody else has. */
  readonly id: string;
  /** Equal callers have the same bytes. */
  readonly json: Uint8Array;
  readonly caller: Caller;
}

export class Sessions {
  readonly #state: AccessState;
  #known = new Map<string, Session & { readonly user: User | undefined }>();
  #epoch = -1;

  constructor(state: AccessState) {
    this.#state = state;
  }

  of(principal: Principal): Session {
    const { user, app, role, token } = principal;
    if (this.#epoch !== this.#state.epoch || this.#known.size >= KNOWN_MAX) {
      this.#known = new Map();
      this.#epoch = this.#state.epoch;
    }
    const key = `${user?.id ?? 0}/${app?.id ?? 0}/${role?.source.id ?? 0}/${token ?? ''}`;
    const known = this.#known.get(key);
    // What is known of a user changes with each sign-in, and is no matter of decisions.
    if (known && known.user === user) return known;
    const json = Buffer.from(JSON.stringify(shown(principal, this.#state)));
    const caller = create(CallerSchema, { userId: user?.id ?? 0, appId: app?.id ?? 0, roleId: role?.source.id ?? 0 });
    const session = { user, id: idOf(json, caller), json, caller };
    this.#known.set(key, session);
    return session;
  }
}

function idOf(json: Uint8Array, { userId, appId, roleId }: Caller): string {
  return createHash('sha256')
    .update(`${userId}/${appId}/${roleId}/`)
    .update(json)
    .digest('base64url')
    .slice(0, ID_LENGTH);
}

function shown(principal: Principal, state: AccessState): object {
  const { user, app, role, token } = principal;
  return {
    api_key: app?.apiKey ?? null,
    session_token: token ?? null,
    user: user
      ? {
          id: user.id,
          name: user.name,
          username: user.username,
          display_name: user.name,
          first_name: user.firstName,
          last_name: user.lastName,
          email: user.email,
          is_sys_admin: user.isSysAdmin,
          last_login_date: user.lastLoginDate || null,
          ldap_username: null,
        }
      : null,
    app: app ? { id: app.id } : null,
    role: role
      ? {
          id: role.source.id,
          name: role.source.name,
          services: role.source.access.map(({ serviceId, component, verbMask, requestorMask }) => ({
            service_id: serviceId ?? null,
            service: serviceId === undefined ? null : (state.services.get(serviceId)?.name ?? null),
            component,
            verb_mask: verbMask,
            requestor_mask: requestorMask,
          })),
        }
      : null,
    lookup: lookupsOf(state, principal),
  };
}
