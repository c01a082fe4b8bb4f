/** One opened MongoDB: its pool, and requests of the tier as commands of the driver. */
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Db,
  MongoBulkWriteError,
  MongoClient,
  ObjectId,
  type WriteError,
} from 'mongodb';
import type { Deadline } from '#common/deadline.ts';
import type { OpenContext } from '#common/engine.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import type {
  Condition,
  DocumentKey,
  KeyField,
  NoSqlSource,
  StorePage,
  StoreQuery,
  StoreTable,
  Write,
  WriteOutcome,
} from '../engine.ts';
import type { MongoConfig } from './config.ts';
import { MongoDocument } from './document.ts';
import { translate } from './errors.ts';
import { type Query, queryOf, sortOf } from './request.ts';
import { idCandidates, idToBson, idToWire, membersToBson } from './types.ts';

type Raw = Record<string, unknown>;

const KEY: readonly KeyField[] = [{ name: '_id', type: 'any', generated: true }];
const CONNECT_TIMEOUT_MS = 10_000;
/** Of more collections the indexes are not listed: each would be a request of its own. */
const INDEXED_TABLES_MAX = 50;
export const KEYS_MAX = 1000;
export const WRITES_MAX = 1000;

export class MongoSource implements NoSqlSource {
  readonly #client: MongoClient;
  readonly #db: Db;

