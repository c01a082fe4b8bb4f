/** An opened MongoDB database; the only file that calls the driver. */
import {
  type Document as BsonDocument,
  type Collection,
  type Db,
  MongoClient,
  type MongoClientOptions,
  ObjectId,
  type Sort,
} from 'mongodb';
import { Batcher, type BatchOutcome } from '#common/batcher.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import type {
  Condition,
  DocumentKey,
  Grouping,
  KeyField,
  NewIndex,
  NoSqlSource,
  StoreGroup,
  StorePage,
  StoreQuery,
  StoreTable,
  Write,
  WriteOutcome,
} from '../engine.ts';
import type { MongoConfig } from './config.ts';
import { translate } from './errors.ts';
import { pipelineOf, readGroups } from './groups.ts';
import { fieldName, queryOf, sortOf } from './request.ts';
import { MongoDocument } from './stored.ts';
import { Transactions } from './transactions.ts';
import { idsOf, idToWire } from './types.ts';
import { MongoWrites, settable } from './writes.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const PAGE_DOCUMENTS = 1_000;
const KEYS_MAX = 1_000;
/** Collections whose indexes are looked at. */
const INDEXED_MAX = 500;
const BOUNDS = { batchMax: 256, waitingMax: 10_000, lines: 2, linesMax: 8, slowMs: 20 };

/** By `_id` alone: what is behind a page is found by the last of it. */
const BY_ID: Sort = { _id: 1 };

interface PointRead {
  readonly key: Wire;
  readonly deadline: Deadline;
}

export class MongoSource implements NoSqlSource {
  readonly #client: MongoClient;
  readonly #db: Db;
  readonly #reads = new Map<string, Batcher<PointRead, StoredDocument | undefined>>();
  readonly #writes: MongoWrites;
  readonly #transactions: Transactions;

