import { expect, test } from 'vitest';
import { administratorLine, originOf, readyLines } from './banner.ts';

const origin = 'http://127.0.0.1:8080';

const ADMINISTRATOR_CASES = [
  { why: 'a generated password is told', password: 'secret', has: 'password secret ' },
  { why: 'a password that was given is not', password: undefined, has: 'as given' },
];
test.each(ADMINISTRATOR_CASES)('$why', ({ password, has }) => {
  const line = administratorLine({ email: 'a@b.c', password });
  expect(line).toContain('a@b.c');
  expect(line).toContain(has);
});

const READY_CASES = [
  { why: 'a later start prints the address alone', gateways: [], key: undefined, lines: 1, has: origin },
  {
    why: 'every address of the gRPC door is told',
    gateways: ['127.0.0.1:8081', '127.0.0.1:8082'],
    key: undefined,
    lines: 2,
    has: 'gRPC: 127.0.0.1:8081, 127.0.0.1:8082',
  },
  {
    why: 'sample data come with a command that reads them',
    gateways: [],
    key: 'key',
    lines: 2,
    has: `curl -H 'X-DreamFactory-API-Key: key' '${origin}/api/v2/db/_table/airport?limit=3'`,
  },
];
test.each(READY_CASES)('$why', ({ gateways, key, lines, has }) => {
  const text = readyLines(origin, gateways, '/data', key);
  expect(text.match(/\n/g)).toHaveLength(lines);
  expect(text).toContain(has);
});

const ORIGIN_CASES = [
  { why: 'an address stays', host: '10.0.0.7', origin: 'http://10.0.0.7:80' },
  { why: 'all addresses include the loopback one', host: '0.0.0.0', origin: 'http://127.0.0.1:80' },
  { why: 'IPv6 addresses stand in brackets', host: '::1', origin: 'http://[::1]:80' },
];
test.each(ORIGIN_CASES)('$why', ({ host, origin: expected }) => {
  expect(originOf(host, 80)).toBe(expected);
});
