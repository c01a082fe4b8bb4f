/** `platform.session` (files-and-scripting-api §3.5), without private lookups: those are the worker's to add. */
import { create } from '@bufbuild/protobuf';
import type { User } from '#proto/access/v1/access_pb.ts';
import { type Caller, CallerSchema } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { lookupsOf } from '../decide/lookups.ts';

const KNOWN_MAX = 1_000;

export interface Session {
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
    const session = {
      user,
      json: Buffer.from(JSON.stringify(shown(principal, this.#state))),
      caller: create(CallerSchema, { userId: user?.id ?? 0, appId: app?.id ?? 0, roleId: role?.source.id ?? 0 }),
    };
    this.#known.set(key, session);
    return session;
  }
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
