/**
 * How an upload lies in the storage that it goes to, so that every replica finds it: a folder of our own, in it a head
 * and parts that are named by the place of their first byte.
 */
import { randomBytes } from 'node:crypto';
import { UPLOAD_METADATA_BYTES_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { joinPath, OWN_FOLDER } from '#common/files/path.ts';
import type { UploadHead } from '#proto/files/v1/files_pb.ts';
import type { StorageSource, StoredEntry } from '../backend.ts';

/** What the head says. */
export interface UploadRecord {
  readonly path: string;
  readonly contentType: string;
  readonly createOnly: boolean;
  readonly ifEtag: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly makeFolders: boolean;
  /** Bytes of all; null: not said yet. */
  readonly length: number | null;
  readonly metadata: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  /** The file, once it is written. */
  readonly done: FileEntry | null;
}

export interface Part {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

export const UPLOADS_FOLDER = joinPath(OWN_FOLDER, 'uploads');

const ID = /^[0-9a-f]{32}$/;
const HEAD = 'head';
const PART = /^part-(\d{16})$/;
const HEAD_BYTES_MAX = 64 * 1024;

export const newId = (): string => randomBytes(16).toString('hex');
export const folderOf = (id: string): string => joinPath(UPLOADS_FOLDER, id);
const headOf = (id: string): string => joinPath(folderOf(id), HEAD);
export const partOf = (id: string, offset: number): string =>
  joinPath(folderOf(id), `part-${String(offset).padStart(16, '0')}`);

export function recordOf(head: UploadHead, lifetimeMs: number): UploadRecord {
  const { path, contentType, createOnly, ifEtag, digests, makeFolders, size, metadata } = head;
  if (Buffer.byteLength(metadata) > UPLOAD_METADATA_BYTES_MAX) {
    throw invalid(`The metadata of an upload has at most ${UPLOAD_METADATA_BYTES_MAX} bytes.`);
  }
  const createdMs = Date.now();
  return {
    path,
    contentType,
    createOnly,
    ifEtag,
    digests: { ...digests },
    makeFolders,
    length: size === undefined ? null : Number(size),
    metadata,
    createdMs,
    expiresMs: createdMs + lifetimeMs,
    done: null,
  };
}

/** The folder is made with it, where it is not there. */
export async function saveRecord(
  source: StorageSource,
  id: string,
  record: UploadRecord,
  deadline: Deadline,
): Promise<void> {
  async function* json(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const bytes = Buffer.from(JSON.stringify(record));
  const options = { contentType: 'application/json', size: bytes.length, createOnly: false, ifEtag: undefined };
  await source.write(headOf(id), json(), options, deadline);
}

/** @throws MillraceError not_found: there is none, or its time is over */
export async function loadRecord(source: StorageSource, id: string, deadline: Deadline): Promise<UploadRecord> {
  if (!ID.test(id)) throw uploadMissing();
  const record = await readRecord(source, id, deadline);
  if (!record || record.expiresMs <= Date.now()) throw uploadMissing();
  return record;
}

/** undefined: there is no head, or none of ours. */
export async function readRecord(
  source: StorageSource,
  id: string,
  deadline: Deadline,
): Promise<UploadRecord | undefined> {
  try {
    const { body } = await source.read(headOf(id), {}, deadline);
    let text = '';
    for await (const piece of body) {
      text += Buffer.from(piece).toString('latin1');
      if (text.length > HEAD_BYTES_MAX) return undefined;
    }
    return JSON.parse(Buffer.from(text, 'latin1').toString()) as UploadRecord;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof MillraceError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Those that follow each other from the first byte on. What lies beyond a gap was never promised to anybody. */
export async function partsOf(source: StorageSource, id: string, deadline: Deadline): Promise<readonly Part[]> {
  const parts: Part[] = [];
  let at = 0;
  for await (const entry of source.list(folderOf(id), deadline)) {
    const offset = offsetOf(entry);
    if (offset !== at || entry.size === 0) continue;
    parts.push({ path: entry.path, offset, size: entry.size });
    at += entry.size;
  }
  return parts;
}

export const endOf = (parts: readonly Part[]): number => {
  const last = parts.at(-1);
  return last ? last.offset + last.size : 0;
};

function offsetOf({ path, isFolder }: StoredEntry): number | undefined {
  const digits = isFolder ? undefined : PART.exec(path.slice(path.lastIndexOf('/') + 1))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export const uploadMissing = (): MillraceError => notFound('There is no such upload, or its time is over.');
