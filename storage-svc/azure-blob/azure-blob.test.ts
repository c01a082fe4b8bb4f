import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../deploy/testing/azurite.ts';
import { tryStorage } from '../conformance/suite.ts';
import { backend } from './index.ts';

let server: RunningAzurite;
beforeAll(async () => {
  server = await startAzurite();
});
afterAll(() => server.stop());

tryStorage({
  backend,
  open: async () => {
    const { endpoint, account, key } = server;
    const config = { account_name: account, account_key: key, protocol: 'http', endpoint, container: randomUUID() };
    return backend.open(config, { dataDir: '', serviceName: 'files', connectionsMax: 10 });
  },
  lacks: { move: 'a store of keys has no names to change' },
});
