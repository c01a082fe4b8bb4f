/** Ways to sign in, a proxy, packed listings. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ServiceConfig } from '#common/engine.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { type RunningWebdav, startWebdav, type WebdavOptions } from '../../deploy/testing/webdav.ts';
import { Bench } from '../conformance/bench.ts';
import { backend } from './index.ts';

/** Passes plain requests on, and says which. */
async function startProxy(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const proxy: Server = createServer((request, response) => {
    const { hostname, port, pathname } = new URL(request.url ?? '');
    seen.push(`${request.headers['proxy-authorization']} ${request.method}`);
    const { 'proxy-authorization': _, connection: __, ...headers } = request.headers;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const upstream = connect(Number(port), hostname);
    upstream.write(
      Buffer.from(`${request.method} ${pathname} HTTP/1.1\r\n${lines.join('')}connection: close\r\n\r\n`, 'latin1'),
    );
    const isChunked = request.headers['transfer-encoding'] === 'chunked';
    request.on('data', (piece: Buffer) => {
      if (!isChunked) return upstream.write(piece);
      upstream.write(`${piece.length.toString(16)}\r\n`);
      upstream.write(piece);
      return upstream.write('\r\n');
    });
    request.on('end', () => isChunked && upstream.write('0\r\n\r\n'));
    const socket = response.socket;
    if (socket) upstream.pipe(socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { url: `http://us%20er:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen };
}

const VARIANTS: readonly { why: string; options: WebdavOptions; config: ServiceConfig }[] = [
  { why: 'Basic, as the settings say', options: { auth: 'Basic' }, config: { auth_type: 1 } },
  { why: 'Basic, as the server asks', options: { auth: 'Basic' }, config: {} },
  { why: 'Digest, as the server asks', options: {}, config: {} },
  {
    why: 'packed listings',
    options: { lines: ['SetOutputFilter DEFLATE'] },
    config: { auth_type: 2, encoding: 4 },
  },
];

suiteWith('webdav', 'WebDAV in other ways', () => {
  async function opened(server: RunningWebdav, config: ServiceConfig): Promise<Bench> {
    const { url: base_uri, user: username, password } = server;
    const context = { dataDir: '', serviceName: 'files', connectionsMax: 2 };
    const source = backend.open({ base_uri, username, password, container: '/', ...config }, context);
    onTestFinished(() => source.close());
    return new Bench(source, { backend, lacks: {}, open: async () => source });
  }

  async function tryAll(bench: Bench): Promise<void> {
    await bench.makeFolders('ä b');
    const content = 'content '.repeat(100_000);
    await bench.put('ä b/x #1', content);
    await bench.put('ä b/x #1', content, { size: content.length });
    expect(await bench.paths('ä b')).toEqual(['ä b/x #1']);
    expect(await bench.text('ä b/x #1')).toBe(content);
    expect(await bench.text('ä b/x #1', { range: { offset: 8, length: 7 } })).toBe('content');
    await bench.source.remove('ä b/x #1', bench.deadline());
    await bench.source.removeFolder('ä b', bench.deadline());
    expect(await bench.paths('')).toEqual([]);
  }

  test.each(VARIANTS)('$why', async ({ options, config }) => {
    const server = await startWebdav(options);
    onTestFinished(() => server.stop());
    await tryAll(await opened(server, config));
  });

  let server: RunningWebdav;
  beforeAll(async () => {
    server = await startWebdav();
  });
  afterAll(() => server?.stop());

  test('through a proxy', async () => {
    const proxy = await startProxy();
    await tryAll(await opened(server, { proxy: proxy.url }));
    expect(new Set(proxy.seen)).toContain(`Basic ${Buffer.from('us er:pass').toString('base64')} PUT`);
  });

  test('content of another size than was said', async () => {
    const bench = await opened(server, {});
    await expect(bench.put('a', 'four', { size: 5 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(bench.put('a', 'four', { size: 3 })).rejects.toMatchObject({ code: 'invalid' });
    expect(await bench.paths('')).toEqual([]);
  });
});
