import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type RunningSftp, startSftp } from '../../deploy/testing/sftp.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

suiteWith('sftp', 'SFTP with OpenSSH', () => {
  let server: RunningSftp;
  beforeAll(async () => {
    server = await startSftp();
  });
  afterAll(() => server?.stop());

  tryStorage({
    backend,
    open: async () => {
      const { host, port, user: username, privateKey, fingerprints, files } = server;
      const container = join(files, randomUUID());
      mkdirSync(container);
      chownSync(container, statSync(files).uid, statSync(files).gid);
      return backend.open(
        { host, port, username, private_key: privateKey, host_fingerprint: fingerprints[1], container },
        { dataDir: '', serviceName: 'files', connectionsMax: 4 },
      );
    },
    lacks: {
      copy: 'the protocol has no copying that all servers know',
      listTree: 'a folder is listed at a time',
      describe: 'a file system has no place for what callers say',
    },
  });
});
