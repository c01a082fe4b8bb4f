/**
 * Uploads that are taken up again where they broke off, in the terms of tus 1.0. All that is known of one lies in the
 * storage that it goes to; what this process remembers is only whom it hears from at the moment.
 */
import { create } from '@bufbuild/protobuf';
import {
  FILES_AT_ONCE,
  UPLOAD_DONE_MS,
  UPLOAD_KEEPING_MS,
  UPLOAD_PART_BYTES,
  UPLOAD_PARTS_MAX,
} from '#common/bounds.ts';
import { type Deadline, deadlinePassed } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { entryFromMessage, entryToMessage } from '#common/files/entry.ts';
import { OWN_FOLDER } from '#common/files/path.ts';
import { timedDeadline } from '#common/in-time.ts';
import {
  type UploadHead,
  UploadHeadSchema,
  type UploadPart,
  type UploadState,
  UploadStateSchema,
} from '#proto/files/v1/files_pb.ts';
import type { Call } from '../call.ts';
import { fileThere, folderThere, isRoot } from '../failures.ts';
import { AtOnce } from '../operations/at-once.ts';
import { Digests } from '../operations/digests.ts';
import { FAMILIES } from '../operations/messages.ts';
import { requireParent } from '../operations/parents.ts';
import { removeBelow } from '../operations/remove.ts';
import { write } from '../operations/write.ts';
import { Incoming } from './incoming.ts';
import {
  endOf,
  folderOf,
  loadRecord,
  newId,
  type Part,
  partOf,
  partsOf,
  recordOf,
  saveRecord,
  UPLOADS_FOLDER,
  type UploadRecord,
} from './record.ts';

/** Who is at an upload. */
interface Underway {
  /** Whoever asks now knows better: the one before keeps what it has and goes. */
  stop(): void;
  readonly over: Promise<unknown>;
}

