import { expect, test } from 'vitest';
import { EnvReader } from '../config/env.ts';
import { readNatsSettings } from './nats-settings.ts';

const NOBODY = { user: undefined, password: undefined, token: undefined, credentialsFile: undefined };

const GOOD = [
  { why: 'none', env: {}, settings: undefined },
  {
    why: 'one, with the usual port',
    env: { MILLRACE_NATS_URL: 'nats://mq' },
    settings: { ...NOBODY, servers: ['mq:4222'], tls: false },
  },
  {
    why: 'several, with TLS',
    env: { MILLRACE_NATS_URL: 'tls://a:1, tls://[::1]:2' },
    settings: { ...NOBODY, servers: ['a:1', '[::1]:2'], tls: true },
  },
  {
    why: 'user and password',
    env: { MILLRACE_NATS_URL: 'nats://a:1,nats://mill:p%40ss@b:2' },
    settings: { ...NOBODY, servers: ['a:1', 'b:2'], tls: false, user: 'mill', password: 'p@ss' },
  },
  {
    why: 'a token',
    env: { MILLRACE_NATS_URL: 'nats://secret@a:1' },
    settings: { ...NOBODY, servers: ['a:1'], tls: false, token: 'secret' },
  },
  {
    why: 'a file of credentials',
    env: { MILLRACE_NATS_URL: 'nats://a:1', MILLRACE_NATS_CREDENTIALS: '/run/nats.creds' },
    settings: { ...NOBODY, servers: ['a:1'], tls: false, credentialsFile: '/run/nats.creds' },
  },
];
test.each(GOOD)('$why', ({ env, settings }) => {
  const reader = new EnvReader(env);
  expect(readNatsSettings(reader)).toEqual(settings);
  reader.finish({});
});

test.each(['mq:4222', 'http://mq', 'nats://', 'nats://user:pass@', 'nats://a:1,b'])('%s is a fault', (url) => {
  const reader = new EnvReader({ MILLRACE_NATS_URL: url });
  readNatsSettings(reader);
  expect(() => reader.finish({})).toThrow(/MILLRACE_NATS_URL/);
  expect(() => reader.finish({})).not.toThrow(/pass@/);
});