  constructor(config: MongoConfig, connectionsMax: number) {
    const { url, database, username, password, options } = config;
    const settings: MongoClientOptions = {
      ...(options as MongoClientOptions),
      ...(username !== undefined && { auth: { username, ...(password !== undefined && { password }) } }),
      maxPoolSize: connectionsMax,
      serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      ignoreUndefined: true,
    };
    try {
      this.#client = new MongoClient(url, settings);
    } catch (error) {
      throw invalid('The settings of the connection are not understood by the driver.', {
        field: 'dsn',
        reason: String((error as Error).message),
      });
    }
    this.#db = this.#client.db(database);
    this.#writes = new MongoWrites(
      (name) => this.#collection(name),
      (deadline, work) => this.#do(deadline, work),
    );
    this.#transactions = new Transactions({
      command: (command) => this.#db.command(command),
      startSession: () => this.#client.startSession(),
      // Of a name that no collection has: it only matters whether the server takes the question.
      read: (session) => this.#collection('millrace').findOne({ _id: NOBODY }, { session }),
    });
  }

  async tables(deadline: Deadline): Promise<readonly StoreTable[]> {
    return this.#do(deadline, async () => {
      await this.#transactions.look();
      const found = await this.#db.listCollections({}, { nameOnly: false, ...timeLimit(deadline) }).toArray();
      const known = found.filter(({ name }) => !name.startsWith('system.'));
      const tables: StoreTable[] = [];
      for (const { name, type, ...rest } of known) {
        const options = 'options' in rest ? (rest.options as object) : {};
        const indexes = type === 'view' || tables.length >= INDEXED_MAX ? [] : await this.#indexesOf(name);
        tables.push({ name, key: ID, indexes, native: Object.keys(options).length > 0 ? options : [] });
      }
      return tables;
    });
  }

  sample({ name }: StoreTable, count: number, deadline: Deadline): Promise<readonly StoredDocument[]> {
    return this.#do(deadline, async () => {
      const cursor = this.#raw(name).find({}, { limit: count, ...timeLimit(deadline) });
      return (await cursor.toArray()).map(stored);
    });
  }

  async createTable(name: string, _key: readonly KeyField[], native: unknown, deadline: Deadline): Promise<void> {
    if (name === '' || name.startsWith('system.') || /[$\0]/.test(name)) {
      throw invalid(`'${name}' is no name of a collection.`, { field: 'name' });
    }
    const options = typeof native === 'object' && native !== null && !Array.isArray(native) ? native : {};
    await this.#do(deadline, () => this.#db.createCollection(name, { ...options, ...timeLimit(deadline) }));
  }

  async dropTable(name: string, deadline: Deadline): Promise<void> {
    await this.#do(deadline, () => this.#db.dropCollection(name, timeLimit(deadline)));
  }

  async createIndex(table: StoreTable, index: NewIndex, deadline: Deadline): Promise<void> {
    const fields = Object.fromEntries(index.fields.map((field) => [fieldName(field), 1 as const]));
    // A member that is absent is like none other.
    const options = { name: index.name, ...(index.unique && { unique: true, sparse: true }) };
    await this.#do(deadline, () => this.#collection(table.name).createIndex(fields, options));
  }

  async dropIndex(table: StoreTable, name: string, deadline: Deadline): Promise<void> {
    await this.#do(deadline, () => this.#collection(table.name).dropIndex(name));
  }

  /** Those of one turn travel together, whoever asks. */
  async get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    _fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const reads = this.#reads.get(table.name) ?? this.#readsOf(table.name);
    return inTime(Promise.all(keys.map(([key = null]) => reads.add({ key, deadline }))), deadline);
  }

  async *find({ name }: StoreTable, query: StoreQuery, deadline: Deadline): AsyncGenerator<StorePage> {
    const { condition, order, offset, limit, fields, after } = query;
    const isByKey = order.length === 0 || (order.length === 1 && order[0]?.field === '_id' && !order[0].descending);
    const filter = after === undefined ? queryOf(condition) : { $and: [queryOf(condition), behind(after, isByKey)] };
    const size = Math.min(PAGE_DOCUMENTS, limit ?? PAGE_DOCUMENTS);
    const cursor = this.#raw(name).find(filter, {
      sort: isByKey ? BY_ID : sortOf(order),
      skip: offset,
      batchSize: size,
      ...(limit !== undefined && { limit }),
      ...(fields?.every(isPath) && { projection: projectionOf(fields) }),
      ...timeLimit(deadline),
    });
    const forget = deadline.onAbort(() => void cursor.close().catch(() => {}));
    try {
      let page: MongoDocument[] = [];
      for (;;) {
        const document = await this.#do(deadline, () => cursor.next());
        if (document) page.push(stored(document));
        if (page.length === size || (!document && page.length > 0)) {
          yield pageOf(page, isByKey, document !== null);
          page = [];
        }
        if (!document) return;
      }
    } finally {
      forget();
      await cursor.close().catch(() => {});
    }
  }

  async group(
    { name }: StoreTable,
    condition: Condition | undefined,
    grouping: Grouping,
    deadline: Deadline,
  ): Promise<readonly StoreGroup[] | undefined> {
    const pipeline = pipelineOf(queryOf(condition), grouping);
    const options = { batchSize: PAGE_DOCUMENTS, allowDiskUse: true, ...timeLimit(deadline) };
    const cursor = this.#raw(name).aggregate(pipeline, options);
    const forget = deadline.onAbort(() => void cursor.close().catch(() => {}));
    try {
      return await readGroups(async () => {
        const row = await this.#do(deadline, () => cursor.next());
        return row ? stored(row).members() : undefined;
      }, grouping);
    } finally {
      forget();
      await cursor.close().catch(() => {});
    }
  }

  count({ name }: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number> {
    return this.#do(deadline, () => this.#collection(name).countDocuments(queryOf(condition), timeLimit(deadline)));
  }

  estimate({ name }: StoreTable, deadline: Deadline): Promise<number> {
    return this.#do(deadline, () => this.#collection(name).estimatedDocumentCount(timeLimit(deadline)));
  }

  write(
    table: StoreTable,
    writes: readonly Write[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<readonly WriteOutcome[]> {
    return this.#writes.write(table.name, writes, ordered, deadline);
  }

  /** Of a server that has no transactions the tier takes back what was done. */
  get writeTogether(): NoSqlSource['writeTogether'] {
    if (!this.#transactions.areThere) return undefined;
    return ({ name }, writes, deadline) =>
      this.#do(deadline, () =>
        this.#transactions.run((session) => this.#writes.within(session, name, writes, deadline), deadline),
      );
  }

  async updateWhere(
    table: StoreTable,
    condition: Condition | undefined,
    members: Document,
    deadline: Deadline,
  ): Promise<number> {
    const update = { $set: settable(members) };
    const done = await this.#do(deadline, () =>
      this.#collection(table.name).updateMany(queryOf(condition), update, timeLimit(deadline)),
    );
    return done.matchedCount;
  }

  async deleteWhere(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number> {
    const done = await this.#do(deadline, () =>
      this.#collection(table.name).deleteMany(queryOf(condition), timeLimit(deadline)),
    );
    return done.deletedCount;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #collection(name: string): Collection<BsonDocument> {
    return this.#db.collection(name);
  }

  /** Documents come as bytes. */
  #raw(name: string): Collection<BsonDocument> {
    return this.#db.collection(name, { raw: true });
  }

  async #do<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    deadline.throwIfAborted();
    try {
      return await inTime(work(), deadline);
    } catch (error) {
      throw deadline.reason ?? translate(error);
    }
  }

  async #indexesOf(name: string): Promise<StoreTable['indexes']> {
    const found = await this.#collection(name).indexes();
    return found.filter(isOfAll).map(({ name: index = '', key, unique = false }) => ({
      name: index,
      fields: Object.keys(key),
      unique: unique === true || index === '_id_',
    }));
  }

  #readsOf(name: string): Batcher<PointRead, StoredDocument | undefined> {
    const batcher = new Batcher<PointRead, StoredDocument | undefined>((reads) => this.#fetch(name, reads), {
      ...BOUNDS,
      batchMax: KEYS_MAX,
    });
    this.#reads.set(name, batcher);
    return batcher;
  }

  async #fetch(name: string, reads: readonly PointRead[]): Promise<BatchOutcome<StoredDocument | undefined>[]> {
    const ids = reads.map(({ key }) => idsOf(key));
    const latest = reads.reduce(
      (one, read) => (read.deadline.at > one.at ? read.deadline : one),
      (reads[0] as PointRead).deadline,
    );
    const all = ids.flat();
    const filter = all.length === 1 ? { _id: all[0] as never } : { _id: { $in: all as never[] } };
    const options = { batchSize: all.length + 1, limit: all.length, singleBatch: true, ...timeLimit(latest) };
    try {
      const found = await this.#raw(name).find(filter, options).toArray();
      const byId = new Map(found.map(stored).map((document) => [document.idText(), document]));
      return ids.map((some) => ({ value: some.map((id) => byId.get(idJson(id))).find((one) => one !== undefined) }));
    } catch (error) {
      throw translate(error);
    }
  }
}

