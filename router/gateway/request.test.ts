import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Metadata } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { HEAD_BYTES_MAX, HEAD_FIELDS_MAX } from '#common/bounds.ts';
import { RequestSchema } from '#proto/gateway/v1/gateway_pb.ts';
import type { Refusal } from '../http/refusal.ts';
import type { Request } from '../http/request.ts';
import { isImport } from '../parse/import/body-stream.ts';
import { peerOf, requestOf } from './request.ts';

type Init = MessageInitShape<typeof RequestSchema>;

const BODY_MAX = 1000;

const read = (init: Init, metadata: Record<string, string> = {}, address = '10.0.0.7:4711'): Request | Refusal =>
  requestOf(
    create(RequestSchema, init),
    peerOf(Metadata.fromHttp2Headers(metadata), address),
    BODY_MAX,
    (request, length) => isImport(request, length, BODY_MAX),
  );

function sound(...given: Parameters<typeof read>): Request {
  const request = read(...given);
  if ('message' in request) throw new Error(request.message);
  return request;
}

const PATHS = [
  { path: 'db/_table/a', as: '/api/v2/db/_table/a' },
  { path: '/db/_table/a', as: '/api/v2/db/_table/a' },
  { path: 'api/v2/db/_table/a', as: '/api/v2/db/_table/a' },
  { path: '/api/v2/db', as: '/api/v2/db' },
  { path: '/api/v2', as: '/api/v2' },
  { path: '', as: '/api/v2/' },
  { path: 'api/db', as: '/api/v2/api/db' },
  { path: '//docs', as: '/api/v2//docs' },
  { path: 'db/_table/a%2fb', as: '/api/v2/db/_table/a%2fb' },
];
test.each(PATHS)("'$path' is $as", ({ path, as }) => {
  expect(sound({ path }).path).toBe(as);
});

test('what is not said is a GET without query, headers and body', () => {
  const request = sound({ path: 'db' });
  expect(request).toMatchObject({ method: 'GET', query: '', upload: undefined });
  expect(request.body).toHaveLength(0);
  expect(request.header('accept')).toBeUndefined();
  expect(Math.abs(Date.now() - request.receivedAt)).toBeLessThan(1000);
});

test('the rest is what the message says', () => {
  const headers = { Accept: 'text/csv', 'X-REQUEST-ID': 'abc' };
  const request = sound({ verb: 'POST', path: 'db', query: 'a=b%20c', headers, body: Buffer.from('{}') });
  expect(request).toMatchObject({ id: 'abc', method: 'POST', query: 'a=b%20c' });
  expect(request.header('accept')).toBe('text/csv');
  expect(Buffer.from(request.body).toString()).toBe('{}');
});

test('headers of an HTTP connection are nobody’s', () => {
  const headers = { Host: 'a b', 'Content-Length': '5', 'Transfer-Encoding': 'gzip', Connection: 'close', Expect: 'x' };
  expect(sound({ path: 'db', headers }).header('host')).toBeUndefined();
});

const CREDENTIALS = [
  { why: 'the message where it has them', headers: { Authorization: 'own' }, expected: 'own' },
  { why: 'the metadata where it has not', headers: {}, expected: 'theirs' },
];
test.each(CREDENTIALS)('credentials are of $why', ({ headers, expected }) => {
  const request = sound(
    { path: 'db', headers },
    { authorization: 'theirs', 'x-dreamfactory-api-key': 'key', prefer: 'x' },
  );
  expect(request.header('authorization')).toBe(expected);
  expect(request.header('x-dreamfactory-api-key')).toBe('key');
  expect(request.header('prefer')).toBeUndefined();
});

const ADDRESSES = [
  { address: '10.0.0.7:4711', expected: '10.0.0.7' },
  { address: '::1:4711', expected: '::1' },
  { address: 'unknown', expected: '' },
];
test.each(ADDRESSES)("the peer '$address' is at '$expected'", ({ address, expected }) => {
  expect(sound({ path: 'db' }, {}, address).remoteAddress()).toBe(expected);
});

const many = Object.fromEntries(Array.from({ length: HEAD_FIELDS_MAX + 1 }, (_, i) => [`x${i}`, '']));
const REFUSED: { why: string; init: Init; status: number }[] = [
  { why: 'a verb that is no token', init: { verb: 'GE T', path: 'db' }, status: 400 },
  { why: 'a path with a blank', init: { path: 'db/a b' }, status: 400 },
  { why: 'a path with a line end', init: { path: 'db/\r\n' }, status: 400 },
  { why: 'a path that is not ASCII', init: { path: 'db/ä' }, status: 400 },
  { why: 'a query in the path', init: { path: 'db?a=b' }, status: 400 },
  { why: 'a query with a blank', init: { path: 'db', query: 'a=b c' }, status: 400 },
  { why: 'a header name that is none', init: { path: 'db', headers: { 'a b': '' } }, status: 400 },
  { why: 'a header value with a line end', init: { path: 'db', headers: { a: 'b\nc' } }, status: 400 },
  { why: 'too many headers', init: { path: 'db', headers: many }, status: 431 },
  { why: 'a long query', init: { path: 'db', query: 'a'.repeat(HEAD_BYTES_MAX) }, status: 431 },
  { why: 'a large body', init: { verb: 'POST', path: 'db', body: Buffer.alloc(BODY_MAX + 1) }, status: 413 },
];
test.each(REFUSED)('$why is refused', ({ init, status }) => {
  expect(read(init)).toMatchObject({ status, message: expect.any(String) });
});

test('an import is read as one', () => {
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const request = sound({ verb: 'POST', path: 'db/_table/a', headers, body: Buffer.from('{"a":1}\n') });
  const parts: Uint8Array[] = [];
  let isWhole = false;
  const end = (): void => {
    isWhole = true;
  };
  request.upload?.receive({ push: (chunk) => void parts.push(chunk), end, fail: () => {} });
  expect(Buffer.concat(parts).toString()).toBe('{"a":1}\n');
  expect(isWhole).toBe(true);
  expect(request.body).toHaveLength(0);
});
