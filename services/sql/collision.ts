/**
 * Transactions that stood in each other's way (a deadlock, a serialization failure): the database undid one of them, so
 * that it can be run again as if nothing had happened.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';

const ATTEMPTS_MAX = 10;
/** Doubled each time: on a busy machine those who meet hold their locks for long. */
const PAUSE_MS = 20;
const PAUSE_MS_MAX = 1_000;

/**
 * @param isCollision  whether what was thrown says that all is undone
 * @param work         from the beginning each time
 * @throws what `work` throws, and a collision that comes again and again, or after which there is no time left
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
      // Those who met are not to meet again.
      const pauseMs = Math.random() * Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (attempt - 1));
      const isTime = !deadline.reason && pauseMs < deadline.remainingMs();
      if (attempt === ATTEMPTS_MAX || !isTime || !isCollision(error)) throw error;
      await pause(pauseMs);
    }
  }
}

/** The same as engines tell it: run again, it may succeed. */
export const isCollision = (thrown: unknown): boolean =>
  thrown instanceof MillraceError && thrown.code === 'conflict' && thrown.context?.['retryable'] === true;
