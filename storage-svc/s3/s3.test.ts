import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { whyNot } from '../../deploy/testing/available.ts';
import { type RunningS3, startS3 } from '../../deploy/testing/s3.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

describe.skipIf(whyNot('s3'))('S3', () => {
  let server: RunningS3;
  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server.stop());

  tryStorage({
    backend,
    open: async () => {
      const { endpoint, region, key, secret } = server;
      const container = `millrace-${randomUUID()}`;
      const config = { endpoint, region, key, secret, container, path_style: true };
      return backend.open(config, { dataDir: '', serviceName: 'files', connectionsMax: 10 });
    },
    get folderNameBytesMax() {
      return server.folderNameBytesMax;
    },
    lacks: { move: 'a store of keys has no names to change' },
  });
});
