/** What GET answers, by path and flags; through the whole request path, over a storage in memory. */
import { describe, expect, test } from 'vitest';
import { Family } from '#proto/files/v1/files_pb.ts';
import { fileRule, headerOf, json, messageOf, Served } from '../testing/files.ts';

const TIME = 'Tue, 14 Nov 2023 22:13:20 GMT';
const A = {
  path: 'docs/a.txt',
  content_type: 'text/plain',
  last_modified: TIME,
  content_length: 7,
  name: 'a.txt',
  type: 'file',
};
const D = {
  path: 'docs/d.json',
  content_type: 'application/json',
  last_modified: TIME,
  content_length: 7,
  name: 'd.json',
  type: 'file',
};
const folder = (path: string, name: string) => ({ path, last_modified: TIME, name, type: 'folder' });

const LISTS = [
  { target: '', is: [folder('deep/', 'deep'), folder('docs/', 'docs')] },
  { target: '/', is: [folder('deep/', 'deep'), folder('docs/', 'docs')] },
  { target: '/docs/', is: [A, D] },
  { target: '/docs%2F', is: [A, D] },
  { target: '/docs//', is: [A, D] },
  { target: '/docs/?as_list=true', is: ['docs/a.txt', 'docs/d.json'] },
  { target: '/docs/?as_list=true&id_field=name', is: ['a.txt', 'd.json'] },
  {
    target: '/docs/?fields=path,type',
    is: [
      { path: 'docs/a.txt', type: 'file' },
      { path: 'docs/d.json', type: 'file' },
    ],
  },
  { target: '/?full_tree=true&as_list=true', is: ['deep/', 'deep/er/', 'docs/', 'docs/a.txt', 'docs/d.json'] },
  { target: '/deep/?full_tree=1&fields=name', is: [{ name: 'er' }] },
  { target: '/?full_tree=true&include_folders=false&as_list=1', is: ['docs/a.txt', 'docs/d.json'] },
  { target: '/docs/?include_files=false', is: [] },
  { target: '/?search=a.t&full_tree=true&as_list=true', is: ['docs/a.txt'] },
  { target: '/?as_access_list=true', is: ['', '*', 'deep/', 'deep/*', 'deep/er/', 'deep/er/*', 'docs/', 'docs/*'] },
  { target: '/deep/er/', is: [] },
];
test.each(LISTS)('list $target', async ({ target, is }) => {
  const answer = await new Served().send('GET', target);
  expect(answer.status).toBe(200);
  expect(json(answer)).toEqual({ resource: is });
});

test('the members of an item stand in the order of the original', async () => {
  const { body } = await new Served().send('GET', '/docs/');
  const [item] = (JSON.parse(body) as { resource: object[] }).resource;
  expect(Object.keys(item as object)).toEqual(Object.keys(A));
});

test('folders of stores of keys and values, and times of S3', async () => {
  const answer = await new Served([fileRule('*')], Family.OBJECT, 'aws_s3').send('GET', '/deep/');
  const last_modified = '2023-11-14T22:13:20+00:00';
  const item = { path: 'deep/er/', content_type: null, last_modified, content_length: 0, name: 'er', type: 'folder' };
  expect(json(answer)).toEqual({ resource: [item] });
});

test('a listing in XML and CSV', async () => {
  const served = new Served();
  const xml = await served.send('GET', '/docs/?fields=name', { headers: { accept: 'application/xml' } });
  expect(xml.body).toContain('<name>a.txt</name>');
  const csv = await served.send('GET', '/docs/?fields=name', { headers: { accept: 'text/csv' } });
  expect(csv.body).toBe('name\na.txt\nd.json\n');
});

const PROPERTIES = [
  { target: '/docs/?include_properties=true', is: { name: 'docs', path: 'docs/', last_modified: TIME } },
  { target: '/?include_properties=true', is: { name: '', path: '', last_modified: TIME } },
  {
    target: '/docs/a.txt?include_properties=true',
    is: { path: 'docs/a.txt', name: 'a.txt', content_type: 'text/plain', last_modified: TIME, content_length: 7 },
  },
];
test.each(PROPERTIES)('properties $target', async ({ target, is }) => {
  expect(json(await new Served().send('GET', target))).toEqual(is);
});

