/**
 * Files that are being written, and how they come to their place in one step. Not synced to the disk: that makes every
 * small write wait for the disk, and protects only those of the last seconds before a machine loses its power. A network
 * file system has all of it on the server when the file is closed, which is before it comes to its place.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OWN_FOLDER } from '#common/files/path.ts';
import { errnoOf } from './errors.ts';

/** Of a process that was killed. */
const STALE_MS = 24 * 3_600_000;
const FOLDER = 'parts';
/** A part beside its target: where that is on another file system than our own folder. */
const BESIDE = /^\.millrace-[0-9a-f-]{36}$/;

export interface Part {
  readonly path: string;
  readonly handle: FileHandle;
}

const folderOf = (root: string): string => join(root, OWN_FOLDER, FOLDER);

/** Removes what processes that were killed have left. Our own folder is made when it is first needed. */
export async function sweepParts(root: string): Promise<void> {
  const folder = folderOf(root);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) await removeStale(join(folder, name));
}

export async function makePart(root: string): Promise<Part> {
  const path = join(folderOf(root), randomUUID());
  const make = () => open(path, 'wx');
  const handle = await make().catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await mkdir(folderOf(root), { recursive: true, mode: 0o700 });
    return make();
  });
  return { path, handle };
}

/** Not shown in listings. */
export const isPartBeside = (name: string): boolean => BESIDE.test(name);

/** What cannot be removed is none of the caller's business. */
export async function removeStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await lstat(path);
    if (Date.now() - mtimeMs > STALE_MS) await rm(path, { force: true });
  } catch {}
}

/**
 * A finished part comes to its place.
 * @param folder  for the operating system, that of the target
 * @throws EEXIST where only a new one is wanted
 */
export async function place(part: string, folder: string, name: string, isNewOnly: boolean): Promise<void> {
  const step = isNewOnly ? placeNew : rename;
  try {
    await step(part, `${folder}/${name}`);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    // Another file system is mounted within the root.
    const beside = `${folder}/.millrace-${randomUUID()}`;
    try {
      await copyFile(part, beside, constants.COPYFILE_EXCL);
      await step(beside, `${folder}/${name}`);
    } finally {
      await rm(beside, { force: true });
    }
  }
}

/** Linking is the one step that fails where there is something, on network file systems as well. */
async function placeNew(part: string, target: string): Promise<void> {
  try {
    await link(part, target);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EXDEV') throw error;
    if (errno === 'EEXIST') {
      // A network file system that asked twice hears of its own success.
      if (await isSame(part, target)) return;
      throw error;
    }
    if (!CANNOT_LINK.has(errno ?? '')) throw error;
    await claimAndRename(part, target);
  }
}

const CANNOT_LINK: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/** Without links the name is taken by an empty file, which others may see for a moment. */
async function claimAndRename(part: string, target: string): Promise<void> {
  await (await open(target, 'wx')).close();
  try {
    await rename(part, target);
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([lstat(a, { bigint: true }), lstat(b, { bigint: true })]);
  return one.ino === other.ino && one.dev === other.dev;
}
