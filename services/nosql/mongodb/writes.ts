/** Writes: single new documents of one turn travel together, each fails alone. */
import {
  type Document as BsonDocument,
  type BulkWriteOptions,
  type ClientSession,
  type Collection,
  MongoBulkWriteError,
  ObjectId,
} from 'mongodb';
import { Batcher, type BatchOutcome } from '#common/batcher.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import type { Document } from '../document.ts';
import type { Write, WriteOutcome } from '../engine.ts';
import { translate } from './errors.ts';
import { queryOf } from './request.ts';
import { isTransient } from './transactions.ts';
import { idsOf, idToBson, idToWire, membersToBson } from './types.ts';

/** Writes of one call that are under way at once, where each is a request of its own. */
const WRITES_AT_ONCE = 8;
/** Documents of one request. */
const INSERTS_MAX = 1_000;
const BOUNDS = { batchMax: 256, waitingMax: 10_000, lines: 2, linesMax: 8, slowMs: 20 };

interface Insertion {
  readonly document: BsonDocument;
  readonly deadline: Deadline;
}

/** Stops at the deadline, and translates what is thrown. */
export type Run = <T>(deadline: Deadline, work: () => Promise<T>) => Promise<T>;

export class MongoWrites {
  readonly #collectionOf: (name: string) => Collection<BsonDocument>;
  readonly #run: Run;
  readonly #inserts = new Map<string, Batcher<Insertion, Document>>();

  constructor(collectionOf: (name: string) => Collection<BsonDocument>, run: Run) {
    this.#collectionOf = collectionOf;
    this.#run = run;
  }

  /** As NoSqlSource has it. */
  async write(
    name: string,
    writes: readonly Write[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<readonly WriteOutcome[]> {
    const [first] = writes;
    if (writes.length === 1 && first?.kind === 'insert') return [await this.#insertOne(name, first.document, deadline)];
    if (writes.every(({ kind }) => kind === 'insert')) {
      const documents = writes.map((write) => (write as { document: Document }).document);
      return this.#insertMany(name, documents, ordered, deadline);
    }
    return this.#apart(name, writes, ordered, deadline);
  }

  /**
   * One after the other within a transaction, up to the first that is not done.
   * @throws what the driver takes for a reason to begin the transaction anew
   */
  async within(
    session: ClientSession,
    name: string,
    writes: readonly Write[],
    deadline: Deadline,
  ): Promise<readonly WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (const write of writes) {
      deadline.throwIfAborted();
      try {
        outcomes.push(await this.#change(name, write, session));
      } catch (error) {
        if (isTransient(error)) throw error;
        outcomes.push(failed(error));
      }
      if (!('key' in (outcomes.at(-1) as WriteOutcome))) break;
    }
    return outcomes;
  }

  async #insertOne(name: string, document: Document, deadline: Deadline): Promise<WriteOutcome> {
    let inserts = this.#inserts.get(name);
    if (!inserts) {
      inserts = new Batcher<Insertion, Document>((some) => this.#insertBatch(name, some), BOUNDS);
      this.#inserts.set(name, inserts);
    }
    try {
      const key = await inTime(inserts.add({ document: insertable(document), deadline }), deadline);
      return { key, created: true };
    } catch (error) {
      return failed(error);
    }
  }

  /** Of different requests: each fails alone. */
  async #insertBatch(name: string, some: readonly Insertion[]): Promise<BatchOutcome<Document>[]> {
    const outcomes = await this.#bulk(
      name,
      some.map(({ document }) => document),
      false,
    );
    return outcomes.map((outcome) => ('error' in outcome ? outcome : { value: (outcome as { key: Document }).key }));
  }

  async #insertMany(
    name: string,
    documents: readonly Document[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (let from = 0; from < documents.length; from += INSERTS_MAX) {
      const rows: BsonDocument[] = [];
      const places: (MillraceError | undefined)[] = [];
      for (const document of documents.slice(from, from + INSERTS_MAX)) {
        const row = attempt(() => insertable(document));
        if (row instanceof MillraceError) places.push(row);
        else {
          places.push(undefined);
          rows.push(row);
        }
        if (ordered && row instanceof MillraceError) break;
      }
      const done = rows.length > 0 ? await this.#run(deadline, () => this.#bulk(name, rows, ordered)) : [];
      let next = 0;
      for (const error of places) {
        const outcome = error ? { error } : done[next++];
        if (!outcome) return outcomes;
        outcomes.push(outcome);
        if (ordered && 'error' in outcome) return outcomes;
      }
    }
    return outcomes;
  }

  /** Where it is ordered, outcomes end behind the first that failed. */
  async #bulk(name: string, rows: BsonDocument[], ordered: boolean): Promise<WriteOutcome[]> {
    const options: BulkWriteOptions = { ordered };
    const good = (row: BsonDocument): WriteOutcome => ({ key: { _id: idToWire(row['_id']) }, created: true });
    try {
      await this.#collectionOf(name).insertMany(rows, options);
      return rows.map(good);
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError)) throw translate(error);
      const failures = [error.writeErrors].flat();
      const byIndex = new Map(failures.map((one) => [one.index, translate(one.err ?? one)]));
      const reached = ordered ? Math.min(...byIndex.keys()) + 1 : rows.length;
      return rows.slice(0, reached).map((row, index) => {
        const failure = byIndex.get(index);
        return failure ? { error: failure } : good(row);
      });
    }
  }

  async #apart(name: string, writes: readonly Write[], ordered: boolean, deadline: Deadline): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    const step = ordered ? 1 : WRITES_AT_ONCE;
    for (let from = 0; from < writes.length; from += step) {
      const some = await Promise.all(writes.slice(from, from + step).map((write) => this.#one(name, write, deadline)));
      outcomes.push(...some);
      const last = outcomes.at(-1);
      if (ordered && last && !('key' in last)) return outcomes;
    }
    return outcomes;
  }

  async #one(name: string, write: Write, deadline: Deadline): Promise<WriteOutcome> {
    try {
      if (write.kind === 'insert') return await this.#insertOne(name, write.document, deadline);
      return await this.#run(deadline, () => this.#change(name, write));
    } catch (error) {
      if (deadline.reason) throw deadline.reason;
      return failed(error);
    }
  }

  async #change(name: string, write: Write, session?: ClientSession): Promise<WriteOutcome> {
    const collection = this.#collectionOf(name);
    const within = session && { session };
    if (write.kind === 'insert') {
      const row = insertable(write.document);
      await collection.insertOne(row, within);
      return { key: { _id: idToWire(row['_id']) }, created: true };
    }
    const [id = null] = write.key;
    const ids = idsOf(id);
    const byId = ids.length === 1 ? { _id: ids[0] as never } : { _id: { $in: ids as never[] } };
    const filter = write.onlyIf ? { $and: [byId, queryOf(write.onlyIf)] } : byId;
    const key = { _id: idToWire(ids[0]) };
    if (write.kind === 'delete') {
      const { deletedCount } = await collection.deleteOne(filter, within);
      return deletedCount === 1 ? { key, created: false } : { missing: true };
    }
    const { matchedCount } =
      write.kind === 'replace'
        ? await collection.replaceOne(filter, settable(write.document), within)
        : await changed(collection, filter, settable(write.members), within);
    if (matchedCount === 1) return { key, created: false };
    if (!write.upsert) return { missing: true };
    // Not by the driver's upsert: what was asked for by a list of identifiers says not which it should have.
    const document = write.kind === 'replace' ? write.document : write.members;
    await collection.insertOne(insertable({ ...document, _id: id }), within);
    return { key, created: true };
  }
}

