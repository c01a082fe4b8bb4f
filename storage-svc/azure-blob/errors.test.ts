import { expect, test } from 'vitest';
import { translate } from './errors.ts';

const said = (statusCode: number, code: string | undefined, details = {}) =>
  Object.assign(new Error('account.blob.example.org said no'), { statusCode, code, details });

const CASES = [
  { thrown: said(404, 'BlobNotFound'), code: 'not_found' },
  { thrown: said(404, undefined, { errorCode: 'BlobNotFound' }), code: 'not_found' },
  { thrown: said(404, 'ContainerNotFound'), code: 'unavailable', about: /container does not exist/ },
  { thrown: said(409, 'ContainerBeingDeleted'), code: 'unavailable', about: /deleted/ },
  { thrown: said(403, 'AuthenticationFailed'), code: 'unavailable', about: /credentials/ },
  {
    thrown: said(403, 'AuthenticationFailed', { authenticationErrorDetail: 'Request date header too old' }),
    code: 'unavailable',
    about: /clocks/,
  },
  { thrown: said(403, 'AuthorizationFailure'), code: 'unavailable', about: /permit/ },
  { thrown: said(409, 'BlobAlreadyExists'), code: 'conflict' },
  { thrown: said(400, 'InvalidBlockList'), code: 'conflict' },
  { thrown: said(412, 'ConditionNotMet'), code: 'contradiction' },
  { thrown: said(412, 'LeaseIdMissing'), code: 'unavailable', about: /holds/ },
  { thrown: said(409, 'BlobArchived'), code: 'unavailable', about: /archived/ },
  { thrown: said(503, 'ServerBusy'), code: 'unavailable', about: /no more requests/ },
  { thrown: said(500, 'InternalError'), code: 'unavailable', about: /has failed/ },
  { thrown: said(500, 'OperationTimedOut'), code: 'unavailable', about: /time/ },
  { thrown: said(413, 'RequestBodyTooLarge'), code: 'invalid' },
  { thrown: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), code: 'unavailable', about: /reached/ },
  { thrown: new TypeError('a fault of ours'), code: 'internal' },
];
test.each(CASES)('$thrown.code', ({ thrown, code, about = /./ }) => {
  const error = translate(thrown);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(about);
  expect(error.message).not.toMatch(/example/);
});
