/** What several processes on one system database set about at the same moment: one of them does it, for all. */
import { MillraceError } from '#common/errors.ts';

/**
 * Where another process was faster, what it has written counts: seen by doing the work once more. One transaction at a
 * time: of two of them, each may be the one that another process is faster with.
 *
 * @param work  writes only what is not there yet, in one transaction
 * @throws what `work` throws the second time, or at once where it was no race
 */
export async function besideOthers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'invalid') throw error;
    return work();
  }
}
