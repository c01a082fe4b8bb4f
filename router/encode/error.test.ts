import { describe, expect, test } from 'vitest';
import { type ErrorCode, type ItemOutcome, invalid, MillraceError, notFound } from '#common/errors.ts';
import { errorReply } from './error.ts';

test('keys stand in the recorded order and the message is HTML-escaped but for single quotes', () => {
  const reply = errorReply(notFound(`Table "x" of <'a' & 'b'> does not exist.`), 'GET');
  expect(reply).toEqual({
    status: 404,
    json: `{"error":{"code":404,"context":null,"message":"Table &quot;x&quot; of &lt;'a' &amp; 'b'&gt; does not exist.","status_code":404}}`,
    retryAfterSeconds: undefined,
  });
});

test('context is passed on', () => {
  const reply = errorReply(invalid('Validation failed', { email: ['must be unique "here"'] }), 'POST');
  expect(JSON.parse(reply.json).error.context).toEqual({ email: ['must be unique "here"'] });
});

const STATUS: { code: ErrorCode; status: number }[] = [
  { code: 'invalid', status: 400 },
  { code: 'unauthenticated', status: 401 },
  { code: 'denied', status: 403 },
  { code: 'unsupported', status: 400 },
  { code: 'conflict', status: 409 },
  { code: 'unavailable', status: 503 },
  { code: 'deadline', status: 503 },
  { code: 'internal', status: 500 },
];
test.each(STATUS)('$code is $status', ({ code, status }) => {
  const reply = errorReply(new MillraceError(code, 'No.'), 'GET');
  expect(reply.status).toBe(status);
  expect(JSON.parse(reply.json).error).toMatchObject({ code: status, status_code: status });
  expect(reply.retryAfterSeconds).toBeUndefined();
});

const RETRY: { code: ErrorCode; context?: Record<string, unknown>; seconds: number }[] = [
  { code: 'limited', context: { retry_after_seconds: 12.2 }, seconds: 13 },
  { code: 'overloaded', context: { retry_after_seconds: 3 }, seconds: 3 },
  { code: 'overloaded', seconds: 1 },
  { code: 'limited', context: { retry_after_seconds: -5 }, seconds: 1 },
];
test.each(RETRY)('$code says when to come back: $seconds', ({ code, context, seconds }) => {
  expect(errorReply(new MillraceError(code, 'Later.', context), 'GET').retryAfterSeconds).toBe(seconds);
});

describe('a batch', () => {
  const outcomes: ItemOutcome[] = [
    { json: Buffer.from('{"id":12345678901234567890,"n":"Zoë"}') },
    { error: invalid('Field \'n\' can not be "NULL".') },
    { error: notFound('Gone.') },
  ];
  const batch = (rolledBack: boolean) =>
    new MillraceError('conflict', 'ignored', undefined, undefined, { outcomes, rolledBack });

  test('names the failed ones, keeps the others as they came', () => {
    const reply = errorReply(batch(false), 'POST');
    expect(reply.status).toBe(400);
    expect(reply.json).toBe(
      '{"error":{"code":1000,"context":{"error":[1,2],"resource":[{"id":12345678901234567890,"n":"Zoë"},' +
        '{"code":400,"context":null,"message":"Field \'n\' can not be &quot;NULL&quot;.","status_code":400},' +
        '{"code":404,"context":null,"message":"Gone.","status_code":404}]},' +
        '"message":"Batch Error: Not all requested records could be created.","status_code":400}}',
    );
  });

  test.each([
    { verb: 'GET', word: 'retrieved' },
    { verb: 'POST', word: 'created' },
    { verb: 'PUT', word: 'updated' },
    { verb: 'PATCH', word: 'updated' },
    { verb: 'DELETE', word: 'deleted' },
  ])('$verb: $word', ({ verb, word }) => {
    const { message } = JSON.parse(errorReply(batch(true), verb).json).error;
    expect(message).toBe(`Batch Error: Not all requested records could be ${word}. All changes rolled back.`);
  });
});
