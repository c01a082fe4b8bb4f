/** Deletion of records: one by its key, several by keys, all that match a filter, or everything (database-api §4.2). */

import type { Deadline } from '#common/deadline.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { missing } from '#common/records/keys.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Runner } from '#common/records/result.ts';
import { recordsOf, resultOf } from '#common/records/result.ts';
import type { TableView } from '#common/schema/extras.ts';
import { findTable, keyFields } from '#common/schema/find.ts';
import { type Delete, type Operation, type Result, Target } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import { compileList } from '../compile/read.ts';
import { compileDeleteByFilter, compileDeleteByKey } from '../compile/write.ts';
import { hiddenOutputs, outputsOf } from '../plan/selection.ts';
import { runSteps, type Step } from './batch.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { type Key, keyReader } from './keys.ts';
import { planFind, withoutKeys } from './read.ts';
import { planRelated } from './related.ts';
import { arrayOf, rowAt } from './rows.ts';

const SUCCESS = Buffer.from('{"success":true}');

export function planDelete(deletion: Delete, context: ServiceContext): Runner {
  const table = findTable(context.view, deletion.table);
  return deletion.target === Target.FILTER ? byFilter(deletion, table, context) : byKeys(deletion, table, context);
}

function byFilter(deletion: Delete, table: TableView, context: ServiceContext): Runner {
  const { dialect, source } = context;
  const { filter, rowFilter, everything } = deletion;
  if (!filter && !everything) throw invalid('No filter or records given for delete request.');
  const related = planRelated(deletion.related, table, context);
  const shown = outputsOf(deletion.selection, table, deletion.idField, dialect, { extra: related.localFields });
  const template = compileDeleteByFilter(table, [filter, rowFilter], everything ? [] : shown, context);
  const listing = { ...(filter ? { filter } : {}), ...(rowFilter ? { rowFilter } : {}), order: [], group: [] };
  const outputs = [...hiddenOutputs(related.localFields, dialect), ...shown];
  const before = compileList(listing, table, outputs, { limit: undefined, offset: 0 }, context);
  return async (operation, deadline) => {
    const bound = bindContextOf(operation);
    // What belongs to them may go with them.
    const pieces =
      everything || related.empty
        ? undefined
        : await related.attach(await source.run(bind(before, bound), deadline), operation, deadline);
    const rows = await source.run(bind(template, bound), deadline);
    return resultOf(everything ? SUCCESS : pieces ? arrayOfPieces(pieces) : arrayOf(rows));
  };
}

function byKeys(deletion: Delete, table: TableView, context: ServiceContext): Runner {
  const { dialect } = context;
  const keys = keyFields(table, deletion.idField);
  const reader = keyReader(keys, dialect);
  const related = planRelated(deletion.related, table, context);
  const outputs = outputsOf(deletion.selection, table, deletion.idField, dialect, { extra: related.localFields });
  const template = compileDeleteByKey(table, keys, deletion.rowFilter, outputs, context);
  const shown = related.empty ? [] : [...hiddenOutputs(related.localFields, dialect), ...outputs];
  const find = planFind(table, keys, shown, deletion, context);

  /** What there is, and with its related records where those are asked for. */
  const before = async (wanted: readonly Key[], operation: Operation, deadline: Deadline) => {
    const { rows, indexes } = await find(wanted, operation, deadline);
    const pieces = related.empty ? [] : await related.attach(withoutKeys(rows, keys.length), operation, deadline);
    return { indexes, pieces: indexes.map((index) => pieces[index ?? -1]) };
  };

  const one = async (operation: Operation, deadline: Deadline): Promise<Result> => {
    const key = reader.one(operation.keys[0]);
    const [piece] = related.empty ? [] : (await before([key], operation, deadline)).pieces;
    const statement = bind(template, bindContextOf(operation, key.params));
    const rows = await context.writes.write({ statement, deadline, bulk: undefined, values: key.params });
    if (rows.count === 0) throw missing(key.shown);
    return resultOf(piece ?? rowAt(rows, 0));
  };

  const several = async (operation: Operation, deadline: Deadline): Promise<Result> => {
    const wanted =
      deletion.target === Target.RECORDS ? reader.ofRecords(recordsOf(operation)) : reader.list(operation.keys);
    if (wanted.length === 0) throw invalid('The request contains no valid identifiers.');
    const { indexes, pieces } = await before(wanted, operation, deadline);
    const steps = wanted.map((key, i): Step => {
      if ('error' in key) return key;
      if (indexes[i] === undefined) return { error: missing(key.shown) };
      return { statement: bind(template, bindContextOf(operation, key.params)) };
    });
    const gone = (index: number): MillraceError => missing((wanted[index] as { shown: string }).shown);
    const deleted = await runSteps(steps, deletion.mode, context.source, gone, deadline);
    return resultOf(arrayOfPieces(deleted.map((piece, i) => pieces[i] ?? piece)));
  };

  return deletion.target === Target.ONE ? one : several;
}
