import { FILES_AT_ONCE } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { isBelow } from '#common/files/path.ts';
import type { Copy } from '#proto/files/v1/files_pb.ts';
import type { StoredEntry } from '../backend.ts';
import { type Call, DELETE_BIT, READ_BIT } from '../call.ts';
import { fileMissing, fileThere, folderMissing, folderThere, isRoot } from '../failures.ts';
import { AtOnce } from './at-once.ts';
import { requireParent } from './parents.ts';
import { removeBelow, requireBelow } from './remove.ts';
import { walkTree } from './tree.ts';

/**
 * A file, or a folder with all that is in it. Where copying a folder fails in the middle, what was copied is there, and
 * what shall be moved is still there as well.
 *
 * @returns what there is now
 * @throws MillraceError not_found, conflict, invalid; denied: nothing was done
 */
export async function copy(call: Call, request: Copy): Promise<StoredEntry> {
  const { source, deadline } = call;
  const { from, to, isFolder, move, overwrite } = request;
  if (to === '' || (from === '' && move)) throw isRoot();
  if (from === to) throw invalid(`'${from}' cannot be copied onto itself.`);
  if (isFolder && isBelow(to, from)) throw invalid(`Folder '${from}' cannot be copied into itself.`);
  const there = await source.stat(from, deadline);
  if (there?.isFolder !== isFolder) throw (isFolder ? folderMissing : fileMissing)(from);
  const inTheWay = await source.stat(to, deadline);
  // Nothing takes the place of another kind of thing, nor a file that of the folder that it comes from.
  if (inTheWay?.isFolder && !(isFolder && overwrite)) throw folderThere(to);
  if (inTheWay && !inTheWay.isFolder && (isFolder || !overwrite)) throw fileThere(to);
  await requireParent(call, to);
  if (isFolder) await requireTree(call, request);
  if (!(move && !inTheWay && (await movedAtOnce(call, request)))) {
    await (isFolder ? copyTree(call, from, to, overwrite) : copyFile(call, from, to, overwrite));
    if (move) await removeOriginal(call, request);
  }
  const entry = await source.stat(to, deadline);
  if (!entry) throw (isFolder ? folderMissing : fileMissing)(to); // somebody else has removed it already
  return entry;
}

/** What is below the two ends: neither was named by the caller. */
async function requireTree(call: Call, { from, to, move }: Copy): Promise<void> {
  await requireBelow(call, from, (path) => {
    call.rules.require(path, READ_BIT);
    call.rules.require(moved(path, from, to), call.writeBit);
    if (move) call.rules.require(path, DELETE_BIT);
  });
}

/** False where the storage cannot do it, and nothing was done. */
async function movedAtOnce({ source, deadline }: Call, { from, to, isFolder }: Copy): Promise<boolean> {
  if (!source.move) return false;
  try {
    await source.move(from, to, isFolder, deadline);
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'unsupported') return false;
    throw error;
  }
}

async function copyTree(call: Call, from: string, to: string, overwrite: boolean): Promise<void> {
  const { source, deadline } = call;
  const files = new AtOnce(FILES_AT_ONCE);
  await source.makeFolder(to, deadline);
  try {
    for await (const { path, isFolder } of walkTree(source, from, deadline)) {
      const target = moved(path, from, to);
      // Folders stand before what is in them.
      if (isFolder) await source.makeFolder(target, deadline);
      else await files.add(() => copyFile(call, path, target, overwrite));
    }
    await files.all();
  } finally {
    await files.settled();
  }
}

async function copyFile({ source, deadline }: Call, from: string, to: string, overwrite: boolean): Promise<void> {
  if (source.copy) return source.copy(from, to, deadline);
  const { entry, body } = await source.read(from, {}, deadline);
  const { contentType, size } = entry;
  await source.write(to, body, { contentType, size, createOnly: !overwrite, ifEtag: undefined }, deadline);
}

async function removeOriginal(call: Call, { from, isFolder }: Copy): Promise<void> {
  if (!isFolder) return call.source.remove(from, call.deadline);
  await removeBelow(call, from);
  await call.source.removeFolder(from, call.deadline);
}

/** A path below one folder, below another one. */
const moved = (path: string, from: string, to: string): string => to + path.slice(from.length);
