import * as s3 from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { type RunningS3, startS3 } from '../../deploy/testing/s3.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import type { StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { type FaultyProxy, startFaultyProxy } from '../testing/faulty-proxy.ts';
import { startTunnel } from '../testing/tunnel.ts';
import { backend } from './index.ts';
import { sweepUploads } from './part-upload.ts';
import { Buckets } from './testing/buckets.ts';

const PLAIN: WriteOptions = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
const deadline = (): Deadline => Deadline.after(30_000);

async function* bytes(content: string | Buffer): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

async function pathsOf(entries: AsyncIterable<StoredEntry> | undefined): Promise<string[]> {
  const all: string[] = [];
  for await (const { path, isFolder } of entries ?? []) all.push(isFolder ? `${path}/` : path);
  return all;
}

const refusal = (status: number, code: string) => ({
  kind: 'answer' as const,
  status,
  body: code && `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`,
});

suiteWith('s3', 'S3, and what else there is to it', () => {
  let server: RunningS3;
  let buckets: Buckets;
  let proxy: FaultyProxy;
  let source: StorageSource;
  let client: s3.S3Client;
  let settings: ReturnType<Buckets['settings']>;
  let Bucket: string;

  beforeAll(async () => {
    server = await startS3();
    buckets = new Buckets(server);
    client = buckets.client;
    proxy = await startFaultyProxy(server.endpoint);
  });
  afterAll(async () => {
    await proxy?.stop();
    await buckets?.stop();
  });
  beforeEach(() => {
    settings = buckets.settings();
    Bucket = settings.container;
    proxy.fault = () => undefined;
    source = open({ endpoint: proxy.endpoint });
  });
  afterEach(() => source.close());

  const open = (changes: Record<string, unknown>): StorageSource =>
    backend.open({ ...settings, ...changes }, { dataDir: '', serviceName: 'files', connectionsMax: 10 });
  const put = (path: string, content: string | Buffer, options: Partial<WriteOptions> = {}) =>
    source.write(path, bytes(content), { ...PLAIN, ...options }, deadline());
  const putKey = (Key: string) => client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x' }));

  test('what other programs have written: folders without a key of their own, names that no path can say', async () => {
    await put('own', 'x');
    for (const key of ['a/b/c.txt', 'a/back\\slash', 'a/con']) await putKey(key);
    expect(await source.stat('a/b', deadline())).toMatchObject({ isFolder: true });
    expect(await pathsOf(source.list('a', deadline()))).toEqual(['a/b/']);
    expect(await pathsOf(source.listTree?.('', deadline()))).toEqual(['a/', 'a/b/', 'a/b/c.txt', 'own']);
    await source.removeTree?.('a', deadline());
    const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
    expect(Contents.map(({ Key }) => decodeURIComponent(Key ?? ''))).toEqual(['a/back\\slash', 'a/con', 'own']);
    await expect(source.removeFolder('a', deadline())).rejects.toMatchObject({ code: 'conflict' });
  });

  test('parts of an upload whose process was killed are removed when they are old', async () => {
    await put('own', 'x');
    const ours = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: 'ours' }));
    const others = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: 'others' }));
    const note = JSON.stringify({ key: 'ours', uploadId: ours.UploadId });
    await client.send(new s3.PutObjectCommand({ Bucket, Key: '.millrace/uploads/1', Body: note }));
    const uploads = async () =>
      ((await client.send(new s3.ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).map(({ Key }) => Key);
    // MinIO lists the uploads of one key only.
    const isListed = async (Key: string, UploadId: string | undefined) =>
      client.send(new s3.ListPartsCommand({ Bucket, Key, UploadId })).then(
        () => true,
        () => false,
      );
    await sweepUploads(client, Bucket);
    expect(await isListed('ours', ours.UploadId)).toBe(true);
    await sweepUploads(client, Bucket, -60_000);
    expect(await isListed('ours', ours.UploadId)).toBe(false);
    expect(await isListed('others', others.UploadId)).toBe(true);
    expect(await uploads()).not.toContain('ours');
    expect(await pathsOf(source.list('', deadline()))).toEqual(['own']);
    const { KeyCount } = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: '.millrace/uploads' }));
    expect(KeyCount).toBe(0);
  });

  test('what is said of a file stands beside it, with what was there before', async () => {
    await put('a', 'content', { contentType: 'text/x-special' });
    await source.describe?.('a', false, { note: 'ünïcode "quoted"', n: 1 }, deadline());
    const { Metadata, ContentType } = await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'a' }));
    expect(JSON.parse(Metadata?.['properties'] ?? '')).toEqual({ note: 'ünïcode "quoted"', n: 1 });
    expect(ContentType).toBe('text/x-special');
    await source.describe?.('f', true, { of: 'a folder' }, deadline());
    await source.makeFolder('f', deadline());
    const folder = await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'f/' }));
    expect(JSON.parse(folder.Metadata?.['properties'] ?? '')).toEqual({ of: 'a folder' });
    await expect(source.describe?.('none', false, {}, deadline())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('the reason why a file may not be looked at is asked for', async () => {
    await put('a', 'x');
    proxy.fault = ({ method }) => refusal(403, method === 'HEAD' ? '' : 'SignatureDoesNotMatch');
    await expect(source.stat('a', deadline())).rejects.toThrow('The storage refuses these credentials.');
    proxy.fault = ({ method }) => (method === 'HEAD' ? refusal(403, '') : undefined);
    await expect(source.stat('a', deadline())).rejects.toThrow('The storage does not permit this.');
  });

  test('a store without conditions: what is there is looked for', async () => {
    const isConditional = (headers: object) => 'if-none-match' in headers || 'if-match' in headers;
    proxy.fault = ({ method, headers }) =>
      method === 'PUT' && isConditional(headers) ? refusal(501, 'NotImplemented') : undefined;
    const { etag } = await put('a', 'first', { createOnly: true });
    await expect(put('a', 'second', { createOnly: true })).rejects.toMatchObject({ code: 'conflict' });
    await expect(put('a', 'second', { ifEtag: 'other' })).rejects.toMatchObject({ code: 'contradiction' });
    await put('a', 'second', { ifEtag: etag });
    expect(await source.stat('a', deadline())).toMatchObject({ size: 6 });
  });

  test('a store that removes only one by one', async () => {
    for (const name of ['f/a', 'f/b', 'f/c/d']) await put(name, 'x');
    proxy.fault = ({ method }) => (method === 'POST' ? refusal(501, 'NotImplemented') : undefined);
    await source.removeTree?.('f', deadline());
    expect(await pathsOf(source.list('', deadline()))).toEqual([]);
  });

  test('of a large upload on a condition one wins', async () => {
    const content = Buffer.alloc(9 * MIB, 'a');
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => put('a', content, { createOnly: true })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(failed).toEqual(['conflict', 'conflict']);
  });

  test('through a proxy', async () => {
    const tunnel = await startTunnel();
    const behind = open({ proxy: tunnel.address });
    await behind.write('a', bytes('x'), PLAIN, deadline());
    expect(await behind.stat('a', deadline())).toMatchObject({ size: 1 });
    expect(tunnel.targets).toContain(new URL(server.endpoint).host);
    await behind.close();
    await tunnel.stop();
  });
});
