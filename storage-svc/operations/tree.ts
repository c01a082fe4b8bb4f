/** All below a folder. */
import type { Deadline } from '#common/deadline.ts';
import { isBelow } from '#common/files/path.ts';
import type { StorageSource, StoredEntry } from '../backend.ts';

/**
 * By the bytes of their paths part by part: a folder before what is in it.
 * @param enters  is what is in this folder of interest?
 */
export async function* walkTree(
  source: StorageSource,
  folder: string,
  deadline: Deadline,
  enters: (folder: StoredEntry) => boolean = () => true,
): AsyncGenerator<StoredEntry> {
  if (source.listTree) yield* without(source.listTree(folder, deadline), enters);
  else yield* descend(source, folder, deadline, enters);
}

async function* descend(
  source: StorageSource,
  folder: string,
  deadline: Deadline,
  enters: (folder: StoredEntry) => boolean,
): AsyncGenerator<StoredEntry> {
  for await (const entry of source.list(folder, deadline)) {
    yield entry;
    if (entry.isFolder && enters(entry)) yield* descend(source, entry.path, deadline, enters);
  }
}

/** What lists deep cannot be told where not to. */
async function* without(
  entries: AsyncIterable<StoredEntry>,
  enters: (folder: StoredEntry) => boolean,
): AsyncGenerator<StoredEntry> {
  let skipped: string | undefined;
  for await (const entry of entries) {
    if (skipped !== undefined && isBelow(entry.path, skipped)) continue;
    skipped = entry.isFolder && !enters(entry) ? entry.path : undefined;
    yield entry;
  }
}
