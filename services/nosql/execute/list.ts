/** Lists and counts: what meets a filter, page by page. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { pageToken } from '#common/page-token.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { type Runner, resultOf } from '#common/records/result.ts';
import { plainValue } from '#common/records/values.ts';
import type { TableView } from '#common/schema/extras.ts';
import { type Operation, Paging, type Read, type Result } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import { isNever } from '../plan/conditions.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { planExplain } from './explain.ts';
import { planGroups } from './groups.ts';
import { outputsOf } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import type { RelatedReader } from './related.ts';
import { withRelated } from './related-groups.ts';
import { countOf, divide, orderOf, scan } from './scan.ts';
import { planView } from './view.ts';

interface Counted {
  readonly documents: number;
  readonly estimated: boolean;
}

type Counter = (operation: Operation, deadline: Deadline) => Promise<Counted>;

export function planCount(read: Read, table: TableView, context: ServiceContext): Runner {
  const count = counterOf(read, table, context);
  return async (operation, deadline) => {
    const { documents, estimated } = await count(operation, deadline);
    return resultOf(Buffer.from(String(documents)), { estimated });
  };
}

/** Documents that match, whatever the page; by what the store keeps of it where that was asked for and nothing narrows it. */
function counterOf(read: Read, table: TableView, context: ServiceContext): Counter {
  const stored = storedOf(table, context);
  const { source } = context;
  return async (operation, deadline) => {
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    const estimate = read.estimateCount && !condition ? await source.estimate?.(stored, deadline) : undefined;
    if (estimate) return { documents: estimate, estimated: true };
    return { documents: await countOf(stored, condition, context, deadline), estimated: false };
  };
}

export function planList(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  if (read.having && read.group.length === 0) throw invalid('A condition on groups needs groups.', { field: 'having' });
  if (read.view) return planView(read.view, read, limitOf(read, context).limit, table, context);
  if (read.explain) return planExplain(read, table, context);
  if (read.paging !== Paging.UNSPECIFIED) return byCursor(read, table, related, context);
  return byOffset(read, table, related, context);
}

function byOffset(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  const stored = storedOf(table, context);
  const { limit, cut } = limitOf(read, context);
  const outputs = outputsOf(read.selection, table, read.idField, related.localFields);
  const count = counterOf(read, table, context);
  const order = orderOf(read.order, table);
  const grouped = withRelated(read, table, related);
  const groups = read.group.length > 0 ? planGroups(grouped.read, table, context) : undefined;
  const page = async (operation: Operation, deadline: Deadline) => {
    const asked = cut ? limit + 1 : limit;
    if (groups) {
      const pieces = await groups.pieces(operation, deadline);
      return {
        found: Math.min(pieces.length - read.offset, asked),
        pieces: await grouped.attach(pieces.slice(read.offset, read.offset + limit), operation, deadline),
      };
    }
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    const { fields } = outputs;
    const wanted = { table: stored, condition, order, offset: read.offset, limit: asked, fields };
    const documents: StoredDocument[] = [];
    for await (const document of scan(wanted, context, deadline)) documents.push(document);
    const pieces = await piecesOf(documents.slice(0, limit), outputs, related, operation, deadline);
    return { found: documents.length, pieces };
  };
  return async (operation, deadline) => {
    const [{ found, pieces }, asked] = await Promise.all([
      page(operation, deadline),
      read.includeCount ? count(operation, deadline) : undefined,
    ]);
    const json = arrayOfPieces(pieces);
    // The page itself tells how many there are where it is the last one, and not behind the end.
    const isLast = !groups && found <= limit && (found > 0 || read.offset === 0);
    const seen = { documents: read.offset + found, estimated: false };
    const total = asked ?? (cut ? (isLast ? seen : await count(operation, deadline)) : undefined);
    if (!total || (!asked && total.documents <= limit)) return resultOf(json);
    const { documents, estimated } = total;
    const next = documents - read.offset > limit ? { next: BigInt(read.offset + limit) } : {};
    return resultOf(json, { count: BigInt(documents), estimated, ...next });
  };
}

