/** Files and folders of the operating system. */
import { type BigIntStats, constants } from 'node:fs';
import { copyFile, type FileHandle, lstat, mkdir, open, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import type { Deadline } from '#common/deadline.ts';
import { filePath, isBelow, joinPath, nameOf, OWN_FOLDER, parentOf } from '#common/files/path.ts';
import { inTime } from '#common/in-time.ts';
import type { OpenedFile, ReadOptions, StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { inTimeBody } from '../body.ts';
import { Turns } from '../turns.ts';
import type { LocalConfig } from './config.ts';
import { entryOf } from './entries.ts';
import * as errors from './errors.ts';
import { isPartBeside, makePart, type Part, place, removeStale, sweepParts } from './parts.ts';
import { FileBody } from './reading.ts';
import { pathOfOpen, Root } from './root.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, COPYFILE_FICLONE } = constants;
/** Entries of a listing that are looked at together: enough for the threads of file work, little to hold. */
const LOOKED_AT_ONCE = 64;

interface Found {
  readonly entry: StoredEntry;
  readonly isLink: boolean;
}

export class LocalSource implements StorageSource {
  readonly #root: Root;
  /** What is compared and then replaced is held against other writers of this process. */
  readonly #turns = new Turns();

  constructor(config: LocalConfig) {
    this.#root = new Root(config, sweepParts);
  }

  async close(): Promise<void> {}

  stat(path: string, deadline: Deadline): Promise<StoredEntry | undefined> {
    return this.#do(deadline, async () => (await this.#find(path))?.entry);
  }

  async *list(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    for await (const { entry } of this.#list(folder, deadline)) yield entry;
  }

  /** Links to folders are shown and not entered: they may lead to what they are in. */
  async *listTree(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    for await (const { entry, isLink } of this.#list(folder, deadline)) {
      yield entry;
      if (entry.isFolder && !isLink) yield* this.listTree(entry.path, deadline);
    }
  }

  read(path: string, { range, ifEtag }: ReadOptions, deadline: Deadline): Promise<OpenedFile> {
    return this.#do(deadline, async () => {
      const handle = await this.#openFile(path);
      try {
        const entry = entryOf(path, await handle.stat({ bigint: true }));
        if (!entry || entry.isFolder) throw errors.fileMissing(path);
        if (ifEtag !== undefined && ifEtag !== entry.etag) throw errors.otherVersion(path);
        deadline.throwIfAborted();
        const from = Math.min(range?.offset ?? 0, entry.size);
        const to = Math.min(from + (range?.length ?? entry.size), entry.size);
        const body = new FileBody(handle, { from, to }, deadline);
        return { entry, body, share: () => body.share() };
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  readonly takesShared = true;

  write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
    deadline: Deadline,
  ): Promise<StoredEntry> {
    return this.#do(deadline, async () => {
      await this.#requireWritable(path, options);
      return this.#withPart(async (part) => {
        for await (const piece of inTimeBody(body, deadline)) await writeAll(part.handle, piece);
        await part.handle.close(); // a network file system says only here that it is full
        return this.#publish(part, path, options, deadline);
      });
    });
  }

  makeFolder(path: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async () => {
      try {
        if (path !== '') await this.#root.at(path, (at) => mkdir(at));
      } catch (error) {
        if (errors.errnoOf(error) === 'ENOENT') throw errors.folderMissing(parentOf(path));
        if (errors.errnoOf(error) !== 'EEXIST') throw error;
        if (!(await this.#find(path))?.entry.isFolder) throw errors.fileThere(path);
      }
    });
  }

  remove(path: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async () => {
      if (path === '') throw errors.fileMissing(path);
      try {
        await this.#root.at(path, async (at) => {
          const found = await this.#found(path, await statsOf(at));
          if (!found || found.entry.isFolder) throw errors.fileMissing(path);
          await unlink(at);
        });
      } catch (error) {
        throw errors.isAbsence(error) ? errors.fileMissing(path) : error;
      }
    });
  }

  removeFolder(path: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async () => {
      if (path === '') throw errors.isRoot();
      const found = await this.#find(path);
      if (!found?.entry.isFolder) throw errors.folderMissing(path);
      await this.#root.at(path, (at) => (found.isLink ? unlink(at) : rmdir(at)));
    });
  }

  copy(from: string, to: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async () => {
      const source = await this.#openFile(from);
      try {
        await this.#requireWritable(to, REPLACE);
        await this.#withPart(async (part) => {
          await part.handle.close();
          const path = pathOfOpen(source);
          if (path !== undefined) await copyFile(path, part.path, COPYFILE_FICLONE);
          else await this.#root.at(from, (at) => copyFile(at, part.path, COPYFILE_FICLONE));
          await this.#publish(part, to, REPLACE, deadline);
        });
      } finally {
        await source.close();
      }
    });
  }

  /** @throws MillraceError unsupported where another file system is mounted between the two */
  move(from: string, to: string, isFolder: boolean, deadline: Deadline): Promise<void> {
    return this.#do(deadline, () =>
      this.#turns.take(to, async () => {
        const found = await this.#find(from);
        if (from === '' || to === '' || isBelow(to, from)) throw errors.isRoot();
        if (found?.entry.isFolder !== isFolder) throw (isFolder ? errors.folderMissing : errors.fileMissing)(from);
        if (await this.#find(to)) throw errors.fileThere(to);
        await this.#root.at(from, (source) => this.#root.at(to, (target) => rename(source, target)));
      }),
    );
  }

  /** Ends with the deadline; what the operating system does for us it does to its end. */
  async #do<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    deadline.throwIfAborted();
    try {
      return await inTime(work(), deadline);
    } catch (error) {
      throw deadline.reason ?? errors.translate(error);
    }
  }

  async #find(path: string): Promise<Found | undefined> {
    try {
      const stats = await this.#root.at(path, path === '' ? statsOfFolder : statsOf);
      return await this.#found(path, stats);
    } catch (error) {
      if (errors.isAbsence(error)) return undefined;
      throw error;
    }
  }

  async #found(path: string, stats: BigIntStats): Promise<Found | undefined> {
    if (!stats.isSymbolicLink()) {
      const entry = entryOf(path, stats);
      return entry && { entry, isLink: false };
    }
    const target = await this.#root.target(path);
    if (target === undefined) return undefined;
    // The root stands for itself; of anything else a link in its place meanwhile is nothing.
    const entry = entryOf(path, await this.#root.at(target, target === '' ? statsOfFolder : statsOf));
    return entry && { entry, isLink: true };
  }

  async *#list(folder: string, deadline: Deadline): AsyncGenerator<Found> {
    const opened = await this.#do(deadline, async () => {
      const found = await this.#root.openFolder(folder).catch(ifThere);
      if (deadline.reason) await found?.close(); // nobody waits for it any longer
      return found;
    });
    if (!opened) return;
    try {
      const names = await this.#do(deadline, () => namesIn(opened.at));
      for (let first = 0; first < names.length; first += LOOKED_AT_ONCE) {
        const some = names
          .slice(first, first + LOOKED_AT_ONCE)
          .map(textOf)
          .filter((name) => isShown(name, folder));
        const look = async (name: string): Promise<Found | undefined> => {
          const stats = await lstat(`${opened.at}/${name}`, STATS).catch(ifThere);
          return stats && (await this.#found(joinPath(folder, name), stats).catch(ifThere));
        };
        for (const found of await this.#do(deadline, () => Promise.all(some.map(look)))) {
          deadline.throwIfAborted();
          if (found) yield found;
        }
      }
    } finally {
      await opened.close();
    }
  }

  /** The file itself, or that which a link leads to. */
  async #openFile(path: string): Promise<FileHandle> {
    try {
      return await this.#root.at(path, openNoLink);
    } catch (error) {
      if (errors.errnoOf(error) === 'ELOOP') {
        const target = await this.#root.target(path);
        if (target) return await this.#root.at(target, openNoLink);
      }
      if (errors.isAbsence(error)) throw errors.fileMissing(path);
      throw error;
    }
  }

  /** Said before a body is taken that is of no use; looked at again when it has come. */
  async #requireWritable(path: string, { createOnly, ifEtag }: Conditions): Promise<void> {
    if (path === '') throw errors.isRoot();
    const there = (await this.#find(path))?.entry;
    if (there?.isFolder) throw errors.folderThere(path);
    if (there && createOnly) throw errors.fileThere(path);
    if (ifEtag !== undefined && there?.etag !== ifEtag) throw errors.otherVersion(path);
  }

  #publish({ path: part }: Part, path: string, conditions: Conditions, deadline: Deadline): Promise<StoredEntry> {
    return this.#turns.take(path, async () => {
      deadline.throwIfAborted();
      await this.#requireWritable(path, conditions);
      const name = nameOf(path);
      try {
        const folder = await this.#root.openFolder(parentOf(path));
        try {
          await place(part, folder.at, name, conditions.createOnly);
          const entry = entryOf(path, await lstat(`${folder.at}/${name}`, STATS));
          if (!entry) throw errors.fileMissing(path);
          return entry;
        } finally {
          await folder.close();
        }
      } catch (error) {
        if (errors.errnoOf(error) === 'EEXIST') throw errors.fileThere(path);
        if (errors.isAbsence(error)) throw errors.folderMissing(parentOf(path));
        throw error;
      }
    });
  }

  async #withPart<T>(work: (part: Part) => Promise<T>): Promise<T> {
    const part = await makePart(await this.#root.real());
    try {
      return await work(part);
    } finally {
      await part.handle.close().catch(() => {}); // closed already where all went well
      await rm(part.path, { force: true });
    }
  }
}

