import { expect, test } from 'vitest';
import { Head } from './framing.ts';

interface Case {
  why: string;
  method?: string;
  path?: string;
  query?: string;
  headers?: [string, string][];
  says?: RegExp;
}

const HOST: [string, string] = ['host', 'a.example'];

const REFUSED: Case[] = [
  { why: 'a method with a space', method: 'GE T', says: /method/ },
  { why: 'an empty method', method: '', says: /method/ },
  { why: 'a method with a bracket', method: 'GET(', says: /method/ },
  { why: 'a method of 33 characters', method: 'A'.repeat(33), says: /method/ },
  { why: 'a target without a slash', path: 'x', says: /target/ },
  { why: 'an asterisk', method: 'OPTIONS', path: '*', says: /target/ },
  { why: 'an absolute target', path: 'http://a/x', says: /target/ },
  { why: 'a raw byte in the path', path: '/é', says: /target/ },
  { why: 'a control character in the path', path: '/\x01', says: /target/ },
  { why: 'a DEL in the path', path: '/\x7f', says: /target/ },
  { why: 'a raw byte in the query', query: 'a=\ufffd', says: /target/ },
  { why: 'no Host', headers: [], says: /Host.*missing/ },
  { why: 'two Hosts', headers: [HOST, HOST], says: /Host.*repeated/ },
  { why: 'an empty Host', headers: [['host', '']], says: /Host/ },
  { why: 'a list of Hosts', headers: [['host', 'a, b']], says: /Host/ },
  { why: 'a Host with a slash', headers: [['host', 'a/b']], says: /Host/ },
  { why: 'a Host with a user', headers: [['host', 'u@b']], says: /Host/ },
  { why: 'a Host with a raw byte', headers: [['host', 'ü']], says: /Host/ },
  { why: 'a Host with a port that is none', headers: [['host', 'a:b']], says: /Host/ },
  { why: 'a header name with a space', headers: [HOST, ['a b', '1']], says: /name/ },
  { why: 'a header name with a raw byte', headers: [HOST, ['xé', '1']], says: /name/ },
  { why: 'a header value with a NUL', headers: [HOST, ['x', 'a\0b']], says: /value/ },
  { why: 'an empty Content-Length', headers: [HOST, ['content-length', '']], says: /Content-Length/ },
  { why: 'a signed Content-Length', headers: [HOST, ['content-length', '+5']], says: /Content-Length/ },
  { why: 'a hexadecimal Content-Length', headers: [HOST, ['content-length', '0x5']], says: /Content-Length/ },
  { why: 'a Content-Length with a blank', headers: [HOST, ['content-length', '5 5']], says: /Content-Length/ },
  { why: 'a list of Content-Lengths', headers: [HOST, ['content-length', '5, 5']], says: /Content-Length/ },
  { why: 'a huge Content-Length', headers: [HOST, ['content-length', '9'.repeat(16)]], says: /Content-Length/ },
  {
    why: 'two Content-Lengths that differ',
    headers: [HOST, ['content-length', '5'], ['content-length', '6']],
    says: /Content-Length.*repeated/,
  },
  {
    why: 'two Content-Lengths that agree',
    headers: [HOST, ['content-length', '5'], ['content-length', '5']],
    says: /Content-Length.*repeated/,
  },
  {
    why: 'Content-Length with Transfer-Encoding',
    headers: [HOST, ['content-length', '5'], ['transfer-encoding', 'chunked']],
    says: /either/,
  },
  { why: 'an empty Transfer-Encoding', headers: [HOST, ['transfer-encoding', '']], says: /Transfer-Encoding/ },
  { why: 'another Transfer-Encoding', headers: [HOST, ['transfer-encoding', 'gzip']], says: /Transfer-Encoding/ },
  { why: 'gzip, chunked', headers: [HOST, ['transfer-encoding', 'gzip, chunked']], says: /Transfer-Encoding/ },
  { why: 'chunked behind a tab', headers: [HOST, ['transfer-encoding', '\tchunked']], says: /Transfer-Encoding/ },
  { why: 'chunked with a parameter', headers: [HOST, ['transfer-encoding', 'chunked;a']], says: /Transfer-Encoding/ },
  {
    why: 'Transfer-Encoding twice',
    headers: [HOST, ['transfer-encoding', 'chunked'], ['transfer-encoding', 'chunked']],
    says: /Transfer-Encoding/,
  },
];

const TAKEN: Case[] = [
  { why: 'a plain request' },
  { why: 'a method nobody registered', method: 'MERGE' },
  { why: 'a method in lower case', method: 'get' },
  { why: 'a method of 32 characters', method: 'A'.repeat(32) },
  { why: 'unescaped brackets and quotes', query: 'filter=(name="a")and(id>1)|{}^`<>' },
  { why: 'a Host with a port', headers: [['host', 'a.example:8080']] },
  { why: 'an IPv6 Host', headers: [['host', '[::1]:8080']] },
  { why: 'a Host with an underscore', headers: [['host', 'sql_1']] },
  { why: 'a Content-Length of 0', headers: [HOST, ['content-length', '0']] },
  { why: 'an empty header', headers: [HOST, ['x', '']] },
  { why: 'a header with a tab and Latin-1', headers: [HOST, ['x', 'a\té']] },
];

function head({ headers = [HOST] }: Partial<Case>): Head {
  const head = new Head();
  for (const [name, value] of headers) head.add(name, value);
  return head;
}

function check(testCase: Case) {
  const { method = 'GET', path = '/x', query = '' } = testCase;
  return head(testCase).check(method, path, query);
}

test.each(REFUSED)('refuses $why', (testCase) => {
  expect(check(testCase)).toMatchObject({ status: 400, message: expect.stringMatching(testCase.says!) });
});

test.each(TAKEN)('takes $why', (testCase) => {
  expect(check(testCase)).toBeUndefined();
});

test.each([
  { why: 'HTTP/1.1 stays open', headers: [], close: false },
  { why: 'HTTP/1.1 with close', headers: [['connection', 'Close']], close: true },
  { why: 'close in a list', headers: [['connection', 'x, close']], close: true },
  {
    why: 'close wins over keep-alive',
    headers: [
      ['connection', 'close'],
      ['connection', 'keep-alive'],
    ],
    close: true,
  },
  { why: 'another option', headers: [['connection', 'closed']], close: false },
] as { why: string; headers: [string, string][]; close: boolean }[])('$why', ({ close, ...testCase }) => {
  expect(head(testCase).close).toBe(close);
});

test.each([
  { why: 'no header', headers: [], hasBody: false },
  { why: 'length 0', headers: [['content-length', '0']], hasBody: false },
  { why: 'length 5', headers: [['content-length', '5']], hasBody: true },
  { why: 'chunked', headers: [['transfer-encoding', 'chunked']], hasBody: true },
] as { why: string; headers: [string, string][]; hasBody: boolean }[])('body with $why', ({ headers, hasBody }) => {
  expect(head({ headers }).hasBody).toBe(hasBody);
});
