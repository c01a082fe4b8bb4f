/** What became of hostile scripts, for people. */
import type { ReportTable } from '../report.ts';
import { formatNumber, percentile } from '../statistics.ts';
import { excessOf, p99Of, ratioOf, type Waited } from './waited.ts';

export interface Outcome {
  readonly name: string;
  /** Different ones: status and message. */
  readonly answers: readonly string[];
  readonly medianMs: number | undefined;
  readonly longestMs: number | undefined;
  readonly plain: Waited;
  readonly scripted: Waited;
  /** From the last hostile answer until all workers were there again, the longest. */
  readonly fullMs: number;
  /** And until those that were replaced were gone. */
  readonly goneMs: number;
  readonly replaced: number;
}

const ANSWER_CHARACTERS = 90;

/** Of both neighbours. */
export interface Alone {
  readonly plain: Waited;
  readonly scripted: Waited;
}

/** Whether one of them waits too long, or in vain. */
export function isOver({ plain, scripted }: Outcome): boolean {
  return excessOf(plain) > 1 || excessOf(scripted) > 1 || plain.failed + scripted.failed > 0;
}

export function hostileTable(outcomes: readonly Outcome[], alone: Alone): ReportTable {
  const head = [
    ...['script', 'times', 'its caller gets', 'ms (longest)'],
    ...['GET p99', '×', 'GET with a script p99', '×'],
    ...['workers replaced', 'pool full after ms', 'old ones gone after ms', 'verdict'],
  ];
  const lines = outcomes.map(lineOf);
  const quiet = [
    '(nobody)',
    String(alone.plain.looks.length),
    '–',
    '–',
    ...figuresOf(alone.plain),
    ...figuresOf(alone.scripted),
    '–',
    '–',
    '–',
    '–',
  ];
  return {
    title: 'Hostile scripts and their neighbours',
    lines: [head, quiet, ...lines],
    notes: [
      'p99 is the median of those of each time that a kind was called, of some 200 calls of each neighbour. Each time is ' +
        'held against the seconds with nobody next to it, before and behind the few kinds that it is one of, since the ' +
        `machine is slower at some times by itself: in the ${alone.plain.looks.length} seconds with nobody p99 went ` +
        `${spread(alone.plain)} and ${spread(alone.scripted)} ms (the middle half). × is the median of those ratios; the ` +
        'line of nobody holds each such second against the ones next to it. Allowed is twice as long as alone, or 2 ms ' +
        'more where that is less, in most of the times; kinds beside which it was longer after the first times were ' +
        'called again, as often as the table says, and all times count. The line of the other program, which has nothing ' +
        'to do with Millrace, shows what any loop does here.',
    ],
  };
}

function lineOf(each: Outcome): string[] {
  const { plain, scripted } = each;
  const failed = plain.failed + scripted.failed;
  return [
    each.name,
    String(plain.looks.length),
    each.answers.join(' / ').replaceAll('|', '\\|').slice(0, ANSWER_CHARACTERS) || '–',
    each.medianMs === undefined ? '–' : `${number(each.medianMs)} (${number(each.longestMs ?? 0)})`,
    ...figuresOf(plain),
    ...figuresOf(scripted),
    String(each.replaced),
    ...[each.fullMs, each.goneMs].map((ms) => Math.round(Math.max(0, ms)).toString()),
    failed > 0 ? `${failed} calls failed` : isOver(each) ? 'missed' : 'ok',
  ];
}

const figuresOf = (waited: Waited): string[] => [number(p99Of(waited)), number(ratioOf(waited))];

function spread({ looks }: Waited): string {
  const p99s = looks.map(({ p99Ms }) => p99Ms);
  const [low, high] = [percentile(p99s, 0.25), percentile(p99s, 0.75)];
  return `from ${number(low)} to ${number(high)}`;
}

const number = formatNumber;
