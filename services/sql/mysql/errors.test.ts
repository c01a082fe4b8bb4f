import { expect, test } from 'vitest';
import type { ErrorCode } from '#common/errors.ts';
import { SchemaMismatch } from '#common/schema/mismatch.ts';
import { translate, translateOpening } from './errors.ts';

const LEAK = "Duplicate entry 'ada@secret.example' select * from `hr` at 10.0.0.7";

const BY_NUMBER: readonly [errno: number, code: ErrorCode, retryable: boolean][] = [
  [1062, 'conflict', false],
  [1451, 'conflict', false],
  [1452, 'conflict', false],
  [1213, 'conflict', true],
  [1205, 'conflict', true],
  [1048, 'invalid', false],
  [1364, 'invalid', false],
  [1406, 'invalid', false],
  [1264, 'invalid', false],
  [1366, 'invalid', false],
  [1292, 'invalid', false],
  [3819, 'invalid', false],
  [4025, 'invalid', false],
  [1318, 'invalid', false],
  [1643, 'invalid', false],
  [1644, 'invalid', false],
  [3988, 'invalid', false],
  [1054, 'invalid', false],
  [1146, 'invalid', false],
  [1142, 'denied', false],
  [1045, 'unavailable', false],
  [1049, 'invalid', false],
  [1300, 'invalid', false],
  [1053, 'unavailable', true],
  [1290, 'unavailable', false],
  [1040, 'overloaded', true],
  [1317, 'deadline', false],
  [1969, 'deadline', false],
  [3024, 'deadline', false],
  [1050, 'conflict', false],
  [1091, 'invalid', false],
  [1064, 'internal', false],
  [9999, 'internal', false],
];
test.each(BY_NUMBER)('%i is %s', (errno, family, retryable) => {
  const error = translate({ errno, message: LEAK });
  expect(error.code).toBe(family);
  expect(error.context?.['retryable'] === true).toBe(retryable);
  expect(JSON.stringify([error.message, error.context])).not.toMatch(/secret|select|10\.0\.0\.7/);
  expect(error.cause).toMatchObject({ message: LEAK });
});

test('what a routine raises is its own, whatever number it gives', () => {
  const errors = [9999, 1146].map((errno) => translate({ errno, sqlState: '45000', message: LEAK }));
  const said = translate({ errno: 1644, sqlState: '45000', message: LEAK }).message;
  expect(errors.map(({ code, message }) => [code, message])).toEqual([
    ['invalid', said],
    ['invalid', said],
  ]);
});

test.each([
  ['ECONNREFUSED', -111, true],
  ['ENOTFOUND', -3008, true],
  ['PROTOCOL_CONNECTION_LOST', undefined, true],
  ['ETIMEDOUT', undefined, true],
  ['AUTH_SWITCH_PLUGIN_ERROR', undefined, false],
  [undefined, undefined, true],
])('%s is unavailable', (code, errno, retryable) => {
  const error = translate({ code, errno, message: 'connect to db.example' });
  expect([error.code, error.context?.['retryable'] === true]).toEqual(['unavailable', retryable]);
  expect(error.message).not.toContain('db.example');
});

const NAMED: readonly [errno: number, message: string, field: string | undefined, says: string][] = [
  [1048, "Column 'name' cannot be null", 'name', "'name'"],
  [1364, "Field 'name' doesn't have a default value", 'name', "'name'"],
  [1406, "Data too long for column 'name' at row 3", 'name', "'name'"],
  [1366, "Incorrect integer value: 'for column 'x'' for column `db`.`t`.`age` at row 1", 'age', "'age'"],
  [1292, "Incorrect datetime value: 'x' for column 'born' at row 1", 'born', "'born'"],
  [1292, "Truncated incorrect DOUBLE value: 'x'", undefined, 'A field'],
  [1906, "The value specified for generated column 'full' in table 't' has been ignored", 'full', "'full'"],
  [1062, "Duplicate entry 'a' for key 'one_name'", undefined, "'one_name'"],
  [1062, "Duplicate entry 'for key 'b'' for key 'person.one_name'", undefined, "'one_name'"],
  [1452, 'a foreign key constraint fails (`db`.`t`, CONSTRAINT `fk_p` FOREIGN KEY (`p`)', undefined, "'fk_p'"],
  [3819, "Check constraint 'positive' is violated.", undefined, "'positive'"],
  [4025, 'CONSTRAINT `positive` failed for `db`.`t`', undefined, "'positive'"],
];
test.each(NAMED)('%i: %s', (errno, message, field, says) => {
  const error = translate({ errno, message });
  expect(error.context?.['field']).toBe(field);
  expect(error.message).toContain(says);
});

test.each([
  [1049, 'unavailable'],
  [1045, 'unavailable'],
  [1040, 'overloaded'],
])('%i when a connection is opened is %s: no request named the database', (errno, family) => {
  expect(translateOpening({ errno, message: LEAK })).toMatchObject({ code: family, cause: { message: LEAK } });
});

test('a table that is gone is a reason to look again', () => {
  expect(translate({ errno: 1146, message: LEAK })).toBeInstanceOf(SchemaMismatch);
});
