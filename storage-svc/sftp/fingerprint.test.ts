import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isKeyOf, kindOf, readFingerprint, signaturesBut } from './fingerprint.ts';

const KEY = Buffer.from('\0\0\0\x0bssh-ed25519 and its bytes', 'latin1');
const digest = (algorithm: string, encoding: 'hex' | 'base64'): string =>
  createHash(algorithm).update(KEY).digest(encoding);
const withColons = (hex: string): string => (hex.match(/../g) ?? []).join(':');

const FORMS = [
  `SHA256:${digest('sha256', 'base64').replace(/=+$/, '')}`,
  `sha256:${digest('sha256', 'base64')}`,
  digest('sha256', 'base64'),
  digest('sha256', 'hex'),
  `MD5:${withColons(digest('md5', 'hex'))}`,
  withColons(digest('md5', 'hex')).toUpperCase(),
  digest('md5', 'hex'),
  digest('sha1', 'hex'),
];
test.each(FORMS)('%s', (text) => {
  expect(isKeyOf(readFingerprint(text), KEY)).toBe(true);
  expect(isKeyOf(readFingerprint(text), Buffer.from('another'))).toBe(false);
});

test.each(['', 'x', 'SHA256:abc', `MD5:${digest('sha256', 'hex')}`, 'ssh-ed25519 AAAA', 'aa:bb'])(
  '%j is none',
  (text) => {
    expect(() => readFingerprint(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
  },
);

test('keys of other kinds can be asked for', () => {
  expect(kindOf(KEY)).toBe('ssh-ed25519');
  expect(signaturesBut(new Set(['ssh-ed25519']))).not.toContain('ssh-ed25519');
  expect(signaturesBut(new Set(['ssh-rsa']))).toEqual(expect.arrayContaining(['ssh-ed25519', 'ecdsa-sha2-nistp256']));
});
