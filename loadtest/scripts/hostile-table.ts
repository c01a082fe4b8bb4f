/** What became of hostile scripts, for people. */
import type { ReportTable } from '../report.ts';
import { formatNumber, median } from '../statistics.ts';

/** What the calls of a neighbour took. */
export interface Waited {
  readonly calls: number;
  /** Answered with an error. */
  readonly failed: number;
  readonly p99Ms: number;
  readonly longestMs: number;
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
  readonly replaced: number;
  readonly lingering: number;
}

/** Twice as long is what is allowed; where that is less, this is what the clock of a busy machine cannot tell apart. */
const FACTOR = 2;
const SLACK_MS = 2;
const ANSWER_CHARACTERS = 90;

export const allowedMs = ({ p99Ms }: Waited): number => Math.max(FACTOR * p99Ms, p99Ms + SLACK_MS);

export function hostileTable(
  outcomes: readonly Outcome[],
  alone: { readonly plain: Waited; readonly scripted: Waited },
  quietWindows: readonly number[],
): ReportTable {
  const head = [
    ...['script', 'its caller gets', 'ms (longest)'],
    ...['GET p99', '×', 'GET with a script p99', '×'],
    ...['workers replaced', 'pool full after ms', 'verdict'],
  ];
  const lines = outcomes.map((each) => lineOf(each, alone));
  const quiet = [
    '(nobody)',
    '–',
    '–',
    number(alone.plain.p99Ms),
    '1',
    number(alone.scripted.p99Ms),
    '1',
    '–',
    '–',
    '–',
  ];
  return {
    title: 'Hostile scripts and their neighbours',
    lines: [head, quiet, ...lines],
    notes: [
      `Each neighbour has ${alone.plain.calls} calls alone, between the kinds, and a few hundred beside each of them. ` +
        `Times in ms. Allowed is twice as long as alone, or ${SLACK_MS} ms more where that is less: in the ` +
        `${quietWindows.length} windows without hostile scripts p99 went from ${number(Math.min(...quietWindows))} ` +
        `(median ${number(median(quietWindows))}) to ${number(Math.max(...quietWindows))} ms by itself, and the line of ` +
        'the other program shows what any loop on one of two cores does.',
    ],
  };
}

function lineOf(each: Outcome, alone: { readonly plain: Waited; readonly scripted: Waited }): string[] {
  const { plain, scripted } = each;
  const isOver = plain.p99Ms > allowedMs(alone.plain) || scripted.p99Ms > allowedMs(alone.scripted);
  const failed = plain.failed + scripted.failed;
  return [
    each.name,
    each.answers.join(' / ').replaceAll('|', '\\|').slice(0, ANSWER_CHARACTERS) || '–',
    each.medianMs === undefined ? '–' : `${number(each.medianMs)} (${number(each.longestMs ?? 0)})`,
    ...[number(plain.p99Ms), number(plain.p99Ms / alone.plain.p99Ms)],
    ...[number(scripted.p99Ms), number(scripted.p99Ms / alone.scripted.p99Ms)],
    each.lingering > 0 ? `${each.replaced} (${each.lingering} still there)` : String(each.replaced),
    Math.round(Math.max(0, each.fullMs)).toString(),
    failed > 0 ? `${failed} calls failed` : isOver ? 'missed' : 'ok',
  ];
}

const number = formatNumber;
