import { describe, expect, test } from 'vitest';
import { readCouchConfig } from './config.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const PLAIN = { prefix: '', basic: undefined, iam: undefined, authorities: undefined };

describe('what is read', () => {
  test.each([
    {
      why: 'an address with everything',
      config: { dsn: 'http://me:p%40ss@localhost:5984/db' },
      read: { ...PLAIN, origin: 'http://localhost:5984', database: 'db', basic: basic('me:p@ss') },
    },
    {
      why: 'a path in front',
      config: { dsn: 'https://couch.example.org/a/b/my%2Bdb', username: 'me', password: 'x' },
      read: { ...PLAIN, origin: 'https://couch.example.org', prefix: '/a/b', database: 'my+db', basic: basic('me:x') },
    },
    {
      why: 'the database as an option',
      config: { dsn: 'https://couch.example.org/a', options: { db: 'db' } },
      read: { ...PLAIN, origin: 'https://couch.example.org', prefix: '/a', database: 'db' },
    },
    {
      why: 'a key of IBM Cloud',
      config: { dsn: 'https://x.cloudantnosqldb.appdomain.cloud/db', api_key: 'k' },
      read: {
        ...{ ...PLAIN, origin: 'https://x.cloudantnosqldb.appdomain.cloud', database: 'db' },
        iam: { url: 'https://iam.cloud.ibm.com', apiKey: 'k' },
      },
    },
  ])('$why', ({ config, read }) => {
    expect(readCouchConfig(config)).toEqual(read);
  });
});

test.each([
  { why: 'nothing', config: {} },
  { why: 'no database', config: { dsn: 'http://secret@localhost:5984' } },
  { why: 'another scheme', config: { dsn: 'file:///secret/db' } },
  { why: 'a database of CouchDB itself', config: { dsn: 'http://localhost/_users?secret' } },
  { why: 'half an escape', config: { dsn: 'http://localhost/secret%' } },
  { why: 'an option that is no text', config: { options: { db: { secret: 1 } } } },
])('refused: $why', ({ config }) => {
  expect(() => readCouchConfig(config)).toThrow(expect.objectContaining({ code: 'invalid' }));
  expect(() => readCouchConfig(config)).not.toThrow(/secret/);
});
