/**
 * What is compared and then replaced is held against other processes by a folder in our own one: of several that make it
 * at once, one does, with every protocol.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '#common/deadline.ts';
import { joinPath, OWN_FOLDER } from '#common/files/path.ts';
import type { RemoteClient } from './client.ts';

const PAUSE_MS = 50;
/** Held for a few calls only: one that is there for so long belongs to a process that was killed. */
const ABANDONED_MS = 10_000;
/** Failures in a row without a lock to be seen. */
const VAIN_MAX = 5;

export async function locked<T>(
  client: RemoteClient,
  path: string,
  deadline: Deadline,
  work: () => Promise<T>,
): Promise<T> {
  const lock = joinPath(OWN_FOLDER, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.lock`);
  await take(client, lock, deadline);
  try {
    return await work();
  } finally {
    await client.removeFolder(lock).catch(() => {}); // abandoned
  }
}

async function take(client: RemoteClient, lock: string, deadline: Deadline): Promise<void> {
  let seenSince = Date.now();
  for (let vain = 0; ; ) {
    deadline.throwIfAborted();
    try {
      return await client.makeFolder(lock);
    } catch (error) {
      // Let go meanwhile, or it cannot be made at all.
      if (await client.stat(lock)) vain = 0;
      else if (++vain === VAIN_MAX) throw error;
    }
    if (Date.now() - seenSince > ABANDONED_MS) {
      await client.removeFolder(lock).catch(() => {}); // somebody was faster
      seenSince = Date.now();
    } else await sleep(PAUSE_MS);
  }
}
