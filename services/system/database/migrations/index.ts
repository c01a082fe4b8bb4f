/** All migrations, in order of their names. One that was released is never changed, only followed by another. */
import type { Migration } from 'kysely';
import type { EngineName } from '../open.ts';
import { initial } from './0001-initial.ts';
import { keptAnswers } from './0002-kept-answers.ts';
import { limits } from './0003-limits.ts';
import { audit } from './0004-audit.ts';
import { tokenIssuers } from './0005-token-issuers.ts';
import { accountsAndMail } from './0006-accounts-and-mail.ts';
import { eventScripts } from './0007-event-scripts.ts';
import { jobs } from './0008-jobs.ts';

export function migrations(engine: EngineName): Record<string, Migration> {
  return {
    '0001-initial': initial(engine),
    '0002-kept-answers': keptAnswers(engine),
    '0003-limits': limits(engine),
    '0004-audit': audit(engine),
    '0005-token-issuers': tokenIssuers(engine),
    '0006-accounts-and-mail': accountsAndMail(engine),
    '0007-event-scripts': eventScripts(engine),
    '0008-jobs': jobs(engine),
  };
}
