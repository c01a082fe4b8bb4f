import type { LookupAddress } from 'node:dns';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callerGone, Deadline } from '../deadline.ts';
import { fetchOutside } from './fetch.ts';
import type { OutsideCall, Resolve } from './open.ts';
import { NO_OUTBOUND } from './policy.ts';

let server: Server;
let port = 0;
const seen: { method: string; url: string; host: string; authorization: string | undefined; body: string }[] = [];

async function readText(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += chunk;
  return text;
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const { host = '', authorization } = request.headers;
    seen.push({ method, url, host, authorization, body: await readText(request) });
    const [, kind = '', target = ''] = /^\/(\w+)(?:\?to=(.*))?/.exec(url) ?? [];
    if (kind === 'redirect') response.writeHead(302, { location: decodeURIComponent(target) }).end();
    else if (kind === 'circle') response.writeHead(307, { location: '/circle' }).end();
    else if (kind === 'large') response.end('x'.repeat(5000));
    else if (kind !== 'silent') response.writeHead(201, { 'content-type': 'application/json' }).end('{"a":1}');
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const at = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 });
const names: Record<string, string[]> = {
  'public.example': ['127.0.0.1'],
  'other.example': ['127.0.0.1'],
  'inner.example': ['10.0.0.9'],
  'mixed.example': ['127.0.0.1', '10.0.0.9'],
};
const resolve: Resolve = (name, use) => {
  const found = names[name];
  use(found ? null : new Error(`no ${name}`), (found ?? []).map(at));
};

function get(
  url: string,
  hosts: string[],
  more: Partial<OutsideCall> = {},
  policy = {},
  deadline = Deadline.after(5000),
) {
  const call = { verb: 'GET', url: url.replace(':PORT', `:${port}`), headers: {}, body: new Uint8Array(), ...more };
  return fetchOutside(call, { ...NO_OUTBOUND, hosts, timeoutMs: 3000, bytesMax: 1000, ...policy }, deadline, resolve);
}

// The server of the test is on an inner address, which therefore is named.
const NAMED = ['127.0.0.1', 'public.example'];

test('an answer', async () => {
  const answer = await get('http://public.example:PORT/ok?a=1', NAMED, {
    verb: 'POST',
    headers: { authorization: 'a' },
    body: Buffer.from('b'),
  });
  expect(answer).toMatchObject({ status: 201, contentType: 'application/json', body: Buffer.from('{"a":1}') });
  expect(seen.at(-1)).toEqual({
    method: 'POST',
    url: '/ok?a=1',
    host: `public.example:${port}`,
    authorization: 'a',
    body: 'b',
  });
});

const REFUSED: [string, string, string[], RegExp][] = [
  ['a host that is not named', 'http://other.example:PORT/', NAMED, /host 'other\.example:\d+' may not be called/],
  ['an inner address by its number', 'http://10.0.0.9/', ['*'], /inner address/],
  ['loopback in other writing', 'http://0x7f000001:PORT/', ['*'], /inner address/],
  ['loopback in IPv6', 'http://[::ffff:127.0.0.1]:PORT/', ['*'], /inner address/],
  ['a name that stands for an inner address', 'http://inner.example/', ['*'], /inner address/],
  ['a name with one inner address among others', 'http://mixed.example:PORT/', [...NAMED, '*'], /inner address/],
  [
    'a redirect to a host that is not named',
    'http://public.example:PORT/redirect?to=http%3A%2F%2Fother.example%2F',
    NAMED,
    /may not be called/,
  ],
  [
    'a redirect to an inner address',
    'http://public.example:PORT/redirect?to=http%3A%2F%2F169.254.169.254%2F',
    [...NAMED, '*'],
    /inner address/,
  ],
  [
    'a redirect to something that is no HTTP',
    'http://public.example:PORT/redirect?to=file%3A%2F%2F%2Fetc%2Fpasswd',
    [...NAMED, '*'],
    /no http/,
  ],
  ['circles', 'http://public.example:PORT/circle', NAMED, /circles/],
  ['another protocol', 'ftp://public.example/', ['*'], /no http/],
  ['a large answer', 'http://public.example:PORT/large', NAMED, /larger than 1000/],
  ['a name that there is not', 'http://nobody.example/', ['*'], /cannot be reached/],
];
test.each(REFUSED)('%s', async (_, url, hosts, message) => {
  await expect(get(url, hosts)).rejects.toThrow(message);
});

test('a name that changes between the look and the connection is looked up once', async () => {
  let looks = 0;
  const rebinding: Resolve = (_, use) => use(null, [at(looks++ === 0 ? '127.0.0.1' : '10.0.0.9')]);
  const call = { verb: 'GET', url: `http://public.example:${port}/ok`, headers: {}, body: new Uint8Array() };
  const policy = { ...NO_OUTBOUND, hosts: NAMED };
  expect((await fetchOutside(call, policy, Deadline.after(3000), rebinding)).status).toBe(201);
  expect(looks).toBe(1);
  await expect(fetchOutside(call, policy, Deadline.after(3000), rebinding)).rejects.toThrow(/inner address/);
});

test('secrets stay with the host they are meant for', async () => {
  const to = encodeURIComponent(`http://other.example:${port}/ok`);
  await get(`http://public.example:PORT/redirect?to=${to}`, [...NAMED, 'other.example'], {
    headers: { authorization: 'a' },
  });
  expect(seen.at(-1)).toMatchObject({ host: `other.example:${port}`, authorization: undefined });
});

test('a host that says nothing', async () => {
  await expect(get('http://public.example:PORT/silent', NAMED, {}, { timeoutMs: 50 })).rejects.toThrow(/in time/);
  const deadline = Deadline.after(5000);
  setTimeout(() => deadline.abort(callerGone()), 20);
  await expect(get('http://public.example:PORT/silent', NAMED, {}, {}, deadline)).rejects.toThrow(/went away/);
});
