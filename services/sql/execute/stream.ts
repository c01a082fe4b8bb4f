/** A list without an end in sight: through a cursor, portion by portion, each record on a line of its own. */

import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { findTable } from '#common/schema/find.ts';
import { type Operation, Paging, type Read, Target } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import { compileList } from '../compile/read.ts';
import { hiddenOutputs, outputsOf } from '../plan/selection.ts';
import type { Rows } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { planRelated } from './related.ts';

const LINE_END = 0x0a;
const LINE_END_BYTES = Buffer.from('\n');

/** @throws MillraceError before the first portion where the read cannot be planned or begun */
export async function* streamRead(
  read: Read,
  context: ServiceContext,
  operation: Operation,
  deadline: Deadline,
): AsyncGenerator<Uint8Array> {
  if (read.target !== Target.FILTER || read.paging !== Paging.UNSPECIFIED || read.countOnly) {
    throw invalid('Only lists come as a stream.');
  }
  const table = findTable(context.view, read.table);
  const { dialect, source } = context;
  const related = planRelated(read.related, table, context);
  const grouped = read.group.length > 0;
  const shown = outputsOf(read.selection, table, read.idField, dialect, { grouped, extra: related.localFields });
  const outputs = [...hiddenOutputs(related.localFields, dialect), ...shown];
  const template = compileList(read, table, outputs, { limit: undefined, offset: read.offset }, context);
  for await (const rows of source.stream(bind(template, bindContextOf(operation)), deadline)) {
    if (related.empty) yield linesOf(rows);
    else yield Buffer.concat((await related.attach(rows, operation, deadline)).flatMap((row) => [row, LINE_END_BYTES]));
  }
}

/** The commas between the rows become line ends, and one more stands behind the last. */
function linesOf({ json, ends }: Rows): Uint8Array {
  const lines = Buffer.allocUnsafe(json.length + 1);
  lines.set(json);
  for (const end of ends) lines[end] = LINE_END;
  return lines;
}
