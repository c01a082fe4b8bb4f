import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Authorization, readChallenges } from './auth.ts';

test('several challenges in one header', () => {
  const value =
    'Basic realm="a, b", Digest realm="say \\"hi\\"", nonce="abc==", qop="auth,auth-int", algorithm=SHA-256';
  const [basic, digest] = readChallenges([value]);
  expect(basic).toMatchObject({ scheme: 'basic' });
  expect(basic?.parameters.get('realm')).toBe('a, b');
  expect(Object.fromEntries(digest?.parameters ?? [])).toEqual({
    ...{ realm: 'say "hi"', nonce: 'abc==', qop: 'auth,auth-int', algorithm: 'SHA-256' },
  });
});

const parametersOf = (header: string | undefined): Map<string, string> =>
  readChallenges([header ?? ''])[0]?.parameters as Map<string, string>;

const ALGORITHMS = [
  { algorithm: 'MD5', hash: 'md5' },
  { algorithm: 'SHA-256', hash: 'sha256' },
  { algorithm: 'MD5-sess', hash: 'md5' },
];
test.each(ALGORITHMS)('Digest with $algorithm, as RFC 7616 has it', ({ algorithm, hash }) => {
  const authorization = new Authorization('digest', 'Mufasa', 'Circle of Life');
  expect(authorization.header('GET', '/')).toBeUndefined();
  const challenge = `Digest realm="r@example.org", qop="auth", algorithm=${algorithm}, nonce="7ypf/xlj", opaque="FQhe"`;
  expect(authorization.challenged([challenge], '')).toBe(true);
  const h = (text: string): string => createHash(hash).update(text).digest('hex');
  for (const count of ['00000001', '00000002']) {
    const given = parametersOf(authorization.header('GET', '/dir/index.html'));
    expect(given.get('nc')).toBe(count);
    expect(given.get('opaque')).toBe('FQhe');
    const user = h('Mufasa:r@example.org:Circle of Life');
    const who = algorithm.endsWith('-sess') ? h(`${user}:7ypf/xlj:${given.get('cnonce')}`) : user;
    const what = h('GET:/dir/index.html');
    expect(given.get('response')).toBe(h(`${who}:7ypf/xlj:${count}:${given.get('cnonce')}:auth:${what}`));
  }
});

test('an old server without qop (RFC 2069)', () => {
  const authorization = new Authorization(undefined, 'u', 'p');
  authorization.challenged(['Digest realm="r", nonce="n"'], '');
  const h = (text: string): string => createHash('md5').update(text).digest('hex');
  const given = parametersOf(authorization.header('GET', '/x'));
  expect(given.get('response')).toBe(h(`${h('u:r:p')}:n:${h('GET:/x')}`));
  expect(given.has('nc')).toBe(false);
});

const AGAIN = [
  {
    why: 'refused again',
    type: undefined,
    first: 'Digest realm="r", nonce="1"',
    second: 'Digest realm="r", nonce="2"',
    is: false,
  },
  {
    why: 'stale',
    type: 'digest',
    first: 'Digest realm="r", nonce="1"',
    second: 'Digest realm="r", nonce="2", stale=TRUE',
    is: true,
  },
  { why: 'refused again', type: undefined, first: 'Basic realm="r"', second: 'Basic realm="r"', is: false },
] as const;
test.each(AGAIN)('$why: $second', ({ type, first, second, is }) => {
  const authorization = new Authorization(type, 'u', 'p');
  expect(authorization.challenged([first], authorization.state)).toBe(true);
  expect(authorization.challenged([second], authorization.state)).toBe(is);
});

test.each([
  { why: 'Basic, which is not wanted', type: 'digest', challenge: 'Basic realm="r"' },
  { why: 'Digest, which is not wanted', type: 'basic', challenge: 'Digest realm="r", nonce="1"' },
  { why: 'a scheme that we do not know', type: undefined, challenge: 'Negotiate' },
  { why: 'an algorithm that we do not know', type: undefined, challenge: 'Digest realm="r", nonce="1", algorithm=X' },
] as const)('the server offers only $why', ({ type, challenge }) => {
  const authorization = new Authorization(type, 'u', 'p');
  expect(authorization.challenged([challenge], authorization.state)).toBe(false);
});

test('what another request was told meanwhile is tried', () => {
  const authorization = new Authorization(undefined, 'u', 'p');
  authorization.challenged(['Digest realm="r", nonce="1"'], '');
  expect(authorization.challenged(['Digest realm="r", nonce="2"'], '')).toBe(true);
});

test('Basic is sent at once, in UTF-8', () => {
  const header = new Authorization('basic', 'ü', 'p:ä').header('GET', '/');
  expect(Buffer.from((header ?? '').replace('Basic ', ''), 'base64').toString()).toBe('ü:p:ä');
});
