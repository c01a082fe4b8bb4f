/** Names of a bucket a page at a time, flat or by folders, each once. */
import type { Collection, Filter } from 'mongodb';
import type { ObjectInfo, ObjectPage, PageQuery } from '../object/client.ts';
import type { FileDocument } from './revisions.ts';

const PAGE = 1000;

export async function page(
  files: Collection<FileDocument>,
  { prefix, isDeep, token, max = PAGE }: PageQuery,
): Promise<ObjectPage> {
  const objects: ObjectInfo[] = [];
  const folders: string[] = [];
  let last = token;
  let start = token === undefined ? { $gte: prefix } : behind(token, isDeep);
  for (;;) {
    let folder: string | undefined;
    const cursor = files.find(range(start, prefix), { sort: { filename: 1, uploadDate: 1 }, batchSize: PAGE });
    try {
      for await (const file of cursor) {
        if (file.filename === objects.at(-1)?.key) {
          objects[objects.length - 1] = infoOf(file); // a newer one
          continue;
        }
        if (objects.length + folders.length === max) return { objects, folders, next: last };
        folder = isDeep ? undefined : folderIn(file.filename, prefix);
        last = folder ?? file.filename;
        if (folder === undefined) objects.push(infoOf(file));
        else {
          folders.push(folder);
          break;
        }
      }
    } finally {
      await cursor.close();
    }
    if (folder === undefined) return { objects, folders, next: undefined };
    start = behind(folder, false); // over all that is in it
  }
}

function range(start: object, prefix: string): Filter<FileDocument> {
  return { filename: { ...start, ...(prefix !== '' && { $lt: after(prefix) }) } };
}

const behind = (name: string, isDeep: boolean): object =>
  !isDeep && name.endsWith('/') ? { $gte: after(name) } : { $gt: name };

/** The first name that does not begin with this one. */
const after = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

/** 'a/b/c' in 'a/' → 'a/b/' */
function folderIn(name: string, prefix: string): string | undefined {
  const slash = name.indexOf('/', prefix.length);
  return slash < 0 ? undefined : name.slice(0, slash + 1);
}

export const infoOf = (file: FileDocument): ObjectInfo => ({
  key: file.filename,
  size: Number(file.length),
  modifiedMs: file.uploadDate.getTime(),
  contentType: file.metadata?.contentType ?? file.contentType,
  etag: file._id.toHexString(),
  // As clients of the original know it (files-and-scripting-api §1.2).
  extras: { oid: file._id.toHexString() },
});