test.each([
  ['content=true', 'aGVsbG8gYQ=='],
  ['content=true&is_base64=false', 'hello a'],
])('properties with %s', async (query, content) => {
  const answer = await new Served().send('GET', `/docs/a.txt?include_properties=true&${query}`);
  expect(json(answer)).toMatchObject({ content });
});

test('a content that is no text is not sent as one', async () => {
  const served = new Served();
  served.store.put('b.bin', Buffer.from([0xff, 0xfe]));
  const answer = await served.send('GET', '/b.bin?include_properties=true&content=true&is_base64=false');
  expect(answer.status).toBe(400);
});

const MISSING = [
  { target: '/no/', message: "Folder 'no/' does not exist in storage." },
  { target: '/docs/a.txt/', message: "Folder 'docs/a.txt/' does not exist in storage." },
  { target: '/no/?zip=true', message: "Folder 'no/' does not exist in storage." },
  { target: '/no/?include_properties=1', message: "Folder 'no/' does not exist in storage." },
  { target: '/no.txt', message: "The specified file 'no.txt' was not found in storage." },
  { target: '/docs', message: "The specified file 'docs' was not found in storage." },
  { target: '/docs?include_properties=1', message: "The specified file 'docs' was not found in storage." },
];
test.each(MISSING)('$target is not there', async ({ target, message }) => {
  const answer = await new Served().send('GET', target);
  expect([answer.status, messageOf(answer)]).toEqual([404, message]);
});

const TRICKS = [
  '/..%2f..%2fetc/passwd',
  '/a%5cb',
  '/a%00b',
  '/con',
  '/a/./b',
  '/.millrace/x',
  '/%2e%2e/',
  '/a%0ab',
  '/%ff',
];
test.each(TRICKS)('the path %s is refused, and nothing is asked', async (target) => {
  const served = new Served();
  expect((await served.send('GET', target)).status).toBe(400);
  expect(served.store.calls).toEqual([]);
});

test('whoever has no rights is told so first, whatever the path', async () => {
  expect((await new Served([]).send('GET', '/con')).status).toBe(403);
});

describe('contents', () => {
  test('a text', async () => {
    const answer = await new Served().send('GET', '/docs/a.txt');
    expect([answer.status, answer.body]).toEqual([200, 'hello a']);
    const shown = ['content-type', 'etag', 'last-modified', 'accept-ranges', 'cache-control', 'content-disposition'];
    expect(shown.map((name) => headerOf(answer, name))).toEqual([
      ...['text/plain;charset=UTF-8', '"v2"', TIME, 'bytes', 'private', 'inline'],
    ]);
  });

  test('as a file to keep, by any name', async () => {
    const served = new Served();
    served.store.put('docs/Grüße "1".txt', 'x');
    const answer = await served.send('GET', `/docs/${encodeURIComponent('Grüße "1".txt')}?download=true`);
    expect(headerOf(answer, 'content-disposition')).toBe(
      'attachment; filename="Gr__e _1_.txt"; filename*=UTF-8\'\'Gr%C3%BC%C3%9Fe%20%221%22.txt',
    );
  });

  test('pages of somebody run nothing here', async () => {
    const served = new Served();
    served.store.put('p.html', '<script>');
    const answer = await served.send('GET', '/p.html');
    expect(headerOf(answer, 'content-security-policy')).toBe('sandbox');
    expect(headerOf(answer, 'content-disposition')).toBeUndefined();
  });

  test('stores of keys and values always name the file', async () => {
    const answer = await new Served([fileRule('*')], Family.OBJECT, 'aws_s3').send('GET', '/docs/a.txt');
    expect(headerOf(answer, 'content-disposition')).toBe('inline; filename="a.txt";');
    expect(headerOf(answer, 'cache-control')).toBe('no-cache, private');
  });

  test('a zip of a folder', async () => {
    const answer = await new Served().send('GET', '/docs/?zip=true');
    expect(answer.body).toBe('PK zip');
    expect(headerOf(answer, 'content-type')).toBe('application/zip');
    expect(headerOf(answer, 'content-disposition')).toBe('attachment; filename="docs.zip";');
  });

  test('HEAD is a GET without its content', async () => {
    const served = new Served([fileRule('*', 1)]);
    const answer = await served.send('HEAD', '/docs/a.txt');
    expect([answer.status, headerOf(answer, 'etag')]).toEqual([200, '"v2"']);
    expect(served.store.calls).toEqual(['stat docs/a.txt']);
  });

  test('a sum of it, where that is wanted', async () => {
    const headers = { 'want-repr-digest': 'sha-256=5, md5=9, crc=10' };
    const answer = await new Served().send('GET', '/docs/a.txt', { headers });
    expect(headerOf(answer, 'repr-digest')).toBe('md5=:ZE0lNw+exNL8S11p3GrnjQ==:');
  });

  test('a file that is replaced in between is read anew', async () => {
    const served = new Served();
    let replaced = false;
    served.store.beforeRead = () => {
      if (!replaced) served.store.put('docs/a.txt', 'another');
      replaced = true;
    };
    const answer = await served.send('GET', '/docs/a.txt', { headers: { range: 'bytes=0-3' } });
    expect([answer.status, answer.body]).toEqual([206, 'anot']);
  });
});

