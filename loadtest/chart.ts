/** A bar chart of the ratios, as SVG. */
import { type BenchReport, type CaseResult, isRate, measureOf, ratiosOf } from './report.ts';
import { formatNumber } from './statistics.ts';

const WIDTH = 820;
const LABEL_WIDTH = 220;
const VALUE_WIDTH = 70;
const HEAD_HEIGHT = 60;
const BAR_HEIGHT = 16;
const BAR_GAP = 4;
const CASE_GAP = 14;
const PLOT_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
const TARGET_COLOUR = '#c0392b';
const COLOURS = { A: '#8fa3ad', B: '#1f6f8b' } as const;

/** The bars that compare ours with one of the others. */
interface Series {
  readonly measure: 'C/A' | 'C/B';
  readonly label: string;
  readonly colour: string;
}

/** A bar for each ratio of rates, a line where both are equally fast, a mark where the target is. */
export function formatChart(report: BenchReport): string {
  const series = seriesOf(report);
  const cases = report.cases.filter(
    (result) => isRate(result) && series.some(({ measure }) => measureOf(result, measure) !== undefined),
  );
  const caseHeight = CASE_GAP + series.length * (BAR_HEIGHT + BAR_GAP);
  const height = HEAD_HEIGHT + cases.length * caseHeight + 10;
  const scale = PLOT_WIDTH / Math.max(1.2, ...cases.flatMap((result) => valuesOf(result, series)));
  const equal = LABEL_WIDTH + scale;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(12, 22, `Millrace, times as fast (${report.measuredAt.slice(0, 10)}, ${report.commit})`),
    ...series.map(({ label, colour }, index) => legend(12 + index * 170, label, colour)),
    legend(12 + series.length * 170, 'target', TARGET_COLOUR),
    `<path d="M${round(equal)} ${HEAD_HEIGHT - 8}V${height - 6}" stroke="#555555" stroke-dasharray="3 3"/>`,
    ...cases.map((result, index) => bars(result, series, HEAD_HEIGHT + index * caseHeight, scale)),
    '</svg>',
    '',
  ].join('\n');
}

function seriesOf({ sides }: BenchReport): Series[] {
  return ratiosOf(sides).map((measure) => {
    const side = measure === 'C/A' ? 'A' : 'B';
    return { measure, label: `against ${sides[side]}`, colour: COLOURS[side] };
  });
}

function valuesOf(result: CaseResult, series: readonly Series[]): number[] {
  const ratios = series.map(({ measure }) => measureOf(result, measure) ?? 0);
  return [...ratios, ...result.targets.map((target) => (target.measure === 'C' ? 0 : (target.atLeast ?? 0)))];
}

function bars(result: CaseResult, series: readonly Series[], top: number, scale: number): string {
  const parts = series.map(({ measure, colour }, index) => {
    const value = measureOf(result, measure) ?? 0;
    const y = top + index * (BAR_HEIGHT + BAR_GAP);
    const target = result.targets.find((each) => each.measure === measure)?.atLeast;
    const bar = `<rect x="${LABEL_WIDTH}" y="${y}" width="${round(value * scale)}" height="${BAR_HEIGHT}" fill="${colour}"/>`;
    return bar + text(LABEL_WIDTH + value * scale + 6, y + 13, `${formatNumber(value)} ×`) + mark(target, y, scale);
  });
  return text(12, top + (series.length > 1 ? 22 : 13), result.title) + parts.join('');
}

function mark(target: number | undefined, y: number, scale: number): string {
  if (target === undefined) return '';
  const x = round(LABEL_WIDTH + target * scale);
  return `<path d="M${x} ${y - 2}v${BAR_HEIGHT + 4}" stroke="${TARGET_COLOUR}" stroke-width="2"/>`;
}

function legend(x: number, label: string, colour: string): string {
  return `<rect x="${x}" y="32" width="12" height="12" fill="${colour}"/>${text(x + 18, 43, label)}`;
}

function text(x: number, y: number, content: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${y}" fill="#222222">${escaped}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