/** Its identifier stands first, as the server would have it; where there is none one is made here, as drivers do. */
function insertable(document: Document): BsonDocument {
  const { _id: id } = document;
  const isGiven = id !== undefined && id !== null;
  return { _id: isGiven ? idToBson(id) : new ObjectId(), ...withoutId(membersToBson(document)) };
}

const withoutId = (row: BsonDocument): BsonDocument => {
  const { _id, ...rest } = row;
  return rest;
};

/** A name with dots would be a path. @throws MillraceError invalid */
export function settable(members: Document): BsonDocument {
  const row = withoutId(membersToBson(members));
  if ('' in row) throw invalid('A field without a name cannot be changed.', { field: '' });
  const dotted = Object.keys(row).find((name) => name.includes('.'));
  if (dotted !== undefined) {
    throw invalid(`A record with a field whose name has a dot cannot be changed: '${dotted}'.`, { field: dotted });
  }
  return row;
}

async function changed(
  collection: Collection<BsonDocument>,
  filter: BsonDocument,
  set: BsonDocument,
  within: { readonly session: ClientSession } | undefined,
): Promise<{ matchedCount: number }> {
  if (Object.keys(set).length > 0) return collection.updateOne(filter, { $set: set }, within);
  // Nothing is changed, and whether there is something is asked all the same.
  return { matchedCount: await collection.countDocuments(filter, { limit: 1, ...within }) };
}

function attempt<T>(work: () => T): T | MillraceError {
  try {
    return work();
  } catch (error) {
    return MillraceError.from(error);
  }
}

const failed = (error: unknown): WriteOutcome => ({ error: error instanceof MillraceError ? error : translate(error) });
