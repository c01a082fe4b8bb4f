import { expect, test } from 'vitest';
import type { ErrorCode } from '#common/errors.ts';
import { translate } from './errors.ts';

const CASES: readonly [sqlState: string, code: ErrorCode, retryable: boolean][] = [
  ['23505', 'conflict', false],
  ['23503', 'conflict', false],
  ['23001', 'conflict', false],
  ['23502', 'invalid', false],
  ['23514', 'invalid', false],
  ['22P02', 'invalid', false],
  ['22003', 'invalid', false],
  ['22007', 'invalid', false],
  ['22008', 'invalid', false],
  ['22001', 'invalid', false],
  ['22999', 'invalid', false],
  ['42501', 'denied', false],
  ['57014', 'deadline', false],
  ['40001', 'conflict', true],
  ['40P01', 'conflict', true],
  ['55P03', 'conflict', true],
  ['53300', 'overloaded', true],
  ['53200', 'overloaded', true],
  ['57P01', 'unavailable', true],
  ['57P03', 'unavailable', true],
  ['08006', 'unavailable', true],
  ['ECONNREFUSED', 'unavailable', true],
  ['EPIPE', 'unavailable', true],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unavailable', true],
  ['ENOTFOUND', 'unavailable', true],
  ['EAI_AGAIN', 'unavailable', true],
  ['28P01', 'unavailable', false],
  ['28000', 'unavailable', false],
  ['3D000', 'unavailable', false],
  ['25006', 'unavailable', false],
  ['42P01', 'invalid', false],
  ['42703', 'invalid', false],
  ['42P07', 'conflict', false],
  ['42701', 'conflict', false],
  ['2BP01', 'conflict', false],
  ['42704', 'invalid', false],
  ['42883', 'invalid', false],
  ['428C9', 'invalid', false],
  ['P0001', 'invalid', false],
  ['42601', 'internal', false],
  ['XX000', 'internal', false],
  ['', 'internal', false],
];
const LEAK = 'Key (email)=(ada@secret.example) select * from "hr" at 10.0.0.7';

test.each(CASES)('%s is %s', (code, family, retryable) => {
  const error = translate({ code, message: LEAK, detail: LEAK, constraint: 'one_email', table: 'person' });
  expect(error.code).toBe(family);
  expect(error.context?.['retryable'] === true).toBe(retryable);
  expect(JSON.stringify([error.message, error.context])).not.toMatch(/secret|select|10\.0\.0\.7/);
  expect(error.cause).toMatchObject({ message: LEAK });
});

test('names the field that may not be null', () => {
  const error = translate({ code: '23502', message: LEAK, column: 'name' });
  expect(error.message).toBe("Field 'name' can not be NULL.");
  expect(error.context).toEqual({ field: 'name' });
});

test('names the constraint that was violated', () => {
  expect(translate({ code: '23505', message: LEAK, constraint: 'one_email' }).message).toContain("'one_email'");
});
