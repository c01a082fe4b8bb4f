/** A bar chart of the ratios, as SVG. */
import { type BenchReport, type CaseResult, measureOf } from './report.ts';
import { formatNumber } from './statistics.ts';

const WIDTH = 820;
const LABEL_WIDTH = 220;
const VALUE_WIDTH = 70;
const HEAD_HEIGHT = 60;
const BAR_HEIGHT = 16;
const CASE_HEIGHT = 54;
const PLOT_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
const TARGET_COLOUR = '#c0392b';
const SERIES = [
  { measure: 'C/A', label: 'against pgbench', colour: '#8fa3ad' },
  { measure: 'C/B', label: 'against Fastify + pg', colour: '#1f6f8b' },
] as const;

/** Two bars for each case under load, a line where both are equally fast, a mark where the target is. */
export function formatChart(report: BenchReport): string {
  const cases = report.cases.filter((result) => measureOf(result, 'C/B') !== undefined);
  const height = HEAD_HEIGHT + cases.length * CASE_HEIGHT + 10;
  const scale = PLOT_WIDTH / Math.max(1.2, ...cases.flatMap(valuesOf));
  const equal = LABEL_WIDTH + scale;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(12, 22, `Millrace, times as fast (${report.measuredAt.slice(0, 10)}, ${report.commit})`),
    ...SERIES.map(({ label, colour }, index) => legend(12 + index * 170, label, colour)),
    legend(12 + SERIES.length * 170, 'target', TARGET_COLOUR),
    `<path d="M${round(equal)} ${HEAD_HEIGHT - 8}V${height - 6}" stroke="#555555" stroke-dasharray="3 3"/>`,
    ...cases.map((result, index) => bars(result, HEAD_HEIGHT + index * CASE_HEIGHT, scale)),
    '</svg>',
    '',
  ].join('\n');
}

function valuesOf(result: CaseResult): number[] {
  const ratios = SERIES.map(({ measure }) => measureOf(result, measure) ?? 0);
  return [...ratios, ...result.targets.map((target) => (target.measure === 'C' ? 0 : (target.atLeast ?? 0)))];
}

function bars(result: CaseResult, top: number, scale: number): string {
  const parts = SERIES.map(({ measure, colour }, index) => {
    const value = measureOf(result, measure) ?? 0;
    const y = top + index * (BAR_HEIGHT + 4);
    const target = result.targets.find((each) => each.measure === measure)?.atLeast;
    const bar = `<rect x="${LABEL_WIDTH}" y="${y}" width="${round(value * scale)}" height="${BAR_HEIGHT}" fill="${colour}"/>`;
    return bar + text(LABEL_WIDTH + value * scale + 6, y + 13, `${formatNumber(value)} ×`) + mark(target, y, scale);
  });
  return text(12, top + 22, result.title) + parts.join('');
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
