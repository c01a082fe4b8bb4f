/** A file or folder, and how it travels. */
import { create } from '@bufbuild/protobuf';
import { type Entry, EntrySchema } from '#proto/files/v1/files_pb.ts';

/** Paths are those of path.ts. */
export interface FileEntry {
  readonly path: string;
  readonly isFolder: boolean;
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** Milliseconds since 1970; undefined: not known. */
  readonly modifiedMs: number | undefined;
  /** undefined: to be told from the name. */
  readonly contentType: string | undefined;
  /** Another one with every change of the content; undefined: not known. */
  readonly etag: string | undefined;
  /** What only this kind of storage knows. */
  readonly extras?: Readonly<Record<string, unknown>> | undefined;
}

export function entryToMessage(entry: FileEntry): Entry {
  return create(EntrySchema, {
    path: entry.path,
    isFolder: entry.isFolder,
    size: BigInt(entry.size),
    modifiedMs: BigInt(Math.round(entry.modifiedMs ?? 0)),
    contentType: entry.contentType ?? '',
    etag: entry.etag ?? '',
    ...(entry.extras && { extrasJson: Buffer.from(JSON.stringify(entry.extras)) }),
  });
}

export function entryFromMessage(message: Entry): FileEntry {
  const { path, isFolder, size, modifiedMs, contentType, etag, extrasJson } = message;
  return {
    path,
    isFolder,
    size: Number(size),
    modifiedMs: modifiedMs === 0n ? undefined : Number(modifiedMs),
    contentType: contentType || undefined,
    etag: etag || undefined,
    ...(extrasJson.length > 0 && { extras: JSON.parse(Buffer.from(extrasJson).toString()) as Record<string, unknown> }),
  };
}
