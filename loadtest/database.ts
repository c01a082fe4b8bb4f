/** `npm run bench:database`: the database API beyond single records, each case against the database's own client. */
import { whyNot } from '../deploy/testing/available.ts';
import type { CaseOptions } from './database/case.ts';
import { DATABASE_CASES } from './database/cases.ts';
import { measureCase } from './database/measure.ts';
import { describeCommit, describeMachine } from './machine.ts';
import type { RunScope } from './process.ts';
import { runProgram, say } from './program.ts';
import { type CaseResult, formatReport, type SideLabels } from './report.ts';
import { writeResults } from './results.ts';

const SIDES: SideLabels = { A: 'direct', C: 'Millrace' };

async function run(options: CaseOptions, scope: RunScope): Promise<void> {
  const results: CaseResult[] = [];
  const databases = new Set<string>();
  const skipped: string[] = [];
  try {
    for (const each of options.cases) {
      const reason = whyNot(each.needs);
      if (reason) {
        skipped.push(`${each.name}: ${reason}`);
        continue;
      }
      const measured = await measureCase(each, options, scope);
      results.push(...measured.results);
      databases.add(measured.database);
    }
  } finally {
    if (results.length > 0) say(`\n${formatReport(results, SIDES)}\n`);
    if (skipped.length > 0) say(`Left out:\n${skipped.map((line) => `  ${line}`).join('\n')}\n`);
  }
  if (options.resultsFolder !== undefined && results.length > 0) {
    const { rounds, seconds, warmupSeconds, connections } = options;
    const report = {
      measuredAt: new Date().toISOString(),
      commit: describeCommit(),
      machine: describeMachine([...databases]),
      sides: SIDES,
      settings: { rounds, seconds, warmupSeconds, connections },
      cases: results,
    };
    say(`Written: ${await writeResults(report, options.resultsFolder, '-database')}.{md,json,svg}`);
  }
}

await runProgram('npm run bench:database', DATABASE_CASES, run);
