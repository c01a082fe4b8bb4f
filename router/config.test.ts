import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('without settings it listens on loopback, at the strict door', () => {
  expect(readConfig({})).toMatchObject({ host: '127.0.0.1', port: 8080, door: 'strict', sharedPort: false });
});

test.each([
  ['MILLRACE_HTTP_PORT', '65536'],
  ['MILLRACE_HTTP_DOOR', 'front'],
  ['MILLRACE_HTTP_SHARED', 'perhaps'],
  ['MILLRACE_GRPC_PORT', '65536'],
  ['MILLRACE_GRPC_PORT', 'none'],
  ['MILLRACE_GRPC_TLS_CERT', 'cert.pem'],
  ['MILLRACE_GRPC_TLS_KEY', 'key.pem'],
  ['MILLRACE_GRPC_TLS_CLIENT_CA', 'ca.pem'],
  ['MILLRACE_CONNECTIONS_MAX', '0'],
  ['MILLRACE_BODY_BYTES_MAX', '32MB'],
  ['MILLRACE_REQUEST_TIMEOUT_MS', '-1'],
])('%s=%s is refused by its name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(name);
});

const GATEWAYS = [
  {
    why: 'on loopback, in the clear',
    env: {},
    gateway: { host: '127.0.0.1', port: 8081, tls: undefined, address: undefined },
  },
  { why: 'closed', env: { MILLRACE_GRPC_PORT: 'off' }, gateway: { port: undefined } },
  {
    why: 'with TLS',
    env: { MILLRACE_GRPC_TLS_CERT: 'c', MILLRACE_GRPC_TLS_KEY: 'k' },
    gateway: { tls: { certificate: 'c', key: 'k', clientCa: undefined } },
  },
  { why: 'at an internal address', env: { MILLRACE_GATEWAY_ADDRESS: 'unix:/g' }, gateway: { address: 'unix:/g' } },
];
test.each(GATEWAYS)('the gateway is $why', ({ env, gateway }) => {
  expect(readConfig(env).gateway).toMatchObject(gateway);
});

test('every faulty setting is named at once', () => {
  const read = (): unknown => readConfig({ MILLRACE_HTTP_PORT: 'x', MILLRACE_LOG_LEVEL: 'loud' });
  expect(read).toThrow(/MILLRACE_HTTP_PORT[\s\S]*MILLRACE_LOG_LEVEL/);
});
