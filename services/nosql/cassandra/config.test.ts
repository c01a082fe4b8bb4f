import { describe, expect, test } from 'vitest';
import { readCassandraConfig } from './config.ts';

const LEAST = {
  hosts: ['127.0.0.1:9042'],
  keyspace: 'ks',
  credentials: undefined,
  localDatacenter: undefined,
  consistency: 'local_quorum',
  tls: undefined,
};
const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----';
const READ: readonly { why: string; config: object; read: object }[] = [
  { why: 'the least', config: {}, read: {} },
  {
    why: 'what forms leave empty',
    config: { hosts: '', port: null, username: '', password: '', options: null },
    read: {},
  },
  { why: 'a host', config: { hosts: 'db.example' }, read: { hosts: ['db.example:9042'] } },
  {
    why: 'several, one with a port of its own',
    config: { hosts: 'a, b:9043 ,10.0.0.1', port: 19042 },
    read: { hosts: ['a:19042', 'b:9043', '10.0.0.1:19042'] },
  },
  {
    why: 'addresses of IPv6',
    config: { hosts: '[::1],[2001:db8::1]:9043' },
    read: { hosts: ['[::1]:9042', '[2001:db8::1]:9043'] },
  },
  { why: 'a port as text', config: { port: '19042' }, read: { hosts: ['127.0.0.1:19042'] } },
  {
    why: 'a user',
    config: { username: 'u', password: ' p ' },
    read: { credentials: { username: 'u', password: ' p ' } },
  },
  {
    why: 'a user without a password',
    config: { username: 'u' },
    read: { credentials: { username: 'u', password: '' } },
  },
  { why: 'a keyspace in capitals', config: { keyspace: 'Main_1' }, read: { keyspace: 'Main_1' } },
  { why: 'a datacenter', config: { local_datacenter: 'dc1' }, read: { localDatacenter: 'dc1' } },
  { why: 'a consistency, in capitals', config: { consistency: 'ONE' }, read: { consistency: 'one' } },
  { why: 'encryption', config: { options: { ssl: true } }, read: { tls: {} } },
  { why: 'none of it', config: { options: { ssl: 'false' } }, read: {} },
  { why: 'an authority', config: { options: { ssl_ca: PEM } }, read: { tls: { ca: PEM } } },
  {
    why: 'a certificate',
    config: { options: { ssl: 'true', ssl_cert: PEM, ssl_key: PEM, key_pass_phrase: 'x' } },
    read: { tls: { cert: PEM, key: PEM, passphrase: 'x' } },
  },
];
test.each(READ)('$why', ({ config, read }) => {
  expect(readCassandraConfig({ keyspace: 'ks', ...config })).toEqual({ ...LEAST, ...read });
});

const REFUSED: readonly { why: string; config: object; field: string }[] = [
  { why: 'no keyspace', config: { keyspace: ' ' }, field: 'keyspace' },
  { why: 'CQL in the keyspace', config: { keyspace: 'ks"; DROP KEYSPACE x; --' }, field: 'keyspace' },
  { why: 'a keyspace that is too long', config: { keyspace: 'x'.repeat(49) }, field: 'keyspace' },
  { why: 'a host that is an address of the web', config: { hosts: 'http://db/' }, field: 'hosts' },
  { why: 'a host of IPv6 without brackets', config: { hosts: '::1' }, field: 'hosts' },
  { why: 'an empty host', config: { hosts: 'a,,b' }, field: 'hosts' },
  { why: 'a host with a port that is none', config: { hosts: 'a:99999' }, field: 'hosts' },
  { why: 'a port that is none', config: { port: 70_000 }, field: 'port' },
  { why: 'a port that is no number', config: { port: 'x' }, field: 'port' },
  { why: 'a password without a user', config: { password: 'p' }, field: 'username' },
  { why: 'a consistency that is none', config: { consistency: 'any' }, field: 'consistency' },
  { why: 'a consistency of the prototype', config: { consistency: 'constructor' }, field: 'consistency' },
  { why: 'a file for a certificate', config: { options: { ssl_ca: '/etc/ca.pem' } }, field: 'options.ssl_ca' },
];
describe('refused', () => {
  test.each(REFUSED)('$why', ({ config, field }) => {
    const read = () => readCassandraConfig({ keyspace: 'ks', ...config });
    expect(read).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});
