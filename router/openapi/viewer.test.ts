import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { KeepingReply, requestOf } from '../testing/request.ts';
import { Viewer } from './viewer.ts';

const viewer = new Viewer();

async function get(target: string, headers: Record<string, string> = {}, method = 'GET') {
  const reply = new KeepingReply();
  const chunks: (Uint8Array | string)[] = [];
  const send = reply.send.bind(reply);
  reply.send = (status, sent, body) => {
    chunks.push(body);
    send(status, sent, body);
  };
  const cors = [
    ['Access-Control-Allow-Origin', '*'],
    ['X-Request-Id', 'r'],
  ] as const;
  await viewer.send(requestOf({ target, headers, method }), reply, cors);
  const answer = await reply.answer;
  const header = (name: string) => answer.headers.find(([each]) => each === name)?.[1];
  return { ...answer, header, bytes: Buffer.from(chunks[0]!) };
}

const FILES = ['/docs', '/docs/docs.css', '/docs/docs.js', '/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js'];

describe.each(FILES)('%s', (path) => {
  test('comes with a policy that lets nothing in from outside', async () => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.bytes.length).toBeGreaterThan(200);
    const policy = answer.header('Content-Security-Policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:|unsafe|\*/);
    expect(answer.header('X-Content-Type-Options')).toBe('nosniff');
    expect(answer.header('X-Request-Id')).toBe('r');
    expect(answer.header('Access-Control-Allow-Origin')).toBeUndefined();
  });

  test('is not sent again to whoever has it', async () => {
    const etag = (await get(path)).header('ETag')!;
    expect(await get(path, { 'if-none-match': `"x", ${etag}` })).toMatchObject({ status: 304, body: '' });
    expect((await get(path, { 'if-none-match': '"x"' })).status).toBe(200);
  });

  test('is the same when compressed', async () => {
    const answer = await get(path, { 'accept-encoding': 'br, gzip' });
    expect(answer.header('Content-Encoding')).toBe('gzip');
    expect(gunzipSync(answer.bytes)).toEqual((await get(path)).bytes);
  });
});

test('our own files name no other address', async () => {
  for (const path of FILES.slice(0, 3)) expect((await get(path)).body).not.toMatch(/https?:\/\//);
});

test('the page names files that are there', async () => {
  const { body } = await get('/docs');
  const named = [...body.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  expect(named.sort()).toEqual(FILES.slice(1).sort());
});

test('a slash more leads to the page', async () => {
  expect(await get('/docs/')).toMatchObject({ status: 308, headers: expect.arrayContaining([['Location', '/docs']]) });
});

test.each(['/docs/nope', '/docs/../package.json', '/docs/swagger-ui.js', '/docs//docs.js'])(
  '%s is not there',
  async (path) => {
    await expect(get(path)).rejects.toMatchObject({ code: 'not_found' });
  },
);

test('HEAD is answered, other verbs are not', async () => {
  expect((await get('/docs', {}, 'HEAD')).status).toBe(200);
  await expect(get('/docs', {}, 'POST')).rejects.toMatchObject({ code: 'unsupported' });
});

test.each([
  ['/docs', true],
  ['/docs/x', true],
  ['/docsx', false],
  ['/', false],
  ['/api/v2/docs', false],
])('%s is its own: %s', (target, own) => {
  expect(viewer.serves(requestOf({ target }))).toBe(own);
});
