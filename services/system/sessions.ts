/** Signing in and out (system-api §3.2, §3.3). */
import { hostname } from 'node:os';
import type { Selectable } from 'kysely';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import { type DescribeRequest, type LoginRequest, type TokenRequest, UserKind } from '#proto/system/v1/system_pb.ts';
import { type Changes, dirtyKinds, dirtyUser } from './changes.ts';
import type { SystemConfig } from './config.ts';
import type { UserTable } from './database/tables.ts';
import type { Passwords } from './passwords.ts';
import type { JsonObject } from './records/model.ts';
import { attemptKey, GUESSES, Throttle } from './throttle.ts';
import { nowSeconds, subjectOf, type TokenClaims, type Tokens } from './tokens.ts';
import { NO_CODE } from './users/account/codes.ts';

export type User = Selectable<UserTable>;

const wrongCredentials = () => new MillraceError('unauthenticated', 'Invalid credentials supplied.');
export const noSession = () =>
  new MillraceError('unauthenticated', 'There is no valid session for the current request.');
const refreshFailed = (reason: string) => new MillraceError('unauthenticated', `Token refresh failed. ${reason}`);

/** 2026-11-23 23:51:32 */
export const dateTime = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');

export class Sessions {
  readonly #changes: Changes;
  readonly #config: SystemConfig;
  readonly #passwords: Passwords;
  readonly #tokens: Tokens;
  readonly #throttle = new Throttle(GUESSES);

  constructor(changes: Changes, config: SystemConfig, passwords: Passwords, tokens: Tokens) {
    this.#changes = changes;
    this.#config = config;
    this.#passwords = passwords;
    this.#tokens = tokens;
  }

