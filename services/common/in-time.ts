/** Waiting that ends at the deadline, whatever is waited for. */
import { Deadline, deadlinePassed } from './deadline.ts';

/** @throws the deadline's reason once it is aborted; the work itself goes on unheard */
export async function inTime<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  let forget = (): void => {};
  const late = new Promise<never>((_, reject) => {
    forget = deadline.onAbort(() => reject(deadline.reason));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    forget();
  }
}

/** Work that nobody's request gives a deadline to. @throws deadline when it takes longer than this */
export async function within<T>(milliseconds: number, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = Deadline.after(milliseconds);
  const timer = setTimeout(() => deadline.abort(deadlinePassed()), milliseconds);
  timer.unref();
  try {
    return await inTime(work(deadline), deadline);
  } finally {
    clearTimeout(timer);
  }
}

/** Node's timers count no further, some 24 days; what is longer would end at once. */
const TIMER_MAX_MS = 0x7fffffff;

/** A deadline of its own, which no sweep looks after. Call `done` when nobody needs it any longer. */
export function timedDeadline(milliseconds: number): { deadline: Deadline; done: () => void } {
  const deadline = Deadline.after(milliseconds);
  const timer = setTimeout(() => deadline.abort(deadlinePassed()), Math.min(milliseconds, TIMER_MAX_MS));
  return { deadline, done: () => clearTimeout(timer) };
}
