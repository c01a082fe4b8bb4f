/** The calls to GridFS: contents in `<bucket>.chunks`, which nobody sees before their file stands in `<bucket>.files`. */
import { Readable } from 'node:stream';
import { Binary, type Collection, GridFSBucket, MongoClient, ObjectId } from 'mongodb';
import { KIB } from '#common/bounds.ts';
import type {
  GetOptions,
  ObjectClient,
  ObjectInfo,
  ObjectPage,
  OpenedObject,
  PageQuery,
  PartUpload,
  PutOptions,
  Written,
} from '../object/client.ts';
import type { GridfsConfig } from './config.ts';
import { infoOf, page } from './listing.ts';
import { type FileDocument, Revisions } from './revisions.ts';

/** Parts of an upload are cut into these without a rest. */
const CHUNK_BYTES = 256 * KIB;
/** Chunks of a copy that are in memory. */
const COPIED_AT_ONCE = 16;
const CONNECT_TIMEOUT_MS = 10_000;
/** For so long an older content can be read to its end. */
const SUPERSEDED_MS = 60_000;

interface Chunk {
  readonly _id: ObjectId;
  readonly files_id: ObjectId;
  readonly n: number;
  readonly data: Binary;
}

/** Older contents of a name, and from when on nobody should be reading them. */
interface Superseded {
  readonly key: string;
  readonly before: Date;
  readonly at: number;
}

export class GridfsClient implements ObjectClient {
  /** Of 8 MiB: as many chunks as a number of 32 bits counts. */
  readonly partsMax = 2 ** 26;
  readonly #client: MongoClient;
  readonly #bucket: GridFSBucket;
  readonly #files: Collection<FileDocument>;
  readonly #chunks: Collection<Chunk>;
  readonly #revisions: Revisions;
  readonly #superseded: Superseded[] = [];
  readonly #sweeping: NodeJS.Timeout;

