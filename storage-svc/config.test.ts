import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('defaults', () => {
  expect(readConfig({})).toEqual({
    address: '127.0.0.1:7003',
    systemAddress: '127.0.0.1:7000',
    clusterToken: undefined,
    dataDir: './data',
    connectionsMax: 10,
    logLevel: 'warn',
  });
});

test('every faulty variable is named', () => {
  const env = { MILLRACE_STORAGE_CONNECTIONS_MAX: '0', MILLRACE_LOG_LEVEL: 'loud' };
  expect(() => readConfig(env)).toThrow(/MILLRACE_STORAGE_CONNECTIONS_MAX.*MILLRACE_LOG_LEVEL/);
});
