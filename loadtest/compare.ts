/** `node --import tsx loadtest/compare.ts <older>.json <newer>.json`: two results side by side. */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type BenchReport, type CaseResult, formatTable, measureOf, sideMedian } from './report.ts';
import { formatNumber } from './statistics.ts';

const HEAD = ['case', 'unit', 'C before', 'C after', 'change', 'C/A before', 'C/A after', 'C/B before', 'C/B after'];

/** Cases that only one of the two has show a dash for the other. The ratios tell more where the machines differ. */
export function formatComparison(before: BenchReport, after: BenchReport): string {
  const names = new Set([...before.cases, ...after.cases].map((result) => result.name));
  const lines = [...names].map((name) => compareCase(find(before, name), find(after, name)));
  const title = `before: ${before.commit} of ${before.measuredAt}\nafter:  ${after.commit} of ${after.measuredAt}`;
  return `${title}\n\n${formatTable([HEAD, ...lines])}`;
}

const find = (report: BenchReport, name: string): CaseResult | undefined =>
  report.cases.find((result) => result.name === name);

function compareCase(before: CaseResult | undefined, after: CaseResult | undefined): string[] {
  const [was, is] = [before && sideMedian(before, 'C'), after && sideMedian(after, 'C')];
  const change =
    was === undefined || is === undefined ? '–' : `${is >= was ? '+' : ''}${formatNumber((is / was - 1) * 100)} %`;
  const ratios = (['C/A', 'C/B'] as const).flatMap((measure) =>
    [before, after].map((result) => show(result && measureOf(result, measure))),
  );
  const either = after ?? before;
  return [either?.title ?? '', either?.unit ?? '', show(was), show(is), change, ...ratios];
}

const show = (value: number | undefined): string => (value === undefined ? '–' : formatNumber(value));

const isEntry = process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href;
if (isEntry) {
  const [before, after] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as BenchReport);
  if (!before || !after) {
    process.stderr.write('Usage: node --import tsx loadtest/compare.ts <older>.json <newer>.json\n');
    process.exit(2);
  }
  process.stdout.write(`${formatComparison(before, after)}\n`);
}
