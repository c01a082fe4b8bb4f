/** Addresses that are good without a key: for one file, for a while, for its content only. */
import { afterEach, expect, test, vi } from 'vitest';
import { stateOf } from '../testing/access.ts';
import { fileRule, json, Served } from '../testing/files.ts';
import { apiRequestOf } from '../testing/request.ts';
import { SignedUrls } from './signed-urls.ts';

afterEach(() => {
  vi.useRealTimers();
});

async function signedUrl(served: Served, target = '/docs/a.txt', more = ''): Promise<string> {
  const answer = await served.send('GET', `${target}?include_properties=true&signed_url=true${more}`);
  return (json(answer) as { signed_url: string }).signed_url;
}

test('it reads the file without anything else', async () => {
  const served = new Served([fileRule('docs/*', 1)]);
  const url = await signedUrl(served);
  expect((await served.open(url)).body).toBe('hello a');
  expect((await served.open(url, 'HEAD')).status).toBe(200);
  expect((await served.open(`${url}&include_properties=true&signed_url=true`)).body).toBe('hello a');
});

test('names of any kind', async () => {
  const served = new Served();
  served.store.put('docs/a+b & 100% #é?.txt', 'odd');
  const url = await signedUrl(served, `/docs/${encodeURIComponent('a+b & 100% #é?.txt')}`);
  expect((await served.open(url)).body).toBe('odd');
});

const CHANGED: readonly (readonly [string, (url: string) => string])[] = [
  ['another file', (url) => url.replace('a.txt', 'd.json')],
  ['a folder', (url) => url.replace('a.txt', 'a.txt/')],
  ['a later end', (url) => url.replace(/expires=(\d+)/, (_, end) => `expires=${Number(end) + 1}`)],
  ['another signature', (url) => url.replace(/signature=./, 'signature=_')],
  ['no signature', (url) => url.replace(/signature=.*/, 'signature=')],
];
test.each(CHANGED)('%s is refused', async (_why, change) => {
  const served = new Served();
  const { status } = await served.open(change(await signedUrl(served)));
  expect([403, 400]).toContain(status);
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('it is no good for %s', async (method) => {
  const served = new Served();
  expect((await served.open(await signedUrl(served), method)).status).toBe(403);
  expect(served.store.text('docs/a.txt')).toBe('hello a');
});

test('it ends', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const served = new Served();
  const url = await signedUrl(served, '/docs/a.txt', '&expires_in=60');
  vi.setSystemTime(Date.now() + 59_000);
  expect((await served.open(url)).status).toBe(200);
  vi.setSystemTime(Date.now() + 2_000);
  expect((await served.open(url)).status).toBe(403);
});

test.each(['0', '-1', 'x', '1.5', '604801'])('expires_in=%s is refused', async (seconds) => {
  const served = new Served();
  const target = `/docs/a.txt?include_properties=true&signed_url=true&expires_in=${seconds}`;
  expect((await served.send('GET', target)).status).toBe(400);
});

test('whoever may not read the file gets none', async () => {
  const served = new Served([fileRule('deep/*')]);
  const answer = await served.send('GET', '/docs/a.txt?include_properties=true&signed_url=true');
  expect(answer.status).toBe(403);
});

test('a service of the same name that came later is another one', () => {
  const service = (id: number) => ({ id, name: 'files', type: 'local_file', isActive: true, tier: 'storage' });
  const urls = (id: number) => new SignedUrls(stateOf({ services: [service(id)] }));
  const target = urls(9).sign(service(9) as never, 'a', '60').signed_url;
  expect(urls(9).bearer(apiRequestOf({ target }))?.role?.isActive).toBe(true);
  expect(() => urls(10).bearer(apiRequestOf({ target }))).toThrow(expect.objectContaining({ code: 'denied' }));
});
