/** New documents: one joins the next request of the store, many go together, each failing alone. */
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { attempt } from '#common/records/attempt.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { batchError, type Runner, recordsOf, resultOf } from '#common/records/result.ts';
import type { TableView } from '#common/schema/extras.ts';
import { findTable } from '#common/schema/find.ts';
import type { Create, Operation } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { DocumentKey, StoreTable } from '../engine.ts';
import { type Done, runSteps, type Step } from './batch.ts';
import { type ServiceContext, storedOf } from './context.ts';
import { documentJson, type Outputs, outputsOf } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import { type ReadMembers, RecordReader } from './records.ts';
import { planRelated, type RelatedReader } from './related.ts';

export type ReadOrError = ReadMembers | { readonly error: MillraceError };

export function planCreate(create: Create, context: ServiceContext): Runner {
  const table = findTable(context.view, create.table);
  const stored = storedOf(table, context);
  const reader = new RecordReader(table, context.strict);
  const shower = new Shower(create, table, stored, context);
  return async (operation, deadline) => {
    const records = recordsOf(operation);
    if (records.length === 0) throw invalid('No record(s) detected in request.');
    const read = records.map((record) => readNew(record, table, stored, reader, operation));
    const dropped = droppedOf(read);
    const steps = read.map(
      (one): Step => ('error' in one ? one : { write: { kind: 'insert', document: one.members } }),
    );
    const [only] = steps;
    const done =
      steps.length === 1 && only
        ? [await insertOne(only, stored, context, deadline)]
        : await runSteps(steps, create.mode, stored, notTaken, ({ key }) => documentJson(key), context, deadline);
    return resultOf(arrayOfPieces(await shower.show(done, operation, deadline)), { dropped });
  };
}

/** A new document has its key, or the store makes one. */
export function readNew(
  record: unknown,
  table: TableView,
  { key }: StoreTable,
  reader: RecordReader,
  operation: Operation,
): ReadOrError {
  return attempt(() => {
    refuseRelated(record, table);
    const read = reader.read(record, 'create', operation.caller);
    for (const { name, generated } of key) {
      if (generated || (read.members[name] !== undefined && read.members[name] !== null)) continue;
      throw invalid(`Required field '${name}' can not be NULL.`, { field: name });
    }
    return read;
  });
}

/** Documents are written one by one: what belongs to them is written through its own table. */
export function refuseRelated(record: unknown, table: TableView): void {
  if (table.relations.length === 0 || typeof record !== 'object' || record === null) return;
  const name = Object.keys(record).find((one) => table.byRelationWireName.get(one));
  if (name === undefined) return;
  throw new MillraceError('unsupported', `Records of the relation '${name}' are written through their own table.`, {
    relation: name,
  });
}

async function insertOne(step: Step, table: StoreTable, context: ServiceContext, deadline: Deadline): Promise<Done> {
  try {
    if ('error' in step) throw step.error;
    const outcome = await context.writes.write(table, step.write, deadline);
    if ('error' in outcome) throw outcome.error;
    if ('missing' in outcome) throw notTaken();
    return outcome;
  } catch (thrown) {
    const error = MillraceError.from(thrown);
    if (concernsAll(error)) throw error;
    throw batchError({ outcomes: [{ error }], rolledBack: false });
  }
}

export const notTaken = (): MillraceError => new MillraceError('conflict', 'The database did not take the record.');

export function droppedOf(read: readonly ReadOrError[]): string[] {
  return [...new Set(read.flatMap((one) => ('error' in one ? [] : one.dropped)))];
}

/** What a write answers: keys as the store made them, or the documents read again. */
export class Shower {
  readonly #outputs: Outputs;
  readonly #related: RelatedReader;
  readonly #stored: StoreTable;
  readonly #context: ServiceContext;

  constructor(
    { selection, idField, related }: Pick<Create, 'selection' | 'idField' | 'related'>,
    table: TableView,
    stored: StoreTable,
    context: ServiceContext,
  ) {
    this.#related = planRelated(related, table, context);
    this.#outputs = outputsOf(selection, table, idField, this.#related.localFields);
    this.#stored = stored;
    this.#context = context;
  }

  get outputs(): Outputs {
    return this.#outputs;
  }

  get related(): RelatedReader {
    return this.#related;
  }

  async show(done: readonly Done[], operation: Operation, deadline: Deadline): Promise<Uint8Array[]> {
    if (this.#outputs.isKey && this.#related.empty) return done.map(({ key }) => documentJson(key));
    const keys = done.map(({ key }): DocumentKey => this.#stored.key.map(({ name }): Wire => key[name] ?? null));
    const found = await this.#context.source.get(this.#stored, keys, this.#outputs.fields, deadline);
    const there = found.filter((one) => one !== undefined);
    const pieces = await piecesOf(there, this.#outputs, this.#related, operation, deadline);
    let next = 0;
    // One that somebody has deleted meanwhile is still told by its key.
    return found.map((one, i) => (one ? (pieces[next++] as Uint8Array) : documentJson(done[i]?.key as Document)));
  }
}
