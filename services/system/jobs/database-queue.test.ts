import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../../../deploy/testing/postgres.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { queueCases } from './conformance/suite.ts';

describe('jobs in SQLite', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-jobs-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  queueCases(() => ({ databaseUrl: `sqlite:${join(folder, 'system.sqlite')}`, stream: '' }));
});

suiteWith('postgres', 'jobs in PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());
  queueCases(() => ({ databaseUrl: postgres.url, stream: '' }));
});

suiteWith('mariadb', 'jobs in MariaDB', () => {
  let mariadb: RunningMariadb;
  beforeAll(async () => {
    mariadb = await startMariadb();
  });
  afterAll(() => mariadb?.stop());
  queueCases(() => ({ databaseUrl: mariadb.url, stream: '' }));
});
