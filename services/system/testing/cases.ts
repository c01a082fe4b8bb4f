/** All cases that hold on every engine of the system database. */
import { afterAll, beforeAll } from 'vitest';
import { accountCases } from './accounts.ts';
import { auditCases } from './audit.ts';
import { customCases } from './custom.ts';
import { emailCases } from './emails.ts';
import { jobCases } from './jobs.ts';
import { keptCases } from './kept.ts';
import { recordCases } from './records.ts';
import { registrationCases } from './registration.ts';
import { schedulerCases } from './scheduler.ts';
import { scriptCases } from './scripts.ts';
import { serviceCases } from './services.ts';
import { snapshotCases } from './snapshot.ts';
import { Suite } from './suite.ts';
import { userCases } from './users.ts';

/** @param databaseUrl asked once the suite begins; undefined: SQLite in a folder of its own */
export function systemCases(databaseUrl: () => string | undefined): void {
  const suite = new Suite();
  beforeAll(() => suite.start(databaseUrl()));
  afterAll(() => suite.stop());
  serviceCases(suite);
  recordCases(suite);
  userCases(suite);
  registrationCases(suite);
  accountCases(suite);
  customCases(suite);
  emailCases(suite);
  snapshotCases(suite);
  keptCases(suite);
  auditCases(suite);
  scriptCases(suite);
  jobCases(suite);
  schedulerCases(suite);
}
