/** What the programs do whose cases are contests: run them, print and write what came out. */
import { whyNot } from '../deploy/testing/available.ts';
import type { ContestOptions } from './contest.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { measureCase } from './measure.ts';
import type { RunScope } from './process.ts';
import { say } from './program.ts';
import { type CaseResult, formatReport, formatSection, type ReportTable, type SideLabels } from './report.ts';
import { writeResults } from './results.ts';

/** @param suffix  of the files that are written */
export async function runContests(
  options: ContestOptions,
  scope: RunScope,
  sides: SideLabels,
  suffix: string,
): Promise<void> {
  const results: CaseResult[] = [];
  const tables: ReportTable[] = [];
  const servers = new Set<string>();
  const skipped: string[] = [];
  try {
    for (const each of options.cases) {
      const reason = each.needs && whyNot(each.needs);
      if (reason) {
        skipped.push(`${each.name}: ${reason}`);
        continue;
      }
      const measured = await measureCase(each, options, scope);
      results.push(...measured.results);
      if (measured.server) servers.add(measured.server);
      if (measured.table) tables.push(measured.table);
    }
  } finally {
    if (results.length > 0) say(`\n${formatReport(results, sides)}\n`);
    for (const table of tables) say(`${formatSection(table)}\n`);
    if (skipped.length > 0) say(`Left out:\n${skipped.map((line) => `  ${line}`).join('\n')}\n`);
  }
  if (options.resultsFolder === undefined || results.length === 0) return;
  const { rounds, seconds, warmupSeconds, connections } = options;
  const report = {
    measuredAt: new Date().toISOString(),
    commit: describeCommit(),
    machine: describeMachine([...servers]),
    sides,
    settings: { rounds, seconds, warmupSeconds, connections },
    cases: results,
    ...(tables.length > 0 && { tables }),
  };
  say(`Written: ${await writeResults(report, options.resultsFolder, suffix)}.{md,json,svg}`);
}
