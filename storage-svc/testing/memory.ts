/** A store of keys and values in memory, for the tests of what stands on any storage: it has nothing that is optional. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import { isBelow, nameOf, OWN_FOLDER, parentOf } from '#common/files/path.ts';
import type { OpenedFile, ReadOptions, StorageBackend, StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { inTimeBody } from '../body.ts';
import { containerFields } from '../container-fields.ts';

interface Kept {
  readonly bytes: Buffer;
  readonly entry: StoredEntry;
}

const PIECE_BYTES = 64 * 1024;

export class MemorySource implements StorageSource {
  readonly #kept = new Map<string, Kept>();
  /** Bodies that are being read. */
  reading = 0;
  /** Bytes that readers have taken. */
  taken = 0;
  /** Writers wait for it before they take a piece. */
  pause: Promise<void> = Promise.resolve();
  #version = 0;

  async stat(path: string, deadline: Deadline): Promise<StoredEntry | undefined> {
    deadline.throwIfAborted();
    return this.#kept.get(path)?.entry ?? this.#madeUp(path);
  }

  async *list(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    deadline.throwIfAborted();
    const entries = [...this.#kept.values()].map(({ entry }) => entry);
    const inIt = entries.filter(({ path }) => path !== '' && parentOf(path) === folder && path !== OWN_FOLDER);
    inIt.sort((a, b) => Buffer.compare(Buffer.from(nameOf(a.path)), Buffer.from(nameOf(b.path))));
    for (const entry of inIt) {
      deadline.throwIfAborted();
      yield entry;
    }
  }

  async read(path: string, { range, ifEtag }: ReadOptions, deadline: Deadline): Promise<OpenedFile> {
    deadline.throwIfAborted();
    const kept = this.#kept.get(path);
    if (!kept || kept.entry.isFolder) throw missing(path);
    if (ifEtag !== undefined && kept.entry.etag !== ifEtag) throw otherVersion();
    const from = Math.min(range?.offset ?? 0, kept.bytes.length);
    const bytes = kept.bytes.subarray(from, from + (range?.length ?? kept.bytes.length));
    return { entry: kept.entry, body: this.#body(bytes, deadline) };
  }

  async *#body(bytes: Buffer, deadline: Deadline): AsyncGenerator<Uint8Array> {
    this.reading++;
    try {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        deadline.throwIfAborted();
        this.taken += PIECE_BYTES;
        yield bytes.subarray(at, at + PIECE_BYTES);
      }
    } finally {
      this.reading--;
    }
  }

  async write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    { contentType, createOnly, ifEtag }: WriteOptions,
    deadline: Deadline,
  ): Promise<StoredEntry> {
    deadline.throwIfAborted();
    const pieces: Buffer[] = [];
    for await (const piece of inTimeBody(body, deadline)) {
      await this.pause;
      pieces.push(Buffer.from(piece));
    }
    const there = this.#kept.get(path)?.entry;
    if (there && createOnly) throw new MillraceError('conflict', `File '${path}' already exists.`);
    if (ifEtag !== undefined && there?.etag !== ifEtag) throw otherVersion();
    const bytes = Buffer.concat(pieces);
    const etag = String(++this.#version);
    const entry = { path, isFolder: false, size: bytes.length, modifiedMs: Date.now(), contentType, etag };
    this.#kept.set(path, { bytes, entry });
    return entry;
  }

  async makeFolder(path: string, deadline: Deadline): Promise<void> {
    deadline.throwIfAborted();
    if (!this.#kept.has(path)) this.#kept.set(path, { bytes: Buffer.alloc(0), entry: folder(path) });
  }

  async remove(path: string, deadline: Deadline): Promise<void> {
    deadline.throwIfAborted();
    if (this.#kept.get(path)?.entry.isFolder !== false) throw missing(path);
    this.#kept.delete(path);
  }

  async removeFolder(path: string, deadline: Deadline): Promise<void> {
    deadline.throwIfAborted();
    if ([...this.#kept.keys()].some((key) => isBelow(key, path))) {
      throw new MillraceError('conflict', `Folder '${path}' contains other files or folders.`);
    }
    this.#kept.delete(path);
  }

  async close(): Promise<void> {}

  #madeUp(path: string): StoredEntry | undefined {
    const isThere = path === '' || [...this.#kept.keys()].some((key) => isBelow(key, path));
    return isThere ? folder(path) : undefined;
  }
}

export const memoryBackend = (open = () => new MemorySource()): StorageBackend => ({
  name: 'memory',
  label: 'Memory',
  description: 'For tests.',
  group: 'File',
  family: 'object',
  configFields: containerFields('Any name.'),
  translate: (thrown) => MillraceError.from(thrown),
  open,
});

const missing = (path: string): MillraceError => notFound(`File '${path}' does not exist.`);
const otherVersion = (): MillraceError => new MillraceError('contradiction', 'There is another version.');

const folder = (path: string): StoredEntry => ({
  path,
  isFolder: true,
  size: 0,
  modifiedMs: undefined,
  contentType: undefined,
  etag: undefined,
});
