/** All migrations, in order of their names. One that was released is never changed, only followed by another. */
import type { Migration } from 'kysely';
import type { EngineName } from '../open.ts';
import { initial } from './0001-initial.ts';
import { keptAnswers } from './0002-kept-answers.ts';
import { accountsAndMail } from './0003-accounts-and-mail.ts';

export function migrations(engine: EngineName): Record<string, Migration> {
  return {
    '0001-initial': initial(engine),
    '0002-kept-answers': keptAnswers(engine),
    '0003-accounts-and-mail': accountsAndMail(engine),
  };
}
