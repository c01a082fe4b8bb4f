/** A list without an end in sight: page by page as the store gives them, each record on a line of its own. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { findTable } from '#common/schema/find.ts';
import { type Operation, Paging, type Read, Target } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { type GroupPlan, planGroups } from './groups.ts';
import { withJoins } from './joins.ts';
import { outputsOf } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import { planRelated } from './related.ts';
import { orderOf, scan } from './scan.ts';

const LINE_END = Buffer.from('\n');
/** Documents that are sent, and looked at for what belongs to them, together. */
const PORTION = 200;

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
  if (read.view) throw invalid('Rows of a view do not come as a stream.', { field: 'view' });
  const table = findTable(context.view, read.table);
  const filters = [read.filter, read.rowFilter];
  const joined = await withJoins(filters, table, operation, context, deadline);
  if (read.group.length > 0) {
    yield* groupLines(planGroups(read, table, joined), read.offset, operation, deadline);
    return;
  }
  const related = planRelated(read.related, table, context);
  const outputs = outputsOf(read.selection, table, read.idField, related.localFields);
  const condition = conditionOf(filters, table, operation, joined);
  const order = orderOf(read.order, table);
  const wanted = {
    table: storedOf(table, context),
    condition,
    order,
    offset: read.offset,
    limit: undefined,
    fields: outputs.fields,
    // Nothing is kept of what is sent; an order that is made here keeps all of it.
    unbounded: order.length === 0,
  };
  let some: StoredDocument[] = [];
  const lines = async (): Promise<Uint8Array> => {
    const pieces = await piecesOf(some, outputs, related, operation, deadline);
    some = [];
    return Buffer.concat(pieces.flatMap((piece) => [piece, LINE_END]));
  };
  for await (const document of scan(wanted, context, deadline)) {
    some.push(document);
    if (some.length >= PORTION) yield await lines();
  }
  if (some.length > 0) yield await lines();
}

async function* groupLines(
  groups: GroupPlan,
  offset: number,
  operation: Operation,
  deadline: Deadline,
): AsyncGenerator<Uint8Array> {
  const pieces = await groups.pieces(operation, deadline);
  for (let at = offset; at < pieces.length; at += PORTION) {
    yield Buffer.concat(pieces.slice(at, at + PORTION).flatMap((piece) => [piece, LINE_END]));
  }
}
