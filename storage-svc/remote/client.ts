/** What a protocol of remote files does, one connection at a time; what all of them do alike is in remote-source.ts. */
import type { Deadline } from '#common/deadline.ts';
import type { StoredEntry } from '../backend.ts';
import type { Connection } from '../pool.ts';

/** Of a file: from the first byte to before the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Paths are those of the service, and those of parts in our own folder. Everything rejects with what the driver throws
 * (which the backend translates) or with a MillraceError.
 */
export interface RemoteClient extends Connection {
  /** undefined: nothing there. Links are what they lead to. */
  stat(path: string): Promise<StoredEntry | undefined>;
  /** What is directly in a folder, in any order; undefined: there is no such folder. */
  list(folder: string): Promise<StoredEntry[] | undefined>;
  /**
   * @param admit  gets the entry before anything is read, throws where it shall not be
   * @returns what ends the reading when it is returned early; undefined: nothing there
   */
  read(path: string, admit: (entry: StoredEntry) => Span): Promise<AsyncIterator<Uint8Array> | undefined>;
  /** To a new file; resolves when all of it is with the server. Takes nothing of the body where that cannot be made. */
  write(path: string, body: AsyncIterable<Uint8Array>, size: number | undefined, deadline: Deadline): Promise<void>;
  /** A file or folder. What is there is replaced, or, where only a new one is wanted, is a failure. */
  rename(from: string, to: string, isNewOnly: boolean): Promise<void>;
  remove(path: string): Promise<void>;
  /** Only an empty one. */
  removeFolder(path: string): Promise<void>;
  /** Fails where there is something: of several at once one makes it. */
  makeFolder(path: string): Promise<void>;
  /** Gives a file another time, for versions that would look alike; servers that cannot ignore it. */
  touch?(path: string, modifiedMs: number): Promise<void>;
  /** To a new file, within the server. */
  copy?(from: string, to: string): Promise<void>;
}
