/** What is in a folder of a store, page after page, in the order and the shape of paths. */
import type { StoredEntry } from '../backend.ts';
import type { ObjectClient, ObjectInfo } from './client.ts';
import { inOrder } from './in-order.ts';
import { compareBytes, isShown, prefixOf } from './keys.ts';

interface Item {
  /** Within the listed folder; of a folder with a slash at the end. */
  readonly key: string;
  readonly info: ObjectInfo | undefined;
}

export type Pages = (query: Parameters<ObjectClient['page']>[0]) => ReturnType<ObjectClient['page']>;

export async function* listFolder(pages: Pages, folder: string): AsyncGenerator<StoredEntry> {
  const below = async function* (name: string): AsyncGenerator<Item> {
    if (await hasAny(pages, `${prefixOf(folder)}${name}`)) yield { key: name, info: undefined };
  };
  for await (const { key, info } of inOrder(itemsOf(pages, folder, '', false), below)) {
    yield key.endsWith('/') || !info ? folderEntry(pathIn(folder, key)) : entryOf(info);
  }
}

/** Also folders that are nothing but the beginning of keys. */
export async function* listTree(pages: Pages, folder: string): AsyncGenerator<StoredEntry> {
  const below = (name: string): AsyncGenerator<Item> => itemsOf(pages, folder, name, true);
  /** Within the listed folder, those that the last one was in, each with its slash. */
  let open: readonly string[] = [];
  for await (const { key, info } of inOrder(itemsOf(pages, folder, '', true), below)) {
    const above = foldersOf(key);
    for (const [depth, name] of above.entries()) {
      if (open[depth] !== name) yield folderEntry(pathIn(folder, name));
    }
    open = above;
    if (info && !key.endsWith('/')) yield entryOf(info);
  }
}

/** Is there anything of which the key begins so? */
export async function hasAny(pages: Pages, prefix: string): Promise<boolean> {
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await pages({ prefix, isDeep: true, token, max: 1 });
    if (page.objects.length > 0) return true;
    token = page.next; // some stores give empty pages
  }
  return false;
}

/** All keys of a prefix as the store has them, a page at a time. */
export async function* keysBelow(pages: Pages, prefix: string): AsyncGenerator<readonly string[]> {
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await pages({ prefix, isDeep: true, token });
    yield page.objects.map(({ key }) => key);
    token = page.next;
  }
}

/** By the bytes of their keys. */
async function* itemsOf(pages: Pages, folder: string, within: string, isDeep: boolean): AsyncGenerator<Item> {
  const root = prefixOf(folder);
  const prefix = root + within;
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await pages({ prefix, isDeep, token });
    const items: Item[] = [
      ...page.objects.map((info) => ({ key: info.key.slice(root.length), info })),
      ...page.folders.map((key) => ({ key: key.slice(root.length), info: undefined })),
    ];
    items.sort((a, b) => compareBytes(a.key, b.key));
    for (const item of items) {
      // The folder's own key stands for itself and is not in it.
      if (item.key !== '' && isShown(root + item.key, folder)) yield item;
    }
    token = page.next;
  }
}

/** 'a/b/c' → ['a/', 'a/b/']; 'a/b/' → ['a/', 'a/b/']. */
function foldersOf(key: string): string[] {
  const all: string[] = [];
  for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) all.push(key.slice(0, at + 1));
  return all;
}

const pathIn = (folder: string, key: string): string => `${prefixOf(folder)}${key.slice(0, -1)}`;

export const entryOf = ({ key, size, modifiedMs, contentType, etag, extras }: ObjectInfo): StoredEntry => ({
  ...{ path: key, isFolder: false, size, modifiedMs, contentType, etag },
  ...(extras && { extras }),
});

export const folderEntry = (path: string): StoredEntry => ({
  ...{ path, isFolder: true, size: 0, modifiedMs: undefined, contentType: undefined, etag: undefined },
});
