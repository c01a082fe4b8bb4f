import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { type ErrorCode, MillraceError } from '../errors.ts';
import { fromServiceError, GRPC_STATUS, toServiceError } from './status.ts';

const CODES = Object.entries(GRPC_STATUS) as [ErrorCode, status][];

test.each(CODES)('%s leaves with its status and its words', (code, number) => {
  const error = toServiceError(new MillraceError(code, 'Why.', undefined, new Error('at 10.0.0.1')));
  expect(error).toMatchObject({ code: number, details: 'Why.' });
});

test('a stranger leaves as internal and tells nothing', () => {
  const error = toServiceError(new Error('SELECT secret'));
  expect(error.code).toBe(status.INTERNAL);
  expect(error.details).not.toContain('secret');
});

const ARRIVING = [
  { why: 'no answer in time', code: status.DEADLINE_EXCEEDED, ours: 'deadline' },
  { why: 'nobody there', code: status.UNAVAILABLE, ours: 'unavailable' },
  { why: 'the line was cut', code: status.CANCELLED, ours: 'unavailable' },
  { why: 'too much', code: status.RESOURCE_EXHAUSTED, ours: 'overloaded' },
  { why: 'the wrong token', code: status.UNAUTHENTICATED, ours: 'internal' },
  { why: 'anything else', code: status.UNKNOWN, ours: 'internal' },
];
test.each(ARRIVING)('$why is $ours, in our words, with the cause for our log', ({ code, ours }) => {
  const details = 'connect 10.0.0.1:7001';
  const cause: ServiceError = Object.assign(new Error(details), { code, details, metadata: new Metadata() });
  const error = fromServiceError(cause, 'sql');
  expect(error).toMatchObject({ code: ours, cause });
  expect(error.message).toContain('sql');
  expect(error.message).not.toContain('10.0.0.1');
});
