import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ErrorCode, MillraceError } from '#common/errors.ts';
import { inSeconds, SECRET, stateWithRole, subjectOf, tokenOf, type UpdateInit, update } from '../testing/access.ts';
import { TOKENS_REMEMBERED_MAX, TokenVerifier } from './token.ts';

const OTHER = Buffer.from('another secret of thirty-two byte');
const base64 = (text: string) => Buffer.from(text).toString('base64url');

/** 'good', or the code of the refusal. */
function outcome(verifier: TokenVerifier, token: string): ErrorCode | 'good' {
  try {
    return verifier.userOf(token).id === 5 ? 'good' : 'internal';
  } catch (error) {
    return (error as MillraceError).code;
  }
}

const [head, body, signature] = tokenOf().split('.') as [string, string, string];

describe('a token', () => {
  const CASES: { why: string; token: string; outcome: ErrorCode | 'good' }[] = [
    { why: 'of a user', token: tokenOf(), outcome: 'good' },
    { why: 'expired', token: tokenOf({ exp: inSeconds(-1) }), outcome: 'unauthenticated' },
    { why: 'signed with another secret', token: tokenOf({}, { secret: OTHER }), outcome: 'unauthenticated' },
    { why: 'not valid yet', token: tokenOf({ nbf: inSeconds(600) }), outcome: 'unauthenticated' },
    { why: 'of a clock that is a little ahead', token: tokenOf({ nbf: inSeconds(20) }), outcome: 'good' },
    { why: 'without a beginning', token: tokenOf({ nbf: undefined }), outcome: 'good' },
    { why: 'signed with nothing', token: tokenOf({}, { secret: Buffer.alloc(0) }), outcome: 'unauthenticated' },
    { why: 'of algorithm none', token: tokenOf({}, { header: { alg: 'none' } }), outcome: 'unauthenticated' },
    { why: 'of another algorithm', token: tokenOf({}, { header: { alg: 'HS512' } }), outcome: 'unauthenticated' },
    { why: 'without an algorithm', token: tokenOf({}, { header: {} }), outcome: 'unauthenticated' },
    { why: 'unsigned', token: `${base64('{"alg":"none"}')}.${body}.`, outcome: 'unauthenticated' },
    { why: 'with a part too many', token: `${tokenOf()}.${signature}`, outcome: 'unauthenticated' },
    { why: 'with its signature written in another way', token: `${tokenOf()}=`, outcome: 'unauthenticated' },
    { why: 'with characters that decoders overlook', token: `${tokenOf()}!!`, outcome: 'unauthenticated' },
    {
      why: 'with a changed claim',
      token: `${head}.${base64('{"user_id":1}')}.${signature}`,
      outcome: 'unauthenticated',
    },
    { why: 'that is no JSON', token: `${base64('x')}.${base64('y')}.z`, outcome: 'unauthenticated' },
    { why: 'of a user who is not there', token: tokenOf({ user_id: 99 }), outcome: 'not_found' },
    { why: 'with the id as text', token: tokenOf({ user_id: '5' }), outcome: 'unauthenticated' },
    { why: 'that never ends', token: tokenOf({ exp: undefined }), outcome: 'unauthenticated' },
    { why: 'without an id of its own', token: tokenOf({ jti: undefined }), outcome: 'unauthenticated' },
    { why: 'of the address before', token: tokenOf({ sub: subjectOf('b@b.example') }), outcome: 'unauthenticated' },
    { why: 'that is empty', token: '', outcome: 'unauthenticated' },
  ];
  test.each(CASES)('$why: $outcome', ({ token, outcome: expected }) => {
    const settings = { tokenSecrets: [Buffer.alloc(0), SECRET] };
    const verifier = new TokenVerifier(stateWithRole([], { settings }));
    expect(outcome(verifier, token)).toBe(expected);
    expect(outcome(verifier, token)).toBe(expected);
  });
});

