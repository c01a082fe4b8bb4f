/** Signing in over HTTP: Basic (RFC 7617) and Digest (RFC 7616). */
import { createHash, randomBytes } from 'node:crypto';
import type { AuthType } from './config.ts';

type Parameters = ReadonlyMap<string, string>;

export interface Challenge {
  readonly scheme: string;
  readonly parameters: Parameters;
}

const HASHES: Readonly<Record<string, string>> = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' };

/** @param values  of WWW-Authenticate, each of which may hold several */
export function readChallenges(values: readonly string[]): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const word = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g;
  for (const [, name = '', quoted, plain] of values.join(', ').matchAll(word)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return challenges;
}

export class Authorization {
  readonly #type: AuthType | undefined;
  readonly #username: string;
  readonly #password: string;
  #digest: Parameters | undefined;
  #usesBasic: boolean;
  #count = 0;

  /** @param type  undefined: what the server asks for */
  constructor(type: AuthType | undefined, username: string, password: string) {
    this.#type = type;
    this.#username = username;
    this.#password = password;
    this.#usesBasic = type === 'basic';
  }

  /** @param uri  path and query as they are sent */
  header(method: string, uri: string): string | undefined {
    if (this.#digest) return this.#digestHeader(this.#digest, method, uri);
    if (!this.#usesBasic) return undefined;
    return `Basic ${Buffer.from(`${this.#username}:${this.#password}`).toString('base64')}`;
  }

  /** What requests are signed in with at the moment: another text with each other way. */
  get state(): string {
    return this.#digest?.get('nonce') ?? (this.#usesBasic ? 'basic' : '');
  }

  /**
   * @param before  the state that the request was sent in
   * @returns whether the same request may be answered otherwise when it is sent again
   */
  challenged(values: readonly string[], before: string): boolean {
    // Another request was told meanwhile.
    if (this.state !== before) return true;
    const challenges = readChallenges(values);
    const digest = challenges.find(
      ({ scheme, parameters }) => scheme === 'digest' && hashOf(parameters) && takesOurQop(parameters),
    );
    if (digest && this.#type !== 'basic') {
      const nonce = this.#digest?.get('nonce');
      const isNew = nonce === undefined || digest.parameters.get('stale')?.toLowerCase() === 'true';
      this.#digest = digest.parameters;
      this.#count = 0;
      return isNew;
    }
    const isNew = !this.#usesBasic && this.#type !== 'digest' && challenges.some(({ scheme }) => scheme === 'basic');
    this.#usesBasic ||= isNew;
    return isNew;
  }

  #digestHeader(parameters: Parameters, method: string, uri: string): string {
    const [realm = '', nonce = ''] = [parameters.get('realm'), parameters.get('nonce')];
    const hash = (text: string): string =>
      createHash(hashOf(parameters) as string)
        .update(text)
        .digest('hex');
    const count = (++this.#count).toString(16).padStart(8, '0');
    const ours = randomBytes(16).toString('hex');
    const isSession = /-sess$/i.test(parameters.get('algorithm') ?? '');
    const user = hash(`${this.#username}:${realm}:${this.#password}`);
    const who = isSession ? hash(`${user}:${nonce}:${ours}`) : user;
    const what = hash(`${method}:${uri}`);
    const hasQop = parameters.has('qop');
    const response = hash(hasQop ? `${who}:${nonce}:${count}:${ours}:auth:${what}` : `${who}:${nonce}:${what}`);
    const quoted: Record<string, string | undefined> = {
      username: this.#username,
      realm,
      nonce,
      uri,
      response,
      opaque: parameters.get('opaque'),
      cnonce: hasQop || isSession ? ours : undefined,
    };
    const plain = {
      algorithm: parameters.get('algorithm'),
      qop: hasQop ? 'auth' : undefined,
      nc: hasQop ? count : undefined,
    };
    const given = (values: Record<string, string | undefined>): [string, string][] =>
      Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const words = [
      ...given(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`),
      ...given(plain).map(([name, value]) => `${name}=${value}`),
    ];
    // Headers are bytes; ours are those of UTF-8.
    return Buffer.from(`Digest ${words.join(', ')}`).toString('latin1');
  }
}

const hashOf = (parameters: Parameters): string | undefined =>
  HASHES[(parameters.get('algorithm') ?? 'md5').toLowerCase().replace(/-sess$/, '')];

function takesOurQop(parameters: Parameters): boolean {
  const qop = parameters.get('qop');
  return qop === undefined || qop.split(',').some((each) => each.trim().toLowerCase() === 'auth');
}
