/** `npm run bench:nosql`: documents of MongoDB, beside an endpoint by hand and the driver itself. */
import { runContests } from './contests.ts';
import { NOSQL_CASES } from './nosql/cases.ts';
import { runProgram } from './program.ts';

await runProgram('npm run bench:nosql', NOSQL_CASES, (options, scope) =>
  runContests(options, scope, { A: 'by hand', C: 'Millrace' }, '-nosql'),
);
