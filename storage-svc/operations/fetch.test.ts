import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { PathRules } from '#common/files/rules.ts';
import type { Resolve } from '#common/outbound/open.ts';
import { FetchRequestSchema, RulesSchema } from '#proto/files/v1/files_pb.ts';
import { evilZip } from '../archive/testing/make-zip.ts';
import { type Call, POST_BIT } from '../call.ts';
import { MemorySource } from '../testing/memory.ts';
import { fetch } from './fetch.ts';
import { walkTree } from './tree.ts';

const ZIP = evilZip([
  { name: 'a/b.txt', content: 'b' },
  { name: 'c', content: 'c' },
]);

let server: Server;
let port = 0;
let source: MemorySource;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname;
    if (path.endsWith('.txt')) response.end('text');
    else if (path === '/typed') response.writeHead(200, { 'content-type': 'image/png' }).end('png');
    else if (path === '/site.zip') response.end(ZIP);
    else if (path === '/said') response.writeHead(200, { 'content-length': 2 * MIB }).end(Buffer.alloc(2 * MIB));
    else if (path === '/large') response.write(Buffer.alloc(MIB), () => response.end(Buffer.alloc(MIB)));
    else if (path === '/broken') {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('x', () => response.destroy());
    } else if (path === '/error') response.writeHead(500).end('down');
    else if (path === '/inner') response.writeHead(302, { location: 'http://inner.example/x.txt' }).end();
    else response.writeHead(404).end();
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  source = new MemorySource();
  await source.makeFolder('docs', soon());
});

const soon = (): Deadline => Deadline.after(10_000);
const resolve: Resolve = (name, use) => {
  const address = { 'public.example': '127.0.0.1', 'inner.example': '10.0.0.9' }[name];
  if (address === undefined) use(new Error(`no ${name}`), []);
  else use(null, [{ address, family: 4 }]);
};

function fetched(request: MessageInitShape<typeof FetchRequestSchema>, rules = new PathRules(undefined)) {
  const call: Call = { source, family: 'local', rules, writeBit: POST_BIT, deadline: soon() };
  // The server of the test is on an inner address, which therefore is named.
  const outbound = { hosts: ['*', '127.0.0.1'], bytesMax: 1.5 * MIB, timeoutMs: 2000 };
  const url = request.url?.replace(':PORT', `:${port}`) ?? '';
  const message = create(FetchRequestSchema, { ...request, url });
  return fetch(call, message, { outbound, unpackBytesMax: MIB }, resolve);
}

async function kept(): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walkTree(source, '', soon())) paths.push(path);
  return paths;
}

const FILES: [string, string, { path: string; into?: boolean; type?: string }, string, string][] = [
  ['under a name', '/x.txt', { path: 'docs/kept.css' }, 'docs/kept.css', 'text/css'],
  ['named as the address', '/x.txt', { path: 'docs', into: true }, 'docs/x.txt', 'text/plain'],
  [
    'named as the address, decoded',
    '/a/%E6%97%A5%20%2B.txt?a=/b.txt#c',
    { path: '', into: true },
    '日 +.txt',
    'text/plain',
  ],
  ['of a type that only the host knows', '/typed', { path: 'docs', into: true }, 'docs/typed', 'image/png'],
  ['of a type that was said', '/typed', { path: 'docs/x.txt', type: 'a/b' }, 'docs/x.txt', 'a/b'],
];
test.each(FILES)('a file %s', async (_, path, { path: to, into = false, type = '' }, at, contentType) => {
  const head = { path: to, contentType: type };
  const { outcome } = await fetched({ url: `http://public.example:PORT${path}`, head, intoFolder: into });
  expect(outcome).toMatchObject({ case: 'written', value: { entry: { path: at, contentType } } });
  expect(await kept()).toContain(at);
});

test('a zip into a folder', async () => {
  const head = { path: 'docs/site' };
  const { outcome } = await fetched({ url: 'http://public.example:PORT/site.zip', head, unpack: true });
  expect(outcome).toMatchObject({ case: 'unpacked', value: { folder: { path: 'docs/site' }, files: 2 } });
  expect(await kept()).toEqual(['docs', 'docs/site', 'docs/site/a', 'docs/site/a/b.txt', 'docs/site/c']);
});

describe('what cannot be had', () => {
  const CASES: [string, string, string][] = [
    ['http://public.example:PORT/nothing', 'not_found', 'it is not there'],
    ['http://public.example:PORT/error', 'not_found', 'the host fails'],
    ['http://nobody.example/x.txt', 'not_found', 'there is no such host'],
    ['ftp://public.example/x.txt', 'not_found', 'another protocol'],
    ['no address', 'not_found', 'no address'],
    ['http://10.0.0.9/x.txt', 'invalid', 'an inner address'],
    ['http://inner.example/x.txt', 'invalid', 'a name of an inner address'],
    ['http://169.254.169.254/latest/meta-data', 'invalid', 'what a cloud keeps there'],
    ['http://public.example:PORT/inner', 'invalid', 'a redirect to an inner address'],
    ['http://public.example:PORT/said', 'invalid', 'it says that it is too large'],
    ['http://public.example:PORT/large', 'invalid', 'it is too large'],
    ['http://public.example:PORT/broken', 'unavailable', 'it breaks off'],
  ];
  test.each(CASES)('%s: %s, %s', async (url, code) => {
    await expect(fetched({ url, head: { path: 'docs/x' } })).rejects.toMatchObject({ code });
    expect(await kept()).toEqual(['docs']);
  });

  test.each(['/', '/%2e%2e', '/a%2Fb.txt', '/con.txt', '/%00.txt', '/%FF.txt'])('no name in %s', async (path) => {
    const url = `http://public.example:PORT${path}`;
    await expect(fetched({ url, head: { path: 'docs' }, intoFolder: true })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('a name that the role does not allow', async () => {
    const rules = [
      { component: 'docs/', wildcard: true, verbMask: POST_BIT },
      { component: 'docs/x.txt', verbMask: 0 },
    ];
    const request = { url: 'http://public.example:PORT/x.txt', head: { path: 'docs' }, intoFolder: true };
    const failed = fetched(request, new PathRules(create(RulesSchema, { rules })));
    await expect(failed).rejects.toMatchObject({ code: 'denied' });
  });
});
