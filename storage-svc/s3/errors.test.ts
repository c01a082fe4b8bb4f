import { expect, test } from 'vitest';
import { translate } from './errors.ts';

const said = (status: number, name: string, headers = {}) =>
  Object.assign(new Error('bucket.s3.example.org said no'), {
    name,
    $metadata: { httpStatusCode: status },
    $response: { headers },
  });
const broken = (code: string) => Object.assign(new Error('connect 10.0.0.1:443'), { code });

const CASES = [
  { thrown: said(404, 'NoSuchKey'), code: 'not_found' },
  { thrown: said(404, 'NotFound'), code: 'not_found' },
  { thrown: said(404, 'NoSuchBucket'), code: 'unavailable', about: /container does not exist/ },
  { thrown: said(403, 'InvalidAccessKeyId'), code: 'unavailable', about: /credentials/ },
  { thrown: said(403, 'SignatureDoesNotMatch'), code: 'unavailable', about: /credentials/ },
  { thrown: said(400, 'ExpiredToken'), code: 'unavailable', about: /credentials/ },
  { thrown: said(403, 'AccessDenied'), code: 'unavailable', about: /permit/ },
  { thrown: said(403, 'Unknown'), code: 'unavailable', about: /permit/ },
  { thrown: said(403, 'RequestTimeTooSkewed'), code: 'unavailable', about: /clocks/ },
  { thrown: said(503, 'SlowDown'), code: 'unavailable', about: /no more requests/ },
  { thrown: said(500, 'InternalError'), code: 'unavailable', about: /has failed/ },
  { thrown: said(502, 'Unknown'), code: 'unavailable', about: /has failed/ },
  { thrown: said(507, 'Unknown'), code: 'unavailable', about: /full/ },
  { thrown: said(412, 'PreconditionFailed'), code: 'contradiction' },
  { thrown: said(409, 'ConditionalRequestConflict'), code: 'conflict' },
  { thrown: said(403, 'InvalidObjectState'), code: 'unavailable', about: /archived/ },
  { thrown: said(301, 'PermanentRedirect'), code: 'unavailable', about: /region/ },
  { thrown: said(400, 'KeyTooLongError'), code: 'invalid' },
  { thrown: said(400, 'EntityTooLarge'), code: 'invalid' },
  { thrown: said(400, 'Unknown', { 'x-minio-error-code': 'XMinioInvalidObjectName' }), code: 'invalid' },
  { thrown: said(418, 'constructor'), code: 'unavailable', about: /refused/ },
  { thrown: said(501, 'NotImplemented'), code: 'unsupported' },
  { thrown: broken('ECONNREFUSED'), code: 'unavailable', about: /reached/ },
  { thrown: broken('ENOTFOUND'), code: 'unavailable', about: /reached/ },
  { thrown: broken('ECONNRESET'), code: 'unavailable', about: /lost/ },
  { thrown: broken('CERT_HAS_EXPIRED'), code: 'unavailable', about: /certificate/ },
  { thrown: new Error('a fault of ours', { cause: broken('EPIPE') }), code: 'unavailable', about: /lost/ },
  { thrown: new TypeError('a fault of ours'), code: 'internal' },
];
test.each(CASES)('$thrown.name $thrown.code', ({ thrown, code, about = /./ }) => {
  const error = translate(thrown);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(about);
  expect(error.message).not.toMatch(/example|10\.0/);
  expect(error.cause).toBe(thrown);
});
