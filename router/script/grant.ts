/**
 * For whom a script calls the API: a note that a router signs and a router reads. Workers pass it on, scripts never see
 * it. It tells who the caller is, never what he may do: that is decided again, by what is known then.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MillraceError } from '#common/errors.ts';
import { TREE_BYTES, treeOf, withoutTree, withTree } from '#common/scripts/tree.ts';
import { REQUESTOR_SCRIPT } from '#common/verbs.ts';
import type { App, User } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import { type Principal, principalOf } from '../authenticate/principal.ts';

const DIGEST_BYTES = 32;
/** Scripts end long before; what they leave for later gets a grant of its own. */
const VALID_SECONDS = 300;
/** One is given again as long as it is good for this much longer. */
const FRESH_SECONDS = 120;
const KNOWN_MAX = 10_000;

/** User, app, role of a machine (0: none each), how many scripts have called each other, second of its end. */
type Note = readonly [user: number, app: number, machineRole: number, depth: number, until: number];

export class Grants {
  readonly #state: AccessState;
  readonly #known = new Map<string, { readonly grant: Uint8Array; readonly until: number }>();
  /** The rest of the name of a tree is a number of this router's. */
  readonly #trees = randomBytes(TREE_BYTES);

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** @param depth  of the calls that are made with it */
  of(principal: Principal, depth: number): Uint8Array {
    return withTree(this.#noteOf(principal, depth), principal.scriptTree ?? this.#newTree());
  }

  #newTree(): Uint8Array {
    this.#trees.writeUInt32LE((this.#trees.readUInt32LE(0) + 1) >>> 0, 0);
    return this.#trees;
  }

  #noteOf(principal: Principal, depth: number): Uint8Array {
    const { user, app } = principal;
    const machineRole = machineRoleOf(principal);
    const key = `${user?.id ?? 0}/${app?.id ?? 0}/${machineRole}/${depth}`;
    const now = Math.floor(Date.now() / 1000);
    const known = this.#known.get(key);
    if (known && known.until - now > FRESH_SECONDS) return known.grant;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    const until = now + VALID_SECONDS;
    const note: Note = [user?.id ?? 0, app?.id ?? 0, machineRole, depth, until];
    const text = Buffer.from(JSON.stringify(note));
    const grant = Buffer.concat([digestOf(text, this.#secrets()[0] as Uint8Array), text]);
    this.#known.set(key, { grant, until });
    return grant;
  }

  /** @throws MillraceError unauthenticated, denied */
  principalOf(grant: Uint8Array): Principal {
    const [userId, appId, machineRole, depth, until] = this.#read(withoutTree(grant));
    if (until < Date.now() / 1000) throw refused();
    const user = userId === 0 ? undefined : this.#state.users.get(userId);
    const app = appId === 0 ? undefined : this.#state.apps.get(appId);
    if ((userId !== 0 && !user) || (appId !== 0 && !app)) throw refused();
    if (user && !user.isActive) throw new MillraceError('denied', 'User is not active.');
    if (app && !app.isActive) throw new MillraceError('denied', 'App is not active.');
    const principal = knownPrincipal(this.#state, user, app, machineRole);
    return { ...principal, requestor: REQUESTOR_SCRIPT, scriptDepth: depth, scriptTree: treeOf(grant) };
  }

  #read(grant: Uint8Array): Note {
    const given = grant.subarray(0, DIGEST_BYTES);
    const text = grant.subarray(DIGEST_BYTES);
    const isOurs = this.#secrets().some(
      (secret) => given.length === DIGEST_BYTES && timingSafeEqual(given, digestOf(text, secret)),
    );
    if (!isOurs) throw refused();
    return JSON.parse(Buffer.from(text).toString()) as Note;
  }

  #secrets(): readonly Uint8Array[] {
    return this.#state.settings?.tokenSecrets ?? [];
  }
}

/** Somebody who is known already, and brings no credentials. @param machineRole  0: that of the user in the app */
export function knownPrincipal(
  state: AccessState,
  user: User | undefined,
  app: App | undefined,
  machineRole: number,
): Principal {
  const sent = { apiKey: app?.apiKey, token: user ? '' : undefined, basic: false };
  const principal = { ...principalOf(state, user, app, sent), token: undefined };
  return machineRole === 0 ? principal : { ...principal, role: state.roles.get(machineRole) };
}

/** The role that nothing but a machine's token gives; 0: none. */
export function machineRoleOf({ user, app, role, isAdmin }: Principal): number {
  return user === undefined && app?.roleId !== role?.source.id && !isAdmin ? (role?.source.id ?? 0) : 0;
}

/** Of another purpose than that of session tokens: neither is good for the other. */
const digestOf = (text: Uint8Array, secret: Uint8Array): Buffer =>
  createHmac('sha256', secret).update('millrace script grant\0').update(text).digest();

const refused = (): MillraceError => new MillraceError('unauthenticated', 'The grant of the script is not valid.');
