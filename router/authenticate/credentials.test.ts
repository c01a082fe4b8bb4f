import { expect, test } from 'vitest';
import { readCredentials } from './credentials.ts';

type Sent = Readonly<Record<string, string>>;

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const HEADER_KEY = 'x-dreamfactory-api-key';
const HEADER_TOKEN = 'x-dreamfactory-session-token';

const CASES: {
  why: string;
  header?: Sent;
  query?: Sent;
  body?: Sent;
  path?: string;
  apiKey?: string;
  token?: string;
  basic?: { user: string; password: string };
}[] = [
  { why: 'nothing' },
  { why: 'key: the query wins', query: { api_key: 'q' }, header: { [HEADER_KEY]: 'h' }, apiKey: 'q' },
  { why: 'key: then the header', header: { [HEADER_KEY]: 'h' }, body: { api_key: 'b' }, apiKey: 'h' },
  { why: 'key: then the body', body: { api_key: 'b' }, apiKey: 'b' },
  { why: 'key: what is empty does not count', query: { api_key: '' }, header: { [HEADER_KEY]: 'h' }, apiKey: 'h' },
  { why: "key: an app's record has a field of this name", body: { api_key: 'b' }, path: 'system/app/4' },
  {
    why: 'token: bearer wins',
    header: { authorization: 'Bearer a', [HEADER_TOKEN]: 'h' },
    query: { session_token: 'q' },
    token: 'a',
  },
  { why: 'token: then the header', header: { [HEADER_TOKEN]: 'h' }, query: { session_token: 'q' }, token: 'h' },
  { why: 'token: then the query', query: { session_token: 'q' }, body: { session_token: 'b' }, token: 'q' },
  { why: 'token: then the body', body: { session_token: 'b' }, token: 'b' },
  { why: 'the scheme in any case', header: { authorization: 'bEaReR a' }, token: 'a' },
  { why: 'an unknown scheme', header: { authorization: 'Digest a' } },
  {
    why: 'Basic, with colons in the password',
    header: { authorization: basic('ann:a:b') },
    basic: { user: 'ann', password: 'a:b' },
  },
  {
    why: 'Basic beside a token does not count',
    header: { authorization: basic('a:b'), [HEADER_TOKEN]: 't' },
    token: 't',
  },
  { why: 'Basic without a colon is none', header: { authorization: basic('ann') } },
  {
    why: 'a NUL stays in the password',
    header: { authorization: basic('ann:secret\0x') },
    basic: { user: 'ann', password: 'secret\0x' },
  },
];

test.each(CASES)('$why', ({ header = {}, query = {}, body = {}, path = 'db/_table/a', apiKey, token, ...rest }) => {
  const source = {
    header: (name: string) => header[name],
    query: (name: string) => query[name],
    body: (name: string) => body[name],
  };
  expect(readCredentials(source, path)).toEqual({ apiKey, token, basic: rest.basic });
});
