import { expect, test } from 'vitest';
import { effectiveVerb, UnknownVerb } from './verb.ts';

type Sent = Readonly<Record<string, string>>;

const CASES: { why: string; method?: string; header?: Sent; query?: Sent; body?: Sent; verb: string }[] = [
  { why: 'the method', method: 'GET', verb: 'GET' },
  { why: 'in lower case', method: 'delete', verb: 'DELETE' },
  {
    why: 'only a POST stands for another',
    method: 'GET',
    header: { 'x-http-method': 'DELETE' },
    query: { method: 'PUT' },
    verb: 'GET',
  },
  { why: 'header before header', header: { 'x-http-method': 'GET', 'x-method-override': 'PUT' }, verb: 'GET' },
  { why: 'header before query', header: { 'x-method-override': 'PUT' }, query: { method: 'GET' }, verb: 'PUT' },
  {
    why: 'query before the other header',
    header: { 'x-http-method-override': 'PUT' },
    query: { method: 'GET' },
    verb: 'GET',
  },
  { why: 'query before body', query: { _method: 'PATCH' }, body: { _method: 'GET' }, verb: 'PATCH' },
  { why: 'body', body: { _method: 'delete' }, verb: 'DELETE' },
  { why: 'what is empty does not count', header: { 'x-http-method': '' }, query: { method: '' }, verb: 'POST' },
  { why: 'merge', method: 'MERGE', verb: 'PATCH' },
  { why: 'a tunnelled merge', query: { method: 'merge' }, verb: 'PATCH' },
];
test.each(CASES)('$why: $verb', ({ method = 'POST', header = {}, query = {}, body = {}, verb }) => {
  const source = {
    method,
    header: (n: string) => header[n],
    query: (n: string) => query[n],
    body: (n: string) => body[n],
  };
  expect(effectiveVerb(source)).toBe(verb);
});

test.each(['STEAL', 'constructor', '__proto__', 'GET '])('%s is no verb', (method) => {
  const source = { method, header: () => undefined, query: () => undefined, body: () => undefined };
  expect(() => effectiveVerb(source)).toThrow(UnknownVerb);
});
