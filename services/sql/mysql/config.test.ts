import { expect, test } from 'vitest';
import { configFields, readMysqlConfig } from './config.ts';

const BASE = { host: 'db.example', database: 'sales' };

test('the settings have the names and the order that clients know', () => {
  expect(configFields.map((field) => field.name).join(' ')).toBe(
    'host port database username password schema charset collation timezone modes strict unix_socket options attributes statements allow_upsert max_records cache_enabled cache_ttl',
  );
});

test('only host and database are needed', () => {
  expect(readMysqlConfig(BASE)).toEqual({
    host: 'db.example',
    port: 3306,
    socket: undefined,
    database: 'sales',
    username: undefined,
    password: undefined,
    schema: undefined,
    collation: undefined,
    timezone: undefined,
    modes: [],
    sslMode: 'prefer',
    sslCa: undefined,
    options: {},
    statements: [],
  });
});

const ACCEPTED: readonly { why: string; given: object; expected: object }[] = [
  { why: 'a port as text', given: { port: '3307' }, expected: { port: 3307 } },
  { why: 'a socket instead of a host', given: { host: '', unix_socket: '/s' }, expected: { sslMode: 'disable' } },
  { why: 'blanks in a password', given: { password: ' a ' }, expected: { password: ' a ' } },
  { why: 'schema default', given: { schema: 'default' }, expected: { schema: undefined } },
  { why: 'schema all', given: { schema: 'all' }, expected: { schema: 'all' } },
  { why: 'charset utf8', given: { charset: 'utf8' }, expected: BASE },
  {
    why: 'a collation of utf8',
    given: { collation: 'utf8_unicode_ci' },
    expected: { collation: 'utf8mb4_unicode_ci' },
  },
  {
    why: 'modes but those that change how SQL is read',
    given: { modes: 'only_full_group_by, ANSI_QUOTES,NO_BACKSLASH_ESCAPES' },
    expected: { modes: ['ONLY_FULL_GROUP_BY'] },
  },
  { why: 'strict', given: { strict: false }, expected: BASE },
  {
    why: 'options for the session and for TLS',
    given: { options: { ssl_mode: 'Require', wait_timeout: 60 } },
    expected: { sslMode: 'require', options: { wait_timeout: '60' } },
  },
  { why: 'authorities', given: { options: { ssl_ca: 'PEM' } }, expected: { sslMode: 'verify-full', sslCa: 'PEM' } },
];
test.each(ACCEPTED)('taken: $why', ({ given, expected }) => {
  expect(readMysqlConfig({ ...BASE, ...given })).toMatchObject(expected);
});

const REFUSED: readonly { field: string; given: object }[] = [
  { field: 'host', given: { host: ' ' } },
  { field: 'database', given: { database: undefined } },
  { field: 'port', given: { port: 70_000 } },
  { field: 'charset', given: { charset: 'latin1' } },
  { field: 'collation', given: { collation: 'latin1_swedish_ci' } },
  { field: 'collation', given: { collation: 'utf8_x; drop table t' } },
  { field: 'modes', given: { modes: "a'b" } },
  { field: 'options', given: { options: { 'a = 1, b': '2' } } },
  { field: 'options.ssl_mode', given: { options: { ssl_mode: 'maybe' } } },
  { field: 'strict', given: { strict: 'perhaps' } },
  { field: 'attributes', given: { attributes: 7 } },
];
test.each(REFUSED)('refused: $given', ({ field, given }) => {
  const message = expect.stringContaining(`'${field}'`);
  expect(() => readMysqlConfig({ ...BASE, ...given })).toThrow(expect.objectContaining({ code: 'invalid', message }));
});
