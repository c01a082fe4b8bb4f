/** Files through the whole product, on the local backend: as curl, browsers, tus clients and programs over gRPC use them. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { unzipSync, zipSync } from 'fflate';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { type Client, withKey } from './client.ts';
import { Door, WAYS } from './gateway-door.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

let product: Product;
let admin: Client;
let serviceId: number;

const service = (name: string) => ({
  ...{ name, label: name, type: 'local_file', is_active: true },
  config: { container: name },
});

beforeAll(async () => {
  product = await startProduct();
  admin = product.admin;
  // Every installation begins with it.
  const seeded = await admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=files');
  serviceId = seeded.resource[0].id;
  await until('the service is known', async () => (await admin.send('GET', 'files/')).status === 200 || undefined);
});
afterAll(() => product?.stop());

/** As programs do it that stream. @param path  below the service, encoded */
function fetchFile(method: string, path: string, init: RequestInit = {}, client: Client = admin): Promise<Response> {
  const headers = { ...client.headers, ...(init.headers as Record<string, string>) };
  return fetch(`${product.origin}/api/v2/${path}`, { ...init, method, headers });
}

const put = (path: string, content: string, headers: Record<string, string> = {}) =>
  admin.send('PUT', path, content, { 'Content-Type': 'text/plain', ...headers });
const names = (path: string): Promise<{ resource: string[] }> =>
  admin.json('GET', `${path}?as_list=true&full_tree=true`);

/** Whoever has the key of an app of a role with these rules. */
async function reader(
  name: string,
  ...rules: readonly (readonly [component: string, verbs: number])[]
): Promise<Client> {
  const access = rules.map(([component, verb_mask]) => ({
    service_id: serviceId,
    component,
    verb_mask,
    requestor_mask: 3,
  }));
  const role = await admin.create('system/role', { name, is_active: true, role_service_access_by_role_id: access });
  const record = { name, is_active: true, type: 0, role_id: role.id };
  const app = await admin.json<{ resource: [{ api_key: string }] }>('POST', 'system/app?fields=*', {
    resource: [record],
  });
  const client = product.anyone.as(withKey(app.resource[0].api_key));
  await until('the key is known', async () => (await client.send('GET', 'files/nothing')).status !== 400 || undefined);
  return client;
}

