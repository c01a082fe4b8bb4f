/** What a storage backend is. Nothing outside a backend's folder may ask which one it is. */
import type { Deadline } from '#common/deadline.ts';
import type { Engine, Source } from '#common/engine.ts';
import type { MillraceError } from '#common/errors.ts';
import type { FileEntry } from '#common/files/entry.ts';

/** How it looks on the wire (files-and-scripting-api §1): a folder of the system, a server of files, keys and values. */
export type Family = 'local' | 'remote' | 'object';

export interface StorageBackend extends Engine<StorageSource> {
  readonly family: Family;
  /** Anything that the driver throws, in our terms. */
  translate(thrown: unknown): MillraceError;
}

export type StoredEntry = FileEntry;

export interface ReadOptions {
  /** First byte, and how many at most. */
  readonly range?: { readonly offset: number; readonly length: number } | undefined;
  /** Of another version there is nothing to read. */
  readonly ifEtag?: string | undefined;
}

export interface WriteOptions {
  readonly contentType: string | undefined;
  /** Bytes, where it is known. */
  readonly size: number | undefined;
  /** Fails with `conflict` where there is something, also where it came meanwhile. */
  readonly createOnly: boolean;
  /** Fails with `contradiction` where there is another version, or none. */
  readonly ifEtag: string | undefined;
}

export interface OpenedFile {
  readonly entry: StoredEntry;
  /** Leaving the loop early gives everything back. */
  readonly body: AsyncIterable<Uint8Array>;
  /** From now on a piece is good until the next but one is asked for, and may be larger; backends that gain nothing lack it. */
  share?(): void;
}

/**
 * All methods reject with a MillraceError and stop at the deadline. `not_found`, `conflict` and `contradiction` say what
 * they say; a storage that is full, refuses its credentials or cannot be reached is `unavailable`, with the reason.
 */
export interface StorageSource extends Source {
  /** Nothing there is an answer, not an error. A folder is there where it was made, or where something is in it. */
  stat(path: string, deadline: Deadline): Promise<StoredEntry | undefined>;
  /**
   * What is directly in a folder, by the bytes of the names, files and folders mixed; nothing for one that is not
   * there. Our own folder (OWN_FOLDER) at the root is left out.
   */
  list(folder: string, deadline: Deadline): AsyncIterable<StoredEntry>;
  /** @throws MillraceError not_found also for a folder; contradiction */
  read(path: string, options: ReadOptions, deadline: Deadline): Promise<OpenedFile>;
  /**
   * The folder above it is there. Where the body throws, or the deadline is aborted, nothing is left behind; nobody
   * ever sees a part.
   */
  readonly takesShared?: true;
  write(path: string, body: AsyncIterable<Uint8Array>, options: WriteOptions, deadline: Deadline): Promise<StoredEntry>;
  /** The folder above it is there. One that is there already is fine. */
  makeFolder(path: string, deadline: Deadline): Promise<void>;
  /** Of a file. @throws MillraceError not_found */
  remove(path: string, deadline: Deadline): Promise<void>;
  /** Of an empty folder. @throws MillraceError conflict where something is in it */
  removeFolder(path: string, deadline: Deadline): Promise<void>;
  /** One file onto another, without its bytes coming here; backends that cannot do that lack it. */
  copy?(from: string, to: string, deadline: Deadline): Promise<void>;
  /** A file or a whole folder to where nothing is; backends that cannot do that at once lack it. */
  move?(from: string, to: string, isFolder: boolean, deadline: Deadline): Promise<void>;
  /** All below a folder, by the bytes of their paths part by part: for stores that list deep as easily as flat. */
  listTree?(folder: string, deadline: Deadline): AsyncIterable<StoredEntry>;
  /** All that is listed below a folder, for stores that remove many at once. What others remove meanwhile is as good as removed. */
  removeTree?(folder: string, deadline: Deadline): Promise<void>;
  /** Keeps what a caller says about a file or folder (a JSON object); backends that cannot lack it. */
  describe?(
    path: string,
    isFolder: boolean,
    properties: Readonly<Record<string, unknown>>,
    deadline: Deadline,
  ): Promise<void>;
}
