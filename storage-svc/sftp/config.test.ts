import { expect, test } from 'vitest';
import { readSftpConfig } from './config.ts';
import { translate } from './errors.ts';

const GOOD = { host: 'h', username: 'u', password: 'p', container: '/srv/files/' };

test('what is not given', () => {
  expect(readSftpConfig(GOOD)).toMatchObject({
    port: 22,
    timeoutMs: 90_000,
    container: '/srv/files',
    fingerprint: undefined,
  });
  expect(readSftpConfig({ ...GOOD, container: '/' }).container).toBe('');
});

const REFUSED = [
  { why: 'no host', config: { host: '' } },
  { why: 'no user', config: { username: null } },
  { why: 'no container', config: { container: ' ' } },
  { why: 'neither password nor key', config: { password: '' } },
  { why: 'a port that is none', config: { port: 70_000 } },
  { why: 'no time at all', config: { timeout: 0 } },
  { why: 'a fingerprint that is none', config: { host_fingerprint: 'abc' } },
];
test.each(REFUSED)('refused: $why', ({ config }) => {
  expect(() => readSftpConfig({ ...GOOD, ...config })).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a key whose line ends were lost gets them back', () => {
  const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${'A'.repeat(70)}\n${'B'.repeat(12)}==\n-----END OPENSSH PRIVATE KEY-----\n`;
  expect(readSftpConfig({ ...GOOD, private_key: key.replaceAll('\n', ' ') }).privateKey).toBe(key);
  expect(readSftpConfig({ ...GOOD, private_key: key }).privateKey).toBe(key);
});

const ERRORS = [
  { thrown: { code: 2 }, code: 'not_found', message: /nothing of this name/ },
  { thrown: { code: 3 }, code: 'unavailable', message: /permit/ },
  { thrown: { code: 4 }, code: 'unavailable', message: /failed/ },
  { thrown: { code: 7 }, code: 'unavailable', message: /lost/ },
  { thrown: { level: 'client-authentication' }, code: 'unavailable', message: /credentials/ },
  { thrown: { level: 'client-timeout' }, code: 'unavailable', message: /in time/ },
  { thrown: { level: 'client-socket', code: 'ECONNREFUSED' }, code: 'unavailable', message: /reached/ },
  { thrown: { level: 'client-socket', code: 'ECONNRESET' }, code: 'unavailable', message: /lost/ },
  { thrown: { code: 99 }, code: 'internal', message: /unexpected/ },
];
test.each(ERRORS)('$thrown is $code', ({ thrown, code, message }) => {
  const error = translate(Object.assign(new Error('connect 10.0.0.1:22'), thrown));
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});
