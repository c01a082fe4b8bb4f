/** Files and folders as the API shows them (files-and-scripting-api §1.2, §1.3). */
import type { FileEntry } from '#common/files/entry.ts';
import { nameOf } from '#common/files/path.ts';
import { Family } from '#proto/files/v1/files_pb.ts';
import { httpDate } from './conditions.ts';

export type EntryJson = Readonly<Record<string, unknown>>;

/** Types of services whose times are ISO 8601 in the original. */
const ISO_TIMES = new Set(['aws_s3', 'gridfs']);

/** Folders end with a slash; the root is nothing. */
export const shownPath = (path: string, isFolder: boolean): string => (isFolder && path !== '' ? `${path}/` : path);

/** @param serviceType  which kind of storage: times are shown as it does */
export function shownTime({ modifiedMs }: FileEntry, serviceType: string): string | undefined {
  if (modifiedMs === undefined) return undefined;
  if (!ISO_TIMES.has(serviceType)) return httpDate(modifiedMs);
  return new Date(modifiedMs).toISOString().replace(/\.\d+Z$/, '+00:00');
}

/**
 * One item of a listing.
 * @param folder  the one that is listed
 */
export function itemOf(entry: FileEntry, folder: string, family: Family, serviceType: string): EntryJson {
  const { path, isFolder } = entry;
  const name = folder === '' ? path : path.slice(folder.length + 1);
  const time = shownTime(entry, serviceType);
  const type = isFolder ? 'folder' : 'file';
  if (!isFolder) {
    const { contentType = null, size, extras } = entry;
    return {
      ...{ path, content_type: contentType, last_modified: time ?? null, content_length: size, name, type },
      ...extras,
    };
  }
  const shown = shownPath(path, true);
  if (family === Family.OBJECT) {
    return { path: shown, content_type: null, last_modified: time ?? null, content_length: 0, name, type };
  }
  return { path: shown, ...(time !== undefined && { last_modified: time }), name, type };
}

/** Of a folder alone. */
export function folderProperties(path: string, entry: FileEntry | undefined, serviceType: string): EntryJson {
  const time = entry && shownTime(entry, serviceType);
  return { name: nameOf(path), path: shownPath(path, true), ...(time !== undefined && { last_modified: time }) };
}

/** Of a file alone. */
export function fileProperties(entry: FileEntry, serviceType: string): EntryJson {
  const { path, contentType = null, size, extras } = entry;
  const last_modified = shownTime(entry, serviceType) ?? null;
  return { path, name: nameOf(path), content_type: contentType, last_modified, content_length: size, ...extras };
}
