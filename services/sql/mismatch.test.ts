import { expect, test } from 'vitest';
import { invalid, MillraceError } from '#common/errors.ts';
import { isMismatch, unknownName } from '#common/schema/mismatch.ts';
import { translate as fromPostgres } from './postgres/errors.ts';
import { translate as fromSqlite } from './sqlite/errors.ts';

const batch = (...errors: MillraceError[]) =>
  new MillraceError('invalid', 'Some failed.', undefined, undefined, {
    outcomes: [{ json: new Uint8Array() }, ...errors.map((error) => ({ error }))],
    rolledBack: false,
  });
const unknown = unknownName('There is no such field.', { field: 'x' });
const postgres = (code: string) => fromPostgres({ code, message: '' });
const sqlite = (message: string) => fromSqlite({ code: 'SQLITE_ERROR', message });

const CASES: readonly (readonly [why: string, error: MillraceError, mismatch: boolean])[] = [
  ['an unknown name', unknown, true],
  ['an unknown table', unknownName('There is no such table.', { table: 'x' }, 'not_found'), true],
  ['an unknown name for one record of several', batch(invalid('wrong'), unknown), true],
  ['other failures of several', batch(invalid('wrong')), false],
  ['a wrong value', invalid('wrong'), false],
  ['PostgreSQL lacks a column', postgres('42703'), true],
  ['PostgreSQL lacks a table', postgres('42P01'), true],
  ['PostgreSQL has a column of another type', postgres('42804'), true],
  ['PostgreSQL refuses a value', postgres('23505'), false],
  ['SQLite lacks a column', sqlite('no such column: x'), true],
  ['SQLite lacks a table', sqlite('no such table: x'), true],
  ['SQLite lacks a column to insert', sqlite('table t has no column named x'), true],
  ['SQLite refuses a value', fromSqlite({ code: 'SQLITE_CONSTRAINT_UNIQUE', message: '' }), false],
];
test.each(CASES)('%s', (_, error, mismatch) => {
  expect(isMismatch(error)).toBe(mismatch);
});
