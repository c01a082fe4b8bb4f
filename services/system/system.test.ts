/** The system service over its real port, the same cases on every engine. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type RunningPostgres, startPostgres } from '../../deploy/testing/postgres.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { systemCases } from './testing/cases.ts';

describe('on SQLite', () => systemCases(() => undefined));

suiteWith('postgres', 'on PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());
  systemCases(() => postgres.url);
});

/** An empty database of a MySQL or MariaDB server, where there is one. */
const mysqlUrl = process.env['MILLRACE_TEST_MYSQL_URL'];
if (mysqlUrl) describe('on MySQL', () => systemCases(() => mysqlUrl));
