/** From samples to a verdict: medians, ratios, the table for people. Writing files is `results.ts`. */
import type { Figure, Measure, Target, Unit } from './cases.ts';
import type { Machine } from './machine.ts';
import { formatNumber, median } from './statistics.ts';

export type SideKey = 'A' | 'B' | 'C';

export interface CaseResult extends Figure {
  /** One figure for each round, in the unit of the case. */
  readonly samples: Readonly<Partial<Record<SideKey, readonly number[]>>>;
}

/** What stands behind the letters, in the order of the columns. */
export type SideLabels = Readonly<Partial<Record<SideKey, string>>>;

export interface BenchReport {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly sides: SideLabels;
  readonly settings: Readonly<Record<string, number>>;
  readonly cases: readonly CaseResult[];
  readonly tables?: readonly ReportTable[];
}

/** Something to read beside the figures; the first line is the head. */
export interface ReportTable {
  readonly title: string;
  readonly lines: readonly (readonly string[])[];
  /** What has to be known to read it: paragraphs. */
  readonly notes: readonly string[];
}

/** Undefined where that side was not measured. */
export function sideMedian(result: CaseResult, side: SideKey): number | undefined {
  const samples = result.samples[side];
  return samples && samples.length > 0 ? median(samples) : undefined;
}

/**
 * A difference or ratio of medians; undefined where a side of it was not measured. Ratios are for rates (times as fast),
 * and for other figures only where a target asks for one.
 */
export function measureOf(result: CaseResult, measure: Measure): number | undefined {
  const ours = sideMedian(result, 'C');
  if (ours === undefined || measure === 'C') return ours;
  const other = sideMedian(result, measure === 'C/B' ? 'B' : 'A');
  if (other === undefined) return undefined;
  if (measure === 'C-A') return ours - other;
  const isRatio = isRate(result) || result.targets.some((target) => target.measure === measure);
  return isRatio ? ours / other : undefined;
}

/** More is better. */
export const isRate = (result: CaseResult): boolean => result.unit.endsWith('/s');

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

/** A Markdown table, aligned, so that it reads well in a terminal too. */
export function formatReport(results: readonly CaseResult[], sides: SideLabels): string {
  const keys = sideKeys(sides);
  const measures = ratiosOf(sides);
  const head = ['case', 'unit', ...keys.map((key) => `${key} ${sides[key]}`), ...measures, 'target', 'verdict'];
  return formatTable([head, ...results.map((result) => formatRow(result, keys, measures))]);
}

export const sideKeys = (sides: SideLabels): SideKey[] => Object.keys(sides) as SideKey[];

/** Ours to each of the others. */
export const ratiosOf = (sides: SideLabels): ('C/A' | 'C/B')[] =>
  sideKeys(sides).flatMap((key) => (key === 'C' ? [] : [`C/${key}` as const]));

function formatRow(result: CaseResult, keys: readonly SideKey[], measures: readonly Measure[]): string[] {
  const show = (value: number | undefined) => (value === undefined ? '–' : formatNumber(value));
  const sides = keys.map((side) => show(sideMedian(result, side)));
  const ratios = measures.map((measure) => show(measureOf(result, measure)));
  const targets = result.targets.map((target) => describeTarget(target, result.unit)).join('; ');
  const verdicts = result.targets.map((target) => describeVerdict(result, target)).join('; ');
  return [result.title, result.unit, ...sides, ...ratios, targets || '–', verdicts || '–'];
}

/** As a section of Markdown. */
export const formatSection = ({ title, lines, notes }: ReportTable): string =>
  [`## ${title}`, formatTable(lines), ...notes].join('\n\n');

/** The first line is the head. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const head = lines[0] ?? [];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [format(head), rule, ...lines.slice(1).map(format)].join('\n');
}
