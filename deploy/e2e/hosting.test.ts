/** Applications on the running product: deployed as their developers do it, and opened as their users do. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../testing/available.ts';
import { suiteWith } from '../testing/suite.ts';
import { buildApplication } from './application.ts';
import type { Client } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const PUBLIC_URL = 'https://apps.example.com';
const GET = 1;
const POST = 2;

interface App {
  readonly id: number;
  readonly api_key: string;
  readonly launch_url: string;
  readonly [field: string]: unknown;
}

let product: Product;
let admin: Client;
let files: number;

beforeAll(async () => {
  product = await startProduct({ MILLRACE_PUBLIC_URL: PUBLIC_URL });
  admin = product.admin;
  const found = await admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=files');
  files = found.resource[0].id;
  await until('the service is known', async () => (await admin.send('GET', 'files/')).status === 200 || undefined);
  await admin.create('system/service', {
    ...{ name: 'work', label: 'Work', type: 'sqlite', is_active: true },
    config: { database: join(product.folder, 'work.sqlite') },
  });
  await until('it is served', async () => (await admin.send('GET', 'work/_schema')).status === 200 || undefined);
  const field = [
    { name: 'id', type: 'id' },
    ...['title', 'place'].map((name) => ({ name, type: 'string' })),
    { name: 'done', type: 'boolean', default: false },
  ];
  await admin.json('POST', 'work/_schema', { resource: [{ name: 'task', field }] });
  await admin.json('POST', 'work/_table/task', {
    resource: [
      { title: 'Check the pump', place: 'Mill 3', done: true },
      { title: 'Grease the bearings', place: 'Mill 1', done: false },
      { title: 'Clean the trash rack', place: 'Weir', done: false },
    ],
  });
});
afterAll(() => product?.stop());

const publish = (settings: object) => admin.json('PATCH', `system/service/${files}`, { config: settings });
const open = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${product.origin}${path}`, { method, headers, redirect: 'manual' });
const served = (path: string) => until(`${path} is public`, async () => (await open(path)).status === 200 || undefined);
const appOf = async (record: object): Promise<App> =>
  (await admin.json<{ resource: [App] }>('POST', 'system/app?fields=*', { resource: [record] })).resource[0];
const send = (method: string, path: string, body: Uint8Array | FormData, headers: Record<string, string> = {}) =>
  fetch(`${product.origin}/api/v2/${path}`, {
    method,
    body,
    headers: { ...admin.headers, ...headers },
  });

/** By the one upload that the application is. */
async function deploy(folder: string, contents: Record<string, Uint8Array>): Promise<void> {
  const headers = { 'Content-Type': 'application/zip', 'X-File-Name': 'application.zip' };
  const answer = await send('POST', `files/${folder}/?extract=true&clean=true`, zipSync(contents), headers);
  expect([answer.status, await answer.json()]).toMatchObject([201, { path: `${folder}/` }]);
}

/** With a key that may read and add tasks. */
async function taskApp(container: string): Promise<App> {
  const { id: service_id } = (
    await admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=work')
  ).resource[0];
  const rule = { service_id, component: '_table/task/*', verb_mask: GET | POST, requestor_mask: 1 };
  const role = { name: `workers of ${container}`, is_active: true, role_service_access_by_role_id: [rule] };
  const { id: role_id } = await admin.create('system/role', role);
  return appOf({
    ...{ name: `Tasks in ${container}`, description: 'What is to be done', is_active: true, type: 1, role_id },
    ...{ storage_service_id: files, storage_container: container, path: 'index.html' },
  });
}

