/** Changes of documents: PUT replaces them, PATCH changes members; by key, or all that meet a filter (database-api §4.2). */
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { attempt } from '#common/records/attempt.ts';
import { missing } from '#common/records/keys.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { batchError, type Runner, recordsOf, resultOf } from '#common/records/result.ts';
import { objectOf } from '#common/records/values.ts';
import type { TableView } from '#common/schema/extras.ts';
import { findTable } from '#common/schema/find.ts';
import { type Operation, type Result, Target, type Update } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import type { Condition, DocumentKey, StoreTable, Write } from '../engine.ts';
import { split } from '../plan/split.ts';
import { runSteps, type Step } from './batch.ts';
import { changeOf } from './change.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { Finder, type GoodKey, type WireKey } from './keys.ts';
import { type ShownWrites, type WriteOne, writeNested } from './nested-writes.ts';
import { droppedOf, type ReadOrError, readNew } from './new-document.ts';
import { documentJson } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import { bringsRelated, type ReadMembers, RecordReader, requireReached } from './records.ts';
import { scan } from './scan.ts';
import { Shower } from './shower.ts';
import { movedAway, staysAnyway } from './stays.ts';

/** Documents of a filter that are changed by one request of the store. */
const CHUNK = 500;

export function planUpdate(update: Update, context: ServiceContext): Runner {
  const table = findTable(context.view, update.table);
  const plan = new UpdatePlan(update, table, context);
  switch (update.target) {
    case Target.FILTER:
      return (operation, deadline) => plan.byFilter(operation, deadline);
    case Target.ONE:
      return (operation, deadline) => plan.one(operation, deadline);
    default:
      return (operation, deadline) => plan.several(operation, deadline);
  }
}

class UpdatePlan {
  readonly #update: Update;
  readonly #table: TableView;
  readonly #stored: StoreTable;
  readonly #context: ServiceContext;
  readonly #finder: Finder;
  readonly #records: RecordReader;
  readonly #shower: Shower;

  constructor(update: Update, table: TableView, context: ServiceContext) {
    this.#update = update;
    this.#table = table;
    this.#stored = storedOf(table, context);
    this.#context = context;
    this.#finder = new Finder(table, update.idField, context);
    this.#records = new RecordReader(table, context);
    this.#shower = new Shower(update, table, this.#stored, context);
  }

