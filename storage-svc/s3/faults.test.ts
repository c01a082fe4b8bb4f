import * as s3 from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { startS3 } from '../../deploy/testing/s3.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { tryFaults } from '../object/faults.ts';
import { backend } from './index.ts';
import { Buckets } from './testing/buckets.ts';

const answer = (status: number, code: string) => ({
  kind: 'answer' as const,
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Not today.</Message></Error>`,
});

suiteWith('s3', 'S3, and what goes wrong', () => {
  let buckets: Buckets;

  tryFaults({
    start: async () => {
      const server = await startS3();
      buckets = new Buckets(server);
      return server.endpoint;
    },
    stop: async () => buckets?.stop(),
    open: (endpoint, changes) =>
      backend.open(
        { ...buckets.settings(), endpoint, ...changes },
        { dataDir: '', serviceName: 'files', connectionsMax: 10 },
      ),
    wrongSecret: { secret: 'not the secret' },
    refusal: 'The storage refuses these credentials.',
    removeContainer: async (address) => buckets.remove(new URL(address).pathname.slice(1)),
    isPart: ({ method, url }) => method === 'PUT' && (url ?? '').includes('partNumber='),
    isLastStep: ({ method, url }) => method === 'POST' && (url ?? '').includes('uploadId='),
    busy: answer(503, 'SlowDown'),
    skewed: answer(403, 'RequestTimeTooSkewed'),
    requireNothingLeft: async () => {
      const { Buckets: there = [] } = await buckets.client.send(new s3.ListBucketsCommand({}));
      for (const { Name: Bucket = '' } of there.filter(({ Name = '' }) => buckets.names.includes(Name))) {
        const { Uploads = [] } = await buckets.client.send(new s3.ListMultipartUploadsCommand({ Bucket }));
        expect(Uploads).toEqual([]);
        const ours = new s3.ListObjectsV2Command({ Bucket, Prefix: '.millrace' });
        expect((await buckets.client.send(ours)).Contents ?? []).toEqual([]);
      }
    },
  });
});
