/** The quick lane: a run on this thread, from its beginning to its end, within milliseconds or not at all. */
import type { Limits } from './caps.ts';
import { type Ended, readEnd } from './ended.ts';
import { thrown } from './failures.ts';
import { packTexts, unpackTexts } from './packed.ts';
import type { Realm } from './realm.ts';
import type { Watchdog } from './watchdog.ts';

/** The first run of a realm compiles the script's functions and loads its libraries. */
export const FIRST_RUN_FACTOR = 4;
/** Of several runs, which share the time that the machine takes for something else. */
export const TOGETHER_FACTOR = 2;

/**
 * Several runs of one realm, one after the other, for the price of one entry.
 * @returns how they ended, or some of the first; undefined: it was broken off, and nobody knows by which of them
 */
export function runTogether(
  realm: Realm,
  packed: readonly string[],
  millis: number,
  limits: Limits,
  file: string,
  watchdog: Watchdog,
): Ended[] | undefined {
  realm.runs += packed.length;
  watchdog.enter();
  try {
    const ends = realm.startAll.applySync(undefined, [packTexts(packed)], { timeout: millis });
    return unpackTexts(ends, packed.length)?.map((end) => readEnd(end, limits, file));
  } catch {
    return undefined;
  } finally {
    watchdog.leave();
  }
}

export function runQuick(
  realm: Realm,
  packed: string,
  millis: number,
  limits: Limits,
  file: string,
  watchdog: Watchdog,
): Ended {
  const timeout = realm.runs++ === 0 ? millis * FIRST_RUN_FACTOR : millis;
  watchdog.enter();
  try {
    return readEnd(realm.start.applySync(undefined, [packed], { timeout }), limits, file);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    // The patient lane has more time, and more memory.
    if (/timed out/.test(message)) return { left: true, late: true };
    if (/disposed/.test(message)) return { left: true };
    return { failure: thrown(message, '', '', file), logs: [] };
  } finally {
    watchdog.leave();
  }
}
