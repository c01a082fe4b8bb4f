/** Leaves a run behind: Markdown for people, JSON for `compare.ts`, a chart of the ratios. */
import { mkdir, writeFile } from 'node:fs/promises';
import { formatChart } from './chart.ts';
import { type BenchReport, formatReport, formatSection, formatTable, sideKeys } from './report.ts';
import { formatNumber } from './statistics.ts';

/** Writes `<date>-<commit><suffix>.{md,json,svg}` and returns their common path without the ending. */
export async function writeResults(report: BenchReport, folder: string, suffix = ''): Promise<string> {
  const name = `${report.measuredAt.slice(0, 10)}-${report.commit}${suffix}`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(`${folder}/${name}.svg`, formatChart(report));
  await writeFile(`${folder}/${name}.md`, formatDocument(report, `${name}.svg`));
  return `${folder}/${name}`;
}

function formatDocument(report: BenchReport, chartFile: string): string {
  const { machine, sides } = report;
  const settings = Object.entries(report.settings).map(([name, value]) => `${name} ${value}`);
  return `# Benchmark of ${report.measuredAt.slice(0, 10)}, commit ${report.commit}

- Machine: ${machine.cores} cores (${machine.cpuModel}), ${machine.memoryGibibytes} GiB memory, Linux ${machine.kernel}
- Node ${machine.node}, ${machine.databases.join(', ') || 'no database'}
- Settings: ${settings.join(', ')}
- All processes and the load generator share the machine: the ratios matter, the absolute figures do not.

Medians of all rounds; ${sideKeys(sides)
    .map((key) => `${key}: ${sides[key]}`)
    .join(', ')}.

${formatReport(report.cases, sides)}

![Ratios](${chartFile})

${(report.tables ?? []).map((table) => `${formatSection(table)}\n\n`).join('')}## Every round

${formatTable([['case', 'unit', 'side', 'rounds'], ...sampleLines(report)])}
`;
}

function sampleLines(report: BenchReport): string[][] {
  return report.cases.flatMap((result) =>
    Object.entries(result.samples).map(([side, samples]) => [
      result.title,
      result.unit,
      side,
      samples.map(formatNumber).join(', '),
    ]),
  );
}
