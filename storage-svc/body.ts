/** What is done with the bytes of a file on their way, whatever backend they go to. */
import type { Deadline } from '#common/deadline.ts';
import { inTime } from '#common/in-time.ts';

/**
 * The same pieces, but the wait for the next one ends with the deadline: whoever sends may have fallen silent.
 * @throws the deadline's reason
 */
export async function* inTimeBody(body: AsyncIterable<Uint8Array>, deadline: Deadline): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      // No promise lasts as long as the body: each piece would hang on to it until its end.
      const next = await inTime(iterator.next(), deadline);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a sender that waits itself would hold us.
    void iterator.return?.()?.catch(() => {});
  }
}
