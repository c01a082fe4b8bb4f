/** Applications as packages, and files in packages of the system. */
import { createHash } from 'node:crypto';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type App, Host, PUBLIC_URL } from './host.ts';

let host: Host;
beforeAll(async () => {
  host = await Host.start();
});
afterAll(() => host?.stop());

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
    const answer = await host.send('POST', 'system/app', form);
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
      {
        name: 'My first app',
        is_active: true,
        type: 1,
        storage_service_id: host.files,
        storage_container: 'MyFirstApp',
      },
    ]);
    expect(body.launch_url).toBe(`${PUBLIC_URL}/files/MyFirstApp/index.html`);
    expect((await host.admin.send('GET', 'files/MyFirstApp/index.html')).text).toBe(PAGE.toString());
    const listed = await host.admin.json<{ resource: string[] }>(
      'GET',
      'files/MyFirstApp/?as_list=true&full_tree=true',
    );
    expect(listed.resource).toEqual(['MyFirstApp/assets/', 'MyFirstApp/assets/a b.txt', 'MyFirstApp/index.html']);
    expect((await host.admin.json<{ resource: object[] }>('GET', 'packed/_table/note')).resource).toHaveLength(2);

    const asked = `pkg=true&include_files=true&service=packed&schema=${encodeURIComponent('{"packed":["note"]}')}`;
    const answer = await fetch(`${host.product.origin}/api/v2/system/app/${body.id}?${asked}`, {
      headers: host.admin.headers,
    });
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

    const gone = await host.admin.json('DELETE', `system/app/${body.id}?delete_storage=true`);
    expect(gone).toEqual({ id: body.id, storage_service_id: host.files, storage_container: 'MyFirstApp' });
    expect((await host.admin.send('GET', 'files/MyFirstApp/index.html')).status).toBe(404);
    const again = await upload(bytes, 'again.dfpkg', {
      storage_service_id: String(host.files),
      storage_container: 'again',
    });
    expect([again.status, again.body.launch_url]).toEqual([200, `${PUBLIC_URL}/files/again/index.html`]);
    expect((await host.admin.send('GET', 'files/again/assets/a%20b.txt')).text).toBe('ab');
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
    const left = async (path: string) => (await host.admin.json<{ resource: object[] }>('GET', path)).resource;
    expect(await left("system/app?filter=name='Broken app'")).toEqual([]);
    expect(await left('system/service?filter=name=broken')).toEqual([]);
  });

  test('an application without a folder of its own keeps its files', async () => {
    const app = await host.appOf({ name: 'rootless', type: 1, storage_service_id: host.files, path: 'index.html' });
    expect((await host.admin.send('DELETE', `system/app/${app.id}?delete_storage=true`)).status).toBe(400);
    expect((await host.admin.send('GET', `system/app/${app.id}`)).status).toBe(200);
  });

  test('nobody imports more than he may', async () => {
    const { api_key } = await host.taskApp('someone');
    const form = new FormData();
    form.set('file', new Blob([packed('Sneaked') as Uint8Array<ArrayBuffer>]), 'app.dfpkg');
    const answer = await fetch(`${host.product.origin}/api/v2/system/app`, {
      ...{ method: 'POST', body: form },
      headers: { 'X-DreamFactory-API-Key': api_key },
    });
    expect([401, 403]).toContain(answer.status);
  });
});

describe('files in packages of the system', () => {
  const MANIFEST = { service: { system: { lookup: [] }, files: ['packing/', 'single.txt'] } };
  const read = async (path: string) => (await host.admin.send('GET', `files/${path}`)).text;
  const load = async (bytes: Uint8Array, options = '') => {
    const answer = await host.send('POST', `system/package${options}`, bytes, { 'Content-Type': 'application/zip' });
    return { status: answer.status, body: (await answer.json()) as { success: boolean; log: Record<string, object> } };
  };
  let archive: Uint8Array;
  beforeAll(async () => {
    await host.admin.send('POST', 'files/packing/deep/');
    await host.send('PUT', 'files/packing/deep/a+b.txt', Buffer.from('deep'));
    await host.send('PUT', 'files/single.txt', Buffer.from('single'));
    await host.admin.send('POST', 'files/plain/');
    await host.send('PUT', 'files/plain/a.txt', Buffer.from('a'));
    await host.publish({ public_path: ['plain'] });
    await host.served('/files/plain/a.txt');
    const answer = await host.send('POST', 'system/package', Buffer.from(JSON.stringify(MANIFEST)), {
      'Content-Type': 'application/json',
    });
    expect(answer.status).toBe(200);
    archive = new Uint8Array(await answer.arrayBuffer());
  });

  test('a manifest names them', async () => {
    const { service } = await host.admin.json<{ service: { files: string[] } }>('GET', 'system/package');
    expect(service.files).toEqual(expect.arrayContaining(['packing/', 'single.txt']));
  });

  test('a package holds them, and gives them back', async () => {
    const md5 = createHash('md5').update('packing/').digest('hex');
    expect(Object.keys(unzipSync(archive)).sort()).toEqual([
      `files/packing/${md5}.zip`,
      ...['files/single.txt', 'package.json', 'system/lookup.json'],
    ]);
    await host.admin.json('DELETE', 'files/packing/?force=true');
    await host.send('PUT', 'files/single.txt', Buffer.from('changed'));
    expect(await load(archive, '?dry_run=true')).toMatchObject({ status: 200, body: { dry_run: true } });
    expect((await host.admin.send('GET', 'files/packing/deep/a+b.txt')).status).toBe(404);
    expect(await load(archive)).toMatchObject({
      status: 200,
      body: { success: true, log: { created: { file: ['files/packing/'] }, skipped: { file: ['files/single.txt'] } } },
    });
    expect([await read('packing/deep/a+b.txt'), await read('single.txt')]).toEqual(['deep', 'changed']);
    expect((await load(archive, '?overwrite=true')).status).toBe(201);
    expect(await read('single.txt')).toBe('single');
  });

  test('a package may be kept in a file service, but not in public', async () => {
    const stored = (storage: object) => host.admin.send('POST', 'system/package', { ...MANIFEST, storage });
    const { status, text } = await stored({ name: 'files', folder: 'kept', filename: 'p.zip' });
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { success: true, path: '/api/v2/files/kept/p.zip', is_public: false },
    ]);
    expect((await host.admin.send('GET', 'files/kept/p.zip')).headers['content-type']).toBe('application/zip');
    expect((await stored({ name: 'files', folder: 'plain', filename: 'p.zip' })).status).toBe(400);
  });

  test.each([
    ['a folder that is not there', { service: { files: ['nowhere/'] } }, 404],
    ['no list', { service: { files: { a: 1 } } }, 400],
    ['a path that climbs', { service: { files: ['../x'] } }, 400],
    ['all of it', { service: { files: ['/'] } }, 400],
  ])('%s: %i', async (_, manifest, status) => {
    expect((await host.admin.send('POST', 'system/package', manifest)).status).toBe(status);
  });

  test('the package of an application is taken there as well', async () => {
    const description = Buffer.from(JSON.stringify({ name: 'By package', type: 0 }));
    const form = new FormData();
    form.set('files', new Blob([zipSync({ 'app.json': description }) as Uint8Array<ArrayBuffer>]), 'a.dfpkg');
    const answer = await host.send('POST', 'system/package', form);
    expect([answer.status, await answer.json()]).toMatchObject([200, { name: 'By package', is_active: true }]);
  });
});
