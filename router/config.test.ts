import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('without settings it listens on loopback, at the strict door', () => {
  expect(readConfig({})).toMatchObject({ host: '127.0.0.1', port: 8080, door: 'strict', sharedPort: false });
});

test.each([
  ['MILLRACE_HTTP_PORT', '65536'],
  ['MILLRACE_HTTP_DOOR', 'front'],
  ['MILLRACE_HTTP_SHARED', 'perhaps'],
  ['MILLRACE_CONNECTIONS_MAX', '0'],
  ['MILLRACE_BODY_BYTES_MAX', '32MB'],
  ['MILLRACE_REQUEST_TIMEOUT_MS', '-1'],
])('%s=%s is refused by its name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(name);
});

test('every faulty setting is named at once', () => {
  const read = (): unknown => readConfig({ MILLRACE_HTTP_PORT: 'x', MILLRACE_LOG_LEVEL: 'loud' });
  expect(read).toThrow(/MILLRACE_HTTP_PORT[\s\S]*MILLRACE_LOG_LEVEL/);
});
