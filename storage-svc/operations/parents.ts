/** The folders above something that shall be. */
import { parentOf } from '#common/files/path.ts';
import type { Call } from '../call.ts';
import { fileThere, folderMissing } from '../failures.ts';

/** @throws MillraceError not_found; conflict where a file is in its place */
export async function requireParent({ source, deadline }: Call, path: string): Promise<void> {
  const parent = parentOf(path);
  if (parent === '') return;
  const there = await source.stat(parent, deadline);
  if (!there) throw folderMissing(parent);
  if (!there.isFolder) throw fileThere(parent);
}

/** Makes a folder and those above it, as far as they are not there. @throws MillraceError denied, conflict */
export async function makeFolders({ source, deadline, rules, writeBit }: Call, folder: string): Promise<void> {
  const missing: string[] = [];
  for (let path = folder; path !== ''; path = parentOf(path)) {
    const there = await source.stat(path, deadline);
    if (there && !there.isFolder) throw fileThere(path);
    if (there) break;
    missing.push(path);
  }
  for (const path of missing) rules.require(path, writeBit);
  for (const path of missing.reverse()) await source.makeFolder(path, deadline);
}
