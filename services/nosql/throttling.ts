/** Patience with a store that says that it takes no more requests at the moment. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';

const PAUSE_MS = 25;
const PAUSE_MS_MAX = 2_000;
/** Less is left: the answer would come too late. */
const ATTEMPT_MS_MIN = 20;

export const overloaded = (cause?: unknown): MillraceError =>
  new MillraceError(
    'overloaded',
    'The database takes no more requests at the moment. Try again a little later.',
    { retry_after_seconds: 1 },
    cause,
  );

/** Says how long the next pause is, with full jitter; undefined: the deadline leaves no time for it. */
export function pauses(deadline: Deadline): () => number | undefined {
  let attempt = 0;
  return () => {
    const pause = Math.random() * Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attempt++);
    return pause + ATTEMPT_MS_MIN < deadline.remainingMs() ? pause : undefined;
  };
}

/** Sends it again as long as the store says that it did nothing, and the deadline leaves time. */
export async function whileThrottled<T>(
  request: () => Promise<T>,
  isThrottled: (thrown: unknown) => boolean,
  deadline: Deadline,
): Promise<T> {
  const nextPause = pauses(deadline);
  for (;;) {
    deadline.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      if (!isThrottled(error)) throw error;
      const pause = nextPause();
      if (pause === undefined) throw overloaded(error);
      await wait(pause, deadline);
    }
  }
}

/** @throws the deadline's reason when it ends meanwhile */
export function wait(milliseconds: number, deadline: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, milliseconds);
    const forget = deadline.onAbort(() => {
      clearTimeout(timer);
      reject(deadline.reason);
    });
  });
}

/** A driver's request that ends with the deadline. */
export async function withSignal<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  deadline.throwIfAborted();
  const controller = new AbortController();
  const forget = deadline.onAbort(() => controller.abort());
  try {
    return await work(controller.signal);
  } catch (error) {
    deadline.throwIfAborted();
    throw error;
  } finally {
    forget();
  }
}
