/** `npm run bench:files`: contents of files as fast as the machine has them, and in how little memory. */
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
