/** Session tokens: JWT, HS256 (system-api §3.4). */
import { createHash, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { TOKEN_ISSUER } from '#common/session-token.ts';

export interface TokenClaims {
  readonly jti: string;
  readonly sub: string;
  readonly userId: number;
  readonly forever: boolean;
  /** Seconds since 1970: the original issue, kept by a refresh. */
  readonly iat: number;
  readonly exp: number;
}

export interface IssueOptions {
  readonly user: { readonly id: number; readonly email: string };
  readonly forever: boolean;
  readonly issuedAt: number;
  readonly ttlSeconds: number;
}

/** Ends a "forever" token in practice: a signed moment is easier to reason about than none. */
const FOREVER_SECONDS = 10 * 366 * 86_400;

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** `sub` of a token: changing the e-mail address ends the tokens issued for the old one. */
export const subjectOf = (email: string): string => createHash('md5').update(email).digest('hex');

export class Tokens {
  readonly #secrets: readonly Uint8Array[];

  /** @param secrets newest first: it signs, all of them verify */
  constructor(secrets: readonly Uint8Array[]) {
    this.#secrets = secrets;
  }

  get secrets(): readonly Uint8Array[] {
    return this.#secrets;
  }

  issue({ user, forever, issuedAt, ttlSeconds }: IssueOptions): Promise<string> {
    const now = nowSeconds();
    return new SignJWT({ user_id: user.id, forever })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(TOKEN_ISSUER)
      .setIssuedAt(issuedAt)
      .setNotBefore(now)
      .setExpirationTime(now + (forever ? FOREVER_SECONDS : ttlSeconds))
      .setJti(randomUUID())
      .setSubject(subjectOf(user.email))
      .sign(this.#secrets[0]!);
  }

  /** The claims of a token that we signed, also when it has expired; undefined for anything else. */
  async read(token: string): Promise<TokenClaims | undefined> {
    for (const secret of this.#secrets) {
      try {
        const { payload } = await jwtVerify(token, secret, {
          algorithms: ['HS256'],
          issuer: TOKEN_ISSUER,
          currentDate: new Date(0),
          clockTolerance: 2 ** 40,
        });
        const { jti, sub, iat, exp, user_id: userId, forever } = payload;
        if (typeof userId !== 'number' || !jti || !sub || iat === undefined || exp === undefined) return undefined;
        return { jti, sub, iat, exp, userId, forever: forever === true };
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) return undefined;
      }
    }
    return undefined;
  }
}
