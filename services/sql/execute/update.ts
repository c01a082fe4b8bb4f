/** Changes of records: one by its key, several by keys or by themselves, all that match a filter (database-api §4.2). */

import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { attempt } from '#common/records/attempt.ts';
import { type KeyReader, missing } from '#common/records/keys.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Runner } from '#common/records/result.ts';
import { batchError, recordsOf, resultOf } from '#common/records/result.ts';
import { objectOf } from '#common/records/values.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { findTable, keyFields } from '#common/schema/find.ts';
import { type Operation, type Result, Target, type Update } from '#proto/data/v1/data_pb.ts';
import { bind, type Template } from '../compile/builder.ts';
import { compileByKey, compileList } from '../compile/read.ts';
import { compileUpdateByFilter, compileUpdateByKey } from '../compile/write.ts';
import { hiddenOutputs, type Output, outputsOf } from '../plan/selection.ts';
import type { Param, Statement } from '../statement.ts';
import { runSteps, type Step } from './batch.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { droppedOf, InsertForms, type RowOrError } from './create.ts';
import { type Key, keyReader } from './keys.ts';
import { bringsRelated, requireReached } from './nested.ts';
import { type WriteOne, writeNested } from './nested-writes.ts';
import { planFind } from './read.ts';
import { RecordReader, type Row, SIGNATURES_MAX } from './records.ts';
import { planRelated } from './related.ts';
import { arrayOf, rowAt } from './rows.ts';

const EMPTY_OBJECT = Buffer.from('{}');

export function planUpdate(update: Update, context: ServiceContext): Runner {
  const table = findTable(context.view, update.table);
  if (update.target === Target.FILTER) return byFilter(update, table, context);
  const plan = new UpdatePlan(update, table, context);
  return update.target === Target.ONE
    ? (operation, deadline) => plan.one(operation, deadline)
    : (operation, deadline) => plan.several(operation, deadline);
}

class UpdatePlan {
  readonly #update: Update;
  readonly #table: TableView;
  readonly #context: ServiceContext;
  readonly #keys: readonly FieldView[];
  readonly #keyReader: KeyReader<Param>;
  readonly #outputs: readonly Output[];
  readonly #records: RecordReader;
  readonly #forms: InsertForms;
  /** Where nothing is set the record is only read. */
  readonly #unchanged: Template;
  readonly #templates = new Map<string, Template>();
  readonly #find: ReturnType<typeof planFind>;

  constructor(update: Update, table: TableView, context: ServiceContext) {
    const { dialect } = context;
    this.#update = update;
    this.#table = table;
    this.#context = context;
    this.#keys = keyFields(table, update.idField);
    this.#keyReader = keyReader(this.#keys, dialect);
    this.#outputs = outputsOf(update.selection, table, update.idField, dialect);
    this.#records = new RecordReader(table, dialect, context.strict);
    this.#forms = new InsertForms(table, this.#outputs, context);
    const binder = (index: number) => (bound: { record: readonly Param[] }) => bound.record[index] as Param;
    this.#unchanged = compileByKey(table, this.#outputs, this.#keys, binder, update.rowFilter, context);
    this.#find = planFind(table, this.#keys, [], update, context);
  }