suiteWith('chromium', 'a single-page application in a browser', () => {
  let browser: Browser;
  let app: App;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox'] });
    app = await taskApp('tasks');
    await deploy('tasks', await buildApplication('/files/tasks/', app.api_key));
    await publish({ public_path: ['tasks'] });
    await served('/files/tasks/index.html');
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

    await page.goto(app.launch_url.replace(PUBLIC_URL, product.origin));
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
    const { resource } = await admin.json<{ resource: object[] }>('GET', 'work/_table/task?filter=id=4');
    expect(resource).toMatchObject([{ title: 'Order <new> belts & bolts' }]);
  });

  test('what is injected into its page does not run', async () => {
    await send('PUT', 'files/tasks/bad.html', Buffer.from('<p>loaded<script>document.title="hit"</script>'));
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${product.origin}/files/tasks/bad.html`);
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
      await page.goto(`${product.origin}/files/tasks/`);
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
    const { headers } = await open('/files/tasks/');
    expect(headers.get('cache-control')).toBe('no-cache');
  });
});

describe('its files without a browser', () => {
  let contents: Record<string, Uint8Array>;
  let script: string;
  beforeAll(async () => {
    contents = await buildApplication('/files/plain/', 'no key');
    script = Object.keys(contents).find((name) => name.endsWith('.js'))!;
    await deploy('plain', contents);
    await publish({ public_path: ['tasks', 'plain'] });
    await served('/files/plain/index.html');
  });

  test('folders and pages', async () => {
    const moved = await open('/files/plain?x=1');
    expect([moved.status, moved.headers.get('location')]).toEqual([301, '/files/plain/?x=1']);
    expect(await (await open('/files/plain/?x=1')).text()).toContain('<title>Tasks</title>');
    expect((await open('/files/plain/any/where', { accept: 'text/html' })).status).toBe(200);
    expect((await open('/files/plain/any/where.js', { accept: 'text/html' })).status).toBe(404);
    expect((await open('/files/plain/assets/')).status).toBe(404);
    expect((await open('/files/plain/index.html/')).status).toBe(404);
    expect((await open('/files/other/page', { accept: 'text/html' })).status).toBe(403);
  });

  test('which folders have pages of an application', async () => {
    const page = async () => (await open('/files/plain/any/where', { accept: 'text/html' })).status;
    for (const [spa_path, status] of [
      [[], 404],
      [['/plain/'], 200],
      [['tasks'], 404],
      [null, 200],
    ] as const) {
      await publish({ spa_path });
      await until(`${JSON.stringify(spa_path)} is known`, async () => (await page()) === status || undefined);
    }
  });

  test('compressed, conditional, in parts', async () => {
    const path = `/files/plain/${script}`;
    const packed = await admin.send('GET', path, undefined, { 'Accept-Encoding': 'br' });
    expect(packed.headers).toMatchObject({
      ...{ 'content-encoding': 'br', vary: 'Accept-Encoding', 'cache-control': 'public, max-age=31536000, immutable' },
      ...{ 'content-type': 'text/javascript;charset=UTF-8', 'x-content-type-options': 'nosniff' },
    });
    const raw = Buffer.from(contents[script]!);
    const encoded = await fetch(`${product.origin}${path}`, { headers: { 'accept-encoding': 'br' } });
    expect(Buffer.from(await encoded.arrayBuffer()).equals(raw)).toBe(true);
    const etag = encoded.headers.get('etag')!;
    expect((await open(path, { 'accept-encoding': 'br', 'if-none-match': etag })).status).toBe(304);
    const part = await open(path, { range: 'bytes=10-19' });
    expect([part.status, await part.text()]).toEqual([206, raw.subarray(10, 20).toString()]);
    const head = await open(path, { 'accept-encoding': 'identity' }, 'HEAD');
    expect(head.headers.get('content-length')).toBe(String(raw.length));
  });

  test('a large one is compressed on its way', async () => {
    const large = Buffer.alloc(5_000_000, '{"name":"a value that is there again and again"},\n');
    await send('PUT', 'files/plain/large.json', large);
    const answer = await admin.send('GET', '/files/plain/large.json', undefined, { 'Accept-Encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    const packed = await fetch(`${product.origin}/files/plain/large.json`, { headers: { 'accept-encoding': 'br' } });
    expect(packed.headers.get('content-encoding')).toBe('br');
    expect(Buffer.from(await packed.arrayBuffer()).equals(large)).toBe(true);
  });

  test('a new version counts at once', async () => {
    for (const text of ['one', 'two', 'three']) {
      await send('PUT', 'files/plain/version.txt', Buffer.from(text));
      expect(await (await open('/files/plain/version.txt')).text()).toBe(text);
    }
    await deploy('plain', { 'index.html': Buffer.from('<title>New</title>') });
    expect(await (await open('/files/plain/')).text()).toBe('<title>New</title>');
    expect((await open(`/files/plain/${script}`)).status).toBe(404);
  });

  test('headers and caching as they are set', async () => {
    await publish({
      cache_seconds: 300,
      public_headers: { 'Content-Security-Policy': "default-src 'none'", 'X-Frame-Options': '' },
    });
    const page = await until('the headers are known', async () => {
      const answer = await open('/files/plain/');
      return answer.headers.get('x-frame-options') === null ? answer : undefined;
    });
    expect(page.headers.get('content-security-policy')).toBe("default-src 'none'");
    await send('PUT', 'files/plain/a.txt', Buffer.from('a'));
    expect((await open('/files/plain/a.txt')).headers.get('cache-control')).toBe('public, max-age=300');
    await publish({ cache_seconds: null, public_headers: null });
  });
});

test('where an application opens, by its type', async () => {
  const make = async (record: object) => (await appOf({ is_active: true, ...record })).launch_url;
  expect(await make({ name: 'none', type: 0 })).toBe('');
  const stored = { type: 1, storage_service_id: files, path: 'index.html' };
  expect(await make({ ...stored, name: 'root' })).toBe(`${PUBLIC_URL}/files/index.html`);
  expect(await make({ ...stored, name: 'folder', storage_container: 'a/b' })).toBe(
    `${PUBLIC_URL}/files/a/b/index.html`,
  );
  expect(await make({ name: 'nowhere', type: 1, path: 'index.html' })).toBe('');
  expect(await make({ name: 'url', type: 2, url: 'https://example.com/x' })).toBe('https://example.com/x');
  expect(await make({ name: 'path', type: 3, path: '/docs' })).toBe(`${PUBLIC_URL}/docs`);
  const { apps } = await admin.json<{ apps: { name: string; url: string }[] }>('GET', 'system/environment');
  expect(apps.find(({ name }) => name === 'folder')?.url).toBe(`${PUBLIC_URL}/files/a/b/index.html`);
  const { id } = await admin.create('system/service', {
    ...{ name: 'shelf', label: 'Shelf', type: 'local_file', is_active: true },
    config: { container: 'shelf' },
  });
  const app = await appOf({ name: 'moving', type: 1, storage_service_id: id, path: 'a.html' });
  await admin.json('PATCH', `system/service/${id}`, { name: 'rack' });
  const moved = await admin.json<App>('GET', `system/app/${app.id}`);
  expect(moved.launch_url).toBe(`${PUBLIC_URL}/rack/a.html`);
  await admin.json('DELETE', `system/service/${id}`);
  expect(await admin.json<App>('GET', `system/app/${app.id}`)).toMatchObject({
    storage_service_id: null,
    launch_url: '',
  });
});

describe('packages of applications', () => {
  const PAGE = Buffer.from('<h1>Packed</h1>');
  const packed = (name: string, more: Record<string, unknown> = {}) => {
    const json = (value: unknown) => Buffer.from(JSON.stringify(value));
    const description = { name, description: 'From a package', type: 1, path: 'index.html' };
    const members = Object.entries(more).map(([file, value]) => [file, json(value)]);
    return zipSync({
      'description.json': json(description),
      ...{ 'index.html': PAGE, 'assets/a b.txt': Buffer.from('ab') },
      ...Object.fromEntries(members),
    });
  };
  const upload = async (bytes: Uint8Array, filename = 'app.dfpkg', fields: Record<string, string> = {}) => {
    const form = new FormData();
    form.set('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), filename);
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const answer = await send('POST', 'system/app', form);
    return { status: answer.status, body: (await answer.json()) as App & { error?: { message: string } } };
  };

  test('in, out, and in again', async () => {
    const schema = {
      service: [
        {
          name: 'packed',
          table: [
            {
              name: 'note',
              field: [
                { name: 'id', type: 'id' },
                { name: 'text', type: 'string' },
              ],
            },
          ],
        },
      ],
    };
    const { status, body } = await upload(
      packed('My first app', {
        'services.json': [{ name: 'packed', label: 'Packed', type: 'sqlite', config: { database: 'packed.sqlite' } }],
        'schema.json': schema,
        'data.json': {
          service: [{ name: 'packed', table: [{ name: 'note', record: [{ text: 'one' }, { text: 'two' }] }] }],
        },
      }),
    );
    expect([status, body]).toMatchObject([
      200,
      { name: 'My first app', is_active: true, type: 1, storage_service_id: files, storage_container: 'MyFirstApp' },
    ]);
    expect(body.launch_url).toBe(`${PUBLIC_URL}/files/MyFirstApp/index.html`);
    expect((await admin.send('GET', 'files/MyFirstApp/index.html')).text).toBe(PAGE.toString());
    const listed = await admin.json<{ resource: string[] }>('GET', 'files/MyFirstApp/?as_list=true&full_tree=true');
    expect(listed.resource).toEqual(['MyFirstApp/assets/', 'MyFirstApp/assets/a b.txt', 'MyFirstApp/index.html']);
    expect((await admin.json<{ resource: object[] }>('GET', 'packed/_table/note')).resource).toHaveLength(2);

    const asked = `pkg=true&include_files=true&service=packed&schema=${encodeURIComponent('{"packed":["note"]}')}`;
    const answer = await fetch(`${product.origin}/api/v2/system/app/${body.id}?${asked}`, { headers: admin.headers });
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="My_first_app.dfpkg"');
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const members = unzipSync(bytes);
    expect(Object.keys(members).sort()).toEqual([
      'assets/a b.txt',
      'description.json',
      'index.html',
      'schema.json',
      'services.json',
    ]);
    expect(Buffer.from(members['index.html']!).toString()).toBe(PAGE.toString());
    expect(JSON.stringify(Object.values(members).map((each) => Buffer.from(each).toString()))).not.toContain(
      body.api_key,
    );

    const gone = await admin.json('DELETE', `system/app/${body.id}?delete_storage=true`);
    expect(gone).toEqual({ id: body.id, storage_service_id: files, storage_container: 'MyFirstApp' });
    expect((await admin.send('GET', 'files/MyFirstApp/index.html')).status).toBe(404);
    const again = await upload(bytes, 'again.dfpkg', { storage_service_id: String(files), storage_container: 'again' });
    expect([again.status, again.body.launch_url]).toEqual([200, `${PUBLIC_URL}/files/again/index.html`]);
    expect((await admin.send('GET', 'files/again/assets/a%20b.txt')).text).toBe('ab');
  });

  test.each([
    ['another name', packed('other'), 'app.zip', 400, 'dfpkg'],
    ['no zip', Buffer.from('no zip'), 'app.dfpkg', 400, 'no zip file'],
    ['no description', zipSync({ 'a.txt': PAGE }), 'app.dfpkg', 400, 'No application description'],
    [
      'a path that climbs',
      zipSync({ 'description.json': Buffer.from('{"name":"climber"}'), '../../x': PAGE }),
      'app.dfpkg',
      400,
      '',
    ],
    ['no start file', zipSync({ 'app.json': Buffer.from('{"name":"pathless","type":1}') }), 'app.dfpkg', 400, 'path'],
  ])('%s is refused', async (_, bytes, filename, status, message) => {
    const answer = await upload(bytes, filename);
    expect(answer.status).toBe(status);
    expect(answer.body.error?.message).toContain(message);
  });

  test('what fails leaves nothing behind', async () => {
    const broken = {
      'services.json': [{ name: 'broken', label: 'Broken', type: 'sqlite', config: { database: 'broken.sqlite' } }],
      'schema.json': {
        service: [{ name: 'broken', table: [{ name: 'a', field: [{ name: 'id', type: 'no such type' }] }] }],
      },
    };
    const { status } = await upload(packed('Broken app', broken));
    expect(status).toBe(400);
    const left = async (path: string) => (await admin.json<{ resource: object[] }>('GET', path)).resource;
    expect(await left("system/app?filter=name='Broken app'")).toEqual([]);
    expect(await left('system/service?filter=name=broken')).toEqual([]);
  });

  test('an application without a folder of its own keeps its files', async () => {
    const app = await appOf({ name: 'rootless', type: 1, storage_service_id: files, path: 'index.html' });
    expect((await admin.send('DELETE', `system/app/${app.id}?delete_storage=true`)).status).toBe(400);
    expect((await admin.send('GET', `system/app/${app.id}`)).status).toBe(200);
  });

  test('nobody imports more than he may', async () => {
    const { api_key } = await taskApp('someone');
    const form = new FormData();
    form.set('file', new Blob([packed('Sneaked') as Uint8Array<ArrayBuffer>]), 'app.dfpkg');
    const answer = await fetch(`${product.origin}/api/v2/system/app`, {
      ...{ method: 'POST', body: form },
      headers: { 'X-DreamFactory-API-Key': api_key },
    });
    expect([401, 403]).toContain(answer.status);
  });
});

describe('files in packages of the system', () => {
  const MANIFEST = { service: { system: { lookup: [] }, files: ['packing/', 'single.txt'] } };
  const read = async (path: string) => (await admin.send('GET', `files/${path}`)).text;
  const load = async (bytes: Uint8Array, options = '') => {
    const answer = await send('POST', `system/package${options}`, bytes, { 'Content-Type': 'application/zip' });
    return { status: answer.status, body: (await answer.json()) as { success: boolean; log: Record<string, object> } };
  };
  let archive: Uint8Array;
  beforeAll(async () => {
    await admin.send('POST', 'files/packing/deep/');
    await send('PUT', 'files/packing/deep/a+b.txt', Buffer.from('deep'));
    await send('PUT', 'files/single.txt', Buffer.from('single'));
    const answer = await send('POST', 'system/package', Buffer.from(JSON.stringify(MANIFEST)), {
      'Content-Type': 'application/json',
    });
    expect(answer.status).toBe(200);
    archive = new Uint8Array(await answer.arrayBuffer());
  });

  test('a manifest names them', async () => {
    const { service } = await admin.json<{ service: { files: string[] } }>('GET', 'system/package');
    expect(service.files).toEqual(expect.arrayContaining(['packing/', 'single.txt']));
  });

  test('a package holds them, and gives them back', async () => {
    const md5 = createHash('md5').update('packing/').digest('hex');
    expect(Object.keys(unzipSync(archive)).sort()).toEqual([
      `files/packing/${md5}.zip`,
      ...['files/single.txt', 'package.json', 'system/lookup.json'],
    ]);
    await admin.json('DELETE', 'files/packing/?force=true');
    await send('PUT', 'files/single.txt', Buffer.from('changed'));
    expect(await load(archive, '?dry_run=true')).toMatchObject({ status: 200, body: { dry_run: true } });
    expect((await admin.send('GET', 'files/packing/deep/a+b.txt')).status).toBe(404);
    expect(await load(archive)).toMatchObject({
      status: 200,
      body: { success: true, log: { created: { file: ['files/packing/'] }, skipped: { file: ['files/single.txt'] } } },
    });
    expect([await read('packing/deep/a+b.txt'), await read('single.txt')]).toEqual(['deep', 'changed']);
    expect((await load(archive, '?overwrite=true')).status).toBe(201);
    expect(await read('single.txt')).toBe('single');
  });

  test('a package may be kept in a file service, but not in public', async () => {
    const stored = (storage: object) => admin.send('POST', 'system/package', { ...MANIFEST, storage });
    const { status, text } = await stored({ name: 'files', folder: 'kept', filename: 'p.zip' });
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { success: true, path: '/api/v2/files/kept/p.zip', is_public: false },
    ]);
    expect((await admin.send('GET', 'files/kept/p.zip')).headers['content-type']).toBe('application/zip');
    expect((await stored({ name: 'files', folder: 'plain', filename: 'p.zip' })).status).toBe(400);
  });

  test.each([
    ['a folder that is not there', { service: { files: ['nowhere/'] } }, 404],
    ['no list', { service: { files: { a: 1 } } }, 400],
    ['a path that climbs', { service: { files: ['../x'] } }, 400],
    ['all of it', { service: { files: ['/'] } }, 400],
  ])('%s: %i', async (_, manifest, status) => {
    expect((await admin.send('POST', 'system/package', manifest)).status).toBe(status);
  });

  test('the package of an application is taken there as well', async () => {
    const description = Buffer.from(JSON.stringify({ name: 'By package', type: 0 }));
    const form = new FormData();
    form.set('files', new Blob([zipSync({ 'app.json': description }) as Uint8Array<ArrayBuffer>]), 'a.dfpkg');
    const answer = await send('POST', 'system/package', form);
    expect([answer.status, await answer.json()]).toMatchObject([200, { name: 'By package', is_active: true }]);
  });
});
