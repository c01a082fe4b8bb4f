/** Waiting that ends at the deadline, whatever is waited for. */
import type { Deadline } from '#common/deadline.ts';

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