const PARTS = [
  { range: 'bytes=0-2', status: 206, body: 'hel', says: 'bytes 0-2/7' },
  { range: 'bytes=5-', status: 206, body: ' a', says: 'bytes 5-6/7' },
  { range: 'bytes=-1', status: 206, body: 'a', says: 'bytes 6-6/7' },
  { range: 'bytes=2-99', status: 206, body: 'llo a', says: 'bytes 2-6/7' },
  { range: 'bytes=0-2,90-', status: 206, body: 'hel', says: 'bytes 0-2/7' },
  { range: 'bytes=7-', status: 416, body: undefined, says: 'bytes */7' },
  { range: 'bytes=-0', status: 416, body: undefined, says: 'bytes */7' },
  { range: 'bytes=3-2', status: 200, body: 'hello a', says: undefined },
  { range: 'bytes=x', status: 200, body: 'hello a', says: undefined },
  { range: 'lines=0-2', status: 200, body: 'hello a', says: undefined },
  { range: 'bytes=0-6,0-6', status: 200, body: 'hello a', says: undefined },
  {
    range: Array.from({ length: 40 }, () => '0-0')
      .join(',')
      .replace(/^/, 'bytes='),
    status: 416,
    body: undefined,
    says: 'bytes */7',
  },
];
test.each(PARTS)('Range: $range', async ({ range, status, body, says }) => {
  const answer = await new Served().send('GET', '/docs/a.txt', { headers: { range } });
  expect(answer.status).toBe(status);
  if (body !== undefined) expect(answer.body).toBe(body);
  expect(headerOf(answer, 'content-range')).toBe(says);
});

test('several ranges are parts of one answer', async () => {
  const answer = await new Served().send('GET', '/docs/a.txt', { headers: { range: 'bytes=0-1,-2' } });
  const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(headerOf(answer, 'content-type') ?? '')?.[1];
  const part = (range: string, text: string): string =>
    `\r\n--${boundary}\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Range: bytes ${range}/7\r\n\r\n${text}`;
  expect(answer.status).toBe(206);
  expect(answer.body).toBe(`${part('0-1', 'he')}${part('5-6', ' a')}\r\n--${boundary}--\r\n`);
});

const CONDITIONS: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
  [{ 'if-none-match': '"v2"' }, 304],
  [{ 'if-none-match': '"v1", W/"v2"' }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': '"v1"' }, 200],
  [{ 'if-none-match': '"v1"', 'if-modified-since': TIME }, 200],
  [{ 'if-modified-since': TIME }, 304],
  [{ 'if-modified-since': 'Tue, 14 Nov 2023 22:13:19 GMT' }, 200],
  [{ 'if-modified-since': 'some day' }, 200],
  [{ 'if-match': '"v2"' }, 200],
  [{ 'if-match': '"v1"' }, 412],
  [{ 'if-match': 'W/"v2"' }, 412],
  [{ 'if-unmodified-since': TIME }, 200],
  [{ 'if-unmodified-since': 'Tue, 14 Nov 2023 22:13:19 GMT' }, 412],
  [{ 'if-range': '"v2"', range: 'bytes=0-0' }, 206],
  [{ 'if-range': '"v1"', range: 'bytes=0-0' }, 200],
  [{ 'if-range': TIME, range: 'bytes=0-0' }, 206],
];
test.each(CONDITIONS)('%j is answered %i', async (headers, status) => {
  const answer = await new Served().send('GET', '/docs/a.txt', { headers });
  expect(answer.status).toBe(status);
  if (status === 304) expect([answer.body, headerOf(answer, 'etag')]).toEqual(['', '"v2"']);
});
