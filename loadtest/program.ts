/** What every benchmark program does around its run: reads the command line, cleans up, says how it ended. */
import { setMaxListeners } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type BenchOptions, helpOf, type Named, parseOptions, type Sizes } from './options.ts';
import { inScope, type RunScope } from './process.ts';

export const describe = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Runs the whole program, and ends the process with it. */
export async function runProgram<C extends Named>(
  command: string,
  cases: readonly C[],
  run: (options: BenchOptions<C>, scope: RunScope) => Promise<void>,
  sizes: Sizes = {},
): Promise<never> {
  try {
    const options = parseOptions(process.argv.slice(2), cases, sizes);
    if (options === 'help') say(helpOf(command, cases, sizes));
    else await runInterruptibly((scope) => run(options, scope));
    process.exit(0);
  } catch (failure) {
    process.stderr.write(`\nThe benchmark failed: ${describe(failure)}\n`);
    process.exit(1);
  }
}

async function runInterruptibly(run: (scope: RunScope) => Promise<void>): Promise<void> {
  const interruption = new AbortController();
  // Every tool that runs at one moment listens for it.
  setMaxListeners(0, interruption.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => interruption.abort(new Error(`Ended by ${signal}.`)));
  }
  try {
    await inScope(await mkdtemp(`${tmpdir()}/millrace-bench-`), interruption.signal, run);
  } catch (failure) {
    // What failed because of an interruption is no news.
    throw interruption.signal.aborted ? interruption.signal.reason : failure;
  }
}
