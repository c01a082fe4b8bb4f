import { describe, expect, test } from 'vitest';
import { NO_OUTBOUND, Outbound } from './policy.ts';

const outbound = (...hosts: string[]) => new Outbound({ ...NO_OUTBOUND, hosts });

describe('hosts', () => {
  const CASES: [string[], string, boolean][] = [
    [[], 'https://example.com/', false],
    [['example.com'], 'https://example.com/a', true],
    [['Example.COM'], 'https://EXAMPLE.com/a', true],
    [['example.com'], 'https://www.example.com/', false],
    [['example.com'], 'https://example.com.evil.org/', false],
    [['example.com'], 'https://example.com@evil.org/', false],
    [['*.example.com'], 'https://a.b.example.com/', true],
    [['*.example.com'], 'https://example.com/', false],
    [['*.example.com'], 'https://badexample.com/', false],
    [['example.com:8443'], 'https://example.com:8443/', true],
    [['example.com:8443'], 'https://example.com/', false],
    [['example.com:443'], 'https://example.com/', true],
    [['*'], 'http://anything.org/', true],
    [['10.0.0.0/8'], 'http://10.1.2.3/', true],
    [['10.0.0.0/8'], 'http://11.1.2.3/', false],
    [['127.0.0.1:8080'], 'http://127.0.0.1:8080/', true],
    [['[::1]:8080'], 'http://[::1]:8080/', true],
    [['127.0.0.1'], 'http://2130706433/', true],
  ];
  test.each(CASES)('%j: %s is %s', (hosts, url, want) => {
    expect(outbound(...hosts).allowsHost(new URL(url))).toBe(want);
  });
});

describe('addresses', () => {
  const INNER = [
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '168.63.129.16',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ];
  test.each(INNER)('%s is an inner one', (address) => {
    expect(outbound('*', 'example.com').allowsAddress(address)).toBe(false);
  });
  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is a public one', (address) => {
    expect(outbound().allowsAddress(address)).toBe(true);
  });
  test.each([
    ['localhost', '127.0.0.1'],
    ['localhost', '::1'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3:80', '::ffff:10.1.2.3'],
    ['192.168.0.0/16', '192.168.7.7'],
    ['fd00::/8', 'fd00::1'],
  ])('%s names %s', (host, address) => {
    expect(outbound(host).allowsAddress(address)).toBe(true);
  });
});
