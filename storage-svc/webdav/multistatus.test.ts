import { expect, test } from 'vitest';
import { KIB } from '#common/bounds.ts';
import { allOf } from '../conformance/bench.ts';
import { readWebdavConfig } from './config.ts';
import { StatusError, translate } from './errors.ts';
import { readMultistatus } from './multistatus.ts';

const response = (href: string, props: string): string =>
  `<D:response xmlns:a="DAV:"><D:href>${href}</D:href><D:propstat><D:prop><D:x/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>` +
  `<D:propstat><D:prop>${props}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
const whole = (text: string): string => `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${text}</D:multistatus>`;
const folder = response('/dav/a/', '<D:resourcetype><D:collection/></D:resourcetype>');
const file = response(
  'http://h/dav/a/%C3%A4%20&amp;%23.txt',
  '<a:resourcetype/><a:getcontentlength>12</a:getcontentlength><a:getlastmodified>Tue, 02 Jan 2024 10:00:00 GMT</a:getlastmodified><a:getetag>W/"x-1"</a:getetag><a:getcontenttype>text/plain</a:getcontenttype>',
);
const EXPECTED = [
  { path: 'dav/a', isFolder: true, size: 0, etag: undefined, contentType: undefined },
  { path: 'dav/a/ä &#.txt', isFolder: false, size: 12, etag: 'x-1', contentType: 'text/plain' },
];

test.each([1, 7, 100_000])('in pieces of %i bytes', async (length) => {
  const bytes = Buffer.from(whole(folder + file));
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }
  const all = await allOf(readMultistatus(pieces()));
  expect(all).toMatchObject(EXPECTED);
  expect(all[1]?.modifiedMs).toBe(Date.UTC(2024, 0, 2, 10));
});

test('names of tags without a prefix, and another one', async () => {
  for (const text of [whole(folder + file).replaceAll('D:', ''), whole(folder + file).replaceAll('D:', 'lp1:')]) {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(text);
    }
    expect(await allOf(readMultistatus(pieces()))).toMatchObject(EXPECTED);
  }
});

test('what never ends is refused', async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(64 * KIB, 'x');
  }
  await expect(allOf(readMultistatus(pieces()))).rejects.toMatchObject({ code: 'unavailable' });
});

const ERRORS = [
  { thrown: new StatusError('PUT', 401), code: 'unavailable', message: /credentials/ },
  { thrown: new StatusError('PUT', 403), code: 'unavailable', message: /permit/ },
  { thrown: new StatusError('PUT', 404), code: 'not_found', message: /nothing/ },
  { thrown: new StatusError('PUT', 423), code: 'unavailable', message: /locked/ },
  { thrown: new StatusError('PUT', 507), code: 'unavailable', message: /full/ },
  { thrown: new StatusError('GET', 301), code: 'unavailable', message: /base_uri/ },
  { thrown: new StatusError('GET', 418), code: 'unavailable', message: /refuses/ },
  { thrown: new StatusError('GET', 500), code: 'unavailable', message: /failed/ },
  { thrown: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), code: 'unavailable', message: /reached/ },
  { thrown: Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }), code: 'unavailable', message: /lost/ },
  {
    thrown: Object.assign(new Error('x'), { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' }),
    code: 'invalid',
    message: /size/,
  },
];
test.each(ERRORS)('$thrown is $code', ({ thrown, code, message }) => {
  expect(translate(thrown)).toMatchObject({ code, message: expect.stringMatching(message) });
});

const GOOD = { base_uri: 'https://h/dav/', container: '/a/b/' };
test('settings: what is not given', () => {
  const { base, ...rest } = readWebdavConfig(GOOD);
  expect(base.href).toBe('https://h/dav');
  expect(rest).toMatchObject({ container: 'a/b', authType: undefined, encoding: 'identity', proxy: undefined });
  expect(readWebdavConfig({ ...GOOD, base_uri: 'h:81' }).base.origin).toBe('http://h:81');
  expect(readWebdavConfig({ ...GOOD, auth_type: '2', username: 'u', encoding: 4 })).toMatchObject({
    ...{ authType: 'digest', encoding: 'gzip' },
  });
});

test.each([
  { base_uri: null },
  { base_uri: 'ftp://h' },
  { container: '' },
  { auth_type: 4, username: 'u' },
  { auth_type: 1 },
  { encoding: 'br' },
  { proxy: 'socks5://h' },
])('settings that are refused: %j', (config) => {
  expect(() => readWebdavConfig({ ...GOOD, ...config })).toThrow(expect.objectContaining({ code: 'invalid' }));
});
