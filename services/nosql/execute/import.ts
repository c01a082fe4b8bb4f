/** Records without an end in sight: read piece by piece, and the next piece while the last one is being written. */
import { UNDONE_RECORDS_MAX } from '#common/bounds.ts';
import type { RecordPiece } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { ImportTally } from '#common/records/import-tally.ts';
import { recordsOfPiece } from '#common/records/piece-lines.ts';
import { resultOf } from '#common/records/result.ts';
import { findTable } from '#common/schema/find.ts';
import { BatchMode, type Create, type Operation, type Result } from '#proto/data/v1/data_pb.ts';
import type { Document } from '../document.ts';
import type { StoreTable, Write } from '../engine.ts';
import { type ServiceContext, storedOf } from './context.ts';
import { type ReadOrError, readNew } from './new-document.ts';
import { bringsRelated, RecordReader } from './records.ts';

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
  const stored = storedOf(table, context);
  const reader = new RecordReader(table, context);
  const tally = new ImportTally(create.mode === BatchMode.ROLLBACK);
  const rowOf = (record: unknown): ReadOrError =>
    bringsRelated([record], table)
      ? { error: invalid('Records of an import bring no related records.') }
      : readNew(record, stored, reader, operation);
  const writer = new Writer(create.mode, stored, tally, context, deadline);
  let writing = Promise.resolve(true);
  try {
    for await (const piece of pieces) {
      // Read at once, as the next piece may be written over it.
      const rows = recordsOfPiece(piece).map((one) => ('error' in one ? one : rowOf(one.value)));
      if (!(await writing)) break;
      writing = writer.put(rows, piece.lines);
      writing.catch(() => {}); // met when it is awaited
    }
    if (!(await writing) && create.mode === BatchMode.ROLLBACK) await writer.undo();
  } catch (error) {
    await writing.catch(() => {});
    if (create.mode === BatchMode.ROLLBACK) await writer.undo();
    throw tally.cutShort(error);
  }
  tally.throwFailures();
  return resultOf(Buffer.from(JSON.stringify({ count: tally.written })), { dropped: tally.dropped });
}

class Writer {
  readonly #mode: BatchMode;
  readonly #table: StoreTable;
  readonly #tally: ImportTally;
  readonly #context: ServiceContext;
  readonly #deadline: Deadline;
  /** Keys of what was written, where it may have to be undone. */
  readonly #written: Document[] = [];

  constructor(mode: BatchMode, table: StoreTable, tally: ImportTally, context: ServiceContext, deadline: Deadline) {
    this.#mode = mode;
    this.#table = table;
    this.#tally = tally;
    this.#context = context;
    this.#deadline = deadline;
  }

  /** @returns false where the import ends here */
  async put(rows: readonly ReadOrError[], lines: readonly number[]): Promise<boolean> {
    const goOn = this.#mode === BatchMode.CONTINUE;
    const firstBad = rows.findIndex((row) => 'error' in row);
    const reached = goOn || firstBad < 0 ? rows : rows.slice(0, firstBad + 1);
    const places = reached.flatMap((row, i) => ('error' in row ? [] : [i]));
    const writes = places.map((i): Write => ({ kind: 'insert', document: (rows[i] as { members: Document }).members }));
    const { source } = this.#context;
    const outcomes = writes.length > 0 ? await source.write(this.#table, writes, !goOn, this.#deadline) : [];
    let isWhole = true;
    const failures = new Map<number, MillraceError>();
    for (const [i, outcome] of outcomes.entries()) {
      const place = places[i] as number;
      if ('error' in outcome) failures.set(place, outcome.error);
      else if ('key' in outcome) this.#wrote(rows[place] as ReadOrError, outcome.key);
    }
    for (const [i, row] of reached.entries()) {
      const error = 'error' in row ? row.error : failures.get(i);
      if (!error) continue;
      isWhole = false;
      this.#tally.failed(lines[i], error);
      if (!goOn) break;
    }
    return isWhole || goOn;
  }

  #wrote(row: ReadOrError, key: Document): void {
    this.#tally.wrote([row], 1);
    if (this.#mode !== BatchMode.ROLLBACK) return;
    if (this.#written.length >= UNDONE_RECORDS_MAX) {
      throw invalid(`An import that may have to be undone has at most ${UNDONE_RECORDS_MAX} records on this store.`, {
        field: 'rollback',
      });
    }
    this.#written.push(key);
  }

  /** All that was written so far. */
  async undo(): Promise<void> {
    const CHUNK = 500;
    for (let at = 0; at < this.#written.length; at += CHUNK) {
      const writes = this.#written.slice(at, at + CHUNK).map(
        (key): Write => ({
          kind: 'delete',
          key: this.#table.key.map(({ name }) => key[name] ?? null),
        }),
      );
      await this.#context.source.write(this.#table, writes, false, this.#deadline);
    }
  }
}
