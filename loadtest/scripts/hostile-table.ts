/** What became of hostile scripts, for people. */
import type { ReportTable } from '../report.ts';
import { formatNumber, percentile } from '../statistics.ts';

/** What the calls of a neighbour took. */
export interface Waited {
  /** Answered with an error. */
  readonly failed: number;
  /** Median of those of each time that it was looked at. */
  readonly p99Ms: number;
  readonly p99s: readonly number[];
}

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

/** Twice as long is what is allowed; where that is less, this is what the clock of a busy machine cannot tell apart. */
const FACTOR = 2;
const SLACK_MS = 2;
const ANSWER_CHARACTERS = 90;

export const allowedMs = ({ p99Ms }: Waited): number => Math.max(FACTOR * p99Ms, p99Ms + SLACK_MS);

/** Of both neighbours. */
export interface Alone {
  readonly plain: Waited;
  readonly scripted: Waited;
}

/** Whether one of them waits too long, or in vain. */
export function isOver({ plain, scripted }: Outcome, alone: Alone): boolean {
  const isLong = plain.p99Ms > allowedMs(alone.plain) || scripted.p99Ms > allowedMs(alone.scripted);
  return isLong || plain.failed + scripted.failed > 0;
}

export function hostileTable(outcomes: readonly Outcome[], alone: Alone): ReportTable {
  const head = [
    ...['script', 'times', 'its caller gets', 'ms (longest)'],
    ...['GET p99', '×', 'GET with a script p99', '×'],
    ...['workers replaced', 'pool full after ms', 'old ones gone after ms', 'verdict'],
  ];
  const lines = outcomes.map((each) => lineOf(each, alone));
  const quiet = [
    '(nobody)',
    String(alone.plain.p99s.length),
    '–',
    '–',
    number(alone.plain.p99Ms),
    '1',
    number(alone.scripted.p99Ms),
    '1',
    '–',
    '–',
    '–',
    '–',
  ];
  return {
    title: 'Hostile scripts and their neighbours',
    lines: [head, quiet, ...lines],
    notes: [
      'p99 is the median of those of each time that a kind was called, of some 200 calls of each neighbour; alone it is ' +
        `that of ${alone.plain.p99s.length} times of a second between the kinds, where it went ${spread(alone.plain)} and ` +
        `${spread(alone.scripted)} ms by itself. Allowed is twice as long as alone, or ${SLACK_MS} ms more where that is ` +
        'less; kinds beside which it was longer after the first times were called again, as often as the table says, and ' +
        'all times count. The line of the other program, which has nothing to do with Millrace, shows what any loop does here.',
    ],
  };
}

function lineOf(each: Outcome, alone: Alone): string[] {
  const { plain, scripted } = each;
  const failed = plain.failed + scripted.failed;
  return [
    each.name,
    String(plain.p99s.length),
    each.answers.join(' / ').replaceAll('|', '\\|').slice(0, ANSWER_CHARACTERS) || '–',
    each.medianMs === undefined ? '–' : `${number(each.medianMs)} (${number(each.longestMs ?? 0)})`,
    ...[number(plain.p99Ms), number(plain.p99Ms / alone.plain.p99Ms)],
    ...[number(scripted.p99Ms), number(scripted.p99Ms / alone.scripted.p99Ms)],
    String(each.replaced),
    ...[each.fullMs, each.goneMs].map((ms) => Math.round(Math.max(0, ms)).toString()),
    failed > 0 ? `${failed} calls failed` : isOver(each, alone) ? 'missed' : 'ok',
  ];
}

/** The middle half. */
function spread({ p99s }: Waited): string {
  const [low, high] = [percentile(p99s, 0.25), percentile(p99s, 0.75)];
  return `from ${number(low)} to ${number(high)}`;
}

const number = formatNumber;
