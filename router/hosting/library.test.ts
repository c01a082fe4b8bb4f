/** What is asked of the storage, and when: small files stay in memory, and nobody sees an old one for long. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HOT_FILE_FRESH_MS } from '#common/bounds.ts';
import { Hosted, LONG } from '../testing/hosted.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const later = () => vi.setSystemTime(Date.now() + HOT_FILE_FRESH_MS + 1);

const A = '/site/bare/a.txt';

test('a file that is asked for again is not asked for', async () => {
  const hosted = new Hosted();
  expect((await hosted.get(A)).body).toBe('a');
  expect(hosted.asked()).toEqual(['stat site/bare/a.txt', 'read site/bare/a.txt']);
  expect((await hosted.get(A)).body).toBe('a');
  expect((await hosted.get('/site/bare%2Fa.txt')).body).toBe('a');
  expect(hosted.asked()).toEqual([]);
});

test('a moment later it is looked at, once for all who ask', async () => {
  const hosted = new Hosted();
  await hosted.get(A);
  later();
  hosted.asked();
  await Promise.all([hosted.get(A), hosted.get(A), hosted.get(A)]);
  expect(hosted.asked()).toEqual(['stat site/bare/a.txt']);
});

test('all who ask for what is not there yet wait for one look', async () => {
  const hosted = new Hosted();
  const answers = await Promise.all([hosted.get(A), hosted.get(A), hosted.get(A)]);
  expect(answers.map(({ body }) => body)).toEqual(['a', 'a', 'a']);
  expect(hosted.asked()).toEqual(['stat site/bare/a.txt', 'read site/bare/a.txt']);
});

test('what somebody else has written is seen a moment later', async () => {
  const hosted = new Hosted();
  await hosted.get(A);
  hosted.store.put('site/bare/a.txt', 'b');
  expect((await hosted.get(A)).body).toBe('a');
  later();
  expect((await hosted.get(A)).body).toBe('b');
  hosted.store.kept.delete('site/bare/a.txt');
  later();
  expect((await hosted.get(A)).status).toBe(404);
});

test('what is written here is seen at once', async () => {
  const hosted = new Hosted();
  await hosted.get(A);
  expect((await hosted.write('site/bare/a.txt', 'new')).status).toBe(201);
  expect((await hosted.get(A)).body).toBe('new');
});

test('a compressed neighbour is looked at with its file', async () => {
  const hosted = new Hosted();
  hosted.store.put('site/long.js.br', 'one');
  const br = { 'accept-encoding': 'br' };
  expect((await hosted.get('/site/long.js', br)).body).toBe('one');
  hosted.store.put('site/long.js.br', 'two');
  later();
  expect((await hosted.get('/site/long.js', br)).body).toBe('two');
  hosted.store.kept.delete('site/long.js.br');
  later();
  expect((await hosted.get('/site/long.js')).body).toBe(LONG);
  expect((await hosted.get('/site/long.js', br)).body).not.toBe('two');
});

test('what is public no longer is shut at once, also what is in memory', async () => {
  const hosted = new Hosted();
  await hosted.get(A);
  hosted.change({ publicPaths: ['shut'] });
  expect((await hosted.get(A)).status).toBe(403);
  hosted.change({ publicPaths: ['site'], hosting: { cacheSeconds: 9 } });
  expect((await hosted.get(A)).headers).toContainEqual(['Cache-Control', 'public, max-age=9']);
});

test('limits count what comes from memory', async () => {
  const hosted = new Hosted();
  hosted.limit(2);
  const statuses = [];
  for (let time = 0; time < 4; time++) statuses.push((await hosted.get(A)).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
});

test('memory is bounded, and what is used most stays', async () => {
  const bytes = 128 * 1024;
  const hosted = new Hosted({ hotFilesBytes: bytes });
  const each = Math.floor(bytes / 16);
  for (let n = 0; n < 40; n++) hosted.store.put(`site/bare/${n}.png`, 'x'.repeat(each));
  hosted.store.put('site/bare/large.png', 'x'.repeat(each + 1));
  const get = async (name: string): Promise<string[]> => {
    hosted.asked();
    expect((await hosted.get(`/site/bare/${name}`)).status).toBe(200);
    return hosted.asked();
  };
  for (let n = 0; n < 40; n++) await get(`${n}.png`);
  expect(await get('39.png')).toEqual([]);
  expect(await get('0.png')).not.toEqual([]);
  await get('large.png');
  expect(await get('large.png')).not.toEqual([]);
});
