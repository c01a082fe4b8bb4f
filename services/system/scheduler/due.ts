/** When a task runs: by a cron expression in a time zone, or every so many minutes (files-and-scripting-api §3.11). */
import { Cron } from 'croner';

export interface Timing {
  /** 5 fields, or 6 with seconds first; null: by frequency. */
  readonly cron: string | null;
  /** Minutes. */
  readonly frequency: number;
  /** IANA name. */
  readonly time_zone: string;
}

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;

/**
 * Where clocks go forward, a time of the day that is left out runs when they have; where they go back, one that is there
 * twice runs the first time. What recurs within the hour goes on through both.
 *
 * @returns the first time behind `after`; undefined: there is none
 */
export function nextRun({ cron, frequency, time_zone }: Timing, after: Date): Date | undefined {
  if (cron !== null) return patternOf(cron, time_zone).nextRun(after) ?? undefined;
  // Minutes of an hour by which it can be divided, as the original runs it; what is longer knows no hours.
  if (frequency < HOUR_MINUTES) return patternOf(`*/${frequency} * * * *`, time_zone).nextRun(after) ?? undefined;
  const period = frequency * MINUTE_MS;
  return new Date((Math.floor(after.getTime() / period) + 1) * period);
}

/** @returns why it is none; undefined: it is one, and there is a time that it means */
export function faultOfCron(cron: string): string | undefined {
  if (![5, 6].includes(cron.trim().split(/\s+/).length)) return 'It must have 5 fields, or 6 with seconds first.';
  try {
    return patternOf(cron, 'UTC').nextRun() ? undefined : 'There is no such time.';
  } catch (error) {
    return error instanceof Error
      ? `${error.message.replace(/^CronPattern: /, '').replace(/\.?$/, '.')}`
      : 'It is not clear.';
  }
}

/** Names of the IANA alone: an offset from UTC knows nothing of the clocks that go forward and back. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

const patternOf = (cron: string, timezone: string): Cron =>
  new Cron(cron.trim(), { timezone, paused: true, mode: '5-or-6-parts' });
