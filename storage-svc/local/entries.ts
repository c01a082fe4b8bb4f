/** What the operating system knows of a file or folder, as an entry. */
import type { BigIntStats } from 'node:fs';
import type { StoredEntry } from '../backend.ts';

/** undefined: neither a file nor a folder (sockets, devices, links). */
export function entryOf(path: string, stats: BigIntStats): StoredEntry | undefined {
  const modifiedMs = Number(stats.mtimeMs);
  if (stats.isDirectory()) {
    return { path, isFolder: true, size: 0, modifiedMs, contentType: undefined, etag: undefined };
  }
  if (!stats.isFile()) return undefined;
  return { path, isFolder: false, size: Number(stats.size), modifiedMs, contentType: undefined, etag: etagOf(stats) };
}

/** Network file systems keep these three. Every write of ours makes a new inode. */
const etagOf = ({ ino, size, mtimeNs }: BigIntStats): string =>
  `${ino.toString(36)}-${size.toString(36)}-${mtimeNs.toString(36)}`;