  constructor({ url, database, bucket }: GridfsConfig, connections: number) {
    this.#client = new MongoClient(url, {
      maxPoolSize: connections,
      serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      ignoreUndefined: true,
    });
    const db = this.#client.db(database);
    this.#bucket = new GridFSBucket(db, { bucketName: bucket });
    this.#files = db.collection(`${bucket}.files`);
    this.#chunks = db.collection(`${bucket}.chunks`);
    this.#revisions = new Revisions(this.#files);
    this.#sweeping = setInterval(() => void this.#sweep(Date.now()).catch(() => {}), SUPERSEDED_MS / 4);
    this.#sweeping.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#sweep(Number.POSITIVE_INFINITY).catch(() => {}); // else with the next write of the name
    await this.#client.close();
  }

  async ensureContainer(): Promise<void> {
    await this.#revisions.ensureIndexes();
    await this.#chunks.createIndex({ files_id: 1, n: 1 }, { unique: true });
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const file = await this.#revisions.newest(key);
    return file && infoOf(file);
  }

  async get(key: string, { range, etag }: GetOptions, signal: AbortSignal): Promise<OpenedObject | undefined> {
    const file = await this.#revisions.newest(key);
    if (!file) return undefined;
    const info = infoOf(file);
    if (etag !== undefined && info.etag !== etag) throw refusal(412);
    const { offset = 0, length = info.size } = range ?? {};
    if (range && offset >= info.size) throw refusal(416);
    const end = Math.min(offset + length, info.size);
    signal.throwIfAborted();
    const body = end > offset ? this.#bucket.openDownloadStream(file._id, { start: offset, end }) : Readable.from([]);
    return { info, body };
  }

  page(query: PageQuery): Promise<ObjectPage> {
    return page(this.#files, query);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions, signal: AbortSignal): Promise<Written> {
    const upload = this.#upload(key, options);
    try {
      if (bytes.length > 0) await upload.send(1, bytes, signal);
      return await upload.complete(signal);
    } catch (error) {
      await upload.abort(signal);
      throw error;
    }
  }

  async beginParts(key: string, options: PutOptions): Promise<PartUpload> {
    return this.#upload(key, options);
  }

  #upload(key: string, { contentType, condition }: PutOptions): PartUpload {
    const id = new ObjectId();
    const lengths: number[] = [];
    return {
      send: async (number, bytes, signal) => {
        signal.throwIfAborted();
        lengths[number - 1] = bytes.length;
        // All but the last are of the length of the first, whose sending has begun before that of any other.
        const first = ((number - 1) * (lengths[0] ?? 0)) / CHUNK_BYTES;
        await this.#chunks.insertMany(chunksOf(id, first, bytes));
      },
      complete: async (signal) => {
        const length = lengths.reduce((sum, each) => sum + each, 0);
        const file = { _id: id, length, chunkSize: CHUNK_BYTES, filename: key };
        const added = await this.#add(file, contentType, condition, signal);
        return { etag: id.toHexString(), modifiedMs: added.uploadDate.getTime() };
      },
      abort: async () => {
        // Where nobody knows whether the file was added it stays what it is.
        if (await this.#files.findOne({ _id: id }, { projection: { _id: 1 } })) return;
        await this.#chunks.deleteMany({ files_id: id });
      },
    };
  }

  async remove(key: string): Promise<boolean> {
    const ids = await this.#revisions.remove([key]);
    await this.#removeContents(ids);
    return ids.length > 0;
  }

  async removeAll(keys: readonly string[]): Promise<void> {
    await this.#removeContents(await this.#revisions.remove(keys));
  }

  async copy(from: string, to: string, signal: AbortSignal): Promise<boolean> {
    const file = await this.#revisions.newest(from);
    if (!file) return false;
    const _id = new ObjectId();
    const cursor = this.#chunks.find({ files_id: file._id }, { sort: { n: 1 }, batchSize: COPIED_AT_ONCE });
    try {
      let copies: Chunk[] = [];
      const flush = async (): Promise<void> => {
        signal.throwIfAborted();
        if (copies.length > 0) await this.#chunks.insertMany(copies);
        copies = [];
      };
      for await (const { n, data } of cursor) {
        if (copies.push({ _id: new ObjectId(), files_id: _id, n, data }) === COPIED_AT_ONCE) await flush();
      }
      await flush();
      const { length, chunkSize } = file;
      const contentType = file.metadata?.contentType ?? file.contentType;
      await this.#add({ _id, length, chunkSize, filename: to }, contentType, undefined, signal);
      return true;
    } catch (error) {
      await this.#chunks.deleteMany({ files_id: _id });
      throw error;
    }
  }

  describe(key: string, text: string): Promise<boolean> {
    return this.#revisions.describe(key, text);
  }

  /** What was the newest until now is removed later. */
  async #add(...file: Parameters<Revisions['add']>): Promise<FileDocument> {
    const { file: added, isFirst } = await this.#revisions.add(...file);
    const at = Date.now() + SUPERSEDED_MS;
    if (!isFirst) this.#superseded.push({ key: added.filename, before: added.uploadDate, at });
    return added;
  }

  async #sweep(now: number): Promise<void> {
    while (this.#superseded[0] && this.#superseded[0].at <= now) {
      const { key, before } = this.#superseded.shift() as Superseded;
      await this.#removeContents(await this.#revisions.remove([key], before));
    }
  }

  async #removeContents(ids: ObjectId[]): Promise<void> {
    if (ids.length > 0) await this.#chunks.deleteMany({ files_id: { $in: ids } });
  }
}

function chunksOf(files_id: ObjectId, first: number, bytes: Uint8Array): Chunk[] {
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) => ({
    ...{ _id: new ObjectId(), files_id, n: first + index },
    data: new Binary(bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)),
  }));
}

/** As a store over HTTP would say it. */
const refusal = (statusCode: number): Error => Object.assign(new Error(`refused: ${statusCode}`), { statusCode });
