import { describe, expect, test } from 'vitest';
import { readGridfsConfig } from './config.ts';

describe('what is read', () => {
  test.each([
    {
      why: 'the parts',
      config: { host: 'mongo', port: '27018', database: 'db', username: 'a@b', password: 'p/w', bucket_name: 'docs' },
      read: { url: 'mongodb://a%40b:p%2Fw@mongo:27018/db', database: 'db', bucket: 'docs' },
    },
    {
      why: 'an address without its scheme, several servers, options of both kinds',
      config: { dsn: 'u:p@a:1,b:2/db?tls=true', options: { replicaSet: 'r s' } },
      read: { url: 'mongodb://u:p@a:1,b:2/db?tls=true&replicaSet=r+s', database: 'db', bucket: 'fs' },
    },
    {
      why: 'a name to be looked up, the database as an option',
      config: { dsn: 'mongodb+srv://cluster.example.org', options: { db: 'files' } },
      read: { url: 'mongodb+srv://cluster.example.org/', database: 'files', bucket: 'fs' },
    },
    {
      why: 'a container in place of the database',
      config: { container: 'db' },
      read: { url: 'mongodb://localhost:27017/', database: 'db', bucket: 'fs' },
    },
  ])('$why', ({ config, read }) => {
    expect(readGridfsConfig(config)).toEqual(read);
  });
});

test.each([
  { why: 'no database', config: { host: 'secret' } },
  { why: 'a host that is more', config: { host: 'x/secret?a=b', database: 'db' } },
  { why: 'a database that cannot be', config: { database: 'se$cret' } },
  { why: 'a bucket of the server itself', config: { database: 'db', bucket_name: 'system.secret' } },
  { why: 'half an escape', config: { dsn: 'mongodb://localhost/secret%' } },
  { why: 'an address without a server', config: { dsn: 'mongodb:///secret' } },
  { why: 'options that are none', config: { database: 'db', options: { a: { secret: 1 } } } },
])('refused: $why', ({ config }) => {
  expect(() => readGridfsConfig(config)).toThrow(expect.objectContaining({ code: 'invalid' }));
  expect(() => readGridfsConfig(config)).not.toThrow(/secret/);
});
