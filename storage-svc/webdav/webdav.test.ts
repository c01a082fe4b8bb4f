import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { type RunningWebdav, startWebdav } from '../../deploy/testing/webdav.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

suiteWith('webdav', 'WebDAV with Apache', () => {
  let server: RunningWebdav;
  beforeAll(async () => {
    server = await startWebdav();
  });
  afterAll(() => server?.stop());

  tryStorage({
    backend,
    open: async () => {
      const { url, user: username, password, files } = server;
      const container = `ä ${randomUUID()}`;
      mkdirSync(join(files, container));
      chownSync(join(files, container), statSync(files).uid, statSync(files).gid);
      return backend.open(
        { base_uri: url, username, password, auth_type: 2, container },
        { dataDir: '', serviceName: 'files', connectionsMax: 8 },
      );
    },
    lacks: {
      listTree: 'many servers list a folder at a time',
      describe: 'what callers say would need properties, which many servers do not keep',
    },
  });
});