export class Uploads {
  readonly #lifetimeMs: number;
  readonly #underway = new Map<string, Underway>();

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /**
   * @param head  what shall be written; its size is the length of all, where that is known
   * @throws MillraceError as a write of it would at this moment: conflict, contradiction, not_found, denied, invalid
   */
  async begin(call: Call, head: UploadHead): Promise<UploadState> {
    const { source, deadline } = call;
    const record = recordOf(head, this.#lifetimeMs);
    await requireWritable(call, record);
    const id = newId();
    for (const folder of [OWN_FOLDER, UPLOADS_FOLDER, folderOf(id)]) await source.makeFolder(folder, deadline);
    try {
      await saveRecord(source, id, record, deadline);
      return await finished(call, id, record, []);
    } catch (error) {
      await forget(call, id).catch(() => {}); // why it could not begin counts more; what is left is swept
      throw error;
    }
  }

  /**
   * More bytes. Where their sender is lost, or somebody else goes on with the upload, what came is kept.
   *
   * @param head  its part, the context's rules, digests of these bytes: with those, all of them are kept or none
   * @throws MillraceError conflict: another offset, which `context.offset` has, or somebody else goes on; invalid: more
   *   than the length, another digest; when all is there: as a write
   */
  append(call: Call, head: UploadHead, body: AsyncIterable<Uint8Array>): Promise<UploadState> {
    const { part, digests } = head;
    if (!part) throw invalid('More of an upload must say where it belongs.', { field: 'part' });
    const incoming = new Incoming(body, call.deadline);
    const work = async (): Promise<UploadState> => {
      const before = await loaded(call, part.upload);
      const record = await withLength(call, part, before);
      const at = endOf(before.parts);
      if (Number(part.offset) !== at) throw elsewhere(at);
      const added = await this.#keep(call, part, { record, count: before.parts.length, incoming, digests });
      if (incoming.broken !== undefined) throw incoming.broken;
      return finished(call, part.upload, record, [...before.parts, ...added]);
    };
    const stop = (): void => incoming.stop(new MillraceError('conflict', 'Somebody else goes on with this upload.'));
    return this.#alone(part.upload, work, stop).finally(() => incoming.close());
  }

  /**
   * How far it is: for a client that comes back, so that whoever was at it before stops. Where all bytes are there and
   * the file is not, it is written now.
   */
  get(call: Call, id: string): Promise<UploadState> {
    return this.#alone(id, async () => {
      const { record, parts } = await loaded(call, id);
      return finished(call, id, record, parts);
    });
  }

  end(call: Call, id: string): Promise<UploadState> {
    return this.#alone(id, async () => {
      const { record, parts } = await loaded(call, id);
      await forget(call, id);
      return stateOf(call, id, record, endOf(parts));
    });
  }

  /** One at a time, and the last who comes is the one who counts. Other replicas are held off by the storage. */
  async #alone<T>(id: string, work: () => Promise<T>, stop = (): void => {}): Promise<T> {
    for (let other = this.#underway.get(id); other; other = this.#underway.get(id)) {
      other.stop();
      await other.over;
    }
    const result = work();
    const mine = { stop, over: result.catch(() => {}) };
    this.#underway.set(id, mine);
    try {
      return await result;
    } finally {
      this.#underway.delete(id);
    }
  }

  /** The parts that are new. What is written of them is written to its end, whoever has gone meanwhile. */
  async #keep(
    call: Call,
    { upload, offset }: UploadPart,
    { record, count, incoming, digests }: Keeping,
  ): Promise<Part[]> {
    const parts: Part[] = [];
    const { deadline, done } = keepingDeadline(call.deadline);
    const isWhole = Object.keys(digests).length > 0;
    try {
      for (let at = Number(offset); await incoming.hasMore(); ) {
        if (count + parts.length === UPLOAD_PARTS_MAX) throw invalid('The upload came in too many parts.');
        const room = record.length === null ? Number.MAX_SAFE_INTEGER : record.length - at;
        const bytesMax = isWhole || room <= UPLOAD_PART_BYTES ? room + 1 : UPLOAD_PART_BYTES;
        let size = 0;
        const digested = new Digests(Object.keys(digests));
        async function* bytes(): AsyncGenerator<Uint8Array> {
          for await (const piece of incoming.take(bytesMax)) {
            size += piece.length;
            if (size > room) throw invalid('The upload is longer than was said.');
            digested.add(piece);
            yield piece;
          }
          if (!isWhole) return;
          if (incoming.broken !== undefined) throw incoming.broken;
          digested.require(digests);
        }
        const path = partOf(upload, at);
        const options = { contentType: undefined, size: undefined, createOnly: true, ifEtag: undefined };
        await call.source.write(path, bytes(), options, deadline).catch((error: unknown) => {
          // Another replica has the next bytes from somebody else.
          if (error instanceof MillraceError && error.code === 'conflict') throw elsewhere(undefined);
          throw error;
        });
        parts.push({ path, offset: at, size });
        at += size;
      }
    } finally {
      done();
    }
    return parts;
  }
}

interface Keeping {
  readonly record: UploadRecord;
  /** Parts that are there. */
  readonly count: number;
  readonly incoming: Incoming;
  readonly digests: Readonly<Record<string, string>>;
}

/** Of what is kept: a caller who is gone does not end it, only gives it little time. */
function keepingDeadline(caller: Deadline): { deadline: Deadline; done: () => void } {
  const { deadline, done } = timedDeadline(caller.remainingMs() + UPLOAD_KEEPING_MS);
  let timer: NodeJS.Timeout | undefined;
  const forget = caller.onAbort(() => {
    timer = setTimeout(() => deadline.abort(deadlinePassed()), UPLOAD_KEEPING_MS);
  });
  return {
    deadline,
    done: () => {
      done();
      forget();
      clearTimeout(timer);
    },
  };
}

