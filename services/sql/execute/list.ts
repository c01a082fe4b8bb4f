/** Lists and counts: what matches a filter, page by page. */

import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { pageToken } from '#common/page-token.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Runner } from '#common/records/result.ts';
import { resultOf } from '#common/records/result.ts';
import type { TableView } from '#common/schema/extras.ts';
import { type Operation, Paging, type Read, type Result } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import { keysetOf } from '../compile/keyset.ts';
import { compileCount, compileList, type ListOptions } from '../compile/read.ts';
import { hiddenOutputs, outputsOf } from '../plan/selection.ts';
import type { Rows, Statement } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import type { RelatedReader } from './related.ts';
import { arrayOf, firstRows } from './rows.ts';

interface Count {
  readonly rows: number;
  readonly estimated: boolean;
}

type Counter = (operation: Operation, deadline: Deadline) => Promise<Count>;

export function planCount(read: Read, table: TableView, context: ServiceContext): Runner {
  const count = counterOf(read, table, context);
  return async (operation, deadline) => {
    const { rows, estimated } = await count(operation, deadline);
    return resultOf(Buffer.from(String(rows)), { estimated });
  };
}

export function planList(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  return read.paging === Paging.UNSPECIFIED
    ? byOffset(read, table, related, context)
    : byKey(read, table, related, context);
}

function byOffset(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  const grouped = read.group.length > 0;
  if (read.having && !grouped) throw invalid('A condition on groups needs groups.', { field: 'having' });
  const { limit, cut } = limitOf(read, context);
  // One row more tells whether there is more, without counting.
  const page = pageReader(read, table, related, { limit: cut ? limit + 1 : limit, offset: read.offset }, context);
  const count = counterOf(read, table, context);
  /** The page itself tells it where it is the last one, and not behind the end. Groups are fewer than the rows. */
  const totalOf = async (rows: number, operation: Operation, deadline: Deadline): Promise<Count> => {
    const isLast = rows <= limit && (rows > 0 || read.offset === 0);
    return isLast && !grouped ? { rows: read.offset + rows, estimated: false } : count(operation, deadline);
  };
  return async (operation, deadline) => {
    const [rows, asked] = await Promise.all([
      page.rows(operation, deadline),
      read.includeCount ? count(operation, deadline) : undefined,
    ]);
    const json = await page.json(firstRows(rows, limit), operation, deadline);
    const total = asked ?? (cut ? await totalOf(rows.count, operation, deadline) : undefined);
    if (!total || (!asked && total.rows <= limit)) return resultOf(json);
    const next = total.rows - read.offset > limit ? { next: BigInt(read.offset + limit) } : {};
    return resultOf(json, { count: BigInt(total.rows), estimated: total.estimated, ...next });
  };
}

/** Pages that follow each other by the values of their last record. */
function byKey(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  if (read.offset > 0) throw invalid("A page begins at an 'offset' or behind 'after', not both.", { field: 'after' });
  if (read.group.length > 0) throw invalid("Groups have no 'after'.", { field: 'after' });
  const columns = keysetOf(read.order, table);
  const { limit } = limitOf(read, context);
  const options = { limit: limit + 1, offset: 0, keyset: { columns, behind: read.paging === Paging.AFTER } };
  const page = pageReader(read, table, related, options, context);
  const count = counterOf(read, table, context);
  return async (operation, deadline) => {
    const [rows, asked] = await Promise.all([
      page.rows(operation, deadline),
      read.includeCount ? count(operation, deadline) : undefined,
    ]);
    const shown = firstRows(rows, limit);
    const json = await page.json(shown, operation, deadline);
    const counted: Partial<Result> = asked ? { count: BigInt(asked.rows), estimated: asked.estimated } : {};
    const nextAfter = rows.count > limit ? pageToken(shown.hidden.slice(-columns.length)) : '';
    return resultOf(json, { ...counted, nextAfter });
  };
}

/** @returns cut: the caller did not ask for so few */
function limitOf({ limit }: Read, { maxRecords }: ServiceContext): { limit: number; cut: boolean } {
  const cut = limit === 0 || limit > maxRecords;
  return { limit: cut ? maxRecords : limit, cut };
}

interface PageReader {
  /** Hidden columns: what leads to related records, then what the next page begins behind. */
  rows(operation: Operation, deadline: Deadline): Promise<Rows>;
  json(page: Rows, operation: Operation, deadline: Deadline): Promise<Uint8Array>;
}

function pageReader(
  read: Read,
  table: TableView,
  related: RelatedReader,
  options: ListOptions,
  context: ServiceContext,
): PageReader {
  const { dialect, source } = context;
  const grouped = read.group.length > 0;
  const shown = outputsOf(read.selection, table, read.idField, dialect, { grouped, extra: related.localFields });
  const keyset = (options.keyset?.columns ?? []).map(({ field }) => field);
  const outputs = [...hiddenOutputs(related.localFields, dialect), ...hiddenOutputs(keyset, dialect), ...shown];
  const template = compileList(read, table, outputs, options, context);
  const width = related.localFields.length + keyset.length;
  const local = (page: Rows): Rows =>
    keyset.length === 0
      ? page
      : { ...page, hidden: page.hidden.filter((_, i) => i % width < related.localFields.length) };
  return {
    rows: (operation, deadline) => source.run(bind(template, bindContextOf(operation)), deadline),
    json: async (page, operation, deadline) =>
      related.empty ? arrayOf(page) : arrayOfPieces(await related.attach(local(page), operation, deadline)),
  };
}

/** Rows that match, whatever the page; from the statistics where that was asked for and nothing narrows it. */
function counterOf(read: Read, table: TableView, context: ServiceContext): Counter {
  const { dialect, source } = context;
  const counting = compileCount(read, table, context);
  const exact: Counter = async (operation, deadline) => {
    const rows = await source.run(bind(counting, bindContextOf(operation)), deadline);
    return { rows: Number(rows.hidden[0] ?? 0), estimated: false };
  };
  const text = read.estimateCount && !read.filter && !read.rowFilter ? dialect.estimateSql?.(table.table) : undefined;
  if (text === undefined) return exact;
  const statement: Statement = { text, params: [], columns: [{ name: 'count', json: 'number', hidden: true }] };
  return async (operation, deadline) => {
    const rows = await source.run(statement, deadline);
    const estimate = rows.hidden[0];
    return estimate ? { rows: Number(estimate), estimated: true } : exact(operation, deadline);
  };
}
