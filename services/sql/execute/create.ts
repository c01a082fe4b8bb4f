/** New records: one joins the next commit, many go by one statement where they can. */

import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { attempt } from '#common/records/attempt.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Runner } from '#common/records/result.ts';
import { batchError, recordsOf, resultOf } from '#common/records/result.ts';
import { objectOf } from '#common/records/values.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { findTable, keyFields } from '#common/schema/find.ts';
import type { BatchMode, Create, Operation, Result } from '#proto/data/v1/data_pb.ts';
import { bind, type Template } from '../compile/builder.ts';
import { bulkInsert, compileInsert } from '../compile/write.ts';
import type { Dialect } from '../dialect.ts';
import { type Output, outputsOf } from '../plan/selection.ts';
import type { Rows, Statement } from '../statement.ts';
import { runSteps, type Step } from './batch.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { bringsRelated, requireReached } from './nested.ts';
import { type WriteOne, writeNested } from './nested-writes.ts';
import { RecordReader, type Row, SIGNATURES_MAX } from './records.ts';
import { rowAt } from './rows.ts';
import { type BulkForm, isOfOneRow, partsOf } from './write-line.ts';

/** From this many rows of the same columns on, one statement is tried before single ones. */
const BULK_FROM = 33;

export interface InsertForm {
  readonly template: Template;
  readonly bulk: BulkForm | undefined;
}

/** Insert statements by the columns they set: few for each table, as programs write the same records. */
export class InsertForms {
  readonly #forms = new Map<string, InsertForm>();
  readonly #table: TableView;
  readonly #outputs: readonly Output[];
  readonly #context: ServiceContext;

  constructor(table: TableView, outputs: readonly Output[], context: ServiceContext) {
    this.#table = table;
    this.#outputs = outputs;
    this.#context = context;
  }

