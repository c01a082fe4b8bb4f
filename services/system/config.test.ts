import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('defaults', () => {
  expect(readConfig({ MILLRACE_DATA_DIR: '/data' })).toMatchObject({
    address: '127.0.0.1:7000',
    databaseUrl: 'sqlite:/data/system.sqlite',
    encryptionKey: undefined,
    tokenTtlSeconds: 86_400,
    tokenRefreshSeconds: 1_209_600,
    passwordLengthMin: 16,
    maxRecordsReturned: 100_000,
    allowForeverSessions: false,
    loginAttribute: 'email',
    seedSample: false,
    mailFrom: 'no-reply@localhost',
  });
});

test.each([
  ['MILLRACE_SYSTEM_DB', 'oracle://x'],
  ['MILLRACE_ENCRYPTION_KEY', 'c2hvcnQ='],
  ['MILLRACE_TOKEN_TTL_SECONDS', '-1'],
  ['MILLRACE_LOGIN_ATTRIBUTE', 'phone'],
  ['MILLRACE_MAIL_FROM', 'nobody'],
])('%s=%s is named', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining(name) }),
  );
});

test('all faults at once', () => {
  const env = { MILLRACE_SYSTEM_DB: 'x', MILLRACE_TOKEN_TTL_SECONDS: 'y' };
  expect(() => readConfig(env)).toThrow(/MILLRACE_SYSTEM_DB.*MILLRACE_TOKEN_TTL_SECONDS/);
});
