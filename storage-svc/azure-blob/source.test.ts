import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { BlobServiceClient, type ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { type RunningAzurite, startAzurite } from '../../deploy/testing/azurite.ts';
import type { StorageSource, WriteOptions } from '../backend.ts';
import { backend } from './index.ts';

const PLAIN: WriteOptions = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
const deadline = (): Deadline => Deadline.after(30_000);

async function* bytes(content: string | Buffer): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

let server: RunningAzurite;
let container: ContainerClient;
let source: StorageSource;

beforeAll(async () => {
  server = await startAzurite();
});
afterAll(() => server.stop());
beforeEach(async () => {
  const { endpoint, account, key } = server;
  const name = randomUUID();
  container = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key)).getContainerClient(name);
  source = backend.open(
    { account_name: account, account_key: key, endpoint, container: name },
    { dataDir: '', serviceName: 'files', connectionsMax: 10 },
  );
});
afterEach(() => source.close());

const put = (path: string, content: string | Buffer, options: Partial<WriteOptions> = {}) =>
  source.write(path, bytes(content), { ...PLAIN, ...options }, deadline());

test('what only Azure knows of a file', async () => {
  await put('plain', 'x');
  await container.getBlockBlobClient('packed').upload('x', 1, {
    blobHTTPHeaders: { blobContentEncoding: 'gzip', blobContentLanguage: 'de', blobContentType: 'text/x-special' },
  });
  const extras = { content_encoding: 'gzip', content_language: 'de' };
  expect(await source.stat('packed', deadline())).toMatchObject({ contentType: 'text/x-special', extras });
  const listed = [];
  for await (const entry of source.list('', deadline())) listed.push(entry);
  expect(listed).toMatchObject([
    { path: 'packed', contentType: 'text/x-special', extras },
    { path: 'plain', extras: { content_encoding: null, content_language: null } },
  ]);
});

test('bytes come as they are stored, also those that say they are packed', async () => {
  const packed = gzipSync('hello '.repeat(1000));
  await source.stat('', deadline());
  await container
    .getBlockBlobClient('packed')
    .upload(packed, packed.length, { blobHTTPHeaders: { blobContentEncoding: 'gzip' } });
  const { entry, body } = await source.read('packed', {}, deadline());
  const got: Buffer[] = [];
  for await (const piece of body) got.push(Buffer.from(piece));
  expect(packed.equals(Buffer.concat(got))).toBe(true);
  expect(entry.size).toBe(packed.length);
});

test('what is said of a file stands beside it, with what was there before', async () => {
  await put('a', 'content', { contentType: 'text/x-special' });
  await container.getBlobClient('a').setMetadata({ kept: 'yes' });
  await source.describe?.('a', false, { note: 'ünïcode' }, deadline());
  const { metadata, contentType } = await container.getBlobClient('a').getProperties();
  expect(metadata?.['kept']).toBe('yes');
  expect(JSON.parse(metadata?.['properties'] ?? '')).toEqual({ note: 'ünïcode' });
  expect(contentType).toBe('text/x-special');
});

test('several large uploads of one file at once: one of them, whole', async () => {
  const contents = ['a', 'b', 'c'].map((letter) => Buffer.alloc(17 * MIB, letter));
  const outcomes = await Promise.allSettled(contents.map((content) => put('a', content)));
  const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  expect(failed.length).toBeLessThan(contents.length);
  expect(failed.every((code) => code === 'conflict')).toBe(true);
  const { body } = await source.read('a', {}, deadline());
  const got: Buffer[] = [];
  for await (const piece of body) got.push(Buffer.from(piece));
  expect(contents.some((content) => content.equals(Buffer.concat(got)))).toBe(true);
});

test('more than one batch is removed at once', async () => {
  const names = Array.from({ length: 600 }, (_, n) => `f/${n}`);
  for (let first = 0; first < names.length; first += 50) {
    await Promise.all(names.slice(first, first + 50).map((name) => put(name, 'x')));
  }
  await put('g', 'x');
  await source.removeTree?.('f', deadline());
  expect(await source.stat('f', deadline())).toBeUndefined();
  expect(await source.stat('g', deadline())).toMatchObject({ size: 1 });
});
