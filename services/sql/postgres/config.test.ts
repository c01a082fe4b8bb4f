import { expect, test } from 'vitest';
import { configFields, readPostgresConfig } from './config.ts';

const BASE = { host: 'db.example', database: 'sales' };

test('the settings have the names and the order that clients know', () => {
  expect(configFields.map((field) => field.name).join(' ')).toBe(
    'host port database username password schema charset sslmode timezone application_name options attributes statements allow_upsert max_records cache_enabled cache_ttl',
  );
});

test('only host and database are needed', () => {
  expect(readPostgresConfig(BASE)).toEqual({
    host: 'db.example',
    port: 5432,
    database: 'sales',
    username: undefined,
    password: undefined,
    schema: undefined,
    sslMode: 'prefer',
    timezone: undefined,
    applicationName: undefined,
    options: {},
    statements: [],
    allowUpsert: false,
    maxRecords: 1000,
    cacheEnabled: false,
    cacheTtlSeconds: 0,
  });
});

const ACCEPTED: readonly { why: string; given: object; expected: object }[] = [
  { why: 'a port as text', given: { port: '6543' }, expected: { port: 6543 } },
  { why: 'an empty port', given: { port: '' }, expected: { port: 5432 } },
  { why: 'blanks in a password', given: { password: ' a b ' }, expected: { password: ' a b ' } },
  { why: 'schema all', given: { schema: 'ALL' }, expected: { schema: undefined } },
  { why: 'schema by name, case kept', given: { schema: 'Hr' }, expected: { schema: 'Hr' } },
  { why: 'max_records of zero', given: { max_records: 0 }, expected: { maxRecords: 1000 } },
  { why: 'max_records below zero', given: { max_records: -5 }, expected: { maxRecords: 1000 } },
  { why: 'flags as text', given: { allow_upsert: 'yes', cache_enabled: 0 }, expected: { allowUpsert: true } },
  { why: 'an empty list for an object', given: { options: [] }, expected: { options: {} } },
  { why: 'options become text', given: { options: { jit: false } }, expected: { options: { jit: 'false' } } },
  { why: 'sslmode in any case', given: { sslmode: 'Require' }, expected: { sslMode: 'require' } },
  { why: 'blank statements', given: { statements: [' ', 'set a to 1'] }, expected: { statements: ['set a to 1'] } },
  { why: 'nulls', given: { username: null, options: null, statements: null }, expected: { options: {} } },
  { why: 'charset utf8', given: { charset: 'UTF8' }, expected: BASE },
];
test.each(ACCEPTED)('taken: $why', ({ given, expected }) => {
  expect(readPostgresConfig({ ...BASE, ...given })).toMatchObject(expected);
});

const REFUSED: readonly { field: string; given: object }[] = [
  { field: 'host', given: { host: ' ' } },
  { field: 'database', given: { database: undefined } },
  { field: 'port', given: { port: 70_000 } },
  { field: 'port', given: { port: 'x' } },
  { field: 'port', given: { port: 5.5 } },
  { field: 'username', given: { username: 7 } },
  { field: 'password', given: { password: 'a\0b' } },
  { field: 'charset', given: { charset: 'latin1' } },
  { field: 'sslmode', given: { sslmode: 'maybe' } },
  { field: 'options', given: { options: 'x' } },
  { field: 'options.a', given: { options: { a: {} } } },
  { field: 'attributes', given: { attributes: [1] } },
  { field: 'statements', given: { statements: 'set a to 1' } },
  { field: 'allow_upsert', given: { allow_upsert: 'perhaps' } },
  { field: 'max_records', given: { max_records: 'many' } },
  { field: 'cache_ttl', given: { cache_ttl: -1 } },
];
test.each(REFUSED)('refused: $field of $given', ({ field, given }) => {
  expect(() => readPostgresConfig({ ...BASE, ...given })).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining(`'${field}'`) }),
  );
});

test('a refusal never repeats a password', () => {
  expect(() => readPostgresConfig({ ...BASE, password: 'hunter2\0' })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
  );
});
