import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { nowSeconds, subjectOf, Tokens } from './tokens.ts';

const old = randomBytes(32);
const tokens = new Tokens([randomBytes(32), old]);
const user = { id: 7, email: 'uma@example.com' };

test('claims are those of system-api §3.4', async () => {
  const now = nowSeconds();
  const token = await tokens.issue({ user, forever: false, issuedAt: now - 5, ttlSeconds: 60 });
  const payload = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  expect(payload).toMatchObject({ iat: now - 5, sub: subjectOf(user.email), user_id: 7, forever: false });
  expect(payload.exp - payload.nbf).toBe(60);
  expect(typeof payload.jti).toBe('string');
  expect(typeof payload.iss).toBe('string');
});

test('an expired token and one of an older secret can still be read', async () => {
  const expired = await new Tokens([old]).issue({ user, forever: false, issuedAt: 1000, ttlSeconds: -50 });
  expect(await tokens.read(expired)).toMatchObject({ userId: 7, iat: 1000 });
});

test.each([
  ['text', 'nothing'],
  ['nothing', ''],
  [
    'a stranger signed it',
    await new Tokens([randomBytes(32)]).issue({ user, forever: false, issuedAt: 1, ttlSeconds: 9 }),
  ],
  ['it has no signature', 'eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoxfQ.'],
])('%s: not one of ours', async (_why, token) => {
  expect(await tokens.read(token)).toBeUndefined();
});