  /** @returns the session answer  @throws MillraceError */
  async login(request: LoginRequest): Promise<JsonObject> {
    const user = await this.#authenticate(request);
    if (user.is_active !== 1) throw wrongCredentials();
    const role = await this.#roleOf(user, request.appId);
    if (role?.is_active === 0) throw new MillraceError('denied', 'Role is not active.');
    const lastLogin = dateTime(new Date());
    await this.#changes.commit(dirtyUser(user.id), (trx) =>
      trx
        .updateTable('user')
        .set({ last_login_date: lastLogin, is_confirmed: 1, ...NO_CODE })
        .where('id', '=', user.id)
        .execute(),
    );
    const forever = request.rememberMe && this.#config.allowForeverSessions;
    const token = await this.#issue(user, forever, nowSeconds());
    return this.#answer({ ...user, last_login_date: lastLogin }, role, token);
  }

  /** @returns the user's id  @throws MillraceError */
  async verifyPassword(request: LoginRequest): Promise<number> {
    const user = await this.#authenticate(request);
    if (user.is_active !== 1) throw new MillraceError('denied', 'User is not active.');
    return user.id;
  }

  /** A new token for an old one, which ends. @throws MillraceError unauthenticated */
  async refresh({ token, appId, kind }: TokenRequest): Promise<JsonObject> {
    const claims = await this.#tokens.read(token);
    if (!claims) throw refreshFailed('The token is not valid.');
    if (!claims.forever && this.#endOfRefresh(claims) <= nowSeconds()) {
      throw refreshFailed('The token can no longer be refreshed.');
    }
    const user = await this.#user(claims.userId);
    if (user?.is_active !== 1 || !isOfKind(user, kind) || !isAlive(claims, user)) {
      throw refreshFailed('The token is not valid.');
    }
    if (!(await this.#revoke(claims))) throw refreshFailed('The token has been blacklisted.');
    const issuedAt = claims.forever ? nowSeconds() : claims.iat;
    const fresh = await this.#issue(user, claims.forever, issuedAt);
    return this.#answer(user, await this.#roleOf(user, appId), fresh);
  }

  /** Ends a token of ours; anything else has no session to end. */
  async logout({ token }: TokenRequest): Promise<void> {
    const claims = token === '' ? undefined : await this.#tokens.read(token);
    if (claims) await this.#revoke(claims);
  }

  /** For somebody who has just shown who he is, in another way than by signing in. */
  issueFor(user: User): Promise<string> {
    return this.#issue(user, false, nowSeconds());
  }

  /** Wrong passwords before a new one count no more. */
  forgive(user: User, clientAddress: string): void {
    const identity = user[this.#config.loginAttribute];
    if (identity !== null) this.#throttle.succeeded(attemptKey(identity, clientAddress));
  }

  /** The session answer for somebody whom the router has verified. @throws MillraceError */
  async describe({ kind, userId, appId, token }: DescribeRequest): Promise<JsonObject> {
    if (userId === 0) throw kind === UserKind.ADMIN ? notFound('No user session found.') : noSession();
    const user = await this.#user(userId);
    if (!user || (kind === UserKind.ADMIN && user.is_sys_admin !== 1)) throw noSession();
    return this.#answer(user, await this.#roleOf(user, appId), token);
  }

  /** Revocations that outlived their tokens are forgotten. */
  async forgetExpired(): Promise<void> {
    await this.#changes.db.deleteFrom('token_revocation').where('expires_at', '<', nowSeconds()).execute();
  }

  /** Alike in answer and time whether or not there is such an account. */
  async #authenticate(request: LoginRequest): Promise<User> {
    const attribute = this.#config.loginAttribute;
    const identity = request[attribute];
    if (identity === '') throw invalid(`Login request is missing required ${attribute}.`);
    if (request.password === '') throw invalid('Login request is missing required password.');
    const key = attemptKey(identity, request.clientAddress);
    this.#throttle.check(key);
    const user = identity.includes('\0') ? undefined : await this.#userBy(attribute, identity);
    const matches = await this.#passwords.verify(request.password, user?.password_hash ?? null);
    if (!user || !matches || !isOfKind(user, request.kind)) {
      this.#throttle.failed(key);
      throw wrongCredentials();
    }
    this.#throttle.succeeded(key);
    return user;
  }

  #userBy(attribute: 'email' | 'username', identity: string): Promise<User | undefined> {
    return this.#changes.db
      .selectFrom('user')
      .selectAll()
      .where((eb) => eb(eb.fn<string>('lower', [attribute]), '=', identity.toLowerCase()))
      .executeTakeFirst();
  }

  #user(id: number): Promise<User | undefined> {
    return this.#changes.db.selectFrom('user').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** The user's role for the app, else the app's own; a role for one app never applies to another. */
  async #roleOf(user: User, appId: number): Promise<Role | undefined> {
    if (appId === 0) return undefined;
    const { db } = this.#changes;
    const assigned = await db
      .selectFrom('user_to_app_to_role')
      .select(['app_id', 'role_id'])
      .where('user_id', '=', user.id)
      .execute();
    if (user.is_sys_admin === 1 && assigned.length === 0) return undefined;
    const own = assigned.find((row) => row.app_id === appId)?.role_id;
    const app = await db.selectFrom('app').select('role_id').where('id', '=', appId).executeTakeFirst();
    const roleId = own ?? app?.role_id;
    if (!roleId) return undefined;
    return db.selectFrom('role').select(['id', 'name', 'is_active']).where('id', '=', roleId).executeTakeFirst();
  }

  #issue(user: User, forever: boolean, issuedAt: number): Promise<string> {
    return this.#tokens.issue({
      user,
      forever,
      // Not before the moment from which the user's tokens are good, which lies up to a second ahead.
      issuedAt: Math.max(issuedAt, Number(user.tokens_valid_from)),
      ttlSeconds: this.#config.tokenTtlSeconds,
    });
  }

  /** @returns false where it was revoked before, also by somebody else at this very moment */
  async #revoke(claims: TokenClaims): Promise<boolean> {
    const row = { jti: claims.jti, expires_at: Math.max(claims.exp, this.#endOfRefresh(claims)) };
    try {
      await this.#changes.commit(dirtyKinds('revocations'), (trx) =>
        trx.insertInto('token_revocation').values(row).execute(),
      );
      return true;
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'invalid') return false; // the jti is there already
      throw error;
    }
  }

  /** A refresh keeps the original issue time, so the window does not move. */
  #endOfRefresh(claims: TokenClaims): number {
    return claims.iat + this.#config.tokenRefreshSeconds;
  }

  #answer(user: User, role: Role | undefined, token: string): JsonObject {
    return {
      session_token: token,
      session_id: token,
      id: user.id,
      name: user.name,
      first_name: user.first_name,
      last_name: user.last_name,
      email: user.email,
      is_sys_admin: user.is_sys_admin === 1,
      last_login_date: user.last_login_date,
      host: hostname(),
      token_expiry_date: dateTime(new Date(Date.now() + this.#config.tokenTtlSeconds * 1000)),
      ...(role && { role: role.name, role_id: role.id }),
    };
  }
}

interface Role {
  readonly id: number;
  readonly name: string;
  readonly is_active: number;
}

export function isOfKind(user: User, kind: UserKind): boolean {
  if (kind === UserKind.ADMIN) return user.is_sys_admin === 1;
  return kind === UserKind.ANY || user.is_sys_admin === 0;
}

const isAlive = (claims: TokenClaims, user: User): boolean =>
  claims.sub === subjectOf(user.email) && claims.iat >= Number(user.tokens_valid_from);