describe('a token that was good is looked at again', () => {
  const user = { id: 5, email: 'ann@a.example', isActive: true };
  const CASES: { why: string; change: UpdateInit; outcome: ErrorCode | 'good' }[] = [
    { why: 'nothing happened', change: {}, outcome: 'good' },
    { why: 'logout', change: { revocations: [{ jti: 'j1', expiresAt: BigInt(inSeconds(600)) }] }, outcome: 'denied' },
    { why: 'deactivated', change: { users: [{ ...user, isActive: false }] }, outcome: 'denied' },
    {
      why: 'password changed',
      change: { users: [{ ...user, tokensValidFrom: BigInt(inSeconds(0)) }] },
      outcome: 'denied',
    },
    { why: 'address changed', change: { users: [{ ...user, email: 'c@c.example' }] }, outcome: 'unauthenticated' },
    { why: 'deleted', change: { removals: [{ kind: 4, id: 5 }] }, outcome: 'not_found' },
    { why: 'secret withdrawn', change: { settings: { tokenSecrets: [OTHER] } }, outcome: 'unauthenticated' },
    { why: 'secret joined by a newer one', change: { settings: { tokenSecrets: [OTHER, SECRET] } }, outcome: 'good' },
    { why: 'other settings', change: { settings: { tokenSecrets: [SECRET], lastAdminLogin: 'x' } }, outcome: 'good' },
  ];
  test.each(CASES)('$why: $outcome', ({ change, outcome: expected }) => {
    const state = stateWithRole([]);
    const verifier = new TokenVerifier(state);
    expect(outcome(verifier, tokenOf())).toBe('good');
    update(state, change);
    expect(outcome(verifier, tokenOf())).toBe(expected);
  });
});

/** A public key as it is published, in every form that someone may take for a secret. */
const PAIR = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = PAIR.publicKey.export({ type: 'spki', format: 'pem' });
const DER = PAIR.publicKey.export({ type: 'spki', format: 'der' });
const JWK = PAIR.publicKey.export({ format: 'jwk' });

const signedBy = (secret: Uint8Array | string, header: Record<string, unknown>): string =>
  tokenOf({}, { secret: Buffer.from(secret), header });
const withHeader = (more: Record<string, unknown>, secret = OTHER): string =>
  signedBy(secret, { typ: 'JWT', alg: 'HS256', ...more });

function byRsa(): string {
  const signed = `${base64('{"typ":"JWT","alg":"RS256"}')}.${body}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), PAIR.privateKey).toString('base64url')}`;
}

