import { FILES_AT_ONCE } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { isBelow } from '#common/files/path.ts';
import type { Remove } from '#proto/files/v1/files_pb.ts';
import type { StoredEntry } from '../backend.ts';
import { type Call, DELETE_BIT } from '../call.ts';
import { folderMissing, folderNotEmpty, isRoot } from '../failures.ts';
import { AtOnce } from './at-once.ts';
import { walkTree } from './tree.ts';

/** @throws MillraceError not_found; conflict for a folder with something in it, without force; denied: nothing is gone */
export async function remove(call: Call, { path, isFolder, force, contentOnly }: Remove): Promise<StoredEntry> {
  const { source, deadline } = call;
  if (!isFolder) {
    await source.remove(path, deadline);
    return gone(path, false);
  }
  if (path === '' && !contentOnly) throw isRoot();
  const folder = await source.stat(path, deadline);
  if (!folder?.isFolder) throw folderMissing(path);
  if (!force) {
    if (await hasSomething(call, path)) throw folderNotEmpty();
    if (!contentOnly) await source.removeFolder(path, deadline);
    return folder;
  }
  await requireBelow(call, path, (below) => call.rules.require(below, DELETE_BIT));
  await removeBelow(call, path);
  if (!contentOnly) await ifThere(source.removeFolder(path, deadline));
  return folder;
}

/** Before anything is done: looks at all below a folder, where the caller's role needs it. @throws as `require` does */
export async function requireBelow(call: Call, folder: string, require: (path: string) => void): Promise<void> {
  if (call.rules.isOpen) return;
  for await (const { path } of walkTree(call.source, folder, call.deadline)) require(path);
}

/** All below a folder. What somebody else removes meanwhile is as good as removed. */
export async function removeBelow(
  { source, deadline }: Pick<Call, 'source' | 'deadline'>,
  folder: string,
): Promise<void> {
  if (source.removeTree) return source.removeTree(folder, deadline);
  const files = new AtOnce(FILES_AT_ONCE);
  /** That we are in: each goes when what comes next is not below it. */
  const open: string[] = [];
  const leave = async (next: string | undefined): Promise<void> => {
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      if (next !== undefined && isBelow(next, last)) return;
      await files.all();
      await ifThere(source.removeFolder(last, deadline));
      open.pop();
    }
  };
  try {
    for await (const { path, isFolder } of walkTree(source, folder, deadline)) {
      await leave(path);
      if (isFolder) open.push(path);
      else await files.add(() => ifThere(source.remove(path, deadline)));
    }
    await files.all();
    await leave(undefined);
  } finally {
    await files.settled();
  }
}

async function hasSomething({ source, deadline }: Call, folder: string): Promise<boolean> {
  for await (const _ of source.list(folder, deadline)) return true;
  return false;
}

async function ifThere(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'not_found')) throw error;
  }
}

const gone = (path: string, isFolder: boolean): StoredEntry => ({
  path,
  isFolder,
  size: 0,
  modifiedMs: undefined,
  contentType: undefined,
  etag: undefined,
});
