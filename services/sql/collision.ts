/**
 * Transactions that stood in each other's way (a deadlock, a serialization failure): the database undid one of them, so
 * that it can be run again as if nothing had happened.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';

const ATTEMPTS_MAX = 5;
const PAUSE_MS = 20;

/**
 * @param isCollision  whether what was thrown says that all is undone
 * @param work         from the beginning each time
 * @throws what `work` throws, and a collision that comes again and again, or when nobody waits any longer
 */
export async function again<T>(
  deadline: Deadline,
  isCollision: (thrown: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || deadline.reason || !isCollision(error)) throw error;
      // Those who met are not to meet again.
      await pause(Math.random() * PAUSE_MS * attempt);
    }
  }
}

/** The same as engines tell it: run again, it may succeed. */
export const isCollision = (thrown: unknown): boolean =>
  thrown instanceof MillraceError && thrown.code === 'conflict' && thrown.context?.['retryable'] === true;
