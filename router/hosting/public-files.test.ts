/** Public files as browsers ask for them; through the whole request path, over a storage in memory. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { headerOf } from '../testing/files.ts';
import { HOSTING, Hosted, type HostedInit, LONG } from '../testing/hosted.ts';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const ADDRESSES = [
  { target: '/site/', status: 200, body: '<h1>Home</h1>' },
  { target: '/site%2F', status: 200, body: '<h1>Home</h1>' },
  { target: '/site/index.html', status: 200, body: '<h1>Home</h1>' },
  { target: '/site/deep/?a=b', status: 200, body: '<h1>Deep</h1>' },
  { target: '/site', status: 301, location: '/files/site/' },
  { target: '/site/deep?a=b&c=%2F', status: 301, location: '/files/site/deep/?a=b&c=%2F' },
  { target: '/site/bare', status: 404 },
  { target: '/site/bare/', status: 404 },
  { target: '/site/bare/a.txt', status: 200, body: 'a' },
  { target: '/site/bare/a.txt/', status: 404 },
  { target: '/site/none', status: 404 },
  { target: '/shut/index.html', status: 403 },
  { target: '/shut/', status: 403 },
  { target: '/shut', status: 403 },
  { target: '', status: 403 },
  { target: '/', status: 403 },
  { target: '/site/..%2Fshut/index.html', status: 400 },
  { target: '/site/%00', status: 400 },
];
test.each(ADDRESSES)('$target: $status', async ({ target, status, body, location }) => {
  const answer = await new Hosted().get(target, HTML);
  expect(answer.status).toBe(status);
  if (body !== undefined) expect(answer.body).toBe(body);
  else expect(answer.body).not.toContain('secret');
  expect(headerOf(answer, 'location')).toBe(location);
});

test.each([
  ['/', '/shut/index.html', 403],
  ['/', '/', 404],
  ['/site/index.html', '/site/', 200],
  ['/site/index.html', '/site', 301],
  ['/site/index.html', '/site/long.js', 403],
])('with %s open, %s is answered with %i', async (open, target, status) => {
  expect((await new Hosted({ publicPaths: [open] }).get(target)).status).toBe(status);
});

test('the root has a page of its own, and its address without a slash leads there', async () => {
  const hosted = new Hosted({ publicPaths: ['/'] });
  hosted.store.put('index.html', 'root');
  expect((await hosted.get('/')).body).toBe('root');
  expect(headerOf(await hosted.get('?x=1'), 'location')).toBe('/files/?x=1');
});

describe('single-page applications', () => {
  const spa = () => new Hosted({ hosting: { ...HOSTING, spaPaths: ['/site/'] } });
  test.each([
    ['/site/orders/7', HTML, 200],
    ['/site/orders/', HTML, 200],
    ['/site/none.js', HTML, 404],
    ['/site/orders/7', { accept: '*/*' }, 404],
    ['/site/orders/7', {}, 404],
    ['/shut/orders', HTML, 403],
  ])('%s for %j: %i', async (target, headers, status) => {
    const answer = await spa().get(target, headers);
    expect(answer.status).toBe(status);
    if (status !== 200) return;
    expect([answer.body, headerOf(answer, 'cache-control')]).toEqual(['<h1>Home</h1>', 'no-cache']);
  });

  test('the nearest application has the page', async () => {
    const hosted = new Hosted({ hosting: { ...HOSTING, spaPaths: ['site', 'site/deep'] } });
    expect((await hosted.get('/site/deep/x', HTML)).body).toBe('<h1>Deep</h1>');
  });

  describe('where nobody has said which folders they have', () => {
    const finding = (init: HostedInit) => new Hosted({ hosting: { ...HOSTING, findsApplications: true }, ...init });

    test.each<[string, HostedInit, string, number, string?]>([
      ['a public folder', {}, '/site/orders/7', 200, '<h1>Home</h1>'],
      ['the innermost public folder', { publicPaths: ['site', 'site/deep'] }, '/site/deep/x', 200, '<h1>Deep</h1>'],
      ['an application in a public folder', { apps: [['/site/deep/', '']] }, '/site/deep/x', 200, '<h1>Deep</h1>'],
      ['its page', { apps: [['site', 'deep/index.html']] }, '/site/deep/x', 200, '<h1>Deep</h1>'],
      ['beside it', { apps: [['site', '/deep/index.html']] }, '/site/x', 200, '<h1>Home</h1>'],
      ['one that is not active', { apps: [['site/deep', '', false]] }, '/site/deep/x', 200, '<h1>Home</h1>'],
      ['one that is not public', { apps: [['shut', 'index.html']] }, '/shut/x', 403],
      ['one that climbs', { publicPaths: ['site/deep'], apps: [['site/deep/../../shut', '']] }, '/site/x', 403],
      ['the page of the root', { publicPaths: ['/'] }, '/orders/7', 200, '<h1>Root</h1>'],
      ['a file of its own', { publicPaths: ['site/long.js'] }, '/site/long', 403],
    ])('%s', async (_why, init, target, status, body) => {
      const hosted = finding(init);
      hosted.store.put('index.html', '<h1>Root</h1>');
      const answer = await hosted.get(target, HTML);
      expect(answer.status).toBe(status);
      if (body !== undefined) expect(answer.body).toBe(body);
    });
  });

  test('a page that is not public stays shut', async () => {
    const hosted = new Hosted({ hosting: { ...HOSTING, spaPaths: ['shut', ''] } });
    expect((await hosted.get('/shut/x', HTML)).status).toBe(403);
    expect((await hosted.get('/site/x', HTML)).status).toBe(404);
  });
});