/** Of the values of fields in all documents: no part of a collection, words of texts, or places. */
const isOfAll = ({ key, partialFilterExpression }: BsonDocument): boolean =>
  partialFilterExpression === undefined &&
  Object.entries(key as object).every(([field, kind]) => !field.includes('$') && (Number(kind) || kind === 'hashed'));

const NOBODY = new ObjectId('0'.repeat(24));
const ID: readonly KeyField[] = [{ name: '_id', type: 'any', generated: true }];

const stored = (document: unknown): MongoDocument => new MongoDocument(document as Buffer);

/** The server ends what nobody waits for. */
const timeLimit = (deadline: Deadline) => ({ maxTimeMS: Math.max(1, Math.ceil(deadline.remainingMs())) });

/** The store refuses others; a document may have a member of such a name all the same. */
const isPath = (field: string): boolean => !field.split('.').includes('');

/** `_id` comes in any case, as it is the key. */
const projectionOf = (fields: readonly string[]) =>
  Object.fromEntries(withoutPrefixes(fields).map((field) => [fieldName(field), 1]));

/** The store refuses a member beside what holds it. */
const withoutPrefixes = (fields: readonly string[]): string[] =>
  fields.filter((field) => !fields.some((other) => other !== field && field.startsWith(`${other}.`)));

function pageOf(documents: readonly MongoDocument[], isByKey: boolean, mayFollow: boolean): StorePage {
  const behindOf = (index: number): string =>
    Buffer.from((documents[index] as MongoDocument).idText()).toString('base64url');
  if (!isByKey) return { documents, next: undefined };
  return { documents, next: mayFollow ? behindOf(documents.length - 1) : undefined, behind: behindOf };
}

/** @throws MillraceError invalid */
function behind(after: string, isByKey: boolean): BsonDocument {
  if (!isByKey) throw invalid("'after' goes with the order of '_id' only.", { field: 'after' });
  try {
    const id = parseJson(Buffer.from(after, 'base64url')) as Wire;
    return { _id: { $gt: idsOf(id)[0] } };
  } catch {
    throw invalid("'after' must be empty for the first page, or 'next_after' of the page before.", { field: 'after' });
  }
}

/** As `MongoDocument.idText` writes it. */
const idJson = (id: unknown): string => stringifyJson(idToWire(id));
