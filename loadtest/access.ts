/** `npm run bench:access`: what it costs to decide who may do what, and whether anybody waits for it. */
import { ACCESS_CASES } from './access/cases.ts';
import { runContests } from './contests.ts';
import { runProgram } from './program.ts';

await runProgram('npm run bench:access', ACCESS_CASES, (options, scope) =>
  runContests(options, scope, { A: 'beside', C: 'Millrace' }, '-access'),
);
