/** Bearer tokens of other issuers: checked against their published keys, and good for the role that a rule gives them. */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '#common/errors.ts';
import type { TokenIssuer } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { CompiledRole } from '../decide/role.ts';

/** Keys that only the issuer has: with a shared secret whoever checks could sign as well. */
const ALGORITHMS = [...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'], ...['ES256', 'ES384', 'ES512', 'EdDSA']];
const VERIFIED_MAX = 50_000;
const CLOCK_SKEW_SECONDS = 60;
const KEYS_TIMEOUT_MS = 5000;
/** Keys are fetched again after so long, and sooner for a key that is not known, but not more often than this. */
const KEYS_AGE_MS = 600_000;
const KEYS_COOLDOWN_MS = 30_000;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

interface Verified {
  readonly issuer: TokenIssuer;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export class IssuerVerifier {
  readonly #state: AccessState;
  /** By address; those of issuers that are gone go with the next change. */
  #keySets = new Map<string, KeySet>();
  readonly #verified = new LRUCache<string, Verified>({ max: VERIFIED_MAX });
  #epoch = -1;

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** Is it one of another issuer that is known? Nothing is checked yet. */
  knows(token: string): boolean {
    if (this.#state.issuers.size === 0) return false;
    this.#follow();
    return this.#verified.has(token) || this.#candidates(token).length > 0;
  }

  /**
   * The role of whoever sends it.
   * @throws MillraceError unauthenticated for a token that is no good, unavailable where the keys cannot be had
   */
  roleOf(token: string): CompiledRole | undefined | Promise<CompiledRole | undefined> {
    const known = this.#verified.get(token);
    if (known && known.until > Date.now()) return this.#state.roles.get(known.issuer.roleId);
    return this.#verify(token).then((issuer) => this.#state.roles.get(issuer.roleId));
  }

  async #verify(token: string): Promise<TokenIssuer> {
    let failure: unknown;
    for (const issuer of this.#candidates(token)) {
      try {
        const { payload } = await jwtVerify(token, this.#keysOf(issuer), {
          ...{ issuer: issuer.issuer, audience: issuer.audience, algorithms: ALGORITHMS },
          ...{ clockTolerance: CLOCK_SKEW_SECONDS, requiredClaims: ['exp'] },
        });
        if (!satisfies(payload, issuer)) throw bad('A claim is not what it must be.');
        this.#verified.set(token, { issuer, until: Number(payload.exp) * 1000 });
        return issuer;
      } catch (error) {
        failure = error;
      }
    }
    throw refusalOf(failure);
  }

  /** Several may have one issuer, for other audiences and claims. */
  #candidates(token: string): TokenIssuer[] {
    const [head = '', body = ''] = token.split('.');
    const alg = part(head)?.['alg'];
    if (typeof alg !== 'string' || !ALGORITHMS.includes(alg)) return [];
    const issuer = part(body)?.['iss'];
    return [...this.#state.issuers.values()].filter((one) => one.issuer === issuer);
  }

  #keysOf({ jwksUrl }: TokenIssuer): KeySet {
    let keys = this.#keySets.get(jwksUrl);
    if (!keys) {
      keys = createRemoteJWKSet(new URL(jwksUrl), {
        timeoutDuration: KEYS_TIMEOUT_MS,
        cacheMaxAge: KEYS_AGE_MS,
        cooldownDuration: KEYS_COOLDOWN_MS,
      });
      this.#keySets.set(jwksUrl, keys);
    }
    return keys;
  }

  /** What was found good by rules that are no more is looked at again. */
  #follow(): void {
    if (this.#epoch === this.#state.epoch) return;
    this.#epoch = this.#state.epoch;
    this.#verified.clear();
    const wanted = new Set([...this.#state.issuers.values()].map(({ jwksUrl }) => jwksUrl));
    this.#keySets = new Map([...this.#keySets].filter(([url]) => wanted.has(url)));
  }
}

function part(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A claim that is a list, or words in a text as scopes are, must hold the value. */
function satisfies(payload: JWTPayload, { claimsJson }: TokenIssuer): boolean {
  if (claimsJson.length === 0) return true;
  const wanted = JSON.parse(Buffer.from(claimsJson).toString()) as Record<string, unknown>;
  return Object.entries(wanted).every(([name, value]) => {
    const claim = payload[name];
    if (Array.isArray(claim)) return claim.includes(value);
    return claim === value || (typeof claim === 'string' && claim.split(' ').includes(String(value)));
  });
}

const bad = (reason: string): MillraceError => new MillraceError('unauthenticated', `Invalid token: ${reason}`);

function refusalOf(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  if (thrown instanceof errors.JWTExpired) return new MillraceError('unauthenticated', 'Token has expired.');
  const isOurs =
    thrown instanceof errors.JWTClaimValidationFailed ||
    thrown instanceof errors.JWSSignatureVerificationFailed ||
    thrown instanceof errors.JWKSNoMatchingKey ||
    thrown instanceof errors.JWKSMultipleMatchingKeys ||
    thrown instanceof errors.JWSInvalid ||
    thrown instanceof errors.JWTInvalid ||
    thrown instanceof errors.JOSEAlgNotAllowed ||
    thrown instanceof errors.JOSENotSupported;
  if (isOurs) return bad('It could not be verified.');
  return new MillraceError('unavailable', 'The keys of the issuer of this token cannot be had.', undefined, thrown);
}
