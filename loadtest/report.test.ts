import { expect, test } from 'vitest';
import type { Target } from './cases.ts';
import { formatChart } from './chart.ts';
import { formatComparison } from './compare.ts';
import { type BenchReport, type CaseResult, formatReport, isReached, measureOf } from './report.ts';
import { formatNumber, median, percentile } from './statistics.ts';

const rate = (samples: CaseResult['samples'], targets: readonly Target[] = []): CaseResult => ({
  name: 'get',
  title: 'GET by id',
  unit: 'requests/s',
  targets,
  samples,
});
const RATES = rate({ A: [9000, 10_000, 50], B: [4000, 1, 5000], C: [12_000, 90_000, 1000] });
const TIMES: CaseResult = { ...rate({ A: [0.2, 0.1, 0.3], B: [0.9], C: [1.7] }), unit: 'ms' };

const SIDES = { A: 'pgbench', B: 'Fastify + pg', C: 'Millrace' };

const reportOf = (commit: string, ...cases: CaseResult[]): BenchReport => ({
  measuredAt: '2025-01-02T03:04:05.000Z',
  commit,
  machine: { cpuModel: 'x', cores: 2, memoryGibibytes: 8, kernel: '6', node: 'v20', databases: ['PostgreSQL 15'] },
  sides: SIDES,
  settings: {},
  cases,
});

test.each([
  { values: [3], expected: 3 },
  { values: [10, 9, 100], expected: 10 },
  { values: [4, 1, 3, 2], expected: 2.5 },
])('the median of $values is $expected', ({ values, expected }) => {
  expect(median(values)).toBe(expected);
});

test('nothing has no median', () => {
  expect(() => median([])).toThrow(RangeError);
});

test.each([
  { why: 'ours alone', result: RATES, measure: 'C', expected: 12_000 },
  { why: 'a ratio of medians to A', result: RATES, measure: 'C/A', expected: 12_000 / 9000 },
  { why: 'a ratio of medians to B', result: RATES, measure: 'C/B', expected: 3 },
  { why: 'a difference of times', result: TIMES, measure: 'C-A', expected: 1.5 },
  { why: 'no ratio of times', result: TIMES, measure: 'C/B', expected: undefined },
  {
    why: 'a ratio of times where a target asks for it',
    result: { ...TIMES, targets: [{ measure: 'C/A', atMost: 10 }] },
    measure: 'C/A',
    expected: 1.7 / 0.2,
  },
  { why: 'no ratio to a side that was not measured', result: rate({ C: [5] }), measure: 'C/A', expected: undefined },
  { why: 'nothing without ours', result: rate({ A: [5] }), measure: 'C', expected: undefined },
] as const)('$why', ({ result, measure, expected }) => {
  expect(measureOf(result, measure)).toBe(expected);
});

test.each([
  { target: { measure: 'C/B', atLeast: 3 }, result: RATES, expected: true },
  { target: { measure: 'C/B', atLeast: 3.01 }, result: RATES, expected: false },
  { target: { measure: 'C-A', atMost: 1.5 }, result: TIMES, expected: true },
  { target: { measure: 'C-A', atMost: 1.4 }, result: TIMES, expected: false },
  { target: { measure: 'C/A', atLeast: 1 }, result: rate({ C: [5] }), expected: undefined },
] as const)('$target is reached: $expected', ({ target, result, expected }) => {
  expect(isReached(result, target)).toBe(expected);
});

test('the table names medians, ratios, targets and verdicts', () => {
  const [, , line] = formatReport(
    [
      {
        ...RATES,
        targets: [
          { measure: 'C/A', atLeast: 0.9 },
          { measure: 'C/B', atLeast: 4 },
        ],
      },
    ],
    SIDES,
  ).split('\n');
  const cells = line?.split('|').map((cell) => cell.trim());
  expect(cells?.slice(3, 8)).toEqual(['9,000', '4,000', '12,000', '1.33', '3.00']);
  expect(cells?.[9]).toBe('ok; missed');
});

test.each([
  { value: 12_345.6, expected: '12,346' },
  { value: 12.34, expected: '12.3' },
  { value: 0.123, expected: '0.12' },
  { value: -250.4, expected: '-250' },
])('$value reads $expected', ({ value, expected }) => {
  expect(formatNumber(value)).toBe(expected);
});

test('a comparison shows the change of ours, and cases that only one of the runs has', () => {
  const before = reportOf('aaa', rate({ A: [10], B: [2], C: [10] }));
  const after = reportOf('bbb', rate({ A: [10], B: [2], C: [15] }), { ...RATES, name: 'new', title: 'New' });
  const lines = formatComparison(before, after).split('\n').slice(-2);
  expect(lines[0]).toContain('+50.0 %');
  expect(lines[0]).toMatch(/1\.00 +\| 1\.50 +\| 5\.00 +\| 7\.50/);
  expect(lines[1]).toMatch(/New .*\| – +\| 12,000 +\| – /);
});

test('a report has columns for the sides that there are', () => {
  const sides = { A: 'direct', C: 'Millrace' };
  const result = rate({ A: [2], C: [4] });
  const [head, , line] = formatReport([result], sides).split('\n');
  const cellsOf = (text: string | undefined) => text?.split('|').map((cell) => cell.trim());
  expect(cellsOf(head)?.slice(3, 6)).toEqual(['A direct', 'C Millrace', 'C/A']);
  expect(cellsOf(line)?.slice(3, 6)).toEqual(['2.00', '4.00', '2.00']);
  expect(formatChart({ ...reportOf('aaa', result), sides }).match(/<rect x="220"/g)).toHaveLength(1);
});

test('the chart has two bars for each case that has ratios, and escapes titles', () => {
  const chart = formatChart(reportOf('aaa', { ...RATES, title: 'a < b & c' }, TIMES, rate({ C: [1] })));
  expect(chart.match(/<rect x="220"/g)).toHaveLength(2);
  expect(chart).toContain('a &lt; b &amp; c');
});

test.each([
  { share: 0.5, expected: 2 },
  { share: 0.75, expected: 3 },
  { share: 0.99, expected: 10 },
])('at $share of the values stands $expected', ({ share, expected }) => {
  expect(percentile([10, 3, 1, 2], share)).toBe(expected);
});
