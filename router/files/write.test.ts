/** What POST, PUT, PATCH and DELETE do; through the whole request path, over a storage in memory. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Family } from '#proto/files/v1/files_pb.ts';
import { fileRule, headerOf, json, messageOf, Served } from '../testing/files.ts';

const BOUNDARY = 'BoUnDaRy42';
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const JSON_TYPE = { 'content-type': 'application/json' };

/** [field, file name, content] of each. */
const formOf = (...files: readonly (readonly [string, string | undefined, string])[]): string =>
  files
    .map(([field, name, content]) => {
      const filename = name === undefined ? '' : `; filename="${name}"`;
      return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${filename}\r\nContent-Type: text/plain\r\n\r\n${content}\r\n`;
    })
    .join('')
    .concat(`--${BOUNDARY}--\r\n`);

const listOf = (...resource: readonly object[]): string => JSON.stringify({ resource });
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');

describe('raw bodies', () => {
  test.each(['POST', 'PUT'])('%s writes a file, whatever its type, and says its version', async (method) => {
    const served = new Served();
    const answer = await served.send(method, '/docs/new.json', { body: '{"a":', headers: JSON_TYPE, streamed: true });
    expect(answer.status).toBe(201);
    expect(json(answer)).toEqual({ name: 'new.json', path: 'docs/new.json', type: 'file' });
    expect(served.store.text('docs/new.json')).toBe('{"a":');
    expect(headerOf(answer, 'etag')).toBe('"v6"');
    expect(served.store.contexts[0]).toMatchObject({ service: 'files', writeBit: method === 'PUT' ? 4 : 2 });
  });

  test('a body that is here as a whole is taken as well, and none is an empty file', async () => {
    const served = new Served();
    expect((await served.send('POST', '/a', { body: 'x', headers: { 'content-type': 'text/plain' } })).status).toBe(
      201,
    );
    expect((await served.send('POST', '/b')).status).toBe(201);
    expect([served.store.text('a'), served.store.text('b')]).toEqual(['x', '']);
  });

  test.each([
    ['hdr.txt', 'docs/hdr.txt'],
    ['er/x.txt', 'deep/er/x.txt'],
    [Buffer.from('Ελλάδα.txt').toString('latin1'), 'docs/Ελλάδα.txt'],
    ["UTF-8''%E2%82%AC.txt", 'docs/€.txt'],
    ['100%.txt', 'docs/100%.txt'],
  ])('X-File-Name: %s', async (name, path) => {
    const served = new Served();
    const folder = path.slice(0, path.indexOf('/'));
    const headers = { 'x-file-name': name, 'content-type': 'text/plain' };
    const answer = await served.send('POST', `/${folder}/`, { body: 'x', headers, streamed: true });
    expect(json(answer)).toEqual({ name: path.split('/').at(-1), path, type: 'file' });
    expect(served.store.text(path)).toBe('x');
  });

  test.each([
    ['/nosuch/x.txt', {}, 404, "Folder 'nosuch' does not exist."],
    ['/docs/a.txt?check_exist=true', {}, 400, "File 'docs/a.txt' already exists."],
    ['/docs/', { 'x-file-name': '../x' }, 400, undefined],
    ['/docs/a.txt', { 'if-none-match': '*' }, 412, undefined],
    ['/docs/a.txt', { 'if-match': '"v1"' }, 412, undefined],
    ['/docs/new', { 'if-match': '*' }, 412, undefined],
    ['/docs/a.txt', { 'content-digest': `sha-256=:${sha256('y')}:` }, 400, undefined],
    ['/docs/a.txt', { digest: `SHA-256=${sha256('y')}` }, 400, undefined],
    ['/docs/a.txt', { 'content-digest': 'sha-256=:AAAA:' }, 400, undefined],
  ])('%s with %j is refused with %i', async (target, headers: Record<string, string>, status, message) => {
    const served = new Served();
    const answer = await served.send('PUT', target, { body: 'x', headers, streamed: true });
    expect(answer.status).toBe(status);
    if (message !== undefined) expect(messageOf(answer)).toBe(message);
    expect(served.store.text('docs/a.txt')).toBe('hello a');
  });

  test.each([
    { 'if-match': '"v2"' },
    { 'if-match': '*' },
    { 'if-none-match': '"v1"' },
    { 'content-digest': `crc=:AA==:, sha-256=:${sha256('x')}:` },
    { 'repr-digest': `sha-256=:${sha256('x')}:` },
    { digest: `sha-256=${sha256('x')}` },
  ])('%j lets a file be replaced', async (headers) => {
    const served = new Served();
    await served.send('PUT', '/docs/a.txt', { body: 'x', headers: headers as Record<string, string>, streamed: true });
    expect(served.store.text('docs/a.txt')).toBe('x');
  });

  test('a name that is no proper percent-encoding is refused', async () => {
    const headers = { 'x-file-name': "UTF-8''%E2%82" };
    expect((await new Served().send('POST', '/', { body: 'x', headers, streamed: true })).status).toBe(400);
  });
});

describe('forms', () => {
  const post = (served: Served, target: string, body: string, headers: Record<string, string> = {}) =>
    served.send('POST', target, { body, headers: { ...FORM, ...headers }, streamed: true });

  test.each([
    ['m one.txt', 'mone.txt'],
    ['../../evil.txt', 'evil.txt'],
    ['C:\\\\fakepath\\\\x..y.html', 'x.y.html'],
  ])('the name %s becomes %s', async (given, name) => {
    const served = new Served();
    const answer = await post(served, '/docs/', formOf(['files', given, 'multi one']));
    expect([answer.status, json(answer)]).toEqual([201, { resource: [{ name, path: `docs/${name}`, type: 'file' }] }]);
    expect(served.store.text(`docs/${name}`)).toBe('multi one');
  });

  test('several files, other fields beside them', async () => {
    const served = new Served();
    const body = formOf(['note', undefined, 'x'], ['files[]', 'm1.txt', 'm1'], ['files[]', 'm2.csv', 'a,b\r\n1,2\r\n']);
    await post(served, '/', body);
    expect([served.store.text('m1.txt'), served.store.text('m2.csv')]).toEqual(['m1', 'a,b\r\n1,2\r\n']);
  });

  test('the same where the body is here as a whole', async () => {
    const served = new Served();
    await served.send('POST', '/', { body: formOf(['files', 'm.txt', 'm']), headers: FORM });
    expect(served.store.text('m.txt')).toBe('m');
  });

  test('to a file the address gives the name', async () => {
    const served = new Served();
    const answer = await post(served, '/docs/named.txt', formOf(['files', 'other.txt', 'named']));
    expect(json(answer)).toEqual({ name: 'named.txt', path: 'docs/named.txt', type: 'file' });
    expect(served.store.text('docs/named.txt')).toBe('named');
  });

  test('two files to the path of one are refused before anything is there', async () => {
    const served = new Served();
    const answer = await post(served, '/docs/n.txt', formOf(['files[]', 'a', '1'], ['files[]', 'b', '2']));
    expect([answer.status, messageOf(answer)]).toEqual([
      400,
      "Multiple files uploaded to a single REST resource 'n.txt'.",
    ]);
    expect(served.store.text('docs/n.txt')).toBeUndefined();
  });

  test.each([
    ['without a file', formOf(['note', undefined, 'x'])],
    ['cut off', formOf(['files', 'cut.txt', 'x']).slice(0, -10)],
    ['of no name', formOf(['files', '日本', 'x'])],
    ['that is none', 'what is this'],
  ])('one %s is refused', async (_why, body) => {
    const served = new Served();
    const before = served.store.paths;
    expect((await post(served, '/docs/', body)).status).toBe(400);
    expect(served.store.paths).toEqual(before);
  });

  test('one that is in the way, where that is asked; what came before stays', async () => {
    const served = new Served();
    const body = formOf(['files[]', 'new.txt', '1'], ['files[]', 'a.txt', '2']);
    const answer = await post(served, '/docs/?check_exist=true', body);
    expect([answer.status, messageOf(answer)]).toEqual([400, "File 'docs/a.txt' already exists."]);
    expect([served.store.text('docs/new.txt'), served.store.text('docs/a.txt')]).toEqual(['1', 'hello a']);
  });
});

describe('folders', () => {
  test.each([
    ['/new/', {}, { name: 'new', path: 'new/' }],
    ['/deep/new/', {}, { name: 'new', path: 'deep/new/' }],
    ['/docs/', { 'x-folder-name': 'hdr' }, { name: 'hdr', path: 'docs/hdr' }],
  ])('%s %j', async (target, headers, value) => {
    const answer = await new Served().send('POST', target, { headers });
    expect([answer.status, json(answer)]).toEqual([201, value]);
  });

  test.each([
    ['/docs/', {}, "Folder 'docs/' already exists."],
    ['/', {}, 'Invalid empty path.'],
    ['/', { 'x-folder-name': 'docs' }, "Folder 'docs/' already exists."],
    ['/', { 'x-folder-name': '/' }, 'X-Folder-Name names no folder.'],
  ])('%s %j is refused', async (target, headers, message) => {
    const answer = await new Served().send('POST', target, { headers });
    expect([answer.status, messageOf(answer)]).toEqual([400, message]);
  });

  test('a single object that is no list counts as nothing', async () => {
    const answer = await new Served().send('POST', '/new/', { body: '{"name":"x","type":"file"}', headers: JSON_TYPE });
    expect(json(answer)).toEqual({ name: 'new', path: 'new/' });
  });
});

describe('lists', () => {
  test('folders, contents, copies and moves; each fails alone', async () => {
    const served = new Served();
    const body = listOf(
      { name: 'sub', type: 'folder' },
      { name: 'c.txt', type: 'file', content: 'hi' },
      { name: 'b.bin', type: 'file', content: 'AAEC', is_base64: true },
      { type: 'file', source_path: 'docs/a.txt' },
      { name: 'c.txt', type: 'file', source_path: 'docs/d.json' },
      { name: 'm.json', type: 'file', source_path: '/docs/d.json', delete_source: true },
      { name: 'docs2', type: 'folder', source_path: 'docs/' },
      { name: 'q', type: 'unknown' },
      { name: 'z.txt', type: 'file', source_path: 'docs/nosuch.txt' },
      { name: '../z.txt', type: 'file', content: '' },
      { name: 'n.txt', type: 'file' },
      { type: 'folder' },
      { name: 'x.bin', type: 'file', content: '?', is_base64: true },
    );
    const answer = await served.send('POST', '/deep/', { body, headers: JSON_TYPE });
    expect(answer.status).toBe(201);
    const { resource } = json(answer) as { resource: { path: string; type: string; error?: { message: string } }[] };
    expect(resource.map(({ path, error }) => [path, error === undefined])).toEqual([
      ['deep/sub/', true],
      ['deep/c.txt', true],
      ['deep/b.bin', true],
      ['deep/a.txt', true],
      ['deep/c.txt', false],
      ['deep/m.json', true],
      ['deep/docs2/', true],
      ['deep/z.txt', false],
      ['../z.txt', false],
      ['deep/n.txt', false],
      ['deep/', false],
      ['deep/x.bin', false],
    ]);
    expect(resource[4]?.error?.message).toBe("File 'deep/c.txt' already exists.");
    expect(served.store.kept.get('deep/b.bin')?.content).toEqual(Buffer.from([0, 1, 2]));
    expect(served.store.paths).not.toContain('docs/d.json');
    expect(served.store.text('deep/docs2/a.txt')).toBe('hello a');
  });

  test('in XML', async () => {
    const served = new Served();
    const body = '<dfapi><resource><name>x</name><type>folder</type></resource></dfapi>';
    const answer = await served.send('POST', '/', { body, headers: { 'content-type': 'application/xml' } });
    expect([answer.status, served.store.paths.includes('x')]).toEqual([201, true]);
  });

  test('what is no JSON is refused, and makes no folder', async () => {
    const served = new Served();
    expect((await served.send('POST', '/new/', { body: '{"resource":[', headers: JSON_TYPE })).status).toBe(400);
    expect(served.store.calls).toEqual([]);
  });
});

describe('zips and addresses', () => {
  const ZIP = { 'content-type': 'application/zip' };
  test.each([
    ['/docs/z.zip?extract=true', {}, 'unpack docs', { name: 'docs', path: 'docs/', type: 'file' }],
    ['/docs/z.zip?extract=true&clean=true', {}, 'unpack clean docs', { name: 'docs', path: 'docs/', type: 'file' }],
    ['/docs/z?extract=true', ZIP, 'unpack docs', { name: 'docs', path: 'docs/', type: 'file' }],
    ['/docs/z.txt?extract=true', {}, 'write docs/z.txt', { name: 'z.txt', path: 'docs/z.txt', type: 'file' }],
    ['/docs/z.zip', ZIP, 'write docs/z.zip', { name: 'z.zip', path: 'docs/z.zip', type: 'file' }],
    ['/z.zip?extract=true', ZIP, 'unpack ', { name: '', path: '', type: 'file' }],
  ])('%s %j does %s', async (target, headers, call, value) => {
    const served = new Served();
    const answer = await served.send('POST', target, { body: 'PK', headers, streamed: true });
    expect([answer.status, json(answer)]).toEqual([201, value]);
    expect(served.store.calls).toEqual([call]);
  });

  test('a zip with another digest than was said is not unpacked', async () => {
    const served = new Served();
    const headers = { ...ZIP, 'content-digest': `sha-256=:${sha256('other')}:` };
    const answer = await served.send('POST', '/z.zip?extract=true', { body: 'PK', headers, streamed: true });
    expect(answer.status).toBe(400);
    expect(served.store.paths).not.toContain('unpacked.txt');
  });

  test.each([
    ['/docs/?url=http://h.example/p/f.txt', 'fetch docs/f.txt', { name: 'f.txt', path: 'docs/f.txt', type: 'file' }],
    [
      '/docs/?url=http://h.example/f&filename=g.txt',
      'fetch docs/g.txt',
      { name: 'g.txt', path: 'docs/g.txt', type: 'file' },
    ],
    ['/docs/?url=http://h.example/z.zip&extract=1', 'fetch zip docs', { name: 'docs', path: 'docs/', type: 'file' }],
    ['/docs/h.txt?url=http://h.example/f', 'fetch docs/h.txt', { name: 'h.txt', path: 'docs/h.txt', type: 'file' }],
  ])('%s', async (target, call, value) => {
    const served = new Served();
    const answer = await served.send('POST', target);
    expect([answer.status, json(answer), served.store.calls]).toEqual([201, value, [call]]);
  });
});

describe('removal', () => {
  test.each([
    ['/docs/a.txt', { name: 'a.txt', path: 'docs/a.txt' }],
    ['/deep/er/', { name: 'er', path: 'deep/er/' }],
    ['/docs/?force=true', { name: 'docs', path: 'docs/' }],
    ['/nosuch/', { name: 'nosuch', path: 'nosuch/' }],
  ])('%s', async (target, value) => {
    const served = new Served();
    const answer = await served.send('DELETE', target);
    expect([answer.status, json(answer)]).toEqual([200, value]);
    expect(served.store.paths).not.toContain(value.path.replace(/\/$/, ''));
  });

  test.each([
    ['/docs/no.txt', Family.LOCAL, 404],
    ['/docs/no.txt?no_check=true', Family.LOCAL, 404],
    ['/docs/no.txt?no_check=true', Family.OBJECT, 200],
    ['/no/', Family.REMOTE, 404],
    ['/no/', Family.OBJECT, 404],
    ['/docs/', Family.LOCAL, 400],
    ['/docs/', Family.OBJECT, 400],
    ['/docs/?content_only=true', Family.LOCAL, 400],
    ['/', Family.LOCAL, 400],
  ])('%s of family %i is answered %i', async (target, family, status) => {
    expect((await new Served([fileRule('*')], family).send('DELETE', target)).status).toBe(status);
  });

  test('the words of a folder that is not empty', async () => {
    const local = await new Served().send('DELETE', '/docs/');
    expect(messageOf(local)).toBe('Directory not empty, can not delete without force option.');
    const blob = await new Served([fileRule('*')], Family.OBJECT).send('DELETE', '/docs/');
    expect(messageOf(blob)).toBe("Folder 'docs/' contains other files or folders.");
  });

  test('only the version that is meant', async () => {
    const served = new Served();
    expect((await served.send('DELETE', '/docs/a.txt', { headers: { 'if-match': '"v1"' } })).status).toBe(412);
    expect((await served.send('DELETE', '/docs/a.txt', { headers: { 'if-match': '"v2"' } })).status).toBe(200);
  });

  test('by a list, also tunnelled: paths from the root, names from the folder', async () => {
    const served = new Served();
    const body = listOf(
      { type: 'file', path: 'docs/a.txt' },
      { type: 'folder', name: 'er' },
      { type: 'x', path: 'docs' },
      { type: 'file', path: 'docs/no' },
    );
    const headers = { ...JSON_TYPE, 'x-http-method': 'DELETE' };
    const answer = await served.send('POST', '/deep/?force=true', { body, headers });
    expect(answer.status).toBe(200);
    expect(json(answer)).toMatchObject({
      resource: [
        { name: 'a.txt', path: 'docs/a.txt', type: 'file' },
        { name: 'er', path: 'deep/er/', type: 'folder' },
        { name: 'no', path: 'docs/no', type: 'file', error: {} },
      ],
    });
    expect(served.store.paths).toEqual(['deep', 'docs', 'docs/d.json']);
  });

  test('an item without a name refuses the whole list', async () => {
    const served = new Served();
    const body = listOf({ type: 'file', path: 'docs/a.txt' }, { type: 'file' });
    const answer = await served.send('DELETE', '/', { body, headers: JSON_TYPE });
    expect([answer.status, messageOf(answer)]).toEqual([400, 'No path or name provided for resource.']);
    expect(served.store.calls).toEqual([]);
  });
});

test.each([
  ['/docs/a.txt', 'The properties of a file cannot be changed in this storage.'],
  ['/docs/', 'The properties of a folder cannot be changed in this storage.'],
])('PATCH %s where nothing keeps properties', async (target, message) => {
  const answer = await new Served().send('PATCH', target, { body: '{"a":1}', headers: JSON_TYPE });
  expect([answer.status, messageOf(answer)]).toEqual([400, message]);
});

test('PATCH where they are kept', async () => {
  const served = new Served([fileRule('*')], Family.OBJECT);
  const answer = await served.send('PATCH', '/docs/a.txt', { body: '{"a":1}', headers: JSON_TYPE });
  expect([answer.status, json(answer)]).toEqual([200, { success: true }]);
  expect(served.store.calls).toEqual(['describe docs/a.txt {"a":1}']);
});
