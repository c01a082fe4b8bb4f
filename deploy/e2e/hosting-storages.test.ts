/** Applications that are stored elsewhere: what their users see is the same, whatever they lie in. */
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Buckets } from '../../storage-svc/s3/testing/buckets.ts';
import { startS3 } from '../testing/s3.ts';
import { suiteWith } from '../testing/suite.ts';
import { type RunningWebdav, startWebdav } from '../testing/webdav.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const PAGE = '<!doctype html><title>Stored elsewhere</title>';
const SCRIPT = 'export const value = 1;\n'.repeat(100);
const HTML = { accept: 'text/html' };

let product: Product;
beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.stop());

/** @param settings  of the service, without what is public */
function servesApplication(name: string, type: string, settings: () => object): void {
  const open = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${product.origin}/${name}/${path}`, { headers, redirect: 'manual' });
  const send = (method: string, path: string, body: Uint8Array, headers: Record<string, string> = {}) =>
    fetch(`${product.origin}/api/v2/${name}/${path}`, {
      ...{ method, body: body as Uint8Array<ArrayBuffer> },
      headers: { ...product.admin.headers, ...headers },
    });

  beforeAll(async () => {
    const config = { ...settings(), public_path: ['shop'] };
    await product.admin.create('system/service', { name, label: name, type, is_active: true, config });
    await until('it is served', async () => (await product.admin.send('GET', `${name}/`)).status === 200 || undefined);
    const zip = zipSync({
      'index.html': Buffer.from(PAGE),
      'assets/main-BX3nTz9k.js': Buffer.from(SCRIPT),
      'assets/é ü.txt': Buffer.from('accents'),
    });
    const answer = await send('POST', 'shop/?extract=true', zip, { 'X-File-Name': 'shop.zip' });
    expect([answer.status, await answer.json()]).toMatchObject([201, { path: 'shop/' }]);
    await until('it is public', async () => (await open('shop/')).status === 200 || undefined);
  });

  test('its pages', async () => {
    for (const [path, headers] of [['shop/'], ['shop/index.html'], ['shop/orders/7', HTML]] as const) {
      const answer = await open(path, headers);
      expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([
        200,
        'no-cache',
        PAGE,
      ]);
    }
    const moved = await open('shop?a=1');
    expect([moved.status, moved.headers.get('location')]).toEqual([301, `/${name}/shop/?a=1`]);
    expect((await open('shop/assets/')).status).toBe(404);
    expect((await open('shop/orders/7')).status).toBe(404);
    expect((await open('other/', HTML)).status).toBe(403);
  });

  test('its assets', async () => {
    const path = 'shop/assets/main-BX3nTz9k.js';
    const packed = await open(path, { 'accept-encoding': 'gzip' });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(packed.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(packed.headers.get('content-type')).toBe('text/javascript;charset=UTF-8');
    expect(await packed.text()).toBe(SCRIPT);
    const etag = packed.headers.get('etag') ?? '';
    expect((await open(path, { 'accept-encoding': 'gzip', 'if-none-match': etag })).status).toBe(304);
    const part = await open(path, { range: 'bytes=7-11' });
    expect([part.status, await part.text()]).toEqual([206, 'const']);
    expect(await (await open('shop/assets/%C3%A9%20%C3%BC.txt')).text()).toBe('accents');
  });

  test('a new version counts at once', async () => {
    for (const text of ['one', 'two', 'three']) {
      await send('PUT', 'shop/version.txt', Buffer.from(text));
      expect(await (await open('shop/version.txt')).text()).toBe(text);
    }
  });

  test('a large one is compressed on its way', async () => {
    const large = Buffer.alloc(3_000_000, '{"name":"a value that is there again and again"},\n');
    await send('PUT', 'shop/large.json', large);
    const answer = await product.admin.send('GET', `/${name}/shop/large.json`, undefined, { 'Accept-Encoding': 'br' });
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'br']);
    const packed = await open('shop/large.json', { 'accept-encoding': 'gzip' });
    expect(Buffer.from(await packed.arrayBuffer()).equals(large)).toBe(true);
  });
}

suiteWith('s3', 'in a bucket', () => {
  let buckets: Buckets;
  beforeAll(async () => {
    buckets = new Buckets(await startS3());
  });
  afterAll(() => buckets?.stop());
  servesApplication('bucket', 'aws_s3', () => buckets.settings());
});

suiteWith('webdav', 'over WebDAV', () => {
  let server: RunningWebdav;
  beforeAll(async () => {
    server = await startWebdav();
    const folder = join(server.files, 'apps');
    mkdirSync(folder);
    chownSync(folder, statSync(server.files).uid, statSync(server.files).gid);
  });
  afterAll(() => server?.stop());
  servesApplication('share', 'webdav_file', () => {
    const { url, user, password } = server;
    return { base_uri: url, username: user, password, auth_type: 2, container: 'apps' };
  });
});
