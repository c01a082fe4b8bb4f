import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type RunningFtp, startFtp } from '../../deploy/testing/ftp.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

suiteWith('ftp', 'FTP with ProFTPD', () => {
  let server: RunningFtp;
  beforeAll(async () => {
    server = await startFtp();
  });
  afterAll(() => server?.stop());

  tryStorage({
    backend,
    open: async () => {
      const { host, port, user: username, password, files } = server;
      const container = randomUUID();
      mkdirSync(join(files, container));
      chownSync(join(files, container), statSync(files).uid, statSync(files).gid);
      return backend.open(
        { host, port, username, password, container },
        { dataDir: '', serviceName: 'files', connectionsMax: 4 },
      );
    },
    lacks: {
      copy: 'the protocol has no copying',
      listTree: 'a folder is listed at a time',
      describe: 'a file system has no place for what callers say',
    },
    manyEntries: 300,
  });
});
