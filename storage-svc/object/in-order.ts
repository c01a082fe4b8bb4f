/**
 * Stores list keys by their bytes, so that `a-b` stands before `a/`; folders are listed by name, `a` before `a-b`. This
 * puts the one order into the other without holding the whole list: an item waits only while a folder may come whose
 * name it begins with, and where too many wait, the store is asked for that folder.
 */
import { compareKeys } from './keys.ts';

/** Items that wait: a page of most stores. */
const WAITING_MAX = 1000;

interface Keyed {
  /** Of a folder with a slash at the end. */
  readonly key: string;
}

/**
 * @param within  a folder that all of the items are in: what is beside it is not theirs to wait for
 * @param items  by the bytes of their keys
 * @param below  what the items have within this folder (`a/`), in any order of bytes: asked for ahead of its turn
 */
export async function* inOrder<T extends Keyed>(
  items: AsyncIterable<T>,
  below: (folder: string) => AsyncIterable<T>,
  waitingMax: number = WAITING_MAX,
  within = '',
): AsyncGenerator<T> {
  const waiting: T[] = [];
  /** Folders whose items were given ahead of their turn. */
  const given = new Set<string>();
  for await (const item of items) {
    const { key } = item;
    for (const folder of given) if (isPassed(folder, key)) given.delete(folder);
    if ([...given].some((folder) => key.startsWith(folder))) continue;
    insert(waiting, item);
    for (let first = waiting[0]; first; first = waiting[0]) {
      const folder = awaitedFolder(first.key, key, given, within);
      if (folder === undefined) {
        yield first;
        waiting.shift();
      } else {
        // One that has begun is on its way: what is in it comes first by itself.
        if (waiting.length <= waitingMax || key.startsWith(folder)) break;
        given.add(folder);
        yield* inOrder(below(folder), below, waitingMax, folder);
      }
    }
  }
  yield* waiting;
}

/** The first folder that may still come and stands before this key; the list has got as far as `reached`. */
function awaitedFolder(key: string, reached: string, given: ReadonlySet<string>, within: string): string | undefined {
  for (let at = within.length + 1; at < key.length && key[at - 1] === reached[at - 1]; at++) {
    if ((key[at] as string) >= '/' || (reached[at] ?? '') > '/') continue;
    const folder = `${key.slice(0, at)}/`;
    if (!given.has(folder)) return folder;
  }
  return undefined;
}

/** Keys that come after this one cannot be in the folder. */
const isPassed = (folder: string, key: string): boolean => {
  const name = folder.slice(0, -1);
  return !key.startsWith(name) || (key[name.length] ?? '') > '/';
};

/** Nearly always at the end. */
function insert<T extends Keyed>(items: T[], item: T): void {
  let at = items.length;
  while (at > 0 && compareKeys((items[at - 1] as T).key, item.key) > 0) at--;
  items.splice(at, 0, item);
}
