/** The four actions on the records of one model (system-api §6). */
import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError } from '#common/errors.ts';
import {
  type BatchMode,
  type Caller,
  CallerSchema,
  type Create,
  type Delete,
  type Operation,
  type Read,
  type Related,
  type Result,
  ResultSchema,
  type Selection,
  Selection_Kind,
  Target,
  type Update,
} from '#proto/data/v1/data_pb.ts';
import { type Changes, type Dirty, dirtyKinds, dirtyRows } from '../changes.ts';
import type { Db } from '../database/open.ts';
import { jsonBytes, type Written, writeEach } from './batch.ts';
import { missing, rowToWrite } from './find.ts';
import { readRecords } from './input.ts';
import { type Context, columnOf, type JsonObject, type Key, type Model, type Tools } from './model.ts';
import { present, selectedColumns } from './present.ts';
import { filterOf, keysOfRecords, keyText, readRecordsOf, typedKey } from './read.ts';
import { deleteRow, findRow, selectRows } from './store.ts';
import { createRecord, deleteRecord, updateRecord } from './write.ts';

/** One thing to write: the key as it was sent, and what to write. */
interface Item {
  readonly key: string;
  readonly record: JsonObject;
}

export class Records {
  readonly #changes: Changes;
  readonly #tools: Tools;

  constructor(changes: Changes, tools: Tools) {
    this.#changes = changes;
    this.#tools = tools;
  }

  read(model: Model, read: Read, operation: Operation): Promise<Result> {
    return readRecordsOf(model, read, operation, this.#context(operation, this.#changes.db, new Set()));
  }

  async create(model: Model, action: Create, operation: Operation): Promise<Result> {
    refuseReadOnly(model);
    if (model.comeByThemselves) {
      throw new MillraceError('unsupported', `Records of '${model.name}' are not created by requests.`);
    }
    const answer = this.#answer(model, action, operation);
    const records = await writeEach(
      readRecords(operation.records),
      action.mode,
      'created',
      this.#changes,
      dirtyOf(model),
      async (record, db) => {
        const context = answer.context(db);
        const key = await createRecord(model, record, context);
        const afterwards = this.#afterwards(context, () =>
          this.#changes.commit(dirtyOf(model), (trx) => deleteRow(trx, model, key)),
        );
        return { json: await answer.of(key, context), afterwards };
      },
    );
    return create(ResultSchema, { json: jsonBytes(records), dropped: [...answer.dropped], created: true });
  }

