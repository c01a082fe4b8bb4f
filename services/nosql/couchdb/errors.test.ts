import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { CouchError, ofDocument, translate } from './errors.ts';

test.each([
  { why: 'no database', thrown: new CouchError(404, 'not_found', 'Database does not exist.'), code: 'not_found' },
  { why: 'a database twice', thrown: new CouchError(412, 'file_exists', ''), code: 'conflict' },
  { why: 'a wrong password', thrown: new CouchError(401, 'unauthorized', 'secret'), code: 'unavailable' },
  { why: 'no right', thrown: new CouchError(403, 'forbidden', ''), code: 'denied' },
  { why: 'too much', thrown: new CouchError(429, 'too_many_requests', ''), code: 'overloaded', retryable: true },
  { why: 'busy', thrown: new CouchError(503, '', ''), code: 'overloaded', retryable: true },
  { why: 'a large document', thrown: new CouchError(413, 'document_too_large', 'x'), code: 'invalid' },
  { why: 'a crash', thrown: new CouchError(500, 'badmatch', '{x}'), code: 'unavailable', retryable: true },
  { why: 'a word like a prototype', thrown: new CouchError(418, 'constructor', ''), code: 'internal' },
  {
    why: 'nobody there',
    thrown: Object.assign(new Error('10.0.0.1'), { code: 'ECONNREFUSED' }),
    code: 'unavailable',
    retryable: true,
  },
  {
    why: 'cut off',
    thrown: Object.assign(new Error(''), { code: 'UND_ERR_SOCKET' }),
    code: 'unavailable',
    retryable: true,
  },
  {
    why: 'a certificate',
    thrown: Object.assign(new Error(''), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
    code: 'unavailable',
  },
  { why: 'something of ours', thrown: new TypeError('x'), code: 'internal' },
  { why: 'a document that a rule refuses', thrown: ofDocument('forbidden', 'no'), code: 'invalid' },
])('$why', ({ thrown, code, retryable }: { thrown: Error; code: string; retryable?: boolean }) => {
  const error = translate(thrown);
  expect(error).toBeInstanceOf(MillraceError);
  expect({ code: error.code, retryable: error.context?.['retryable'] }).toEqual({ code, retryable });
  if (!(thrown instanceof MillraceError)) expect(error.cause).toBe(thrown);
});
