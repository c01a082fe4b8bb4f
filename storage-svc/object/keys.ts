/** Keys of a store as paths: a folder is a key with a slash at its end, or the beginning of other keys. */
import { filePath, OWN_FOLDER } from '#common/files/path.ts';

/** What keys of all that is in a folder begin with, and the key of the folder itself. */
export const prefixOf = (folder: string): string => (folder === '' ? '' : `${folder}/`);

/** Keys that others have written and our paths cannot say are left out, and so is our own folder at the root. */
export function isShown(key: string, folder: string): boolean {
  const path = key.endsWith('/') ? key.slice(0, -1) : key;
  try {
    return filePath(path) === path && path !== '';
  } catch {
    return folder.startsWith(OWN_FOLDER);
  }
}

/** By the bytes of the names part by part: a folder and all in it before a name that goes on where the folder's ends. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(inParts(a), inParts(b));

/** As stores list them. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** No path has the character that is less than all others. */
const inParts = (key: string): Buffer => Buffer.from(key.replaceAll('/', '\0'));