  /** The body is the record itself. */
  async one(operation: Operation, deadline: Deadline): Promise<Result> {
    const key = this.#finder.one(operation);
    const record = parseJson(operation.records);
    if (typeof record !== 'object' || record === null || Array.isArray(record) || Object.keys(record).length === 0) {
      throw invalid('The request contains no valid record fields.');
    }
    if (bringsRelated([record], this.#table)) {
      try {
        const { pieces, created } = await this.#nested([key], [record], operation, deadline);
        return resultOf(pieces[0] as Uint8Array, { created });
      } catch (error) {
        // One record is not a batch: what happened to it is the answer.
        const [outcome] = MillraceError.from(error).batch?.outcomes ?? [];
        throw outcome && 'error' in outcome ? outcome.error : error;
      }
    }
    const read = this.#read(record, operation);
    const condition = conditionOf([this.#update.rowFilter], this.#table, operation, this.#context);
    const isPlain = this.#finder.isExact(key) && condition === undefined && !this.#isEmpty(read);
    const known = isPlain
      ? { key: key.params, document: undefined }
      : (await this.#finder.keysOf([key], condition, deadline))[0];
    const change = known && this.#change(known.key, read, known.document, condition);
    if (change && 'error' in change) throw change.error;
    const outcome = change && (await this.#context.writes.write(this.#stored, change.write, deadline));
    if (outcome && 'error' in outcome) throw outcome.error;
    const { dropped } = read;
    if (outcome && !('missing' in outcome)) {
      const [json] = await this.#shower.show([outcome], operation, deadline);
      return resultOf(json as Uint8Array, { dropped: [...dropped], created: outcome.created });
    }
    if (!this.#mayInsert) throw missing(key.shown);
    const step = this.#insertion(record, key, operation);
    if ('error' in step) throw step.error;
    const inserted = await this.#context.writes.write(this.#stored, step.write, deadline);
    if ('error' in inserted) throw inserted.error;
    if ('missing' in inserted) throw missing(key.shown);
    const [json] = await this.#shower.show([inserted], operation, deadline);
    return resultOf(json as Uint8Array, { dropped: [...dropped], created: true });
  }

  /** KEYS: the first record is applied to each; RECORDS: each record names its own. */
  async several(operation: Operation, deadline: Deadline): Promise<Result> {
    const records = recordsOf(operation);
    const byKeys = this.#update.target === Target.KEYS;
    const [first] = records;
    if (first === undefined) throw invalid('No record(s) detected in request.');
    const { reader } = this.#finder;
    const keys: readonly WireKey[] = byKeys ? reader.list(operation.keys) : reader.ofRecords(records);
    if (keys.length === 0) throw invalid('The request contains no valid identifiers.');
    if (bringsRelated(byKeys ? [first] : records, this.#table)) {
      const each = byKeys ? keys.map(() => first) : records;
      const { pieces, created } = await this.#nested(keys, each, operation, deadline);
      return resultOf(arrayOfPieces(pieces), { created });
    }
    const shared = byKeys ? this.#attempt(first, operation) : undefined;
    const read = keys.map((_, i) => shared ?? this.#attempt(records[i], operation));
    const condition = conditionOf([this.#update.rowFilter], this.#table, operation, this.#context);
    // Who is not there is known before the first change, so that the batch can stop in front of him.
    const good = keys.flatMap((key) => ('error' in key ? [] : [key]));
    const found = await this.#finder.keysOf(good, condition, deadline);
    let place = 0;
    const steps = keys.map((key, i): Step => {
      if ('error' in key) return key;
      const known = found[place++];
      const one = read[i] as ReadOrError;
      if ('error' in one) return one;
      if (known) return this.#change(known.key, one, known.document, condition);
      if (!this.#mayInsert) return { error: missing(key.shown) };
      return this.#insertion(byKeys ? first : records[i], key, operation);
    });
    const gone = (index: number): MillraceError => missing((keys[index] as { shown: string }).shown);
    const { mode } = this.#update;
    const done = await runSteps(
      steps,
      mode,
      this.#stored,
      gone,
      ({ key }) => documentJson(key),
      this.#context,
      deadline,
    );
    const created = done.some((one) => one.created);
    return resultOf(arrayOfPieces(await this.#shower.show(done, operation, deadline)), {
      dropped: droppedOf(read),
      created,
    });
  }

  /** The answer lists what meets the filter afterwards, as the original has it. */
  async byFilter(operation: Operation, deadline: Deadline): Promise<Result> {
    const [record] = recordsOf(operation);
    if (record === undefined) throw invalid('No record(s) detected in request.');
    if (bringsRelated([record], this.#table)) {
      throw invalid('Records that are changed by a filter bring no related records.', { table: this.#table.wireName });
    }
    const read = attempt(() => this.#records.read(record, 'merge', operation.caller));
    if ('error' in read) throw batchError({ outcomes: [read], rolledBack: false });
    const { filter, rowFilter } = this.#update;
    const own = conditionOf([rowFilter], this.#table, operation, this.#context);
    if (!staysAnyway(read.members, own, this.#elements)) {
      throw batchError({ outcomes: [{ error: movedAway() }], rolledBack: false });
    }
    const condition = conditionOf([filter, rowFilter], this.#table, operation, this.#context);
    if (Object.keys(read.members).length > 0) await this.#changeAll(condition, read, deadline);
    const { maxRecords } = this.#context;
    const limit = this.#update.limit > 0 ? Math.min(this.#update.limit, maxRecords) : maxRecords;
    const { outputs, related } = this.#shower;
    const wanted = { table: this.#stored, condition, order: [], offset: 0, limit, fields: outputs.fields };
    const documents: StoredDocument[] = [];
    for await (const document of scan(wanted, this.#context, deadline)) documents.push(document);
    const pieces = await piecesOf(documents, outputs, related, operation, deadline);
    return resultOf(arrayOfPieces(pieces), { dropped: [...read.dropped] });
  }

  async #changeAll(condition: Condition | undefined, { members }: ReadMembers, deadline: Deadline): Promise<void> {
    const { source, engine } = this.#context;
    const { pushed, residual } = split(condition, engine.pushdown, this.#stored);
    if (!residual && source.updateWhere) {
      await source.updateWhere(this.#stored, pushed, members, deadline);
      return;
    }
    const fields = this.#stored.key.map(({ name }) => name);
    const wanted = { table: this.#stored, condition, order: [], offset: 0, limit: undefined, fields };
    let writes: Write[] = [];
    const flush = async (): Promise<void> => {
      const outcomes = await source.write(this.#stored, writes, false, deadline);
      writes = [];
      for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
    };
    for await (const document of scan(wanted, this.#context, deadline)) {
      writes.push({ kind: 'merge', key: this.#finder.keyOf(document.members()), members, upsert: false });
      if (writes.length >= CHUNK) await flush();
    }
    if (writes.length > 0) await flush();
  }

  get #elements(): boolean {
    return this.#context.engine.pushdown.elements ?? false;
  }

  #read(record: unknown, operation: Operation): ReadMembers {
    return this.#records.read(record, this.#update.replace ? 'replace' : 'merge', operation.caller);
  }

  #attempt(record: unknown, operation: Operation): ReadOrError {
    return attempt(() => this.#read(record, operation));
  }

  #isEmpty({ members }: ReadMembers): boolean {
    return !this.#update.replace && Object.keys(members).length === 0;
  }

  #change(
    key: DocumentKey,
    read: ReadMembers,
    document: StoredDocument | undefined,
    condition: Condition | undefined,
  ): Step {
    const { replace } = this.#update;
    return attempt(() => ({
      write: changeOf({ key, document, condition }, read, replace, this.#stored, this.#context),
      before: document,
    }));
  }

  #nested(
    keys: readonly WireKey[],
    records: readonly unknown[],
    operation: Operation,
    deadline: Deadline,
  ): Promise<ShownWrites> {
    const table = this.#table;
    requireReached(records, table, this.#context);
    const condition = conditionOf([this.#update.rowFilter], table, operation, this.#context);
    const writes = keys.map(
      (key, i): WriteOne =>
        async (writer) => {
          if ('error' in key) throw key.error;
          const record = objectOf(records[i]);
          const [found] = await this.#finder.keysOf([key], condition, deadline);
          if (found) return writer.update(table, { ...found, condition }, record, this.#update.replace);
          if (!this.#mayInsert) throw missing(key.shown);
          return writer.create(table, this.#keyed(record, key));
        },
    );
    return writeNested(writes, this.#update, this.#shower, operation, deadline, this.#context);
  }

  /** Never where a role's condition may hide the record: it could be there all the same. */
  get #mayInsert(): boolean {
    return this.#update.upsert && this.#context.allowUpsert && this.#update.rowFilter === undefined;
  }

  #insertion(record: unknown, key: GoodKey, operation: Operation): { write: Write } | { error: MillraceError } {
    const read = readNew(this.#keyed(record, key), this.#stored, this.#records, operation);
    return 'error' in read ? read : { write: { kind: 'insert', document: read.members } };
  }

  /** The record with the values of its key. */
  #keyed(record: unknown, { params }: GoodKey): Readonly<Record<string, unknown>> {
    const values = this.#finder.reader.fields.map(({ wireName }, i) => [wireName, params[i]]);
    return { ...(record as object), ...Object.fromEntries(values) };
  }
}
