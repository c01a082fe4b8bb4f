/** Uploads by tus 1.0, as its clients do them; through the whole request path, over a storage in memory. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AccessInit } from '../../testing/access.ts';
import { fileRule, headerOf, Served } from '../../testing/files.ts';
import type { Answer } from '../../testing/request.ts';

const TUS = { 'tus-resumable': '1.0.0' };
const OFFSET = { ...TUS, 'content-type': 'application/offset+octet-stream' };
const nameOf = (name: string): string => `filename ${Buffer.from(name).toString('base64')},filetype dGV4dA==`;
const sha1 = (text: string): string => createHash('sha1').update(text).digest('base64');

const begin = (served: Served, headers: Record<string, string> = {}, body = ''): Promise<Answer> =>
  served.send('POST', '/docs/', {
    headers: { ...TUS, 'upload-length': '5', 'upload-metadata': nameOf('Ä b.txt'), ...headers },
    ...(body !== '' && { body, streamed: true }),
  });

const LOCATION = '/docs/%C3%84%20b.txt?upload=u1';
const goOn = (served: Served, offset: number, body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  served.send('PATCH', LOCATION, {
    headers: { ...OFFSET, 'upload-offset': String(offset), ...headers },
    body,
    streamed: true,
  });

test('begun, continued, looked at, done', async () => {
  const served = new Served();
  const begun = await begin(served);
  expect([begun.status, headerOf(begun, 'location'), headerOf(begun, 'tus-resumable')]).toEqual([
    201,
    `/api/v2/files${LOCATION}`,
    '1.0.0',
  ]);
  expect(headerOf(begun, 'upload-expires')).toMatch(/GMT$/);
  const first = await goOn(served, 0, 'hel');
  expect([first.status, headerOf(first, 'upload-offset')]).toEqual([204, '3']);

  const seen = await served.send('HEAD', LOCATION, { headers: TUS });
  const shown = ['upload-offset', 'upload-length', 'upload-metadata', 'cache-control'];
  expect([seen.status, ...shown.map((name) => headerOf(seen, name))]).toEqual([
    200,
    '3',
    '5',
    nameOf('Ä b.txt'),
    'no-store',
  ]);

  const last = await goOn(served, 3, 'lo');
  expect([last.status, headerOf(last, 'upload-offset'), headerOf(last, 'etag')]).toEqual([204, '5', '"v6"']);
  expect(served.store.text('docs/Ä b.txt')).toBe('hello');
});

test('the first bytes come with the beginning', async () => {
  const served = new Served();
  const begun = await begin(served, { 'content-type': 'application/offset+octet-stream' }, 'hello');
  expect([begun.status, headerOf(begun, 'upload-offset')]).toEqual([201, '5']);
  expect(served.store.text('docs/Ä b.txt')).toBe('hello');
});

test('the length comes later', async () => {
  const served = new Served();
  await served.send('POST', '/docs/Ä b.txt', { headers: { ...TUS, 'upload-defer-length': '1' } });
  const seen = await served.send('HEAD', LOCATION, { headers: TUS });
  expect([headerOf(seen, 'upload-length'), headerOf(seen, 'upload-defer-length')]).toEqual([undefined, '1']);
  await goOn(served, 0, 'hi', { 'upload-length': '2' });
  expect(served.store.text('docs/Ä b.txt')).toBe('hi');
});

test('a POST may stand for PATCH and DELETE', async () => {
  const served = new Served();
  await begin(served);
  const headers = { ...OFFSET, 'upload-offset': '0', 'x-http-method-override': 'PATCH' };
  expect((await served.send('POST', LOCATION, { headers, body: 'he', streamed: true })).status).toBe(204);
  const end = { ...TUS, 'x-http-method-override': 'DELETE' };
  expect((await served.send('POST', LOCATION, { headers: end })).status).toBe(204);
  expect((await served.send('HEAD', LOCATION, { headers: TUS })).status).toBe(404);
});

test('what this server can do', async () => {
  const answer = await new Served().send('OPTIONS', '/docs/');
  expect([answer.status, headerOf(answer, 'tus-version')]).toEqual([204, '1.0.0']);
  expect(headerOf(answer, 'tus-extension')).toContain('creation-with-upload');
});

const REFUSED: readonly (readonly [string, (served: Served) => Promise<Answer>, number])[] = [
  ['another version', (served) => begin(served, { 'tus-resumable': '0.2.2' }), 412],
  ['no length', (served) => served.send('POST', '/docs/x', { headers: TUS }), 400],
  ['no name', (served) => begin(served, { 'upload-metadata': 'a Yg==' }), 400],
  ['a name that climbs', (served) => begin(served, { 'upload-metadata': nameOf('../x') }), 400],
  [
    'a file that is there',
    (served) => begin(served, { 'upload-metadata': nameOf('a.txt'), 'if-none-match': '*' }),
    409,
  ],
  ['another offset', (served) => goOn(served, 2, 'x'), 409],
  ['no offset', (served) => served.send('PATCH', LOCATION, { headers: OFFSET, body: 'x', streamed: true }), 400],
  ['another type', (served) => goOn(served, 0, 'x', { 'content-type': 'text/plain' }), 415],
  ['another sum', (served) => goOn(served, 0, 'x', { 'upload-checksum': `sha1 ${sha1('y')}` }), 460],
  ['an unknown sum', (served) => goOn(served, 0, 'x', { 'upload-checksum': 'crc AAAA' }), 400],
  ['an unknown upload', (served) => served.send('HEAD', '/docs/x?upload=u2', { headers: TUS }), 404],
  ['an upload of another file', (served) => served.send('HEAD', '/docs/x?upload=u1', { headers: TUS }), 404],
];
test.each(REFUSED)('%s is refused, and the header is there', async (_why, send, status) => {
  const served = new Served();
  await begin(served);
  const answer = await send(served);
  expect([answer.status, headerOf(answer, 'tus-resumable')]).toEqual([status, '1.0.0']);
  expect(served.store.uploads.get('u1')?.bytes.length ?? 0).toBe(0);
});

test('the right sum', async () => {
  const served = new Served();
  await begin(served);
  expect((await goOn(served, 0, 'x', { 'upload-checksum': `sha1 ${sha1('x')}` })).status).toBe(204);
});

const RIGHTS: readonly (readonly [readonly AccessInit[], number])[] = [
  [[fileRule('docs/*', 2)], 201],
  [[fileRule('docs/*', 1)], 403],
  [[fileRule('docs/*', 2), fileRule('docs/ä b.txt', 1)], 403],
];
test.each(RIGHTS)('who may POST may upload: %#', async (rules, status) => {
  const served = new Served(rules);
  expect((await begin(served)).status).toBe(status);
  if (status === 201) expect((await goOn(served, 0, 'hello')).status).toBe(204);
});
