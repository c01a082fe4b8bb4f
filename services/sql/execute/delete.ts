/** Deletion of records: one by its key, several by keys, all that match a filter, or everything (database-api §4.2). */
import type { Deadline } from '#common/deadline.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { type Delete, type Operation, type Result, Target } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import { compileDeleteByFilter, compileDeleteByKey } from '../compile/write.ts';
import type { TableView } from '../extras.ts';
import { findTable, keyFields, outputsOf } from '../plan/selection.ts';
import { runSteps, type Step } from './batch.ts';
import { bindContextOf, type Runner, resultOf, type ServiceContext } from './context.ts';
import { KeyReader, missing } from './keys.ts';
import { planFind, recordsOf } from './read.ts';
import { arrayOf, arrayOfPieces, rowAt } from './rows.ts';

const SUCCESS = Buffer.from('{"success":true}');

export function planDelete(deletion: Delete, context: ServiceContext): Runner {
  const table = findTable(context.view, deletion.table);
  return deletion.target === Target.FILTER ? byFilter(deletion, table, context) : byKeys(deletion, table, context);
}

function byFilter(deletion: Delete, table: TableView, context: ServiceContext): Runner {
  const { dialect, source } = context;
  const { filter, rowFilter, everything } = deletion;
  if (!filter && !everything) throw invalid('No filter or records given for delete request.');
  const outputs = everything ? [] : outputsOf(deletion.selection, table, deletion.idField, dialect);
  const template = compileDeleteByFilter(table, [filter, rowFilter], outputs, context);
  return async (operation, deadline) => {
    const rows = await source.run(bind(template, bindContextOf(operation)), deadline);
    return resultOf(everything ? SUCCESS : arrayOf(rows));
  };
}

function byKeys(deletion: Delete, table: TableView, context: ServiceContext): Runner {
  const { dialect } = context;
  const keys = keyFields(table, deletion.idField);
  const reader = new KeyReader(keys, dialect);
  const outputs = outputsOf(deletion.selection, table, deletion.idField, dialect);
  const template = compileDeleteByKey(table, keys, deletion.rowFilter, outputs, context);
  const find = planFind(table, keys, [], deletion, context);

  const one = async (operation: Operation, deadline: Deadline): Promise<Result> => {
    const { params, shown } = reader.one(operation.keys[0]);
    const statement = bind(template, bindContextOf(operation, params));
    const rows = await context.writes.write({ statement, deadline, bulk: undefined, values: params });
    if (rows.count === 0) throw missing(shown);
    return resultOf(rowAt(rows, 0));
  };

  const several = async (operation: Operation, deadline: Deadline): Promise<Result> => {
    const wanted =
      deletion.target === Target.RECORDS ? reader.ofRecords(recordsOf(operation)) : reader.list(operation.keys);
    if (wanted.length === 0) throw invalid('The request contains no valid identifiers.');
    const { indexes } = await find(wanted, operation, deadline);
    const steps = wanted.map((key, i): Step => {
      if ('error' in key) return key;
      if (indexes[i] === undefined) return { error: missing(key.shown) };
      return { statement: bind(template, bindContextOf(operation, key.params)) };
    });
    const gone = (index: number): MillraceError => missing((wanted[index] as { shown: string }).shown);
    return resultOf(arrayOfPieces(await runSteps(steps, deletion.mode, context.source, gone, deadline)));
  };

  return deletion.target === Target.ONE ? one : several;
}
