/** Records without an end in sight: read piece by piece, and the next piece while the last one is being written. */
import type { RecordPiece } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { BatchMode, type Create, type Operation, type Result } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import type { TableView } from '../extras.ts';
import { concernsAll } from '../of-all.ts';
import { findTable } from '../plan/selection.ts';
import type { Rows, Statement } from '../statement.ts';
import { bindContextOf, resultOf, type ServiceContext } from './context.ts';
import {
  attempt,
  bringsRelated,
  bulkOf,
  bulkStatements,
  createMany,
  InsertForms,
  notTaken,
  type RowOrError,
} from './create.ts';
import { ImportTally } from './import-tally.ts';
import { RecordReader } from './records.ts';
import { isOfOneRow } from './write-line.ts';

/** Records of a piece, and where each began in what the caller sent. */
interface Portion {
  readonly rows: readonly RowOrError[];
  readonly lines: readonly number[];
}

type Run = (statement: Statement) => Promise<Rows>;

const LINE_END = 0x0a;
const COMMA = 0x2c;
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
  for await (const { records, lines } of pieces) {
    const parsed = parseAll(records, lines.length);
    const rows = parsed
      ? parsed.map(rowOf)
      : linesOf(records).map((line) => {
          const record = attempt(() => ({ value: parseJson(line) }));
          return 'error' in record ? record : rowOf(record.value);
        });
    yield { rows, lines };
  }
}

/** What is read here is read at once: the next piece may be written over it. */
let scratch = Buffer.alloc(0);

/** All lines by one reading; undefined where that says nothing about a single one. */
function parseAll(records: Uint8Array, count: number): readonly unknown[] | undefined {
  if (scratch.length < records.length + 2) scratch = Buffer.allocUnsafeSlow(2 * records.length + 2);
  const list = scratch;
  list[0] = 0x5b;
  list.set(records, 1);
  let end = records.length + 1;
  if (list[end - 1] === LINE_END) end--;
  for (let at = list.indexOf(LINE_END); at >= 0 && at < end; at = list.indexOf(LINE_END, at + 1)) list[at] = COMMA;
  list[end] = 0x5d;
  try {
    const parsed = parseJson(list.subarray(0, end + 1)) as readonly unknown[];
    return parsed.length === count ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function linesOf(records: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < records.length; ) {
    const end = records.indexOf(LINE_END, start);
    lines.push(records.subarray(start, end < 0 ? records.length : end));
    start = end < 0 ? records.length : end + 1;
  }
  return lines;
}
