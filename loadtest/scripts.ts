/** `npm run bench:scripts`: what scripts cost those who have them, and those who have none. */
import { runContests } from './contests.ts';
import { runProgram } from './program.ts';
import { SCRIPT_CASES } from './scripts/cases.ts';

await runProgram('npm run bench:scripts', SCRIPT_CASES, (options, scope) =>
  runContests(options, scope, { A: 'without', C: 'with scripts' }, '-scripts'),
);
