/** Applications on the running product: deployed as their developers do it, and opened as their users do. */
import { zipSync } from 'fflate';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../testing/available.ts';
import { type RunningS3, startS3 } from '../testing/s3.ts';
import { suiteWith } from '../testing/suite.ts';
import { buildApplication } from './application.ts';
import { type App, Host, PUBLIC_URL } from './host.ts';
import { until } from './process.ts';

let host: Host;
beforeAll(async () => {
  host = await Host.start();
});
afterAll(() => host?.stop());

suiteWith('chromium', 'a single-page application in a browser', () => {
  let browser: Browser;
  let app: App;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox'] });
    app = await host.taskApp('tasks');
    await host.deploy('tasks', await buildApplication('/files/tasks/', app.api_key));
    await host.publish({ public_path: ['tasks'] });
    await host.served('/files/tasks/index.html');
  });
  afterAll(() => browser?.close());

  test('shows what the API answers, writes, and has addresses of its own', async () => {
    const page = await browser.newPage({ viewport: { width: 900, height: 560 } });
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const calls: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/api/v2/'))
        calls.push(`${request.method()} ${request.headers()['x-dreamfactory-api-key']}`);
    });

    await page.goto(app.launch_url.replace(PUBLIC_URL, host.product.origin));
    await page.getByText('Grease the bearings').waitFor();
    expect(await page.locator('li').allTextContents()).toEqual([
      'Check the pumpMill 3',
      'Grease the bearingsMill 1',
      'Clean the trash rackWeir',
    ]);
    await page.getByPlaceholder('A new task').fill('Order <new> belts & bolts');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('Order <new> belts & bolts').waitFor();
    expect(calls.sort()).toEqual([`GET ${app.api_key}`, `GET ${app.api_key}`, `POST ${app.api_key}`]);

    await page.getByText('Clean the trash rack').click();
    await page.getByText('Weir · open').waitFor();
    expect(new URL(page.url()).pathname).toBe('/files/tasks/tasks/3');
    // An address of the application is no file; opened anew, it is the application all the same.
    const answer = await page.reload();
    expect(answer?.status()).toBe(200);
    await page.getByRole('heading', { name: 'Clean the trash rack' }).waitFor();
    expect(complaints).toEqual([]);
    const { resource } = await host.admin.json<{ resource: object[] }>('GET', 'work/_table/task?filter=id=4');
    expect(resource).toMatchObject([{ title: 'Order <new> belts & bolts' }]);
  });

  test('what is injected into its page does not run', async () => {
    await host.send('PUT', 'files/tasks/bad.html', Buffer.from('<p>loaded<script>document.title="hit"</script>'));
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${host.product.origin}/files/tasks/bad.html`);
    await page.getByText('loaded').waitFor();
    expect(await page.title()).toBe('');
  });

  test('its assets stay in the browser, its page is asked for', async () => {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const fromServer = async (): Promise<string[]> => {
      const loaded: string[] = [];
      const note = async (response: import('playwright-core').Response) => {
        const path = new URL(response.url()).pathname;
        const { responseStart } = response.request().timing();
        if (path.startsWith('/files/') && responseStart > 0) loaded.push(path.replace(/-\w+\./, '-#.'));
      };
      const notes: Promise<void>[] = [];
      const listener = (response: import('playwright-core').Response) => notes.push(note(response));
      page.on('response', listener);
      await page.goto(`${host.product.origin}/files/tasks/`);
      await page.getByText('Grease the bearings').waitFor();
      page.off('response', listener);
      await Promise.all(notes);
      return loaded.sort();
    };
    expect(await fromServer()).toEqual([
      '/files/tasks/',
      '/files/tasks/assets/main-#.css',
      '/files/tasks/assets/main-#.js',
    ]);
    const { headers } = await host.open('/files/tasks/');
    expect(headers.get('cache-control')).toBe('no-cache');
  });
});

describe('its files without a browser', () => {
  let contents: Record<string, Uint8Array>;
  let script: string;
  beforeAll(async () => {
    contents = await buildApplication('/files/plain/', 'no key');
    script = Object.keys(contents).find((name) => name.endsWith('.js'))!;
    await host.deploy('plain', contents);
    await host.publish({ public_path: ['tasks', 'plain'] });
    await host.served('/files/plain/index.html');
  });

  test('folders and pages', async () => {
    const moved = await host.open('/files/plain?x=1');
    expect([moved.status, moved.headers.get('location')]).toEqual([301, '/files/plain/?x=1']);
    expect(await (await host.open('/files/plain/?x=1')).text()).toContain('<title>Tasks</title>');
    expect((await host.open('/files/plain/any/where', { accept: 'text/html' })).status).toBe(200);
    expect((await host.open('/files/plain/any/where.js', { accept: 'text/html' })).status).toBe(404);
    expect((await host.open('/files/plain/assets/')).status).toBe(404);
    expect((await host.open('/files/plain/index.html/')).status).toBe(404);
    expect((await host.open('/files/other/page', { accept: 'text/html' })).status).toBe(403);
  });

  test('which folders have pages of an application', async () => {
    const page = async () => (await host.open('/files/plain/any/where', { accept: 'text/html' })).status;
    for (const [spa_path, status] of [
      [[], 404],
      [['/plain/'], 200],
      [['tasks'], 404],
      [null, 200],
    ] as const) {
      await host.publish({ spa_path });
      await until(`${JSON.stringify(spa_path)} is known`, async () => (await page()) === status || undefined);
    }
  });

  test('compressed, conditional, in parts', async () => {
    const path = `/files/plain/${script}`;
    const packed = await host.admin.send('GET', path, undefined, { 'Accept-Encoding': 'br' });
    expect(packed.headers).toMatchObject({
      ...{ 'content-encoding': 'br', vary: 'Accept-Encoding', 'cache-control': 'public, max-age=31536000, immutable' },
      ...{ 'content-type': 'text/javascript;charset=UTF-8', 'x-content-type-options': 'nosniff' },
    });
    const raw = Buffer.from(contents[script]!);
    const encoded = await fetch(`${host.product.origin}${path}`, { headers: { 'accept-encoding': 'br' } });
    expect(Buffer.from(await encoded.arrayBuffer()).equals(raw)).toBe(true);
    const etag = encoded.headers.get('etag')!;
    expect((await host.open(path, { 'accept-encoding': 'br', 'if-none-match': etag })).status).toBe(304);
    const part = await host.open(path, { range: 'bytes=10-19' });
    expect([part.status, await part.text()]).toEqual([206, raw.subarray(10, 20).toString()]);
    const head = await host.open(path, { 'accept-encoding': 'identity' }, 'HEAD');
    expect(head.headers.get('content-length')).toBe(String(raw.length));
  });

  test('a large one is compressed on its way', async () => {
    const large = Buffer.alloc(5_000_000, '{"name":"a value that is there again and again"},\n');
    await host.send('PUT', 'files/plain/large.json', large);
    const answer = await host.admin.send('GET', '/files/plain/large.json', undefined, { 'Accept-Encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    const packed = await fetch(`${host.product.origin}/files/plain/large.json`, {
      headers: { 'accept-encoding': 'br' },
    });
    expect(packed.headers.get('content-encoding')).toBe('br');
    expect(Buffer.from(await packed.arrayBuffer()).equals(large)).toBe(true);
  });

  test('a new version counts at once', async () => {
    for (const text of ['one', 'two', 'three']) {
      await host.send('PUT', 'files/plain/version.txt', Buffer.from(text));
      expect(await (await host.open('/files/plain/version.txt')).text()).toBe(text);
    }
    await host.deploy('plain', { 'index.html': Buffer.from('<title>New</title>') });
    expect(await (await host.open('/files/plain/')).text()).toBe('<title>New</title>');
    expect((await host.open(`/files/plain/${script}`)).status).toBe(404);
  });

  test('headers and caching as they are set', async () => {
    await host.publish({
      cache_seconds: 300,
      public_headers: { 'Content-Security-Policy': "default-src 'none'", 'X-Frame-Options': '' },
    });
    const page = await until('the headers are known', async () => {
      const answer = await host.open('/files/plain/');
      return answer.headers.get('x-frame-options') === null ? answer : undefined;
    });
    expect(page.headers.get('content-security-policy')).toBe("default-src 'none'");
    await host.send('PUT', 'files/plain/a.txt', Buffer.from('a'));
    expect((await host.open('/files/plain/a.txt')).headers.get('cache-control')).toBe('public, max-age=300');
    await host.publish({ cache_seconds: null, public_headers: null });
  });
});

test('where an application opens, by its type', async () => {
  const make = async (record: object) => (await host.appOf({ is_active: true, ...record })).launch_url;
  expect(await make({ name: 'none', type: 0 })).toBe('');
  const stored = { type: 1, storage_service_id: host.files, path: 'index.html' };
  expect(await make({ ...stored, name: 'root' })).toBe(`${PUBLIC_URL}/files/index.html`);
  expect(await make({ ...stored, name: 'folder', storage_container: 'a/b' })).toBe(
    `${PUBLIC_URL}/files/a/b/index.html`,
  );
  expect(await make({ name: 'nowhere', type: 1, path: 'index.html' })).toBe('');
  expect(await make({ name: 'url', type: 2, url: 'https://example.com/x' })).toBe('https://example.com/x');
  expect(await make({ name: 'path', type: 3, path: '/docs' })).toBe(`${PUBLIC_URL}/docs`);
  const { apps } = await host.admin.json<{ apps: { name: string; url: string }[] }>('GET', 'system/environment');
  expect(apps.find(({ name }) => name === 'folder')?.url).toBe(`${PUBLIC_URL}/files/a/b/index.html`);
  const { id } = await host.admin.create('system/service', {
    ...{ name: 'shelf', label: 'Shelf', type: 'local_file', is_active: true },
    config: { container: 'shelf' },
  });
  const app = await host.appOf({ name: 'moving', type: 1, storage_service_id: id, path: 'a.html' });
  await host.admin.json('PATCH', `system/service/${id}`, { name: 'rack' });
  const moved = await host.admin.json<App>('GET', `system/app/${app.id}`);
  expect(moved.launch_url).toBe(`${PUBLIC_URL}/rack/a.html`);
  await host.admin.json('DELETE', `system/service/${id}`);
  expect(await host.admin.json<App>('GET', `system/app/${app.id}`)).toMatchObject({
    storage_service_id: null,
    launch_url: '',
  });
});

suiteWith('s3', 'an application in a bucket', () => {
  let bucket: RunningS3;
  beforeAll(async () => {
    bucket = await startS3();
    const { endpoint, region, key, secret } = bucket;
    const config = { endpoint, region, key, secret, path_style: true, container: `hosted-${process.pid}` };
    await host.admin.create('system/service', {
      ...{ name: 'bucket', label: 'Bucket', type: 'aws_s3', is_active: true },
      config: { ...config, public_path: ['app'], spa_path: ['app'] },
    });
    await until(
      'the bucket is served',
      async () => (await host.admin.send('GET', 'bucket/')).status === 200 || undefined,
    );
    const headers = { 'Content-Type': 'application/zip', 'X-File-Name': 'application.zip' };
    const contents = await buildApplication('/bucket/app/', 'no key');
    expect((await host.send('POST', 'bucket/app/?extract=true', zipSync(contents), headers)).status).toBe(201);
  });
  afterAll(async () => {
    await host.admin.json('DELETE', 'bucket/app/?force=true');
    await bucket?.stop();
  });

  test('is served as one in a folder is', async () => {
    const moved = await host.open('/bucket/app?a=b');
    expect([moved.status, moved.headers.get('location')]).toEqual([301, '/bucket/app/?a=b']);
    const page = await host.open('/bucket/app/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html;charset=UTF-8']);
    const text = await page.text();
    expect(await (await host.open('/bucket/app/any/where', { accept: 'text/html' })).text()).toBe(text);
    const script = /src="([^"]+)"/.exec(text)![1]!;
    const packed = await host.admin.send('GET', script, undefined, { 'Accept-Encoding': 'br' });
    expect(packed.headers).toMatchObject({ 'content-encoding': 'br', 'content-type': 'text/javascript;charset=UTF-8' });
    const again = await host.open('/bucket/app/', { 'if-none-match': page.headers.get('etag')! });
    expect(again.status).toBe(304);
    expect((await host.open('/bucket/app/none.js')).status).toBe(404);
  });

  test('leaves as a package, and comes back', async () => {
    const services = await host.admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=bucket');
    const [{ id: storage_service_id }] = services.resource;
    const stored = { type: 1, path: 'index.html', storage_service_id, storage_container: 'app' };
    const app = await host.appOf({ name: 'In a bucket', is_active: true, ...stored });
    expect(app.launch_url).toBe(`${PUBLIC_URL}/bucket/app/index.html`);
    const asked = `${host.product.origin}/api/v2/system/app/${app.id}?pkg=true&include_files=true`;
    const bytes = new Uint8Array(await (await fetch(asked, { headers: host.admin.headers })).arrayBuffer());
    const form = new FormData();
    form.set('file', new Blob([bytes]), 'back.dfpkg');
    form.set('storage_service_id', String(storage_service_id));
    form.set('storage_container', 'back');
    await host.admin.json('DELETE', `system/app/${app.id}`);
    expect((await host.send('POST', 'system/app', form)).status).toBe(200);
    const { resource } = await host.admin.json<{ resource: string[] }>('GET', 'bucket/back/?as_list=true');
    expect(resource).toEqual(['back/assets/', 'back/index.html']);
  });
});
