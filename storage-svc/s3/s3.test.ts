import { afterAll, beforeAll } from 'vitest';
import { type RunningS3, startS3 } from '../../deploy/testing/s3.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';
import { Buckets } from './testing/buckets.ts';

suiteWith('s3', 'S3', () => {
  let server: RunningS3;
  let buckets: Buckets;
  beforeAll(async () => {
    server = await startS3();
    buckets = new Buckets(server);
  });
  afterAll(() => buckets?.stop());

  tryStorage({
    backend,
    open: async () => backend.open(buckets.settings(), { dataDir: '', serviceName: 'files', connectionsMax: 10 }),
    get folderNameBytesMax() {
      return server.folderNameBytesMax;
    },
    lacks: { move: 'a store of keys has no names to change' },
  });
});
