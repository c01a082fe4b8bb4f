/** Documents that meet a condition: the store does what it can, the rest is done here, document by document. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import type { TableView } from '#common/schema/extras.ts';
import { Order_Nulls as Nulls, type Order } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import type { Condition, SortField, StoreTable } from '../engine.ts';
import { isNever } from '../plan/conditions.ts';
import { split } from '../plan/split.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { firstInOrder, type SortKey } from '../residual/sort.ts';
import type { ServiceContext } from './context.ts';

export interface Wanted {
  readonly table: StoreTable;
  readonly condition: Condition | undefined;
  readonly order: readonly SortKey[];
  readonly offset: number;
  /** undefined: all. */
  readonly limit: number | undefined;
  /** undefined: whole documents. */
  readonly fields: readonly string[] | undefined;
  /** As StoreQuery has it; only where the store does all of the order. */
  readonly after?: string | undefined;
  /** Reads as many as it takes: for what is sent as it is found. */
  readonly unbounded?: boolean;
}

/** What came of the division of labour. */
export interface Division {
  readonly pushed: Condition | undefined;
  readonly residual: Condition | undefined;
  readonly sortsHere: boolean;
  readonly skipsHere: boolean;
}

/** NULL and absent values are the smallest, unless the order says otherwise. */
export function orderOf(order: readonly Order[], table: TableView): SortKey[] {
  return order.map(({ field, descending, nulls }) => ({
    field: table.byFieldWireName.get(field)?.name ?? field,
    descending,
    nullsFirst: nulls === Nulls.UNSPECIFIED ? !descending : nulls === Nulls.FIRST,
  }));
}

const isUsual = ({ descending, nullsFirst }: SortKey): boolean => nullsFirst === !descending;
const sortField = ({ field, descending }: SortKey): SortField => ({ field, descending });

export function divide({ table, condition, order, offset }: Wanted, { engine }: ServiceContext): Division {
  const { pushdown } = engine;
  const { pushed, residual } = split(condition, pushdown, table);
  const sortsHere = order.length > 0 && !(order.every(isUsual) && pushdown.sorts(order.map(sortField), table));
  const skipsHere = offset > 0 && (!pushdown.offset || sortsHere || residual !== undefined);
  return { pushed, residual, sortsHere, skipsHere };
}

export async function* scan(
  wanted: Wanted,
  context: ServiceContext,
  deadline: Deadline,
): AsyncGenerator<StoredDocument> {
  if (wanted.condition && isNever(wanted.condition)) return;
  const { order, offset, limit } = wanted;
  const division = divide(wanted, context);
  const found = matching(wanted, division, context, deadline);
  if (division.sortsHere) {
    const { elements = false } = context.engine.pushdown;
    const wantedCount = limit === undefined ? undefined : offset + limit;
    yield* (await firstInOrder(found, order, wantedCount, elements)).slice(offset);
    return;
  }
  let skipped = division.skipsHere ? 0 : offset;
  let left = limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  for await (const document of found) {
    if (skipped < offset) {
      skipped++;
      continue;
    }
    yield document;
    if (--left <= 0) return;
  }
}

/** In the store's order, or the one that it was asked for; the offset is left out where it could not be pushed. */
async function* matching(
  { table, order, offset, limit, fields, after, unbounded = false }: Wanted,
  { pushed, residual, sortsHere, skipsHere }: Division,
  { source, engine, scannedMax }: ServiceContext,
  deadline: Deadline,
): AsyncGenerator<StoredDocument> {
  const predicate = residual && predicateOf(residual, engine.pushdown.elements ?? false);
  const isWhole = predicate === undefined && !sortsHere;
  const query = {
    condition: pushed,
    order: sortsHere ? [] : order.map(sortField),
    offset: skipsHere ? 0 : isWhole ? offset : 0,
    limit: isWhole && limit !== undefined ? limit + (skipsHere ? offset : 0) : undefined,
    // What is decided or put in order here may look at any member.
    fields: isWhole && engine.pushdown.projection ? fields : undefined,
    after,
  };
  const bound = unbounded || (isWhole && !skipsHere) ? Number.POSITIVE_INFINITY : scannedMax;
  let read = 0;
  for await (const { documents } of source.find(table, query, deadline)) {
    for (const document of documents) {
      if (++read > bound) throw tooMany(bound, table);
      if (!predicate || predicate(document.members())) yield document;
    }
    deadline.throwIfAborted();
  }
}

export async function countOf(
  table: StoreTable,
  condition: Condition | undefined,
  context: ServiceContext,
  deadline: Deadline,
): Promise<number> {
  if (condition && isNever(condition)) return 0;
  const { source, engine, scannedMax } = context;
  const { pushed, residual } = split(condition, engine.pushdown, table);
  if (!residual && engine.pushdown.count && source.count) return source.count(table, pushed, deadline);
  let count = 0;
  const fields = table.key.map(({ name }) => name);
  const wanted = { table, condition, order: [], offset: 0, limit: undefined, fields };
  for await (const _ of scan(wanted, context, deadline)) if (++count > scannedMax) throw tooMany(scannedMax, table);
  return count;
}

/** More than `max_scanned` documents that are no part of the answer. */
export const tooMany = (bound: number, table: StoreTable) =>
  invalid(
    `The request would read more than ${bound} documents of '${table.name}', as the store cannot do all of its ` +
      `filter, order, group or count itself. Narrow it by a condition that the store decides (a key or an index), ` +
      `or raise 'max_scanned' of the service.`,
    { table: table.name, max_scanned: bound },
  );
