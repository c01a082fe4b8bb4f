import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { OutcomeSchema } from '#proto/script/v1/script_pb.ts';
import type { Answer } from './answer.ts';
import { changedAnswer, requestChanges, resultOf, serviceAnswer, shortcutOf } from './changes.ts';

const json = (value: unknown): Uint8Array => Buffer.from(value === undefined ? '' : JSON.stringify(value));
const outcome = (left: { request?: unknown; response?: unknown; returned?: unknown }) =>
  create(OutcomeSchema, {
    requestJson: json(left.request),
    responseJson: json(left.response),
    returnedJson: json(left.returned),
  });
const text = ({ content }: Answer): string => Buffer.from(content).toString();

const BEFORE: Answer = {
  status: 201,
  headers: [['X-Request-Id', 'r1']],
  contentType: 'application/json',
  content: Buffer.from('{"a":1}'),
  isJson: true,
};

describe('what becomes of the request', () => {
  test.each([
    ['nothing', {}, undefined],
    ['the verb', { method: 'patch' }, { method: 'PATCH' }],
    ['options', { parameters: { limit: 3, filter: 'a=1&b', none: null } }, { query: 'limit=3&filter=a%3D1%26b' }],
    ['no options', { parameters: [] }, { query: '' }],
    ['the payload', { payload: { a: 1 } }, { body: { content: '{"a":1}', type: 'application/json' } }],
    ['the payload, which wins', { payload: [1], content: 'x' }, { body: { content: '[1]', type: 'application/json' } }],
    ['the text', { content: 'a,b', content_type: 'text/csv' }, { body: { content: 'a,b', type: 'text/csv' } }],
  ])('%s', (_what, request, expected) => {
    const changes = requestChanges(resultOf(outcome(Object.keys(request).length > 0 ? { request } : {})));
    const shown = changes?.body
      ? { ...changes, body: { ...changes.body, content: Buffer.from(changes.body.content).toString() } }
      : changes;
    expect(shown).toEqual(expected);
  });

  test('headers, of which none can begin another one', () => {
    const changes = requestChanges({ request: { headers: { 'x-a': 1, 'X-B': ['c', 'd'], gone: null } } });
    expect([...(changes?.headers ?? [])]).toEqual([
      ['x-a', '1'],
      ['X-B', 'c, d'],
    ]);
    expect(() => requestChanges({ request: { headers: { 'a\nb': 1 } } })).toThrow('header');
  });

  test.each(['CONNECT', 5, {}])('%j is no verb', (method) => {
    expect(() => requestChanges({ request: { method } })).toThrow('method');
  });

  test('what is returned and is no event loses the edits', () => {
    expect(requestChanges(resultOf(outcome({ request: { method: 'PUT' }, returned: { x: 1 } })))).toBeUndefined();
  });

  test.each([
    [{ error: { message: 'no', code: 42 } }, 'no', 42],
    [{ error: 'no' }, 'no', undefined],
  ])('a returned error is thrown: %j', (returned, message, applicationCode) => {
    expect(() => resultOf(outcome({ returned }))).toThrow(
      expect.objectContaining({ code: 'script', message, applicationCode }),
    );
  });
});

describe('an answer in the place of the service', () => {
  test.each([
    ['none', undefined, undefined],
    ['an empty one is none', {}, undefined],
    ['with its status', { status_code: 403, content: { no: 1 } }, [403, '{"no":1}', true]],
    ['only a status is content', { status_code: 403 }, [200, '{"status_code":403}', true]],
    ['a list', [1], [200, '[1]', true]],
    ['text', { content: 'hi', content_type: 'text/html' }, [200, 'hi', false]],
  ])('%s', (_what, response, expected) => {
    const answer = shortcutOf(resultOf(outcome({ response })));
    expect(answer && [answer.status, text(answer), answer.isJson]).toEqual(expected);
  });

  test.each([99, 600, 'x', 200.5])('%j is no status', (status_code) => {
    expect(() => shortcutOf({ response: { status_code, content: 1 } })).toThrow('status_code');
  });
});

describe('a changed answer', () => {
  test.each([
    ['untouched', {}, [201, '{"a":1}']],
    ['content', { response: { status_code: 201, content: { a: 2 } } }, [201, '{"a":2}']],
    ['status alone', { response: { status_code: 418 } }, [418, '{"a":1}']],
    ['returned as a response', { returned: { content: { b: 1 }, status_code: 202 } }, [202, '{"b":1}']],
    ['returned as content', { returned: { b: 1 } }, [200, '{"b":1}']],
    ['returned text', { returned: 'b' }, [200, 'b']],
    ['the event itself returned', { returned: { request: {}, response: { content: 5 } } }, [201, '5']],
  ])('%s', (_what, left, expected) => {
    const answer = changedAnswer(resultOf(outcome(left)), BEFORE);
    expect([answer.status, text(answer)]).toEqual(expected);
    expect(answer.headers).toEqual(BEFORE.headers);
  });

  test('headers are joined, those of the connection left out', () => {
    const response = { headers: { 'x-request-id': 'mine', 'Content-Length': '9', 'X-New': 'a' } };
    expect(changedAnswer({ response }, BEFORE).headers).toEqual([
      ['x-request-id', 'mine'],
      ['X-New', 'a'],
    ]);
  });
});

test.each([
  ['nothing at all', {}, [200, '']],
  ['a returned value', { returned: { sum: 3 } }, [200, '{"sum":3}']],
  ['event.response', { response: { status_code: 201, content: [1], content_type: null } }, [201, '[1]']],
  ['a returned response', { returned: { response: { content: 'x', content_type: 'text/plain' } } }, [200, 'x']],
  ['a returned answer', { returned: { content: null, status_code: 204 } }, [204, '']],
])('the answer of a script service: %s', (_what, left, expected) => {
  const answer = serviceAnswer(outcome(left));
  expect([answer.status, text(answer)]).toEqual(expected);
});