  /** @throws MillraceError invalid */
  constructor({ url, username, password, database, options }: MongoConfig, { connectionsMax }: OpenContext) {
    const query = new URLSearchParams(options).toString();
    try {
      this.#client = new MongoClient(query === '' ? url : `${url}?${query}`, {
        ...(username !== undefined && { auth: { username, password: password ?? '' } }),
        appName: 'millrace',
        maxPoolSize: connectionsMax,
        serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
        connectTimeoutMS: CONNECT_TIMEOUT_MS,
        ignoreUndefined: true,
      });
      this.#db = this.#client.db(database);
    } catch (error) {
      throw translate(error);
    }
  }

  async tables(deadline: Deadline): Promise<StoreTable[]> {
    return this.#run(deadline, async () => {
      const all = await this.#db.listCollections({}, { nameOnly: false }).toArray();
      const own = all.filter(({ name }) => !name.startsWith('system.'));
      const names = own.map(({ name }) => name).sort();
      const indexes =
        names.length <= INDEXED_TABLES_MAX ? await Promise.all(names.map((name) => this.#indexes(name))) : [];
      return names.map((name, i) => ({ name, key: KEY, indexes: indexes[i] ?? [], native: undefined }));
    });
  }

  async #indexes(name: string): Promise<StoreTable['indexes']> {
    // A view has none, and a collection may have gone meanwhile.
    const found = await this.#db
      .collection(name)
      .indexes()
      .catch(() => []);
    return found
      .filter(({ name: index }) => index !== '_id_')
      .map(({ name: index = '', key, unique }) => ({ name: index, fields: Object.keys(key), unique: unique === true }));
  }

  async sample(table: StoreTable, count: number, deadline: Deadline): Promise<StoredDocument[]> {
    return this.#run(deadline, async () => {
      const found = await this.#of(table)
        .find({}, { raw: true, limit: count, ...time(deadline) })
        .toArray();
      return found.map((one) => new MongoDocument(one as unknown as Buffer));
    });
  }

  async createTable(name: string, key: readonly KeyField[], native: unknown, deadline: Deadline): Promise<void> {
    if (key.some((field) => field.name !== '_id')) {
      throw invalid("The key of a MongoDB collection is '_id' and no other field.", { field: key[0]?.name });
    }
    if (native !== undefined && native !== null && !(Array.isArray(native) && native.length === 0)) {
      throw invalid("'native' has no meaning for a MongoDB collection.", { field: 'native' });
    }
    await this.#run(deadline, () => this.#db.createCollection(name));
  }

  async dropTable(name: string, deadline: Deadline): Promise<void> {
    await this.#run(deadline, () => this.#db.collection(name).drop());
  }

  async createIndex(table: StoreTable, index: StoreTable['indexes'][number], deadline: Deadline): Promise<void> {
    const key = sortOf(index.fields.map((field) => ({ field, descending: false })));
    await this.#run(deadline, () => this.#of(table).createIndex(key, { name: index.name, unique: index.unique }));
  }

  async dropIndex(table: StoreTable, name: string, deadline: Deadline): Promise<void> {
    await this.#run(deadline, () => this.#of(table).dropIndex(name));
  }

  async get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const candidates = keys.map(([id = null]) => idCandidates(id));
    const found = new Map<string, MongoDocument>();
    const options = { raw: true, ...projected(fields), ...time(deadline) };
    const all = candidates.flat();
    await this.#run(deadline, async () => {
      for (let at = 0; at < all.length; at += KEYS_MAX) {
        const some = all.slice(at, at + KEYS_MAX);
        const filter = some.length === 1 ? { _id: some[0] } : { _id: { $in: some } };
        for (const one of await this.#of(table)
          .find(filter as Raw, options)
          .toArray()) {
          const document = new MongoDocument(one as unknown as Buffer);
          found.set(document.id ?? '', document);
        }
      }
    });
    return candidates.map((some) => some.map((id) => found.get(idText(id))).find((one) => one !== undefined));
  }

  async *find(table: StoreTable, query: StoreQuery, deadline: Deadline): AsyncGenerator<StorePage> {
    const start = startOf(query);
    const filter = start.behind
      ? new Map([['$and', [queryOf(query.condition), start.behind]]])
      : queryOf(query.condition);
    const sort = sortOf(query.order);
    if (query.cursors && !sort.has('_id')) sort.set('_id', 1);
    const cursor = this.#of(table).find(filter as unknown as Raw, {
      raw: true,
      ...projected(query.fields),
      ...(sort.size > 0 && { sort }),
      ...(query.offset + start.skip > 0 && { skip: query.offset + start.skip }),
      ...(query.limit !== undefined && { limit: query.limit }),
      ...time(deadline),
    });
    const forget = deadline.onAbort(() => void cursor.close().catch(() => {}));
    let given = start.skip;
    try {
      while (await this.#run(deadline, () => cursor.hasNext())) {
        const documents = cursor.readBufferedDocuments().map((one) => new MongoDocument(one as unknown as Buffer));
        const first = given;
        given += documents.length;
        const behind = (index: number): string =>
          query.order.length > 0 ? `#${first + index + 1}` : (documents[index]?.id ?? '');
        yield { documents, next: behind(documents.length - 1), behind };
      }
    } finally {
      forget();
      await cursor.close().catch(() => {});
    }
  }

  async count(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number> {
    return this.#run(deadline, () => this.#of(table).countDocuments(filterOf(condition), time(deadline)));
  }

  async write(
    table: StoreTable,
    writes: readonly Write[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (let at = 0; at < writes.length; at += WRITES_MAX) {
      const some = writes.slice(at, at + WRITES_MAX);
      const done = await this.#writeSome(table, some, ordered, deadline);
      outcomes.push(...done);
      if (done.length < some.length || (ordered && done.some((one) => 'error' in one))) break;
    }
    return outcomes;
  }

  /** What cannot be said in BSON fails at its place, before anything is sent. */
  async #writeSome(
    table: StoreTable,
    writes: readonly Write[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<WriteOutcome[]> {
    const prepared = await Promise.all(writes.map((write) => this.#prepare(table, write, deadline)));
    const firstBad = ordered ? prepared.findIndex((one) => 'error' in one) : -1;
    const reached = firstBad < 0 ? prepared : prepared.slice(0, firstBad);
    const sent = reached.flatMap((one) => ('error' in one ? [] : [one]));
    const done = sent.length > 0 ? await this.#send(table, sent, ordered, deadline) : [];
    let next = 0;
    const outcomes: WriteOutcome[] = [];
    for (const one of firstBad < 0 ? prepared : prepared.slice(0, firstBad + 1)) {
      const outcome = 'error' in one ? one : done[next++];
      if (!outcome) break;
      outcomes.push(outcome);
      if (ordered && 'error' in outcome) break;
    }
    return outcomes;
  }

  async #prepare(table: StoreTable, write: Write, deadline: Deadline): Promise<Prepared | { error: MillraceError }> {
    try {
      if (write.kind === 'insert') return inserting(write.document);
      const [id = null] = write.key;
      const candidates = idCandidates(id);
      // A text that may name two documents: the one that is there is meant.
      const [found] = candidates.length > 1 ? await this.get(table, [write.key], ['_id'], deadline) : [];
      const exact = found ? idToBson(found.members()['_id'] as Wire) : candidates[0];
      return changing(
        write,
        found && candidates.length > 1
          ? (candidates.find((one) => idText(one) === (found as MongoDocument).id) ?? exact)
          : exact,
      );
    } catch (error) {
      return { error: translate(error) };
    }
  }

  async #send(
    table: StoreTable,
    sent: readonly Prepared[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<WriteOutcome[]> {
    const failures = new Map<number, MillraceError>();
    let counted = 0;
    try {
      const operations = sent.map(({ operation }) => operation);
      const options = { ordered, forceServerObjectId: true, ...time(deadline) };
      const result = await inTime(this.#of(table).bulkWrite(operations, options), deadline);
      counted = result.matchedCount + result.deletedCount;
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError)) throw translate(error);
      for (const one of [error.writeErrors].flat() as WriteError[]) failures.set(one.index, translate(errorOf(one)));
      if (failures.size === 0) throw translate(error);
      counted = error.matchedCount + error.deletedCount;
    }
    const end = ordered && failures.size > 0 ? Math.min(...failures.keys()) + 1 : sent.length;
    const changes = sent.slice(0, end).filter((one, i) => !one.isInsert && !failures.has(i));
    const gone = counted < changes.length ? await this.#missing(table, changes, deadline) : new Set<Prepared>();
    return sent.slice(0, end).map((one, i): WriteOutcome => {
      const error = failures.get(i);
      if (error) return { error };
      return gone.has(one) ? { missing: true } : { key: { _id: one.id }, created: one.isInsert };
    });
  }

  /** Of changes that did not all find their document: those whose document is not there, or does not meet the condition. */
  async #missing(table: StoreTable, changes: readonly Prepared[], deadline: Deadline): Promise<Set<Prepared>> {
    if (changes.length === 1) return new Set(changes);
    const found = await Promise.all(
      changes.map((one) => this.#run(deadline, () => this.#of(table).countDocuments(one.filter, { limit: 1 }))),
    );
    return new Set(changes.filter((one, i) => !one.isDelete && found[i] === 0));
  }

  async updateWhere(
    table: StoreTable,
    condition: Condition | undefined,
    members: Document,
    deadline: Deadline,
  ): Promise<number> {
    const change = { $set: membersToBson(members) as unknown as Raw };
    const done = await this.#run(deadline, () =>
      this.#of(table).updateMany(filterOf(condition), change, time(deadline)),
    );
    return done.matchedCount;
  }

  async deleteWhere(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number> {
    const done = await this.#run(deadline, () => this.#of(table).deleteMany(filterOf(condition), time(deadline)));
    return done.deletedCount;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #of({ name }: StoreTable): Collection<Raw> {
    return this.#db.collection(name);
  }

  async #run<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    deadline.throwIfAborted();
    try {
      return await inTime(work(), deadline);
    } catch (error) {
      throw translate(error);
    }
  }
}

/** The server ends what nobody waits for any longer. */
const time = (deadline: Deadline): { maxTimeMS: number } => ({
  maxTimeMS: Math.max(1, Math.ceil(deadline.remainingMs())),
});

const filterOf = (condition: Condition | undefined): Raw => queryOf(condition) as unknown as Raw;

function projected(fields: readonly string[] | undefined): { projection?: Raw } {
  if (!fields) return {};
  const names = new Map(fields.filter((name) => !name.startsWith('$') && name !== '').map((name) => [name, 1]));
  return { projection: (names.size === 0 ? { _id: 1 } : names) as Raw };
}

const idText = (id: unknown): string => stringifyJson(idToWire(id));

interface Prepared {
  readonly operation: AnyBulkWriteOperation<Raw>;
  readonly filter: Raw;
  readonly id: Wire;
  readonly isInsert: boolean;
  readonly isDelete: boolean;
}

function inserting(members: Document): Prepared {
  const document = membersToBson(members);
  if (document.get('_id') === undefined || document.get('_id') === null) document.set('_id', new ObjectId());
  const id = idToWire(document.get('_id'));
  const operation = { insertOne: { document: document as unknown as Raw } };
  return { operation, filter: {}, id, isInsert: true, isDelete: false };
}

function changing(write: Exclude<Write, { kind: 'insert' }>, id: unknown): Prepared {
  const own = { _id: id } as Raw;
  const filter = write.onlyIf ? ({ $and: [own, queryOf(write.onlyIf)] } as Raw) : own;
  const known = { filter, id: idToWire(id), isInsert: false, isDelete: write.kind === 'delete' };
  if (write.kind === 'delete') return { ...known, operation: { deleteOne: { filter } } };
  if (write.kind === 'replace') {
    const { _id: _, ...members } = write.document as Record<string, Wire>;
    const replacement = membersToBson(members) as unknown as Raw;
    return { ...known, operation: { replaceOne: { filter, replacement, upsert: write.upsert } } };
  }
  const { _id: _, ...members } = write.members as Record<string, Wire>;
  const update = { $set: membersToBson(members) as unknown as Raw };
  return { ...known, operation: { updateOne: { filter, update, upsert: write.upsert } } };
}

const errorOf = (one: WriteError): object => ({
  code: one.code,
  message: one.errmsg ?? '',
  keyPattern: (one.err as { keyPattern?: object } | undefined)?.keyPattern,
});

/** Where a page begins: behind an identifier, or in any other order behind so many documents. */
function startOf({ after, order }: StoreQuery): { skip: number; behind: Query | undefined } {
  if (after === undefined) return { skip: 0, behind: undefined };
  const strange = () =>
    invalid("'after' does not belong to this list: take it from the page before.", { field: 'after' });
  if (order.length > 0) {
    const [, skip] = /^#(\d{1,9})$/.exec(after) ?? [];
    if (skip === undefined) throw strange();
    return { skip: Number(skip), behind: undefined };
  }
  try {
    const id = idToBson(parseJson(Buffer.from(after)) as Wire);
    return { skip: 0, behind: new Map([['_id', new Map([['$gt', id]])]]) };
  } catch {
    throw strange();
  }
}
