/** Records without an end in sight: read piece by piece, and the next piece while the last one is being written. */

import type { RecordPiece } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { attempt } from '#common/records/attempt.ts';
import { ImportTally } from '#common/records/import-tally.ts';
import { recordsOfPiece } from '#common/records/piece-lines.ts';
import { resultOf } from '#common/records/result.ts';
import type { TableView } from '#common/schema/extras.ts';
import { findTable } from '#common/schema/find.ts';
import { BatchMode, type Create, type Operation, type Result } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import type { Rows, Statement } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { bulkOf, bulkStatements, createMany, InsertForms, notTaken, type RowOrError } from './create.ts';
import { bringsRelated } from './nested.ts';
import { RecordReader } from './records.ts';
import { isOfOneRow } from './write-line.ts';

/** Records of a piece, and where each began in what the caller sent. */
interface Portion {
  readonly rows: readonly RowOrError[];
  readonly lines: readonly number[];
}

type Run = (statement: Statement) => Promise<Rows>;

const command = (text: string): Statement => ({ text, params: [], columns: [] });
const SAVEPOINT = command('savepoint piece');
const RELEASE = command('release savepoint piece');
const ROLLBACK_TO = command('rollback to savepoint piece');

/**
 * @param pieces  JSON objects, each on a line of its own
 * @returns `{"count"}`: how many were written
 * @throws MillraceError invalid whose context says which lines failed and how many records were written all the same
 */
export async function importRecords(
  create: Create,
  context: ServiceContext,
  operation: Operation,
  pieces: AsyncIterable<RecordPiece>,
  deadline: Deadline,
): Promise<Result> {
  const table = findTable(context.view, create.table);
  if (create.related.length > 0) throw invalid('Related records are not shown by an import.', { field: 'related' });
  const portions = portionsOf(pieces, table, operation, context);
  const forms = new InsertForms(table, [], context);
  const tally = new ImportTally(create.mode === BatchMode.ROLLBACK);
  const write = { forms, tally, context, operation, deadline };
  if (create.mode === BatchMode.ROLLBACK) await allOrNothing(portions, write);
  else await oneByOne(portions, create.mode, write);
  tally.throwFailures();
  return resultOf(Buffer.from(JSON.stringify({ count: tally.written })), { dropped: tally.dropped });
}

interface Write {
  readonly forms: InsertForms;
  readonly tally: ImportTally;
  readonly context: ServiceContext;
  readonly operation: Operation;
  readonly deadline: Deadline;
}

/** Each portion is a transaction of its own. While one is written, the next one is read. */
async function oneByOne(portions: AsyncIterable<Portion>, mode: BatchMode, write: Write): Promise<void> {
  const { forms, tally, context, operation, deadline } = write;
  const put = async ({ rows, lines }: Portion): Promise<boolean> => {
    try {
      tally.wrote(rows, (await createMany(rows, mode, forms, operation, deadline, context)).count);
      return true;
    } catch (error) {
      tally.failedBatch(rows, lines, MillraceError.from(error));
      return mode === BatchMode.CONTINUE;
    }
  };
  let writing = Promise.resolve(true);
  try {
    for await (const portion of portions) {
      if (!(await writing)) return;
      writing = put(portion);
      writing.catch(() => {}); // met when it is awaited
    }
    await writing;
  } catch (error) {
    await writing.catch(() => {});
    throw tally.cutShort(error);
  }
}

/** One transaction for all portions: the first failure undoes everything. */
async function allOrNothing(portions: AsyncIterable<Portion>, write: Write): Promise<void> {
  const { tally, context, deadline } = write;
  const undo = new Error('undone');
  try {
    await context.source.transaction(async (run) => {
      for await (const { rows, lines } of portions) {
        deadline.throwIfAborted();
        const isWritten = (await inBulk(rows, run, write)) || (await eachAlone(rows, lines, run, write));
        if (!isWritten) throw undo;
      }
    }, deadline);
  } catch (error) {
    if (error !== undo) throw tally.cutShort(error);
  }
}

/** @returns false where nothing was written: the rows are to be tried alone */
async function inBulk(rows: readonly RowOrError[], run: Run, { forms, tally }: Write): Promise<boolean> {
  const bulk = bulkOf(rows, forms);
  if (!bulk) return false;
  await run(SAVEPOINT);
  try {
    let count = 0;
    for (const statement of bulkStatements(rows as never, bulk)) count += (await run(statement)).affected;
    await run(RELEASE);
    tally.wrote(rows, count);
    return true;
  } catch (error) {
    if (!isOfOneRow(error)) throw error;
    await run(ROLLBACK_TO);
    return false;
  }
}

/** @returns false at the first one that fails */
async function eachAlone(
  rows: readonly RowOrError[],
  lines: readonly number[],
  run: Run,
  { forms, tally, operation }: Write,
): Promise<boolean> {
  for (const [i, row] of rows.entries()) {
    try {
      if ('error' in row) throw row.error;
      const { template } = forms.of(row.signature, row.fields);
      if ((await run(bind(template, bindContextOf(operation, row.values)))).affected === 0) throw notTaken();
      tally.wrote([row], 1);
    } catch (thrown) {
      const error = MillraceError.from(thrown);
      if (concernsAll(error)) throw error;
      tally.failed(lines[i], error);
      return false;
    }
  }
  return true;
}

async function* portionsOf(
  pieces: AsyncIterable<RecordPiece>,
  table: TableView,
  { caller }: Operation,
  { dialect, strict }: ServiceContext,
): AsyncGenerator<Portion> {
  const reader = new RecordReader(table, dialect, strict);
  const rowOf = (record: unknown): RowOrError => {
    if (bringsRelated([record], table)) return { error: invalid('Records of an import bring no related records.') };
    return attempt(() => reader.creating(record, caller));
  };
  for await (const piece of pieces) {
    const rows = recordsOfPiece(piece).map((one) => ('error' in one ? one : rowOf(one.value)));
    yield { rows, lines: piece.lines };
  }
}
