/** The few functions of time a filter knows: the database's clock, moved by an offset. Everything else is text. */

import { Moment_Base } from '#proto/data/v1/data_pb.ts';

const CLOCK =
  /\s*(now\s*\(\s*\)|current_timestamp(?:\s*\(\s*\))?|current_date(?:\s*\(\s*\))?|current_time(?:\s*\(\s*\))?)/iy;
/** Two ways to write an offset: `- 7 days` and `- interval '7 days'`. Sixteen digits hold every safe integer. */
const OFFSET =
  /\s*([+-])\s*(?:interval\s*)?(?:'\s*(\d{1,16})\s*(second|minute|hour|day|week)s?\s*'|(\d{1,16})\s*(second|minute|hour|day|week)s?)/iy;
const END = /\s*$/y;

const SECONDS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 };

/** What the printer writes for a base, which is also what a filter may say. */
export const CLOCK_NAMES: ReadonlyMap<Moment_Base, string> = new Map([
  [Moment_Base.TIMESTAMP, 'current_timestamp'],
  [Moment_Base.DATE, 'current_date'],
  [Moment_Base.TIME, 'current_time'],
]);

/**
 * `now()`, `current_timestamp`, `current_date`, `current_time`, each with any number of offsets.
 * @returns undefined: the text is something else, or its offset is no safe integer of seconds
 */
export function parseMoment(text: string): { base: Moment_Base; offsetSeconds: number } | undefined {
  CLOCK.lastIndex = 0;
  const clock = CLOCK.exec(text)?.[1];
  if (clock === undefined) return undefined;

  let at = CLOCK.lastIndex;
  let offsetSeconds = 0;
  for (;;) {
    OFFSET.lastIndex = at;
    const offset = OFFSET.exec(text);
    if (offset === null) break;
    at = OFFSET.lastIndex;
    const seconds = Number(offset[2] ?? offset[4]) * SECONDS[(offset[3] ?? offset[5])!.toLowerCase()]!;
    offsetSeconds += offset[1] === '-' ? -seconds : seconds;
    if (!Number.isSafeInteger(offsetSeconds)) return undefined;
  }
  END.lastIndex = at;
  return END.test(text) ? { base: baseOf(clock.toLowerCase()), offsetSeconds } : undefined;
}

function baseOf(clock: string): Moment_Base {
  if (clock.startsWith('current_date')) return Moment_Base.DATE;
  return clock.startsWith('current_time') && !clock.startsWith('current_timestamp')
    ? Moment_Base.TIME
    : Moment_Base.TIMESTAMP;
}