type Conditions = Pick<WriteOptions, 'createOnly' | 'ifEtag'>;

const REPLACE: Conditions = { createOnly: false, ifEtag: undefined };
const STATS = { bigint: true } as const;

const statsOf = (at: string): Promise<BigIntStats> => lstat(at, STATS);

/** Gone while we looked at its neighbours. */
function ifThere(error: unknown): undefined {
  if (!errors.isAbsence(error)) throw error;
}

/** Never waits for the other end of a pipe. */
const openNoLink = (at: string): Promise<FileHandle> => open(at, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));

/** Behind a path that ends in /proc/self/fd: that is itself a link. */
const statsOfFolder = (at: string): Promise<BigIntStats> => statsOf(`${at}/.`);

/** Each byte a character, for textOf: sorting such texts is sorting by bytes. */
async function namesIn(at: string): Promise<string[]> {
  const names = (await readdir(at, 'latin1')).sort();
  await Promise.all(names.filter(isPartBeside).map((name) => removeStale(`${at}/${name}`)));
  return names;
}

const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();

/** What our paths cannot say is left out. */
function isShown(name: string, folder: string): boolean {
  if (isPartBeside(name) || name.includes('\ufffd')) return false;
  try {
    return filePath(joinPath(folder, name)) !== '';
  } catch {
    return folder.startsWith(OWN_FOLDER);
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length; ) at += (await handle.write(piece, at, piece.length - at)).bytesWritten;
}
