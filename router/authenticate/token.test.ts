import { describe, expect, test } from 'vitest';
import type { ErrorCode, MillraceError } from '#common/errors.ts';
import { inSeconds, SECRET, stateWithRole, subjectOf, tokenOf, type UpdateInit, update } from '../testing/access.ts';
import { TokenVerifier } from './token.ts';

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
