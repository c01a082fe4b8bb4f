/** From samples to a verdict: medians, ratios, the table for people. Writing files is `results.ts`. */
import type { Measure, Target, Unit } from './cases.ts';
import type { Machine } from './machine.ts';
import { formatNumber, median } from './statistics.ts';

export type SideKey = 'A' | 'B' | 'C';

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly targets: readonly Target[];
  /** One figure for each round, in the unit of the case. */
  readonly samples: Readonly<Partial<Record<SideKey, readonly number[]>>>;
}

export interface BenchReport {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly settings: Readonly<Record<string, number>>;
  readonly cases: readonly CaseResult[];
}

/** Undefined where that side was not measured. */
export function sideMedian(result: CaseResult, side: SideKey): number | undefined {
  const samples = result.samples[side];
  return samples && samples.length > 0 ? median(samples) : undefined;
}

/** A difference or ratio of medians, ratios for rates only; undefined where a side of it was not measured. */
export function measureOf(result: CaseResult, measure: Measure): number | undefined {
  const ours = sideMedian(result, 'C');
  if (ours === undefined || measure === 'C') return ours;
  const other = sideMedian(result, measure === 'C/B' ? 'B' : 'A');
  if (other === undefined) return undefined;
  if (measure === 'C-A') return ours - other;
  return isRate(result) ? ours / other : undefined;
}

/** More is better. */
const isRate = (result: CaseResult): boolean => result.unit.endsWith('/s');

/** Undefined where it cannot be judged. */
export function isReached(result: CaseResult, target: Target): boolean | undefined {
  const value = measureOf(result, target.measure);
  if (value === undefined) return undefined;
  return value >= (target.atLeast ?? -Infinity) && value <= (target.atMost ?? Infinity);
}

function describeTarget(target: Target, unit: Unit): string {
  const bound = target.atLeast === undefined ? `≤ ${target.atMost}` : `≥ ${target.atLeast.toLocaleString('en-US')}`;
  switch (target.measure) {
    case 'C':
      return `${bound} ${unit}`;
    case 'C-A':
      return `C − A ${bound} ${unit}`;
    default:
      return `${target.measure} ${bound}`;
  }
}

function describeVerdict(result: CaseResult, target: Target): string {
  const reached = isReached(result, target);
  if (reached === undefined) return 'not measured';
  const verdict = reached ? 'ok' : 'missed';
  // The one measure that has no column.
  return target.measure === 'C-A' ? `${verdict} (${formatNumber(measureOf(result, 'C-A') ?? 0)})` : verdict;
}

const HEAD = ['case', 'unit', 'A pgbench', 'B Fastify + pg', 'C Millrace', 'C/A', 'C/B', 'target', 'verdict'];

/** A Markdown table, aligned, so that it reads well in a terminal too. */
export function formatReport(results: readonly CaseResult[]): string {
  return formatTable([HEAD, ...results.map(formatRow)]);
}

function formatRow(result: CaseResult): string[] {
  const show = (value: number | undefined) => (value === undefined ? '–' : formatNumber(value));
  const sides = (['A', 'B', 'C'] as const).map((side) => show(sideMedian(result, side)));
  const ratios = (['C/A', 'C/B'] as const).map((measure) => show(measureOf(result, measure)));
  const targets = result.targets.map((target) => describeTarget(target, result.unit)).join('; ');
  const verdicts = result.targets.map((target) => describeVerdict(result, target)).join('; ');
  return [result.title, result.unit, ...sides, ...ratios, targets || '–', verdicts || '–'];
}

/** The first line is the head. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const head = lines[0] ?? [];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [format(head), rule, ...lines.slice(1).map(format)].join('\n');
}
