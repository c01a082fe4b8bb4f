/** Rows of a view that the store keeps, in the place of documents: those whose documents the caller may see. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { type Runner, resultOf } from '#common/records/result.ts';
import { plainValue } from '#common/records/values.ts';
import { isObject, type TableView } from '#common/schema/extras.ts';
import { Selection_Kind as Kind, type Operation, type Read, type View } from '#proto/data/v1/data_pb.ts';
import type { Document } from '../document.ts';
import type { Condition, ViewQuery } from '../engine.ts';
import { isNever } from '../plan/conditions.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { documentJson } from './outputs.ts';

/** Rows that are read at once where documents decide which are shown. */
const PORTION = 500;

/** @param limit  rows of the answer */
export function planView(view: View, read: Read, limit: number, table: TableView, context: ServiceContext): Runner {
  const { source, engine, scannedMax } = context;
  if (!source.view) throw invalid(`${engine.label} has no views.`, { field: 'view' });
  if (read.explain) throw invalid('Only the store knows how it finds the rows of a view.', { field: 'view' });
  const stored = storedOf(table, context);
  const shown = read.selection?.kind === Kind.LISTED ? read.selection.names : undefined;
  const pageOf = (query: ViewQuery, deadline: Deadline) =>
    source.view?.(stored, query, deadline) ?? Promise.resolve({ rows: [], total: 0 });

  /** Rows whose documents meet the condition: the store cannot tell them. */
  async function rowsThatMeet(
    condition: Condition,
    query: ViewQuery,
    deadline: Deadline,
  ): Promise<readonly Document[]> {
    if (read.includeCount)
      throw invalid('Rows of a view are counted without conditions only.', { field: 'include_count' });
    const meets = predicateOf(condition, engine.pushdown.elements ?? false);
    const found: Document[] = [];
    for (let offset = 0; !isNever(condition); offset += PORTION) {
      const page = await pageOf({ ...query, offset, limit: PORTION, documents: true }, deadline);
      for (const { row, document } of page.rows) {
        if (document && meets(document.members())) found.push(row);
        if (found.length === read.offset + limit) return found.slice(read.offset);
      }
      if (page.rows.length < PORTION) break;
      if (offset + PORTION >= scannedMax) throw tooMany(scannedMax);
    }
    return found.slice(read.offset);
  }

  return async (operation, deadline) => {
    const options = optionsOf(operation, view);
    const query = { design: view.design, name: view.name, options, offset: read.offset, limit, documents: false };
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    if (condition && isNative(condition)) {
      throw invalid('Rows of a view are chosen by conditions, not in the words of the store.', { field: 'filter' });
    }
    if (condition) return answerOf(await rowsThatMeet(condition, query, deadline), shown);
    const { rows, total } = await pageOf(query, deadline);
    const result = answerOf(
      rows.map(({ row }) => row),
      shown,
    );
    return read.includeCount && total !== undefined ? { ...result, count: BigInt(total) } : result;
  };
}

const answerOf = (rows: readonly Document[], shown: readonly string[] | undefined) =>
  resultOf(arrayOfPieces(rows.map((row) => documentJson(shown ? only(row, shown) : row))));

const only = (row: Document, names: readonly string[]): Document =>
  Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)));

function optionsOf(operation: Operation, { options }: View): Readonly<Record<string, string>> {
  const text = plainValue(operation.parameters[options]);
  const read = typeof text === 'string' ? parseJson(Buffer.from(text)) : undefined;
  if (!isObject(read) || !Object.values(read).every((value) => typeof value === 'string')) {
    throw invalid('The options of a view must be texts by their name.', { field: 'view' });
  }
  return read as Record<string, string>;
}

function isNative(condition: Condition): boolean {
  if (condition.kind === 'native') return true;
  return (condition.kind === 'all' || condition.kind === 'any') && condition.of.some(isNative);
}

const tooMany = (bound: number) =>
  invalid(
    `The request would read more than ${bound} rows of the view, as their documents decide which are shown. Narrow it ` +
      `by 'startkey' and 'endkey', or raise 'max_scanned' of the service.`,
    { field: 'view', max_scanned: bound },
  );
