/** Session tokens (system-api §3.4): verified here from what the snapshot holds, remembered while they are good. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '#common/errors.ts';
import { TOKEN_ISSUER } from '#common/session-token.ts';
import type { Settings, User } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';

export interface Claims {
  readonly iss: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  /** Seconds. */
  readonly nbf?: number;
  readonly sub: string;
  readonly user_id: number;
  readonly forever: boolean;
}

/** A bound on the memory that tokens take, however many different ones come. */
export const TOKENS_REMEMBERED_MAX = 50_000;
/** The clock of whoever issued a token may be ahead of ours by so much. */
const CLOCK_SKEW_MS = 60_000;

export class TokenVerifier {
  readonly #state: AccessState;
  /** Tokens whose signature was found good; time, revocation and user are looked at on every use. */
  readonly #verified = new LRUCache<string, Claims>({ max: TOKENS_REMEMBERED_MAX });

  /** The secrets that verified them: with others nothing is verified any more. */
  #settings: Settings | undefined;
  readonly #subjects = new WeakMap<User, string>();

  constructor(state: AccessState) {
    this.#state = state;
  }

  get remembered(): number {
    return this.#verified.size;
  }

  /**
   * The user a token stands for.
   * @throws MillraceError unauthenticated (malformed, expired, other e-mail), denied (logged out, user inactive),
   *   not_found (user deleted), in the order of system-api §2.6
   */
  userOf(token: string): User {
    const claims = this.#claims(token);
    const user = this.#state.users.get(claims.user_id);
    if (user && !user.isActive) throw new MillraceError('denied', 'User is not active.');
    if (claims.exp * 1000 <= Date.now()) {
      throw new MillraceError(
        'unauthenticated',
        'Token has expired: Session expired. Please refresh your token (if still within refresh window) or re-login.',
      );
    }
    // A moment of issue that is still to come would outlive the end of all tokens that were issued before now.
    if (Math.max(claims.nbf ?? 0, claims.iat) * 1000 > Date.now() + CLOCK_SKEW_MS) throw bad('It is not valid yet.');
    if (this.#state.revocations.has(claims.jti) || (user && BigInt(claims.iat) < user.tokensValidFrom)) {
      throw new MillraceError('denied', 'The token has been blacklisted: Session terminated. Please re-login.');
    }
    if (!user) throw new MillraceError('not_found', 'User not found.');
    if (claims.sub !== this.#subjectOf(user)) {
      throw new MillraceError('unauthenticated', 'Invalid token: User verification failed.');
    }
    return user;
  }

  #subjectOf(user: User): string {
    let subject = this.#subjects.get(user);
    if (subject === undefined) {
      subject = createHash('md5').update(user.email).digest('hex');
      this.#subjects.set(user, subject);
    }
    return subject;
  }

  #claims(token: string): Claims {
    this.#followSecrets();
    const known = this.#verified.get(token);
    if (known) return known;
    const claims = this.#verify(token);
    this.#verified.set(token, claims);
    return claims;
  }

  #followSecrets(): void {
    const { settings } = this.#state;
    if (settings === this.#settings) return;
    if (!sameSecrets(settings, this.#settings)) this.#verified.clear();
    this.#settings = settings;
  }

  #verify(token: string): Claims {
    const [head = '', body = '', signature = '', ...rest] = token.split('.');
    if (!signature || rest.length > 0) throw bad('Wrong number of segments.');
    const header = json(head) as { alg?: unknown } | undefined;
    const claims = json(body) as Claims | undefined;
    if (!header || !claims) throw bad('Could not decode token.');
    if (header.alg !== 'HS256') throw bad('The algorithm is not accepted.');
    // Compared as it is written: a decoder overlooks strange characters, and one token would have any number of forms.
    const sent = Buffer.from(signature);
    const good = (this.#state.settings?.tokenSecrets ?? []).some((secret) => {
      // Anybody can sign with nothing.
      if (secret.length === 0) return false;
      const expected = Buffer.from(createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url'));
      return expected.length === sent.length && timingSafeEqual(expected, sent);
    });
    if (!good) throw bad('Token signature could not be verified.');
    const complete =
      Number.isInteger(claims.iat) &&
      Number.isInteger(claims.exp) &&
      Number.isInteger(claims.user_id) &&
      (claims.nbf === undefined || Number.isInteger(claims.nbf)) &&
      typeof claims.sub === 'string' &&
      typeof claims.jti === 'string';
    if (!complete) throw bad('A required claim is missing.');
    if (claims.iss !== TOKEN_ISSUER) throw bad('It is of another issuer.');
    return claims;
  }
}

function sameSecrets(a: Settings | undefined, b: Settings | undefined): boolean {
  const [ours = [], theirs = []] = [a?.tokenSecrets, b?.tokenSecrets];
  return ours.length === theirs.length && ours.every((secret, i) => Buffer.compare(secret, theirs[i]!) === 0);
}

function bad(reason: string): MillraceError {
  return new MillraceError('unauthenticated', `Invalid token: ${reason}`);
}

function json(part: string): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