test('another index file', async () => {
  const hosted = new Hosted({ hosting: { ...HOSTING, indexFile: 'long.js' } });
  expect((await hosted.get('/site/')).body).toBe(LONG);
});

describe('headers', () => {
  const headersOf = async (target: string, hosted = new Hosted()) => {
    const { headers } = await hosted.get(target);
    return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  };

  test('of a page', async () => {
    const headers = await headersOf('/site/index.html');
    expect(headers).toMatchObject({
      'content-type': 'text/html;charset=UTF-8',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'strict-origin-when-cross-origin',
      'cache-control': 'no-cache',
      etag: '"v2"',
      'accept-ranges': 'bytes',
    });
    expect(headers['content-security-policy']).toContain("connect-src 'self'");
  });

  test('of what is no page', async () => {
    expect((await headersOf('/site/drawing.svg'))['content-security-policy']).toContain("object-src 'none'");
    const script = await headersOf('/site/app-BX3nTz9k.js');
    expect(script['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(script).not.toHaveProperty('content-security-policy');
    expect((await headersOf('/site/image.png'))['cache-control']).toBe('no-cache');
  });

  test('as they are set', async () => {
    const hosted = new Hosted({
      hosting: {
        ...{ ...HOSTING, cacheSeconds: 60, immutableAssets: false },
        headers: {
          'content-security-policy': "default-src 'none'",
          'X-Frame-Options': '',
          'Permissions-Policy': 'camera=()',
          'Content-Length': '1',
          'Set-Cookie': 'a=b',
          'no token': 'x',
        },
      },
    });
    const page = await headersOf('/site/index.html', hosted);
    expect(page).toMatchObject({ 'content-security-policy': "default-src 'none'", 'permissions-policy': 'camera=()' });
    for (const name of ['x-frame-options', 'content-length', 'set-cookie', 'no token']) {
      expect(page).not.toHaveProperty([name]);
    }
    const script = await headersOf('/site/app-BX3nTz9k.js', hosted);
    expect(script).toMatchObject({ 'cache-control': 'public, max-age=60', 'permissions-policy': 'camera=()' });
    expect(script).not.toHaveProperty('content-security-policy');
  });
});

/** In memory, and too large for it. */
describe.each([
  ['kept', 1024 * 1024],
  ['not kept', 0],
])('a file that is %s', (_, hotFilesBytes) => {
  const hostedSome = () => new Hosted({ hotFilesBytes });

  test.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['gzip, br;q=0', 'gzip', gunzipSync],
    ['*', 'br', brotliDecompressSync],
  ])('accept-encoding %s: %s', async (accepted, coding, unpack) => {
    const hosted = hostedSome();
    for (let time = 0; time < 2; time++) {
      const answer = await hosted.get('/site/long.js', { 'accept-encoding': accepted });
      expect([headerOf(answer, 'content-encoding'), headerOf(answer, 'vary')]).toEqual([coding, 'Accept-Encoding']);
      expect(unpack(answer.bytes).toString()).toBe(LONG);
      const etag = headerOf(answer, 'etag') as string;
      expect(etag).not.toBe('"v3"');
      const again = { 'accept-encoding': accepted, 'if-none-match': etag };
      const unchanged = await hosted.get('/site/long.js', again);
      expect([unchanged.status, unchanged.body, headerOf(unchanged, 'etag')]).toEqual([304, '', etag]);
      expect(headerOf(unchanged, 'vary')).toBe('Accept-Encoding');
    }
  });

  test.each([
    ['/site/long.js', { 'accept-encoding': 'identity' }],
    ['/site/long.js', { 'accept-encoding': 'br;q=0, gzip;q=0' }],
    ['/site/long.js', {}],
    ['/site/image.png', { 'accept-encoding': 'br' }],
  ])('%s for %j goes as it is', async (target, headers) => {
    expect(headerOf(await hostedSome().get(target, headers), 'content-encoding')).toBeUndefined();
  });

  test.each(['/site/long.js', '/site/'])('%s is replaced while it is looked for', async (target) => {
    const hosted = hostedSome();
    await hosted.get('/site/image.png');
    hosted.store.beforeRead = () => {
      hosted.store.beforeRead = undefined;
      hosted.store.put('site/long.js', `${LONG}// new`);
      hosted.store.put('site/index.html', 'new');
    };
    const answer = await hosted.get(target, { 'accept-encoding': 'br' });
    expect(answer.status).toBe(200);
    const isCoded = headerOf(answer, 'content-encoding') === 'br';
    expect(isCoded ? brotliDecompressSync(answer.bytes).toString() : answer.body).toMatch(/new$/);
  });

  test('neighbours that are compressed already', async () => {
    const hosted = hostedSome();
    hosted.store.put('site/long.js.br', 'packed by brotli');
    hosted.store.put('site/long.js.gz', 'packed by gzip');
    for (const [accepted, body, coding] of [
      ['br', 'packed by brotli', 'br'],
      ['gzip', 'packed by gzip', 'gzip'],
    ] as const) {
      const answer = await hosted.get('/site/long.js', { 'accept-encoding': accepted });
      expect([answer.body, headerOf(answer, 'content-encoding')]).toEqual([body, coding]);
      expect(headerOf(answer, 'content-type')).toBe('text/javascript;charset=UTF-8');
    }
    expect((await hosted.get('/site/long.js')).body).toBe(LONG);
  });

  test.each([
    ['bytes=0-5', 206, 'export', 'bytes 0-5/4800'],
    ['bytes=-3', 206, '1;\n', 'bytes 4797-4799/4800'],
    ['bytes=9000-', 416, undefined, 'bytes */4800'],
    ['nothing=1', 200, LONG, undefined],
  ])('range %s: %i', async (range, status, body, contentRange) => {
    const answer = await hostedSome().get('/site/long.js', { range, 'accept-encoding': 'br' });
    expect(answer.status).toBe(status);
    if (body !== undefined) expect(answer.body).toBe(body);
    expect(headerOf(answer, 'content-range')).toBe(contentRange);
    expect(headerOf(answer, 'content-encoding')).toBeUndefined();
  });

  test('several ranges', async () => {
    const answer = await hostedSome().get('/site/long.js', { range: 'bytes=0-5,7-11' });
    expect(answer.status).toBe(206);
    expect(headerOf(answer, 'content-type')).toMatch(/^multipart\/byteranges/);
    expect(answer.body).toContain('bytes 7-11/4800\r\n\r\nconst\r\n--');
  });

  test.each([
    [{ 'if-none-match': '"v3"' }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': 'Tue, 14 Nov 2023 22:13:20 GMT' }, 304],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-range': '"other"', range: 'bytes=0-0' }, 200],
    [{ 'if-range': '"v3"', range: 'bytes=0-0' }, 206],
    [{ 'if-none-match': '"v3"', range: 'bytes=0-0' }, 304],
  ])('%j: %i', async (headers, status) => {
    const hosted = hostedSome();
    for (let time = 0; time < 2; time++) expect((await hosted.get('/site/long.js', headers)).status).toBe(status);
  });

  test('HEAD has the headers of GET', async () => {
    const hosted = hostedSome();
    const get = await hosted.get('/site/long.js');
    const head = await hosted.get('/site/long.js', {}, 'HEAD');
    const but = ({ headers }: typeof get) => headers.filter(([name]) => name !== 'X-Request-Id');
    expect([head.status, but(head)]).toEqual([200, but(get)]);
  });
});
