/** What the storage tier answers, as its callers see it: plain numbers, entries and errors instead of messages. */
import type { EntryReply, Failure, Family, UnpackReply, UploadState } from '#proto/files/v1/files_pb.ts';
import { MillraceError } from '../errors.ts';
import { entryFromMessage, type FileEntry } from './entry.ts';
import { errorOfFailure } from './failure.ts';

export interface StatAnswer {
  /** undefined: there is nothing. */
  readonly entry: FileEntry | undefined;
  readonly family: Family;
  /** Name to value in base64. */
  readonly digests: Readonly<Record<string, string>>;
}

export interface ListAnswer {
  readonly folder: FileEntry;
  readonly family: Family;
  /** As they come, some at a time. Leaving the loop early ends the call; so does `return` of the iterator. */
  readonly entries: AsyncIterableIterator<readonly FileEntry[]>;
}

export interface ContentAnswer {
  readonly entry: FileEntry;
  readonly family: Family;
  /** As it comes. Leaving the loop early ends the call; so does `return` of the iterator. */
  readonly body: AsyncIterableIterator<Uint8Array>;
  /** A piece is good until the next one is asked for. */
  readonly isShared: boolean;
}

export interface WriteAnswer {
  readonly entry: FileEntry;
  readonly family: Family;
  readonly digests: Readonly<Record<string, string>>;
}

export interface UnpackAnswer {
  readonly folder: FileEntry;
  readonly files: number;
  readonly family: Family;
}

export interface ChangeAnswer {
  readonly family: Family;
  /** One for each change, in order. */
  readonly outcomes: readonly ({ readonly entry: FileEntry | undefined } | { readonly error: MillraceError })[];
}

export interface UploadAnswer {
  readonly upload: string;
  /** Bytes that are kept. */
  readonly offset: number;
  /** undefined: not said yet. */
  readonly length: number | undefined;
  readonly metadata: string;
  readonly expiresMs: number;
  readonly path: string;
  /** The file, once it is written. */
  readonly entry: FileEntry | undefined;
  readonly family: Family;
}

/** Any message that may say how its call failed. */
export interface Failing {
  readonly failure?: Failure | undefined;
}

export const unknownAnswer = (): MillraceError =>
  new MillraceError('internal', 'The answer is not known to this version.');

/** @throws MillraceError where the message says that it failed */
export function succeeded<T extends Failing>(message: T): T {
  if (message.failure) throw errorOfFailure(message.failure);
  return message;
}

export function needed<T>(value: T | undefined): T {
  if (value === undefined) throw unknownAnswer();
  return value;
}

export function written({ entry, family, digests }: EntryReply): WriteAnswer {
  return { entry: entryFromMessage(needed(entry)), family, digests };
}

export function unpacked(reply: UnpackReply): UnpackAnswer {
  const { folder, files, family } = succeeded(reply);
  return { folder: entryFromMessage(needed(folder)), files, family };
}

export function uploadOf(reply: UploadState): UploadAnswer {
  const { upload, offset, length, metadata, expiresMs, path, entry, family } = succeeded(reply);
  return {
    upload,
    offset: Number(offset),
    length: length === undefined ? undefined : Number(length),
    metadata,
    expiresMs: Number(expiresMs),
    path,
    entry: entry && entryFromMessage(entry),
    family,
  };
}

/** The first message of a stream. */
export async function head<T>(messages: AsyncGenerator<T>): Promise<T> {
  const first = await messages.next();
  if (first.done) throw unknownAnswer();
  return first.value;
}

/**
 * The rest of a stream that has begun, each message as something else; undefined leaves it out. No generator: one that
 * was never begun could not end the call.
 *
 * @param first  comes before all others, where it is something
 */
export function mapped<T, R>(
  messages: AsyncIterableIterator<T>,
  first: R | undefined,
  map: (message: T) => R | undefined,
): AsyncIterableIterator<R> {
  let waiting = first;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (waiting !== undefined) {
        const value = waiting;
        waiting = undefined;
        return { done: false, value };
      }
      for (;;) {
        const next = await messages.next();
        if (next.done) return { done: true, value: undefined };
        const value = map(next.value);
        if (value !== undefined) return { done: false, value };
      }
    },
    async return() {
      await messages.return?.();
      return { done: true, value: undefined };
    },
  };
}