  /** The body is the record itself. */
  async one(operation: Operation, deadline: Deadline): Promise<Result> {
    const key = this.#keyReader.one(operation.keys[0]);
    const record = parseJson(operation.records);
    if (typeof record !== 'object' || record === null || Array.isArray(record) || Object.keys(record).length === 0) {
      throw invalid('The request contains no valid record fields.');
    }
    if (this.#isNested([record])) {
      try {
        const [json] = await this.#nested([key], [record], operation, deadline);
        return resultOf(json as Uint8Array);
      } catch (error) {
        // One record is not a batch: what happened to it is the answer.
        const [outcome] = MillraceError.from(error).batch?.outcomes ?? [];
        throw outcome && 'error' in outcome ? outcome.error : error;
      }
    }
    const row = this.#records.updating(record, operation.caller);
    const statement = this.#statement(row, key.params, operation);
    const write = { statement, deadline, bulk: undefined, values: row.values };
    const rows =
      row.fields.length === 0
        ? await this.#context.source.run(statement, deadline)
        : await this.#context.writes.write(write);
    if (rows.count > 0) return resultOf(rowAt(rows, 0), { dropped: [...row.dropped] });
    // Changed, and by that out of the role's sight.
    if (rows.affected > 0) return resultOf(EMPTY_OBJECT, { dropped: [...row.dropped] });
    if (!this.#mayInsert) throw missing(key.shown);
    const inserted = await this.#context.source.run(this.#insertion(record, key, operation), deadline);
    return resultOf(rowAt(inserted, 0), { dropped: [...row.dropped], created: true });
  }

  /** KEYS: the first record is applied to each; RECORDS: each record names its own. */
  async several(operation: Operation, deadline: Deadline): Promise<Result> {
    const records = recordsOf(operation);
    const byKeys = this.#update.target === Target.KEYS;
    const [first] = records;
    if (first === undefined) throw invalid('No record(s) detected in request.');
    const keys = byKeys ? this.#keyReader.list(operation.keys) : this.#keyReader.ofRecords(records);
    if (keys.length === 0) throw invalid('The request contains no valid identifiers.');
    if (this.#isNested(byKeys ? [first] : records)) {
      const each = keys.map((_, i) => (byKeys ? first : records[i]));
      return resultOf(arrayOfPieces(await this.#nested(keys, each, operation, deadline)));
    }
    const shared = byKeys ? attempt(() => this.#records.updating(first, operation.caller)) : undefined;
    const rows = keys.map(
      (_, i): RowOrError => shared ?? attempt(() => this.#records.updating(records[i], operation.caller)),
    );
    // Who is not there is known before the first change, so that the batch can stop in front of him.
    const { indexes } = await this.#find(keys, operation, deadline);
    const steps = keys.map((key, i) =>
      this.#step(key, rows[i] as RowOrError, byKeys ? first : records[i], indexes[i] !== undefined, operation),
    );
    const gone = (index: number): MillraceError => missing((keys[index] as { shown: string }).shown);
    const pieces = await runSteps(steps, this.#update.mode, this.#context.source, gone, deadline);
    return resultOf(arrayOfPieces(pieces), { dropped: droppedOf(rows) });
  }

  #isNested(records: readonly unknown[]): boolean {
    return this.#update.related.length > 0 || bringsRelated(records, this.#table);
  }

  #nested(
    keys: readonly Key[],
    records: readonly unknown[],
    operation: Operation,
    deadline: Deadline,
  ): Promise<Uint8Array[]> {
    const table = this.#table;
    requireReached(records, table, this.#context);
    const writes = keys.map(
      (key, i): WriteOne =>
        async (writer) => {
          if ('error' in key) throw key.error;
          const record = objectOf(records[i]);
          const written = await writer.update(table, this.#keys, key.params, record, this.#update.rowFilter);
          if (written) return written;
          if (!this.#mayInsert) throw missing(key.shown);
          return writer.create(table, this.#keyed(record, key));
        },
    );
    const options = { ...this.#update, keys: this.#keys, allowDelete: this.#update.allowRelatedDelete };
    return writeNested(writes, this.#update.mode, table, options, operation, deadline, this.#context);
  }

  /** The record with the values of its key. */
  #keyed(record: unknown, key: { params: readonly Param[] }): Record<string, unknown> {
    const keyed: Record<string, unknown> = { ...(record as Record<string, unknown>) };
    this.#keys.forEach((field, i) => {
      keyed[field.wireName] = key.params[i] ?? null;
    });
    return keyed;
  }

  #step(key: Key, row: RowOrError, record: unknown, exists: boolean, operation: Operation): Step {
    if ('error' in key) return key;
    if ('error' in row) return row;
    if (exists) return { statement: this.#statement(row, key.params, operation) };
    if (!this.#mayInsert) return { error: missing(key.shown) };
    return attempt(() => ({ statement: this.#insertion(record, key, operation) }));
  }

  /** Never where a role's condition may hide the record: it could be there all the same. */
  get #mayInsert(): boolean {
    return this.#update.upsert && this.#context.allowUpsert && this.#update.rowFilter === undefined;
  }

  #statement(row: Row, key: readonly Param[], operation: Operation): Statement {
    if (row.fields.length === 0) return bind(this.#unchanged, bindContextOf(operation, key));
    let template = this.#templates.get(row.signature);
    if (!template) {
      const { rowFilter } = this.#update;
      template = compileUpdateByKey(this.#table, row.fields, this.#keys, rowFilter, this.#outputs, this.#context);
      if (this.#templates.size < SIGNATURES_MAX) this.#templates.set(row.signature, template);
    }
    return bind(template, bindContextOf(operation, [...row.values, ...key]));
  }

  #insertion(record: unknown, key: { params: readonly Param[] }, operation: Operation): Statement {
    const row = this.#records.creating(this.#keyed(record, key), operation.caller);
    const form = this.#forms.of(row.signature, row.fields);
    return bind(form.template, bindContextOf(operation, row.values));
  }
}

/** One statement for all; the answer lists what matches the filter afterwards, as the original has it. */
function byFilter(update: Update, table: TableView, context: ServiceContext): Runner {
  const { dialect, maxRecords, source } = context;
  const related = planRelated(update.related, table, context);
  const shown = outputsOf(update.selection, table, update.idField, dialect, { extra: related.localFields });
  const outputs = [...hiddenOutputs(related.localFields, dialect), ...shown];
  const records = new RecordReader(table, dialect, context.strict);
  const limit = update.limit > 0 ? Math.min(update.limit, maxRecords) : maxRecords;
  const { filter, rowFilter } = update;
  const listing = { ...(filter ? { filter } : {}), ...(rowFilter ? { rowFilter } : {}), order: [], group: [] };
  const list = compileList(listing, table, outputs, { limit, offset: 0 }, context);
  return async (operation, deadline) => {
    const [record] = recordsOf(operation);
    if (record === undefined) throw invalid('No record(s) detected in request.');
    if (bringsRelated([record], table)) {
      throw invalid('Records that are changed by a filter bring no related records.', { table: table.wireName });
    }
    const row = attempt(() => records.updating(record, operation.caller));
    if ('error' in row) throw batchError({ outcomes: [row], rolledBack: false });
    if (row.fields.length > 0) {
      const template = compileUpdateByFilter(table, row.fields, [filter, rowFilter], context);
      await source.run(bind(template, bindContextOf(operation, row.values)), deadline);
    }
    const rows = await source.run(bind(list, bindContextOf(operation)), deadline);
    const json = related.empty ? arrayOf(rows) : arrayOfPieces(await related.attach(rows, operation, deadline));
    return resultOf(json, { dropped: [...row.dropped] });
  };
}
