/** Against a stand-in: of Dropbox itself there is none to be had for tests. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { Bench, outcomeOf } from '../conformance/bench.ts';
import { tryStorage } from '../conformance/suite.ts';
import { readDropboxConfig } from './config.ts';
import { backend } from './index.ts';
import { DropboxSource } from './source.ts';
import { FakeDropbox } from './testing/fake.ts';

const dropbox = new FakeDropbox();
beforeAll(() => dropbox.start());
afterAll(() => dropbox.stop());

const config = (): ServiceConfig => {
  const { appKey: app_key, appSecret: app_secret, refreshToken: refresh_token } = dropbox;
  return { app_key, app_secret, refresh_token, container: `Apps/${randomUUID()}` };
};
const open = (settings: ServiceConfig = config()): DropboxSource =>
  new DropboxSource(readDropboxConfig(settings), 4, dropbox.hosts);

tryStorage({
  backend,
  open: async () => open(),
  lacks: {
    caseSensitive: 'names that differ in case only are the same to Dropbox',
    listTree: 'its order is none of ours',
    describe: 'properties need a template of the app',
  },
});

function opened(settings?: ServiceConfig): Bench {
  const source = open(settings);
  onTestFinished(() => source.close());
  return new Bench(source, { backend, lacks: {}, open: async () => source });
}

test('an access token alone, until it expires', async () => {
  const bench = opened({ access_token: dropbox.issueToken(), container: '/' });
  expect(await bench.stat('')).toMatchObject({ isFolder: true });
  dropbox.expireTokens();
  const error = await bench.stat('').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'unavailable', message: 'The storage refuses these credentials.' });
});

test('tokens that expire are replaced, once for all who wait', async () => {
  const bench = opened();
  await bench.put('a', 'x');
  dropbox.expireTokens();
  dropbox.paths.length = 0;
  expect(await Promise.all([bench.text('a'), bench.text('a'), bench.stat('a')])).toMatchObject(['x', 'x', { size: 1 }]);
  expect(dropbox.paths.filter((path) => path === '/oauth2/token').length).toBeLessThanOrEqual(2);
});

test.each(['refresh_token', 'app_key', 'app_secret'])('another %s is refused', async (name) => {
  const error = await opened({ ...config(), [name]: 'wrong' })
    .stat('')
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'unavailable', message: 'The storage refuses these credentials.' });
});

test.each([
  { why: 'busy', trouble: { path: 'get_metadata', status: 429, headers: { 'retry-after': '0' } } },
  { why: 'failing', trouble: { path: 'get_metadata', status: 500 } },
  { why: 'cut off', trouble: { path: 'get_metadata', cut: 'before' } },
] as const)('what is read is asked for again: $why', async ({ trouble }) => {
  const bench = opened();
  await bench.put('a', 'x');
  dropbox.trouble(trouble);
  expect(await bench.text('a')).toBe('x');
});

test.each(['before', 'after'] as const)('a block whose answer is lost %s it was taken is there once', async (cut) => {
  const bench = opened();
  const content = randomBytes(11 * MIB);
  dropbox.trouble({ path: 'append_v2', cut });
  await bench.put('a', content, { createOnly: true });
  expect(content.equals(await bench.bytes('a'))).toBe(true);
});

test.each(['upload', 'upload_session/finish'])('%s that fails is not done again, and leaves nothing', async (path) => {
  const bench = opened();
  dropbox.trouble({ path, status: 500 });
  expect(await outcomeOf(bench.put('a', Buffer.alloc(path === 'upload' ? 1 : 5 * MIB)))).toBe('unavailable');
  expect(await bench.paths('')).toEqual([]);
});

test('cut in the middle of a download', async () => {
  const bench = opened();
  await bench.put('a', Buffer.alloc(MIB));
  dropbox.trouble({ path: 'download', cut: 'middle' });
  expect(await outcomeOf(bench.bytes('a'))).toBe('unavailable');
});

test('full', async () => {
  const bench = opened();
  dropbox.files.bytesMax = 5;
  onTestFinished(() => {
    dropbox.files.bytesMax = Number.POSITIVE_INFINITY;
  });
  const error = await bench.put('a', 'too much').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'unavailable', message: 'The storage is full.' });
});

test('a busy storage is not waited for beyond the deadline', async () => {
  const bench = opened();
  dropbox.trouble({ path: 'list_folder', status: 429, headers: { 'retry-after': '3600' } });
  const before = Date.now();
  expect(await outcomeOf(bench.source.stat('', Deadline.after(5000)))).toBe('unavailable');
  expect(Date.now() - before).toBeLessThan(4000);
});

const REFUSED = [
  { why: 'no container', config: { access_token: 'x' } },
  { why: 'no token', config: { container: '/' } },
  { why: 'a refresh token without its app', config: { container: '/', refresh_token: 'x' } },
  { why: 'no token at all', config: { container: '/', access_token: 'not\na token' } },
];
test.each(REFUSED)('settings are refused: $why', ({ config: settings }) => {
  expect(() => readDropboxConfig(settings)).toThrow(expect.objectContaining({ code: 'invalid' }));
});
