/** What is done with the bytes of a file on their way, whatever backend they go to. */
import type { Deadline } from '#common/deadline.ts';
import { RaceAgainst } from '#common/race.ts';

/**
 * The same pieces, but the wait for the next one ends with the deadline: whoever sends may have fallen silent.
 * @throws the deadline's reason
 */
export async function* inTimeBody(body: AsyncIterable<Uint8Array>, deadline: Deadline): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let forget = (): void => {};
  const aborted = new RaceAgainst(
    new Promise<never>((_, reject) => {
      forget = deadline.onAbort(() => reject(deadline.reason));
    }),
  );
  try {
    for (;;) {
      const next = await aborted.wait(iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    forget();
    // Not awaited: a sender that waits itself would hold us.
    void iterator.return?.()?.catch(() => {});
  }
}
