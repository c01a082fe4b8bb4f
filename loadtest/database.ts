/** `npm run bench:database`: the database API beyond single records, each case against the database's own client. */
import { runContests } from './contests.ts';
import { DATABASE_CASES } from './database/cases.ts';
import { runProgram } from './program.ts';

await runProgram('npm run bench:database', DATABASE_CASES, (options, scope) =>
  runContests(options, scope, { A: 'direct', C: 'Millrace' }, '-database'),
);
