import { randomUUID } from 'node:crypto';
import { GridFSBucket, MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { type RunningMongo, startMongo } from '../../deploy/testing/mongodb.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import type { StorageSource } from '../backend.ts';
import { allOf, collected } from '../conformance/bench.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

suiteWith('mongodb', 'GridFS', () => {
  let server: RunningMongo;
  beforeAll(async () => {
    server = await startMongo();
  });
  afterAll(() => server?.stop());

  const settings = (database = `millrace_${randomUUID()}`) => ({
    dsn: server.url,
    options: { db: database },
    bucket_name: 'files',
  });
  const open = (config: object): StorageSource =>
    backend.open({ ...config }, { dataDir: '', serviceName: 'files', connectionsMax: 10 });

  tryStorage({
    backend,
    open: async () => open(settings()),
    lacks: { move: 'a store of keys has no names to change' },
  });

  describe('beside other programs', () => {
    let client: MongoClient;
    let bucket: GridFSBucket;
    let source: StorageSource;
    let database: string;
    const soon = (): Deadline => Deadline.after(20_000);
    const text = async (path: string) => (await collected((await source.read(path, {}, soon())).body)).toString();
    const write = (path: string, content: string) =>
      source.write(
        path,
        (async function* () {
          yield Buffer.from(content);
        })(),
        { contentType: 'text/plain', size: undefined, createOnly: false, ifEtag: undefined },
        soon(),
      );
    const theirs = (name: string, content: string) =>
      new Promise<void>((resolve, reject) => {
        bucket.openUploadStream(name).on('finish', resolve).on('error', reject).end(content);
      });

    beforeEach(async () => {
      const config = settings();
      database = config.options.db;
      client = new MongoClient(server.url);
      bucket = new GridFSBucket(client.db(database), { bucketName: config.bucket_name });
      source = open(config);
      return async () => {
        await source.close();
        await client.close();
      };
    });

    test('their files are read, listed and replaced', async () => {
      await write('d/b', 'ours');
      await theirs('d/a', 'theirs');
      expect(await text('d/a')).toBe('theirs');
      await write('d/a', 'ours');
      expect(await text('d/a')).toBe('ours');
      await theirs('d/b', 'theirs');
      const later = { $set: { uploadDate: new Date(Date.now() + 60_000) } };
      await client
        .db(database)
        .collection('files.files')
        .updateOne({ filename: 'd/b', metadata: { $exists: false } }, later);
      expect(await text('d/b')).toBe('theirs');
      await write('d/b', 'ours again');
      expect(await text('d/b')).toBe('ours again');
      expect((await allOf(source.list('d', soon()))).map(({ path, size }) => [path, size])).toEqual([
        ['d/a', 4],
        ['d/b', 10],
      ]);
      await source.remove('d/b', soon());
      await source.remove('d/a', soon());
      expect(await bucket.find({}).toArray()).toEqual([]);
    });

    test('they read ours, and what was replaced goes when the service is closed', async () => {
      for (const content of ['first', 'second', 'third']) await write('a', content);
      expect((await collected(bucket.openDownloadStreamByName('a'))).toString()).toBe('third');
      await source.close();
      expect(await bucket.find({}).toArray()).toMatchObject([{ filename: 'a', length: 5 }]);
    });
  });

  test('a server that is not there', async () => {
    const source = open({ dsn: 'mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=100' });
    await expect(source.stat('a', Deadline.after(20_000))).rejects.toMatchObject({ code: 'unavailable' });
    await source.close();
  });
});
