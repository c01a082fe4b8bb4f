import { expect, test } from 'vitest';
import { invalid } from '#common/errors.ts';
import { fromDatabase, isConflict } from './errors.ts';

const thrown = (code: string, message = 'insert into "user" failed at 10.0.0.1') =>
  Object.assign(new Error(message), { code });

test.each([
  ['SQLITE_CONSTRAINT_UNIQUE', 'invalid'],
  ['23505', 'invalid'],
  ['ER_DUP_ENTRY', 'invalid'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'invalid'],
  ['23503', 'invalid'],
  ['22001', 'invalid'],
  ['ECONNREFUSED', 'unavailable'],
  ['57P01', 'unavailable'],
  ['08006', 'unavailable'],
  ['PROTOCOL_CONNECTION_LOST', 'unavailable'],
  ['SQLITE_BUSY', 'unavailable'],
  ['42P01', 'internal'],
  ['', 'internal'],
])('%s is %s, and tells nothing of the database', (code, expected) => {
  const error = fromDatabase(thrown(code));
  expect(error.code).toBe(expected);
  expect(error.message).not.toMatch(/insert|10\.0\.0\.1/);
});

test('a connection that broke without a code', () => {
  expect(fromDatabase(thrown('', 'Connection terminated unexpectedly')).code).toBe('unavailable');
});

test('our own errors stay what they are', () => {
  const error = invalid('x');
  expect(fromDatabase(error)).toBe(error);
});

test.each([
  ['40P01', true],
  ['ER_LOCK_DEADLOCK', true],
  ['SQLITE_BUSY_SNAPSHOT', true],
  ['23505', false],
])('%s is worth another try: %s', (code, expected) => {
  expect(isConflict(thrown(code))).toBe(expected);
});