test('20 MB come back as they went, whole and in parts', async () => {
  const content = randomBytes(20 * MIB);
  const digest = createHash('sha256').update(content).digest('base64');
  const headers = { 'Content-Digest': `sha-256=:${digest}:` };
  const pieces = Readable.from(
    (function* () {
      for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
    })(),
  );
  // Of a length that nobody knows beforehand.
  const sent = await fetchFile('PUT', 'files/large.bin', { body: pieces, duplex: 'half', headers } as RequestInit);
  expect([sent.status, await sent.json()]).toEqual([201, { name: 'large.bin', path: 'large.bin', type: 'file' }]);

  const got = await fetchFile('GET', 'files/large.bin', { headers: { 'Want-Repr-Digest': 'sha-256=1' } });
  expect(got.headers.get('repr-digest')).toBe(`sha-256=:${digest}:`);
  expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
  expect(got.headers.get('etag')).toBe(sent.headers.get('etag'));

  const part = await fetchFile('GET', 'files/large.bin', { headers: { Range: 'bytes=10000000-10999999' } });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 10000000-10999999/${content.length}`]);
  expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(10_000_000, 11_000_000))).toBe(true);

  const parts = await fetchFile('GET', 'files/large.bin', { headers: { Range: 'bytes=0-9,-10' } });
  const body = Buffer.from(await parts.arrayBuffer());
  expect([body.includes(content.subarray(0, 10)), body.includes(content.subarray(-10))]).toEqual([true, true]);
  expect(body.length).toBe(Number(parts.headers.get('content-length')));

  const head = await fetchFile('HEAD', 'files/large.bin');
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(content.length)]);
});

test('versions: nobody writes over what he has not seen', async () => {
  const first = await put('files/v.txt', 'one');
  const etag = String(first.headers['etag']);
  expect((await admin.send('GET', 'files/v.txt', undefined, { 'If-None-Match': etag })).status).toBe(304);
  expect((await put('files/v.txt', 'two', { 'If-Match': etag })).status).toBe(201);
  expect((await put('files/v.txt', 'three', { 'If-Match': etag })).status).toBe(412);
  expect((await put('files/v.txt', 'four', { 'If-None-Match': '*' })).status).toBe(412);
  expect((await put('files/v.txt?check_exist=true', 'five')).status).toBe(400);
  const races = await Promise.all([1, 2, 3, 4].map((n) => put('files/race.txt', `${n}`, { 'If-None-Match': '*' })));
  expect(races.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412]);
  const answer = await admin.send('GET', 'files/v.txt', undefined, { Range: 'bytes=0-0', 'If-Range': etag });
  expect([answer.status, answer.text]).toEqual([200, 'two']);
});

test.each(['with blanks & + signs', '100% #1?.txt', 'it\'s "quoted".txt', 'Größe.txt', 'e\u0301.txt', '日本語 🎉.txt'])(
  'the name %s comes back as it was given',
  async (name) => {
    const path = `files/${encodeURIComponent(name)}`;
    expect((await fetchFile('PUT', path, { body: name })).status).toBe(201);
    expect(await (await fetchFile('GET', path)).text()).toBe(name);
    expect((await names('files/')).resource).toContain(name);
    expect((await fetchFile('DELETE', path)).status).toBe(200);
  },
);

test('a form of a browser', async () => {
  const form = new FormData();
  form.append('note', 'not a file');
  form.append('files[]', new File([randomBytes(300_000)], 'a picture.png'));
  form.append('files[]', new File(['<p>page</p>'], 'p.html'));
  await admin.send('POST', 'files/form/');
  const answer = await fetchFile('POST', 'files/form/', { body: form });
  expect([answer.status, await answer.json()]).toEqual([
    201,
    {
      resource: [
        { name: 'apicture.png', path: 'form/apicture.png', type: 'file' },
        { name: 'p.html', path: 'form/p.html', type: 'file' },
      ],
    },
  ]);
  expect((await names('files/form/')).resource).toEqual(['form/apicture.png', 'form/p.html']);
});

test('a sender who leaves in the middle leaves nothing', async () => {
  const call = request(`${product.origin}/api/v2/files/half.bin`, { method: 'PUT', headers: admin.headers });
  call.on('error', () => {});
  await new Promise((resolve) => call.write(Buffer.alloc(4 * MIB), resolve));
  call.destroy();
  await until('it is over', async () => (await admin.send('GET', 'files/half.bin')).status === 404 || undefined);
  expect((await names('files/')).resource).not.toContain('half.bin');
});

describe('folders', () => {
  test('a zip goes in and comes out; copies, moves, removal', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`in/${String(n).padStart(3, '0')}.txt`, Buffer.from(`content ${n}`)]),
    );
    await admin.send('POST', 'files/zips/');
    const zip = Buffer.from(zipSync(files));
    const unpacked = await admin.send('POST', 'files/zips/z.zip?extract=true', zip, {
      'Content-Type': 'application/zip',
    });
    expect([unpacked.status, JSON.parse(unpacked.text)]).toEqual([201, { name: 'zips', path: 'zips/', type: 'file' }]);
    expect((await names('files/zips/in/')).resource).toHaveLength(500);

    const packed = await fetchFile('GET', 'files/zips/in/?zip=true');
    expect(packed.headers.get('content-disposition')).toBe('attachment; filename="in.zip";');
    const out = unzipSync(new Uint8Array(await packed.arrayBuffer()));
    expect(Object.keys(out).filter((name) => !name.endsWith('/'))).toHaveLength(500);

    const items = [
      { type: 'folder', name: 'copy', source_path: 'zips/in/' },
      { type: 'file', name: 'moved.txt', source_path: 'zips/in/007.txt', delete_source: true },
      { type: 'file', name: 'copy/008.txt', source_path: 'zips/in/007.txt' },
    ];
    const { resource } = await admin.json<{ resource: { error?: object }[] }>('POST', 'files/', { resource: items });
    expect(resource.map(({ error }) => error !== undefined)).toEqual([false, false, true]);
    expect((await names('files/copy/')).resource).toHaveLength(500);
    expect((await admin.send('GET', 'files/moved.txt')).text).toBe('content 7');
    expect((await admin.send('DELETE', 'files/copy/')).status).toBe(400);
    expect((await admin.send('DELETE', 'files/copy/?force=true')).status).toBe(200);
    expect((await admin.send('GET', 'files/copy/')).status).toBe(404);
  });

  test('a zip that climbs is refused, and nothing of it is there', async () => {
    const zip = Buffer.from(zipSync({ 'fine.txt': Buffer.from('x'), '../../climbed.txt': Buffer.from('x') }));
    const answer = await admin.send('POST', 'files/evil.zip?extract=true', zip, { 'Content-Type': 'application/zip' });
    expect(answer.status).toBe(400);
    expect((await names('files/')).resource).not.toContain('fine.txt');
  });
});

test('no address within is fetched from', async () => {
  const answer = await admin.send('POST', `files/?url=${encodeURIComponent(`${product.origin}/status`)}`);
  expect(answer.status).toBe(400);
});

test('roles decide for every path', async () => {
  await admin.json('POST', 'files/', {
    resource: [
      { type: 'folder', name: 'open' },
      { type: 'file', name: 'open/a.txt', content: 'a' },
      { type: 'file', name: 'open/secret.txt', content: 'secret' },
    ],
  });
  const client = await reader('readers', ['open/*', 1], ['open/secret.txt', 0]);
  expect((await client.send('GET', 'files/open/a.txt')).text).toBe('a');
  expect((await client.send('GET', 'files/OPEN%2Fsecret.txt')).status).toBe(401);
  expect(JSON.parse((await client.send('GET', 'files/open/?as_list=true')).text)).toEqual({ resource: ['open/a.txt'] });
  const zip = await fetchFile('GET', 'files/open/?zip=true', {}, client);
  expect(Object.keys(unzipSync(new Uint8Array(await zip.arrayBuffer())))).not.toContain('open/secret.txt');
  expect((await client.send('PUT', 'files/open/b.txt', 'x')).status).toBe(401);
});

test('an address with a signature needs no key, until the service is gone', async () => {
  const { id } = await admin.create('system/service', service('short'));
  await until('the service is known', async () => (await admin.send('GET', 'short/')).status === 200 || undefined);
  await put('short/a b.txt', 'signed');
  const { signed_url: url } = await admin.json<{ signed_url: string }>(
    'GET',
    'short/a b.txt?include_properties=true&signed_url=true&expires_in=60',
  );
  expect((await product.anyone.send('GET', url)).text).toBe('signed');
  expect((await product.anyone.send('GET', url.replace('signature=', 'signature=x'))).status).toBe(403);
  expect((await product.anyone.send('DELETE', url)).status).toBe(403);
  await admin.json('DELETE', `system/service/${id}`);
  await until('it is gone', async () => (await product.anyone.send('GET', url)).status !== 200 || undefined);
});

test('a tus client is cut off, and goes on where it was', async () => {
  const content = randomBytes(3 * MIB);
  const options = {
    endpoint: `${product.origin}/api/v2/files/`,
    headers: admin.headers as Record<string, string>,
    chunkSize: MIB,
    metadata: { filename: 'by tus.bin', filetype: 'application/octet-stream' },
    retryDelays: null,
  };
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(content, {
      ...options,
      onError: reject,
      onChunkComplete: () => void upload.abort().then(() => resolve(String(upload.url)), reject),
    });
    upload.start();
  });
  const seen = await fetch(url, { method: 'HEAD', headers: { ...admin.headers, 'Tus-Resumable': '1.0.0' } });
  expect(Number(seen.headers.get('upload-offset'))).toBeGreaterThan(0);
  expect((await admin.send('GET', 'files/by tus.bin')).status).toBe(404);
  await new Promise<void>((resolve, reject) => {
    new Upload(content, { ...options, uploadUrl: url, onError: reject, onSuccess: () => resolve() }).start();
  });
  const got = await fetchFile('GET', `files/${encodeURIComponent('by tus.bin')}`);
  expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
});

test.each(WAYS)('over gRPC: %s', async (way) => {
  const door = new Door(product.gateways[0] as string);
  onTestFinished(() => door.close());
  const client = door.client(way, admin);
  const path = `files/grpc-${way}.json`;
  // JSON that would be another verb in a record's body, and one that is none.
  expect((await client.send('POST', path, '{"_method":"DELETE"}')).status).toBe(201);
  expect((await client.send('GET', path)).text).toBe('{"_method":"DELETE"}');
  expect((await client.send('PUT', path, '{')).status).toBe(201);
  const head = await client.send('HEAD', path);
  expect([head.status, head.text]).toEqual([200, '']);
  const { resource } = JSON.parse((await client.send('GET', 'files/?as_list=true')).text) as { resource: string[] };
  expect(resource).toContain(`grpc-${way}.json`);
  expect((await client.send('DELETE', path)).status).toBe(200);
});

test('an Idempotency-Key is for what has no content', async () => {
  const once = (name: string) => {
    const headers = { 'X-Folder-Name': name, 'Idempotency-Key': 'folder-1', 'Content-Type': 'text/plain' };
    return admin.send('POST', 'files/', undefined, headers);
  };
  expect((await once('once')).status).toBe(201);
  const again = await once('once');
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
  expect((await once('other')).status).toBe(422);
  expect((await put('files/k.txt', 'x', { 'Idempotency-Key': 'k' })).status).toBe(400);
});

test('scripts stand before and behind calls', async () => {
  const scripts: Readonly<Record<string, string>> = {
    'files.{file_path}.put.pre_process': `if (event.resource.endsWith('.exe')) throw 'no programs';`,
    'files.{folder_path}.get.post_process': 'event.response.content.seen = true;',
  };
  for (const [name, content] of Object.entries(scripts)) {
    const record = { type: 'nodejs', is_active: true, allow_event_modification: true, content };
    await admin.json('POST', `system/event_script/${name}`, record);
  }
  onTestFinished(async () => {
    for (const name of Object.keys(scripts)) await admin.json('DELETE', `system/event_script/${name}`);
  });
  await put('files/data.json', '{"a":1}');
  const listed = async (): Promise<unknown> => JSON.parse((await admin.send('GET', 'files/form/')).text);
  await until('the scripts are known', async () => ('seen' in ((await listed()) as object) ? true : undefined));
  expect((await put('files/x.exe', 'x')).status).toBe(500);
  expect((await admin.send('GET', 'files/x.exe')).status).toBe(404);
  expect((await put('files/x.txt', 'x')).status).toBe(201);
  expect((await admin.send('GET', 'files/data.json')).text).toBe('{"a":1}');
});

test('its document', async () => {
  const { paths } = await admin.json<{ paths: object }>('GET', 'api_docs/files');
  expect(Object.keys(paths)).toEqual(['/', '/{folder_path}/', '/{file_path}']);
  expect((await admin.send('GET', 'files/_spec')).status).toBe(200);
});

describe('public files', () => {
  const open = (path: string, init: RequestInit = {}) => fetch(`${product.origin}/shown/${path}`, init);
  beforeAll(async () => {
    const { name, label, type, is_active } = service('shown');
    const config = { container: 'shown', public_path: ['site/', '/docs/one.txt'] };
    await admin.create('system/service', { name, label, type, is_active, config });
    await until('the service is known', async () => (await admin.send('GET', 'shown/')).status === 200 || undefined);
    for (const folder of ['site', 'site/deep', 'docs']) await admin.send('POST', `shown/${folder}/`);
    await put('shown/site/index.html', '<h1>Hello</h1>');
    await put('shown/site/deep/a b+.txt', 'deep');
    await put('shown/docs/one.txt', 'one');
    await put('shown/docs/two.txt', 'two');
    await put('shown/top.txt', 'top');
  });

  test.each([
    ['site/index.html', 200, '<h1>Hello</h1>'],
    ['site/deep/a%20b+.txt', 200, 'deep'],
    ['docs/one.txt', 200, 'one'],
    ['docs/one.txt?download=true&include_properties=true', 200, 'one'],
    ['docs/two.txt', 403, undefined],
    ['top.txt', 403, undefined],
    ['sit/index.html', 403, undefined],
    ['site/nothing', 404, undefined],
    ['site/', 200, '<h1>Hello</h1>'],
    ['site/deep/', 404, undefined],
    ['site/..%2fdocs/two.txt', 400, undefined],
  ])('%s without a key: %i', async (path, status, text) => {
    const answer = await open(path);
    expect(answer.status).toBe(status);
    const body = await answer.text();
    if (text !== undefined) expect(body).toBe(text);
    else expect(body).not.toContain('two');
  });

  test('pages may be pages, and nobody writes', async () => {
    const page = await open('site/index.html');
    expect(page.headers.get('content-type')).toBe('text/html;charset=UTF-8');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect((await open('site/index.html', { headers: { range: 'bytes=1-2' } })).status).toBe(206);
    expect((await open('site/index.html', { method: 'HEAD' })).status).toBe(200);
    expect((await open('site/index.html', { method: 'PUT', body: 'x' })).status).toBe(404);
    expect(await (await open('site/index.html')).text()).toBe('<h1>Hello</h1>');
  });

  test('what is public no longer is refused', async () => {
    const found = await admin.json<{ resource: [{ id: number }] }>('GET', 'system/service?filter=name=shown');
    await admin.json('PATCH', `system/service/${found.resource[0].id}`, { config: { public_path: null } });
    await until('it is closed', async () => (await open('site/index.html')).status === 403 || undefined);
  });
});
