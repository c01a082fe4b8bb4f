/** Files in the order they were named, small ones read a few ahead: to wait for each of thousands would take too long. */
import type { StoredEntry } from '../backend.ts';

export interface Ahead {
  /** The first bytes: all of them, where nothing is left. */
  readonly held: Uint8Array;
  readonly rest: AsyncIterator<Uint8Array> | undefined;
}

/** undefined: it is there no longer. */
export type Open = (entry: StoredEntry) => Promise<Ahead | undefined>;

export interface AheadOptions {
  readonly filesMax: number;
  /** Larger ones are opened when it is their turn. */
  readonly bytesMax: number;
}

interface Waiting {
  readonly entry: StoredEntry;
  readonly file: Promise<Ahead | undefined> | undefined;
}

/** Folders come as they are. Whoever takes a file with a rest takes the rest before he goes on. */
export async function* readAhead(
  entries: AsyncIterable<StoredEntry>,
  open: Open,
  { filesMax, bytesMax }: AheadOptions,
): AsyncGenerator<{ readonly entry: StoredEntry; readonly file: Ahead | undefined }> {
  const waiting: Waiting[] = [];
  const source = entries[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      while (!isOver && waiting.length < filesMax) {
        const next = await source.next();
        if (next.done) isOver = true;
        else waiting.push(begin(next.value, open, bytesMax));
      }
      const first = waiting.shift();
      if (!first) return;
      const { entry } = first;
      if (entry.isFolder) yield { entry, file: undefined };
      else {
        const file = await (first.file ?? open(entry));
        if (file) yield { entry, file };
      }
    }
  } finally {
    await Promise.all([source.return?.(), ...waiting.map(leave)]);
  }
}

function begin(entry: StoredEntry, open: Open, bytesMax: number): Waiting {
  if (entry.isFolder || entry.size > bytesMax) return { entry, file: undefined };
  const file = open(entry);
  file.catch(() => {}); // met when it is its turn
  return { entry, file };
}

async function leave({ file }: Waiting): Promise<void> {
  const opened = await file?.catch(() => undefined);
  await opened?.rest?.return?.();
}
