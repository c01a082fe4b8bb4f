import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-local-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

tryStorage({
  backend,
  open: async () => backend.open({ container: randomUUID() }, { dataDir, serviceName: 'files', connectionsMax: 4 }),
  lacks: { describe: 'a file system has no place for what callers say' },
});
