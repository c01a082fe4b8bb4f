import { expect, test } from 'vitest';
import { type ErrorCode, invalid, MillraceError, notFound } from './errors.ts';
import { errorFromMessage, errorToMessage } from './exchange/errors.ts';
import { GRPC_STATUS } from './grpc/status.ts';

test('one of the family stays as it is', () => {
  const error = notFound('Not here.', { id: 1 });
  expect(MillraceError.from(error)).toBe(error);
});

test.each([new Error('SELECT secret'), 'SELECT secret', undefined, null, { secret: 1 }])(
  'a stranger (%s) becomes internal, tells nothing, and is kept for our log',
  (thrown) => {
    const error = MillraceError.from(thrown);
    expect(error).toMatchObject({ code: 'internal', cause: thrown, context: undefined });
    expect(error.message).not.toContain('secret');
  },
);

const CODES = Object.keys(GRPC_STATUS) as ErrorCode[];
test.each(CODES)('%s travels between tiers with its words and facts, without its cause', (code) => {
  const sent = new MillraceError(code, 'Why.', { field: 'id', at: 3 }, new Error('SELECT secret'));
  const message = errorToMessage(sent);
  expect(JSON.stringify(message)).not.toContain('secret');
  expect(errorFromMessage(message)).toMatchObject({ code, message: 'Why.', context: sent.context, cause: undefined });
});

test('what became of each record travels too', () => {
  const outcomes = [{ json: Buffer.from('{"id":1}') }, { error: invalid('No.', { field: 'name' }) }];
  const sent = new MillraceError('invalid', 'Some failed.', undefined, undefined, { outcomes, rolledBack: true });
  const { batch } = errorFromMessage(errorToMessage(sent));
  expect(batch?.rolledBack).toBe(true);
  expect(batch?.outcomes).toEqual([
    outcomes[0],
    { error: expect.objectContaining({ code: 'invalid', message: 'No.', context: { field: 'name' } }) },
  ]);
});

test.each([
  { why: 'a code of a newer version', change: { code: 'paused' }, code: 'internal' },
  { why: 'facts that are no JSON', change: { contextJson: Buffer.from('{') }, code: 'invalid' },
])('$why hides nothing else', ({ change, code }) => {
  const message = { ...errorToMessage(invalid('Why.')), ...change };
  expect(errorFromMessage(message)).toMatchObject({ code, message: 'Why.', context: undefined });
});