  /** @throws MillraceError invalid where no column is set */
  of(signature: string, fields: readonly FieldView[]): InsertForm {
    const known = this.#forms.get(signature);
    if (known) return known;
    if (fields.length === 0) throw invalid('No valid fields were found in record.');
    const { dialect } = this.#context;
    const many = bulkInsert(this.#table, fields, this.#outputs, this.#context);
    const form = {
      template: compileInsert(this.#table, fields, this.#outputs, this.#context),
      bulk: many && { many, sizes: sizesFor(fields.length, dialect), isUneven: false },
    };
    if (this.#forms.size < SIGNATURES_MAX) this.#forms.set(signature, form);
    return form;
  }
}

/** Those whose values are not too many for one statement. */
function sizesFor(columns: number, { insertSizes, parametersMax }: Dialect): readonly number[] | undefined {
  return insertSizes?.filter((size) => size === 1 || size * columns <= parametersMax);
}

export function planCreate(create: Create, context: ServiceContext): Runner {
  const table = findTable(context.view, create.table);
  const outputs = outputsOf(create.selection, table, create.idField, context.dialect);
  const forms = new InsertForms(table, outputs, context);
  const reader = new RecordReader(table, context.dialect, context.strict);
  const nested = (records: readonly unknown[], operation: Operation, deadline: Deadline) =>
    createNested(create, records, table, operation, deadline, context);
  return async (operation, deadline) => {
    const records = recordsOf(operation);
    if (records.length === 0) throw invalid('No record(s) detected in request.');
    if (create.related.length > 0 || bringsRelated(records, table)) {
      return nested(records, operation, deadline);
    }
    const rows = records.map((record) => attempt(() => reader.creating(record, operation.caller)));
    const dropped = droppedOf(rows);
    const [first] = rows;
    if (rows.length === 1 && first) {
      const json = await createOne(first, forms, operation, deadline, context);
      return resultOf(arrayOfPieces([json]), { dropped });
    }
    const { pieces } = await createMany(rows, create.mode, forms, operation, deadline, context);
    return resultOf(arrayOfPieces(pieces), { dropped });
  };
}

async function createNested(
  create: Create,
  records: readonly unknown[],
  table: TableView,
  operation: Operation,
  deadline: Deadline,
  context: ServiceContext,
): Promise<Result> {
  requireReached(records, table, context);
  const writes = records.map(
    (record): WriteOne =>
      (writer) =>
        writer.create(table, objectOf(record)),
  );
  const keys = keyFields(table, create.idField);
  const options = { ...create, keys, allowDelete: create.allowRelatedDelete };
  return resultOf(arrayOfPieces(await writeNested(writes, create.mode, table, options, operation, deadline, context)));
}

export type RowOrError = Row | { readonly error: MillraceError };

async function createOne(
  row: RowOrError,
  forms: InsertForms,
  operation: Operation,
  deadline: Deadline,
  context: ServiceContext,
): Promise<Uint8Array> {
  try {
    if ('error' in row) throw row.error;
    const { template, bulk } = forms.of(row.signature, row.fields);
    const statement = bind(template, bindContextOf(operation, row.values));
    const rows = await context.writes.write({ statement, deadline, bulk, values: row.values });
    if (rows.count > 0) return rowAt(rows, 0);
    if (rows.affected === 0) throw notTaken();
    return Buffer.from('{}');
  } catch (thrown) {
    const error = MillraceError.from(thrown);
    if (concernsAll(error)) throw error;
    throw batchError({ outcomes: [{ error }], rolledBack: false });
  }
}

/** Rows that were written: how many, and as far as they are to be shown, those as JSON in parts of any size. */
export interface Written {
  readonly pieces: readonly Uint8Array[];
  readonly count: number;
}

/** @throws MillraceError with a BatchFailure when some were not */
export async function createMany(
  rows: readonly RowOrError[],
  mode: BatchMode,
  forms: InsertForms,
  operation: Operation,
  deadline: Deadline,
  context: ServiceContext,
): Promise<Written> {
  const bulk = bulkOf(rows, forms);
  if (bulk) {
    const written = await tryBulk(bulkStatements(rows as readonly Row[], bulk), deadline, context);
    if (written) {
      const count = written.reduce((sum, { affected }) => sum + affected, 0);
      if (count < rows.length) bulk.isUneven = true;
      return { pieces: written.filter((some) => some.count > 0).map(({ json }) => json), count };
    }
  }
  const steps = rows.map((row): Step => {
    if ('error' in row) return row;
    return attempt(() => ({
      statement: bind(forms.of(row.signature, row.fields).template, bindContextOf(operation, row.values)),
    }));
  });
  const pieces = await runSteps(steps, mode, context.source, notTaken, deadline);
  return { pieces, count: rows.length };
}

export function bulkStatements(rows: readonly Row[], bulk: BulkForm): Statement[] {
  const values = rows.map((row) => row.values);
  return partsOf(values, bulk.sizes).map((part) => bulk.many(part));
}

/** A trigger may keep a record out without a word. */
export const notTaken = (): MillraceError => new MillraceError('conflict', 'The database did not take the record.');

/** undefined: something failed and nothing was written; the rows are tried one by one. */
async function tryBulk(
  statements: readonly Statement[],
  deadline: Deadline,
  { source }: ServiceContext,
): Promise<Rows[] | undefined> {
  const [only] = statements;
  try {
    if (only && statements.length === 1) return [await source.run(only, deadline)];
    const outcomes = await source.runEach(statements, { mode: 'rollback', optimistic: true }, deadline);
    return outcomes.map((outcome) => {
      if ('error' in outcome) throw outcome.error;
      return outcome.rows;
    });
  } catch (error) {
    if (!isOfOneRow(error)) throw error;
    return undefined;
  }
}

/** Where all rows set the same columns, and there are many. */
export function bulkOf(rows: readonly RowOrError[], forms: InsertForms): BulkForm | undefined {
  const [first] = rows;
  if (rows.length < BULK_FROM || !first || 'error' in first || first.fields.length === 0) return undefined;
  if (rows.some((row) => 'error' in row || row.signature !== first.signature)) return undefined;
  const { bulk } = forms.of(first.signature, first.fields);
  return bulk?.isUneven ? undefined : bulk;
}

export function droppedOf(rows: readonly RowOrError[]): string[] {
  const names = new Set<string>();
  for (const row of rows) if (!('error' in row)) for (const name of row.dropped) names.add(name);
  return [...names];
}