const elsewhere = (offset: number | undefined): MillraceError =>
  new MillraceError('conflict', 'The upload goes on at another offset.', offset === undefined ? undefined : { offset });

interface Loaded {
  readonly record: UploadRecord;
  readonly parts: readonly Part[];
}

/** @throws MillraceError not_found, denied */
async function loaded({ source, deadline, rules, writeBit }: Call, id: string): Promise<Loaded> {
  const record = await loadRecord(source, id, deadline);
  rules.require(record.path, writeBit);
  if (record.done) return { record, parts: [{ path: record.path, offset: 0, size: record.length ?? 0 }] };
  return { record, parts: await partsOf(source, id, deadline) };
}

/** What a write would refuse at its end is refused before anybody sends a gigabyte. */
async function requireWritable(call: Call, record: UploadRecord): Promise<void> {
  const { path, createOnly, ifEtag, digests, makeFolders } = record;
  if (path === '') throw isRoot();
  call.rules.require(path, call.writeBit);
  new Digests(Object.keys(digests));
  const there = await call.source.stat(path, call.deadline);
  if (there?.isFolder) throw folderThere(path);
  if (there && createOnly) throw fileThere(path);
  if (ifEtag !== '' && there?.etag !== ifEtag) {
    throw new MillraceError('contradiction', 'There is another version of the file, or none.');
  }
  if (!there && !makeFolders) await requireParent(call, path);
}

/** The record with the length that is said with a part. */
async function withLength(
  call: Call,
  { upload, length }: UploadPart,
  { record, parts }: Loaded,
): Promise<UploadRecord> {
  if (length === undefined || record.length === Number(length)) return record;
  if (record.length !== null) throw invalid('The length of the upload was said before, and was another one.');
  if (Number(length) < endOf(parts)) throw invalid('The upload is longer than that already.');
  const known = { ...record, length: Number(length) };
  await saveRecord(call.source, upload, known, call.deadline);
  return known;
}

/** Writes the file where all bytes are there. */
async function finished(call: Call, id: string, record: UploadRecord, parts: readonly Part[]): Promise<UploadState> {
  const { source, deadline } = call;
  const offset = endOf(parts);
  if (record.done || record.length !== offset) return stateOf(call, id, record, offset);
  const { path, contentType, createOnly, ifEtag, digests, makeFolders } = record;
  const head = { path, contentType, createOnly, ifEtag, digests: { ...digests }, makeFolders, size: BigInt(offset) };
  const { entry } = await write(call, create(UploadHeadSchema, head), contentOf(call, parts));
  const expiresMs = Math.min(record.expiresMs, Date.now() + UPLOAD_DONE_MS);
  const done = { ...record, expiresMs, done: entry ? entryFromMessage(entry) : null };
  // The head stays for a while: a client that lost this answer asks what came of its upload, and sends nothing again.
  await saveRecord(source, id, done, deadline);
  const removals = new AtOnce(FILES_AT_ONCE);
  for (const part of parts) await removals.add(() => source.remove(part.path, deadline).catch(() => {})); // swept later
  await removals.all();
  return stateOf(call, id, done, offset);
}

async function* contentOf({ source, deadline }: Call, parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const { path } of parts) yield* (await source.read(path, {}, deadline)).body;
}

async function forget(call: Call, id: string): Promise<void> {
  await removeBelow(call, folderOf(id));
  await call.source.removeFolder(folderOf(id), call.deadline);
}

function stateOf({ family }: Call, upload: string, record: UploadRecord, offset: number): UploadState {
  const { length, metadata, expiresMs, path, done } = record;
  return create(UploadStateSchema, {
    upload,
    offset: BigInt(offset),
    ...(length !== null && { length: BigInt(length) }),
    metadata,
    expiresMs: BigInt(expiresMs),
    path,
    ...(done && { entry: entryToMessage(done) }),
    family: FAMILIES[family],
  });
}
