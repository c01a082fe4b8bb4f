import { randomUUID } from 'node:crypto';
import * as s3 from '@aws-sdk/client-s3';
import { describe, expect } from 'vitest';
import { whyNot } from '../../deploy/testing/available.ts';
import { type RunningS3, startS3 } from '../../deploy/testing/s3.ts';
import { tryFaults } from '../object/faults.ts';
import { backend } from './index.ts';

const answer = (status: number, code: string) => ({
  kind: 'answer' as const,
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Not today.</Message></Error>`,
});

describe.skipIf(whyNot('s3'))('S3', () => {
  let server: RunningS3;
  const client = (): s3.S3Client => {
    const { endpoint, region, key: accessKeyId, secret: secretAccessKey } = server;
    return new s3.S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  };

  tryFaults({
    start: async () => {
      server = await startS3();
      return server.endpoint;
    },
    stop: () => server.stop(),
    open: (endpoint, changes) => {
      const { region, key, secret } = server;
      const config = { endpoint, region, key, secret, container: `millrace-${randomUUID()}`, path_style: true };
      return backend.open({ ...config, ...changes }, { dataDir: '', serviceName: 'files', connectionsMax: 10 });
    },
    wrongSecret: { secret: 'not the secret' },
    refusal: 'The storage refuses these credentials.',
    removeContainer: async (address) => {
      const Bucket = new URL(address).pathname.slice(1);
      const { Contents = [] } = await client().send(new s3.ListObjectsV2Command({ Bucket }));
      for (const { Key } of Contents) await client().send(new s3.DeleteObjectCommand({ Bucket, Key }));
      await client().send(new s3.DeleteBucketCommand({ Bucket }));
    },
    isPart: ({ method, url }) => method === 'PUT' && (url ?? '').includes('partNumber='),
    isLastStep: ({ method, url }) => method === 'POST' && (url ?? '').includes('uploadId='),
    busy: answer(503, 'SlowDown'),
    skewed: answer(403, 'RequestTimeTooSkewed'),
    requireNothingLeft: async () => {
      const { Buckets = [] } = await client().send(new s3.ListBucketsCommand({}));
      for (const { Name: Bucket } of Buckets) {
        const { Uploads = [] } = await client().send(new s3.ListMultipartUploadsCommand({ Bucket }));
        expect(Uploads).toEqual([]);
        const { Contents = [] } = await client().send(new s3.ListObjectsV2Command({ Bucket, Prefix: '.millrace' }));
        expect(Contents).toEqual([]);
      }
    },
  });
});
