/** `npm run bench:files`: files through the API and hosted ones, beside nginx, and what they take in memory. */
import { runContests } from './contests.ts';
import { FILE_CASES } from './files/cases.ts';
import { FILE_SIZES } from './files/sizes.ts';
import { runProgram } from './program.ts';

await runProgram(
  'npm run bench:files',
  FILE_CASES,
  (options, scope) => runContests(options, scope, { A: 'nginx', C: 'Millrace' }, '-files'),
  FILE_SIZES,
);
