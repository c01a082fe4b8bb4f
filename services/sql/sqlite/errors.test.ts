import { expect, test } from 'vitest';
import type { ErrorCode } from '#common/errors.ts';
import { translate } from './errors.ts';

const CASES: readonly (readonly [code: string, message: string, wanted: ErrorCode, context?: object])[] = [
  ['SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed: dept.name', 'conflict', { field: 'name' }],
  ['SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed: dept.name, dept.city', 'conflict'],
  ['SQLITE_CONSTRAINT_UNIQUE', "UNIQUE constraint failed: index 'one'", 'conflict'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'UNIQUE constraint failed: dept.id', 'conflict', { field: 'id' }],
  ['SQLITE_CONSTRAINT_NOTNULL', 'NOT NULL constraint failed: dept.name', 'invalid', { field: 'name' }],
  ['SQLITE_CONSTRAINT_CHECK', 'CHECK constraint failed: positive', 'invalid'],
  ['SQLITE_CONSTRAINT_CHECK', 'CHECK constraint failed: secret > 5', 'invalid'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'FOREIGN KEY constraint failed', 'conflict'],
  ['SQLITE_CONSTRAINT_TRIGGER', 'hands off', 'invalid'],
  ['SQLITE_CONSTRAINT_NEWER', 'whatever', 'conflict'],
  ['SQLITE_BUSY', 'database is locked', 'unavailable', { retryable: true }],
  ['SQLITE_BUSY_SNAPSHOT', 'database is locked', 'unavailable', { retryable: true }],
  ['SQLITE_FULL', 'database or disk is full', 'unavailable'],
  ['SQLITE_IOERR_READ', 'disk I/O error', 'unavailable', { retryable: true }],
  ['SQLITE_CANTOPEN', 'unable to open database file', 'unavailable', { retryable: true }],
  ['SQLITE_NOTADB', 'file is not a database', 'unavailable'],
  ['SQLITE_READONLY', 'attempt to write a readonly database', 'unavailable'],
  ['SQLITE_TOOBIG', 'string or blob too big', 'invalid'],
  ['SQLITE_MISMATCH', 'datatype mismatch', 'invalid'],
  ['TOO_LARGE', '', 'invalid'],
  ['SETUP', 'no such table: secret', 'unavailable'],
  ['SQLITE_ERROR', 'no such table: secret', 'invalid'],
  ['SQLITE_ERROR', 'table t already exists', 'conflict'],
  ['SQLITE_ERROR', 'duplicate column name: a', 'conflict'],
  ['SQLITE_ERROR', 'Cannot add a NOT NULL column with default value NULL', 'invalid'],
  ['SQLITE_ERROR', 'error in view v after drop column: no such column: a', 'conflict'],
  ['SQLITE_ERROR', 'cannot drop PRIMARY KEY column: "a"', 'invalid'],
  ['SQLITE_ERROR', 'cannot modify v because it is a view', 'invalid'],
  ['SQLITE_ERROR', 'cannot INSERT into generated column "a"', 'invalid'],
  ['SQLITE_ERROR', 'foreign key mismatch - "a" referencing "b"', 'invalid'],
  ['SQLITE_ERROR', 'near "secret": syntax error', 'internal'],
  ['SQLITE_INTERNAL', 'secret', 'internal'],
  ['DRIVER', 'secret', 'internal'],
];
test.each(CASES.map(([code, message, wanted, context]) => ({ code, message, wanted, context })))(
  '$code, $message',
  ({ code, message, wanted, context }) => {
    const error = translate({ code, message });
    expect([error.code, error.context]).toEqual([wanted, context]);
    expect(error.message).not.toMatch(/secret|constraint failed|syntax/);
    expect(error.cause).toEqual({ code, message });
  },
);