/** Claims as text: with what JSON.stringify would never write. */
function ofClaims(text: string): string {
  const signed = `${head}.${base64(text)}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}
const CLAIMS = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
const claimsWith = (more: string): string => `${JSON.stringify(CLAIMS).slice(0, -1)},${more}}`;

describe('a forged token', () => {
  const FORGED: { why: string; token: string }[] = [
    ...['none', 'None', 'NONE', 'nOnE', ' none', ''].map((alg) => ({
      why: `algorithm '${alg}', unsigned`,
      token: `${base64(JSON.stringify({ typ: 'JWT', alg }))}.${body}.x`,
    })),
    ...['hs256', 'HS256 ', 'HS384', 'HS512', 'RS256', 'ES256', 'PS256', 'dir'].map((alg) => ({
      why: `algorithm '${alg}' with the right secret`,
      token: signedBy(SECRET, { typ: 'JWT', alg }),
    })),
    { why: 'an algorithm that is a list', token: signedBy(SECRET, { alg: ['HS256'] }) },
    { why: 'signed by RSA', token: byRsa() },
    { why: 'a public key as the secret, PEM', token: withHeader({}, Buffer.from(PEM)) },
    { why: 'a public key as the secret, DER', token: withHeader({}, DER) },
    { why: 'a public key as the secret, JWK', token: withHeader({}, Buffer.from(JSON.stringify(JWK))) },
    { why: 'its own key in the header', token: withHeader({ jwk: { kty: 'oct', k: OTHER.toString('base64url') } }) },
    { why: 'its own public key in the header', token: withHeader({ alg: 'RS256', jwk: JWK }) },
    { why: 'an address of keys', token: withHeader({ jku: 'http://127.0.0.1:1/keys' }) },
    { why: 'an address of certificates', token: withHeader({ x5u: 'http://127.0.0.1:1/cert' }) },
    { why: 'a certificate', token: withHeader({ x5c: [DER.toString('base64')] }) },
    ...['../../../../dev/null', '/dev/null', 'C:\\nul', "' UNION SELECT 'x", 'http://127.0.0.1:1/', '0', ''].map(
      (kid) => ({
        why: `kid '${kid}', signed with nothing`,
        token: withHeader({ kid }, Buffer.alloc(0)),
      }),
    ),
    ...["x' OR '1'='1", '__proto__', 'constructor'].map((kid) => ({
      why: `kid '${kid}', signed with itself`,
      token: withHeader({ kid }, Buffer.from(kid)),
    })),
    { why: 'a critical extension that says so', token: withHeader({ crit: ['exp'] }) },
    { why: 'a signature of zeros', token: `${head}.${body}.${Buffer.alloc(32).toString('base64url')}` },
    { why: 'a signature that is cut', token: `${head}.${body}.${signature.slice(0, -1)}` },
    { why: 'no signature', token: `${head}.${body}.` },
    { why: 'two parts', token: `${head}.${body}` },
    { why: 'one part', token: head },
    { why: 'four parts', token: `${head}.${body}.${signature}.` },
    { why: 'a part twice', token: `${head}.${body}.${body}.${signature}` },
    { why: 'dots', token: '..' },
    { why: 'a space in front', token: ` ${tokenOf()}` },
    { why: 'a space behind', token: `${tokenOf()} ` },
    { why: 'a line end behind', token: `${tokenOf()}\n` },
    { why: 'a space in the middle', token: `${head}. ${body}.${signature}` },
    { why: 'NUL behind', token: `${tokenOf()}\0` },
    { why: 'two tokens', token: `${tokenOf()},${tokenOf()}` },
    { why: 'another issuer', token: tokenOf({ iss: 'https://issuer.example' }) },
    { why: 'no issuer', token: tokenOf({ iss: undefined }) },
    { why: 'claims that are a list', token: ofClaims('[1]') },
    { why: 'claims that are null', token: ofClaims('null') },
    { why: 'another user by a second member', token: `${head}.${base64(claimsWith('"user_id":1'))}.${signature}` },
  ];
  test.each(FORGED)('$why', ({ token }) => {
    const verifier = new TokenVerifier(stateWithRole([]));
    expect(outcome(verifier, token)).toBe('unauthenticated');
    // The good one beside it does not help.
    expect(outcome(verifier, tokenOf())).toBe('good');
    expect(outcome(verifier, token)).toBe('unauthenticated');
  });
});

describe('the time of a token', () => {
  const CASES: { why: string; claims: Record<string, unknown>; outcome: ErrorCode | 'good' }[] = [
    { why: 'from the future', claims: { iat: inSeconds(3600), exp: inSeconds(7200) }, outcome: 'unauthenticated' },
    { why: 'of a clock a little ahead', claims: { iat: inSeconds(20) }, outcome: 'good' },
    { why: 'of a beginning to come', claims: { nbf: inSeconds(3600) }, outcome: 'unauthenticated' },
    { why: 'of a beginning that is no number', claims: { nbf: 'never' }, outcome: 'unauthenticated' },
    { why: 'of an end in fractions', claims: { exp: inSeconds(600) + 0.5 }, outcome: 'unauthenticated' },
    { why: 'of an end as text', claims: { exp: String(inSeconds(600)) }, outcome: 'unauthenticated' },
    { why: 'of an end that is null', claims: { exp: null }, outcome: 'unauthenticated' },
    { why: 'of an end long ago', claims: { exp: 0 }, outcome: 'unauthenticated' },
    { why: 'of an end before 1970', claims: { exp: -1 }, outcome: 'unauthenticated' },
    {
      why: 'that says it is forever, and has ended',
      claims: { exp: inSeconds(-1), forever: true },
      outcome: 'unauthenticated',
    },
  ];
  test.each(CASES)('$why: $outcome', ({ claims, outcome: expected }) => {
    expect(outcome(new TokenVerifier(stateWithRole([])), tokenOf(claims))).toBe(expected);
  });
});

test('a million different tokens: what is remembered of them stays bounded', { timeout: 120_000 }, () => {
  const verifier = new TokenVerifier(stateWithRole([]));
  const TOKENS = 1_000_000;
  let most = 0;
  // Where each refusal was thrown is of no interest, and most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  for (let i = 0; i < TOKENS; i++) {
    const signed = `${head}.${base64(JSON.stringify({ ...CLAIMS, jti: `t${i}` }))}`;
    const good = i % 8 === 0;
    // Signing costs: the bad ones are many, the good ones more than are remembered.
    const mark = good ? createHmac('sha256', SECRET).update(signed).digest('base64url') : signature;
    if (outcome(verifier, `${signed}.${mark}`) !== (good ? 'good' : 'unauthenticated')) throw new Error(`token ${i}`);
    if (i % 10_000 === 0) most = Math.max(most, verifier.remembered);
  }
  expect(most).toBeGreaterThan(0);
  expect(Math.max(most, verifier.remembered)).toBeLessThanOrEqual(TOKENS_REMEMBERED_MAX);
});
