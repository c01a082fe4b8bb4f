/** How long a job that failed waits for its next attempt. */

const FIRST_MS = 1_000;
const LONGEST_MS = 600_000;

/**
 * Doubled with each attempt up to ten minutes, and somewhere in the upper half of that: what failed together does not
 * come back together.
 *
 * @param attempts  that were made, 1 or more
 * @param random  from 0 to 1, 1 excluded
 * @returns milliseconds
 */
export function backOffMs(attempts: number, random = Math.random()): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 30));
  return Math.round(longest * (0.5 + random / 2));
}
