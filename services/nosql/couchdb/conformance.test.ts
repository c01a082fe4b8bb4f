import { afterAll } from 'vitest';
import { type RunningCouchDb, startCouchDb } from '../../../deploy/testing/couchdb.ts';
import { tryEngine } from '../conformance/suite.ts';
import { couchdb } from './index.ts';

let server: RunningCouchDb;
afterAll(() => server?.stop());

tryEngine({
  engine: couchdb,
  config: async () => {
    server = await startCouchDb();
    return { dsn: `${server.url}/people` };
  },
  key: { name: '_id', of: (place) => `p${String(place).padStart(3, '0')}` },
  generates: true,
  indexes: 'plain, never dropped',
  version: '_rev',
});