/** @returns cut: the caller did not ask for so few */
export function limitOf({ limit }: Read, { maxRecords }: ServiceContext): { limit: number; cut: boolean } {
  const cut = limit === 0 || limit > maxRecords;
  return { limit: cut ? maxRecords : limit, cut };
}

/** Pages that follow each other by the store's own cursor. */
function byCursor(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  if (read.offset > 0) throw invalid("A page begins at an 'offset' or behind 'after', not both.", { field: 'after' });
  if (read.group.length > 0) throw invalid("Groups have no 'after'.", { field: 'after' });
  const stored = storedOf(table, context);
  const { limit } = limitOf(read, context);
  const outputs = outputsOf(read.selection, table, read.idField, related.localFields);
  const order = orderOf(read.order, table);
  const count = counterOf(read, table, context);
  return async (operation, deadline) => {
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    const wanted = { table: stored, condition, order, offset: 0, limit: undefined, fields: outputs.fields };
    if (divide(wanted, context).sortsHere) {
      throw invalid("Pages by 'after' follow an order of the store: this one it does not know.", { field: 'after' });
    }
    const start = read.paging === Paging.AFTER ? startOf(operation) : { cursor: undefined, skip: 0 };
    const [page, asked] = await Promise.all([
      cursorPage({ ...wanted, after: start.cursor }, start.skip, limit, context, deadline),
      read.includeCount ? count(operation, deadline) : undefined,
    ]);
    const json = arrayOfPieces(await piecesOf(page.documents, outputs, related, operation, deadline));
    const counted: Partial<Result> = asked ? { count: BigInt(asked.documents), estimated: asked.estimated } : {};
    return resultOf(json, { ...counted, nextAfter: page.next });
  };
}

interface Start {
  /** Of the store; undefined: from the beginning. */
  readonly cursor: string | undefined;
  /** Documents of its page that were given before. */
  readonly skip: number;
}

function startOf(operation: Operation): Start {
  const list = plainValue(operation.keys[0]);
  const [cursor, skip] = Array.isArray(list) && list.length === 2 ? list.map(String) : [];
  if (cursor === undefined || !/^\d{1,9}$/.test(skip ?? '')) {
    throw invalid("'after' does not belong to this list: take it from the 'meta' of the page before.", {
      field: 'after',
    });
  }
  return { cursor: cursor === '' ? undefined : cursor, skip: Number(skip) };
}

type Wanted = Parameters<typeof scan>[0];

async function cursorPage(
  wanted: Wanted,
  skip: number,
  limit: number,
  context: ServiceContext,
  deadline: Deadline,
): Promise<{ documents: StoredDocument[]; next: string }> {
  const documents: StoredDocument[] = [];
  if (wanted.condition && isNever(wanted.condition)) return { documents, next: '' };
  const { source, engine, scannedMax } = context;
  const { pushed, residual } = divide(wanted, context);
  const admits = residual && predicateOf(residual, engine.pushdown.elements ?? false);
  const query = {
    condition: pushed,
    order: wanted.order.map(({ field, descending }) => ({ field, descending })),
    offset: 0,
    limit: residual ? undefined : limit + skip + 1,
    fields: residual ? undefined : wanted.fields,
    after: wanted.after,
    cursors: true,
  };
  let before = wanted.after ?? '';
  let token = '';
  let read = 0;
  for await (const page of source.find(wanted.table, query, deadline)) {
    for (const [i, document] of page.documents.entries()) {
      if (read++ < skip) continue;
      if (admits && !admits(document.members())) {
        if (read <= scannedMax) continue;
        // A page may hold fewer than were asked for: the next one goes on where this one gave up.
        return { documents, next: documents.length > 0 ? token : tokenBehind(page, i, before) };
      }
      if (documents.length === limit) return { documents, next: token };
      documents.push(document);
      token = tokenBehind(page, i, before);
    }
    before = page.next ?? before;
    skip = 0;
  }
  return { documents, next: '' };
}

const tokenBehind = (page: { behind?(index: number): string }, index: number, before: string): string =>
  page.behind ? pageToken([page.behind(index), '0']) : pageToken([before, String(index + 1)]);
