/**
 * `npm test`: format and lint, types, then every suite; last lines: what was left out and why, and the counts. With
 * arguments (`npm test -- services/sql -t "nested"`) only vitest runs, with them. Where CI is set, generated cases are
 * many.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tally, tally } from './report.ts';

const CI_FILTER_CASES = '100000';

const isCi = !['', 'false', '0'].includes(process.env['CI'] ?? '');
const filters = process.argv.slice(2);

/** Runs a tool of node_modules with its output shown. */
function succeeds(tool: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  process.stdout.write(`\n> ${tool} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(join('node_modules/.bin', tool), args, { stdio: 'inherit', env });
  if (error) process.stdout.write(`${error.message}\n`);
  return status === 0;
}

/** Each check counts as one test. */
function runChecks(): Tally {
  const results = [succeeds('biome', ['check', '.']), succeeds('tsc', ['--noEmit'])];
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed, leftOut: [] };
}

function runSuites(): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  try {
    const reportFile = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
    const env = isCi ? { FILTER_CASES: CI_FILTER_CASES, ...process.env } : process.env;
    const isGood = succeeds('vitest', ['run', ...reporters, ...filters], env);
    const result = tally(JSON.parse(readFileSync(reportFile, 'utf8')), process.cwd());
    // Vitest also fails for what belongs to no test: an error that nobody caught, no test found.
    return isGood || result.failed > 0 ? result : { ...result, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const parts = filters.length > 0 ? [runSuites()] : [runChecks(), runSuites()];
const leftOut = parts.flatMap((part) => part.leftOut);
const passed = parts.reduce((sum, part) => sum + part.passed, 0);
const failed = parts.reduce((sum, part) => sum + part.failed, 0);
if (leftOut.length > 0) {
  process.stdout.write('\nLeft out:\n');
  for (const line of leftOut) process.stdout.write(`  ${line}\n`);
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
