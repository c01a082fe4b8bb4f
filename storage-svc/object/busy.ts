/** Patience with a store that has too much to do, for requests that must not be sent again for any other reason. */
import { setTimeout as pause } from 'node:timers/promises';
import { OBJECT_ATTEMPTS_MAX } from '#common/bounds.ts';
import { isBusy } from './failures.ts';

const PAUSE_MS = 200;

/** Sends it again only when the store has said that it did nothing. Pauses are of random length and grow. */
export async function whileBusy<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (attempt === OBJECT_ATTEMPTS_MAX || !isBusy(error)) throw error;
      await pause(Math.random() * PAUSE_MS * 2 ** attempt, undefined, { signal });
    }
  }
}
