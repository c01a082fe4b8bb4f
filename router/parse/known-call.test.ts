import { expect, test } from 'vitest';
import { requestOf, type Sent } from '../testing/request.ts';
import { knownCall } from './known-call.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (body: string, target = '/a'): Sent => ({ method: 'POST', target, headers: JSON_TYPE, body });
const patch = (body: string): Sent => ({ method: 'PATCH', target: '/a/1', headers: JSON_TYPE, body });
const known = (sent: Sent) => knownCall(requestOf(sent));

const FULL: { why: string; sent: Sent }[] = [
  { why: 'a verb that is seldom', sent: { method: 'DELETE', target: '/a' } },
  { why: 'a body where there should be none', sent: { target: '/a', body: '{}' } },
  { why: 'a body of another type', sent: { ...post('[{}]'), headers: { 'content-type': 'text/plain' } } },
  { why: 'a tunnel', sent: { ...post('[{}]'), headers: { ...JSON_TYPE, 'x-http-method': '' } } },
  { why: 'a record that is no list', sent: post('{"a":1}') },
  { why: 'options beside the records', sent: post('{"resource":[{}],"fields":"*"}') },
  { why: 'a list where a record should be', sent: patch('[{"a":1}]') },
  { why: 'a record with the name of an option', sent: patch('{"filter":"a=1"}') },
  { why: 'a record with an escaped name of an option', sent: patch('{"\\u0061pi_key":"x"}') },
  { why: 'a key in the query', sent: { target: '/a?x=1&api_key=k' } },
  { why: 'a token in the query', sent: { target: '/a?session_token=k' } },
  { why: 'identifiers of a type', sent: { target: '/a/1?id_type=integer' } },
  { why: 'parameters', sent: { target: '/a?params[:a]=1' } },
  { why: 'encoded parameters', sent: { target: '/a?params%5b:a%5d=1' } },
  { why: 'a verb in the query', sent: post('[{}]', '/a?_method=GET') },
  { why: 'an encoded name', sent: { target: '/a?x=1&%66ilter=a%3D1' } },
  { why: 'two filters', sent: { target: '/a?filter=a%3D1&filter=a%3D2' } },
  { why: 'a filter with a colon', sent: { target: '/a?filter=a%3D:b' } },
  { why: 'a filter with a brace', sent: { target: '/a?filter=a%3D{b}' } },
  { why: 'a filter that cannot be read', sent: { target: '/a?filter=%3D' } },
  { why: 'a filter that cannot be decoded', sent: { target: '/a?filter=%' } },
  { why: 'a long query', sent: { target: `/a?${'x'.repeat(3000)}` } },
];
test.each(FULL)('read in full: $why', ({ sent }) => {
  let call: unknown;
  try {
    call = known(sent);
  } catch (error) {
    call = (error as { code: string }).code === 'invalid' ? undefined : error;
  }
  expect(call).toBeUndefined();
});

const PAIRS: { why: string; a: string; b: string; equal: boolean }[] = [
  { why: 'values of a filter', a: '/a?filter=x%3D1', b: '/a?filter=x%3D%27it%27', equal: true },
  { why: 'spelling of a filter', a: '/a?filter=(x%3D1)%20and%20(y%3D2)', b: '/a?filter=x+%3D+3+AND+y=4', equal: true },
  { why: 'fields of a filter', a: '/a?filter=x%3D1', b: '/a?filter=y%3D1', equal: false },
  { why: 'case of a field', a: '/a?filter=x%3D1', b: '/a?filter=X%3D1', equal: false },
  { why: 'operators', a: '/a?filter=x%3D1', b: '/a?filter=x%3E1', equal: false },
  { why: 'number of values', a: '/a?filter=x%20in%20(1)', b: '/a?filter=x%20in%20(1,2)', equal: false },
  { why: 'and for or', a: '/a?filter=x%3D1%20and%20y%3D1', b: '/a?filter=x%3D1%20or%20y%3D1', equal: false },
  { why: 'not', a: '/a?filter=x%3D1', b: '/a?filter=not%20x%3D1', equal: false },
  { why: 'an empty filter and none', a: '/a?filter=', b: '/a?', equal: false },
  { why: 'other options', a: '/a?limit=1', b: '/a?limit=2', equal: false },
  { why: 'paths', a: '/a', b: '/b', equal: false },
  { why: 'a moment and a value', a: '/a?filter=x%3Dnow()', b: '/a?filter=x%3D1', equal: false },
];
test.each(PAIRS)('the key: $why', ({ a, b, equal }) => {
  expect(known({ target: a })?.key === known({ target: b })?.key).toBe(equal);
});

const IDS: { path: string; id: string | undefined }[] = [
  { path: '/a/5', id: '5' },
  { path: '/a/', id: undefined },
  { path: '/a/%35', id: undefined },
  { path: '/a/..', id: undefined },
  { path: '/a/x\\y', id: undefined },
];
test.each(IDS)('the identifier of $path', ({ path, id }) => expect(known({ target: path })?.keyedBy?.id).toBe(id));

test('records are the bytes that were sent', () => {
  const text = (sent: Sent) => Buffer.from(known(sent)!.records).toString();
  expect(text(post('{"resource":[{"a":1}]}'))).toBe('[{"a":1}]');
  expect(text(patch('{"a":1}'))).toBe('{"a":1}');
});