  async update(model: Model, action: Update, operation: Operation): Promise<Result> {
    refuseReadOnly(model);
    const items = await this.#items(model, action, operation, readRecords(operation.records));
    const dirty = dirtyByUpdate(model, items);
    let created = false;
    const result = await this.#write(model, action, operation, items, 'updated', dirty, async (item, answer, db) => {
      const context = answer.context(db);
      const key = keyOf(model, item.key);
      created = action.upsert && !(await findRow(db, model, key));
      if (created) await createRecord(model, { ...item.record, [model.key]: key }, context);
      else await updateRecord(model, key, item.record, context);
      return { json: await answer.of(key, context), afterwards: this.#afterwards(context) };
    });
    return { ...result, created };
  }

  async delete(model: Model, action: Delete, operation: Operation): Promise<Result> {
    refuseReadOnly(model);
    if (action.target === Target.FILTER && !action.filter && !action.everything) {
      throw invalid('No filter or records given for delete request.');
    }
    const records = action.target === Target.RECORDS ? readRecords(operation.records) : [];
    const items = await this.#items(model, action, operation, records);
    const result = await this.#write(
      model,
      action,
      operation,
      items,
      'deleted',
      dirtyOf(model),
      async (item, answer, db) => {
        const context = answer.context(db);
        const key = keyOf(model, item.key);
        await rowToWrite(model, key, context);
        const before = await answer.of(key, context);
        await deleteRecord(model, key, context);
        return { json: before };
      },
    );
    if (action.everything && !action.filter) result.json = jsonBytes({ success: true });
    return result;
  }

  /** With the id in the path the failure itself is the answer; otherwise it is one of a batch. */
  async #write(
    model: Model,
    action: Update | Delete,
    operation: Operation,
    items: readonly Item[],
    verb: 'updated' | 'deleted',
    dirty: Dirty,
    work: (item: Item, answer: Answer, db: Db) => Promise<Written>,
  ): Promise<Result> {
    const answer = this.#answer(model, action, operation);
    const [first] = items;
    const written =
      action.target === Target.ONE && first
        ? await this.#writeOne(dirty, (trx) => work(first, answer, trx))
        : await writeEach(items, action.mode, verb, this.#changes, dirty, (item, db) => work(item, answer, db));
    return create(ResultSchema, { json: jsonBytes(written), dropped: [...answer.dropped] });
  }

  async #writeOne(dirty: Dirty, work: (db: Db) => Promise<Written>): Promise<JsonObject> {
    const { json, afterwards } = await this.#changes.commit(dirty, work);
    await afterwards?.();
    return json;
  }

  /** @param undo  takes the record back, where what has to be done then fails */
  #afterwards({ afterwards }: Context, undo?: () => Promise<unknown>): Written['afterwards'] {
    if (afterwards.length === 0) return undefined;
    return async () => {
      try {
        for (const step of afterwards) await step();
      } catch (error) {
        await undo?.();
        throw error;
      }
    };
  }

  async #items(
    model: Model,
    action: Update | Delete,
    operation: Operation,
    records: readonly JsonObject[],
  ): Promise<readonly Item[]> {
    const record = records[0] ?? {};
    switch (action.target) {
      case Target.ONE:
        return [{ key: keyText(operation.keys[0]), record }];
      case Target.KEYS:
        return operation.keys.map((key) => ({ key: keyText(key), record }));
      case Target.RECORDS:
        return keysOfRecords(model, records).map((key, index) => ({ key, record: records[index]! }));
      default: {
        if (action.$typeName === 'millrace.data.v1.Update' && !action.filter) {
          throw invalid('No filter or records given for update request.');
        }
        const context = this.#context(operation, this.#changes.db, new Set());
        const rows = await selectRows(context.db, model, filterOf(model, action, operation, context));
        return rows.map((row) => ({ key: String(row[model.key]), record }));
      }
    }
  }

  #context(operation: Operation, db: Db, dropped: Set<string>): Context {
    const requestId = operation.requestId || null;
    return { db, caller: callerOf(operation), requestId, tools: this.#tools, dropped, afterwards: [] };
  }

  #answer(model: Model, action: Wanted, operation: Operation): Answer {
    const columns = selectedColumns(model, action.selection, Selection_Kind.KEY);
    const dropped = new Set<string>();
    return {
      dropped,
      context: (db) => this.#context(operation, db, dropped),
      of: async (key, context) => {
        const row = await rowToWrite(model, key, context);
        const [record] = await present(model, [row], columns, action.related, context);
        return record!;
      },
    };
  }
}

interface Wanted {
  readonly selection?: Selection | undefined;
  readonly related: readonly Related[];
  readonly mode: BatchMode;
}

/** What a write answers of each record. */
interface Answer {
  readonly dropped: ReadonlySet<string>;
  context(db: Db): Context;
  of(key: Key, context: Context): Promise<JsonObject>;
}

const dirtyOf = (model: Model): Dirty => dirtyKinds(...model.publishes);

/** Records that nothing is nested in change themselves alone. */
function dirtyByUpdate(model: Model, items: readonly Item[]): Dirty {
  const own = new Set(model.columns.map(({ name }) => name));
  const ids = items.map(({ key }) => Number(key));
  const isPlain = items.every(({ record }) => Object.keys(record).every((name) => own.has(name)));
  const { entity } = model;
  return entity && isPlain && ids.every(Number.isSafeInteger) ? dirtyRows(entity, ids) : dirtyOf(model);
}

const callerOf = (operation: Operation): Caller => operation.caller ?? create(CallerSchema);

function keyOf(model: Model, text: string): Key {
  const key = typedKey(columnOf(model, model.key)!, text);
  if (key === undefined) throw missing(model, text);
  return key;
}

function refuseReadOnly(model: Model): void {
  if (model.readOnly) throw new MillraceError('unsupported', `The resource '${model.name}' can only be read.`);
}
