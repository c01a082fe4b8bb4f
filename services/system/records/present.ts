/** From rows to the records that clients read, with their relations. */
import { type SqlBool, sql } from 'kysely';
import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { type Related, type Selection, Selection_Kind } from '#proto/data/v1/data_pb.ts';
import {
  type Column,
  type Context,
  columnOf,
  isReadable,
  type JsonObject,
  type Model,
  type Relation,
  type Row,
  type Tools,
} from './model.ts';
import { orderBy } from './order.ts';
import { selectRows } from './store.ts';

/** Rows whose relations are read by one query: engines bound the parameters of a statement. */
const ROWS_AT_ONCE = 1000;

/** @param fallback what no selection means: everything for reads, the key for writes */
export function selectedColumns(
  model: Model,
  selection: Selection | undefined,
  fallback: Selection_Kind,
): readonly Column[] {
  const kind = selection?.kind || fallback;
  const readable = model.columns.filter(isReadable);
  if (kind === Selection_Kind.ALL) return readable;
  if (kind === Selection_Kind.KEY) return readable.filter((column) => column.name === model.key);
  const named = (selection?.names ?? []).map((name) => {
    const column = columnOf(model, name);
    if (!column || !isReadable(column)) throw invalid(`Unknown field '${name}'.`, { fields: [name] });
    return column;
  });
  return [...new Set([...named, ...readable.filter((column) => column.always)])];
}

export async function present(
  model: Model,
  rows: readonly Row[],
  columns: readonly Column[],
  related: readonly Related[],
  context: Context,
): Promise<JsonObject[]> {
  const records = rows.map((row) => recordOf(row, columns, context.tools));
  for (const { relation, wanted } of wantedRelations(model, related)) {
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      const piece = rows.slice(at, at + ROWS_AT_ONCE);
      const attached = await relatedRecords(model, relation, wanted, piece, context);
      for (const [index, value] of attached.entries()) records[at + index]![relation.name] = value;
    }
  }
  return records;
}

export function recordOf(row: Row, columns: readonly Column[], tools: Tools): JsonObject {
  return Object.fromEntries(columns.map((column) => [column.name, shown(column, row, tools)]));
}

function shown(column: Column, row: Row, tools: Tools): unknown {
  if (column.show) return column.show(row, tools);
  const value = row[column.name] ?? null;
  if (value === null) return null;
  if (column.kind === 'boolean') return value === 1;
  return column.kind === 'json' ? parseJson(Buffer.from(String(value))) : value;
}

interface WantedRelation {
  readonly relation: Relation;
  readonly wanted: Related;
}

function wantedRelations(model: Model, related: readonly Related[]): WantedRelation[] {
  return related.flatMap((wanted) => {
    if (wanted.name === '*') return model.relations.map((relation) => ({ relation, wanted }));
    const relation = model.relations.find((candidate) => candidate.name === wanted.name);
    if (!relation) throw invalid(`Unknown relationship: ${wanted.name}`);
    return [{ relation, wanted }];
  });
}

/** For each row what belongs to it: a list, or for belongs_to and has_one a record or null. One query for all rows. */
async function relatedRecords(
  model: Model,
  relation: Relation,
  wanted: Related,
  rows: readonly Row[],
  context: Context,
): Promise<unknown[]> {
  const other = context.tools.model(relation.model);
  const columns = selectedColumns(other, wanted.selection, Selection_Kind.ALL);
  const links = await linksOf(model, relation, rows, context);
  const wantedKeys = [...new Set(links.flatMap((link) => link.keys))];
  if (wantedKeys.length === 0) return rows.map(() => (isList(relation) ? [] : null));
  const where = sql<SqlBool>`${sql.ref(links[0]!.column)} in (${sql.join(wantedKeys)})`;
  const found = await selectRows(context.db, other, where, { order: orderBy(other, wanted.order) });
  const records = await present(other, found, columns, [], context);
  return links.map(({ column, keys }) => {
    const own = records.filter((_record, index) => keys.includes(Number(found[index]![column])));
    if (!isList(relation)) return own[0] ?? null;
    return wanted.limit > 0 ? own.slice(0, wanted.limit) : own;
  });
}

interface Link {
  /** Column of the other model. */
  readonly column: string;
  /** Its values that belong to this row. */
  readonly keys: readonly number[];
}

async function linksOf(model: Model, relation: Relation, rows: readonly Row[], context: Context): Promise<Link[]> {
  if (relation.kind === 'belongs_to') {
    return rows.map((row) => {
      const key = row[relation.column];
      return { column: 'id', keys: typeof key === 'number' ? [key] : [] };
    });
  }
  const { junction } = relation;
  if (!junction) return rows.map((row) => ({ column: relation.column, keys: [Number(row[model.key])] }));
  const owners = rows.map((row) => Number(row[model.key]));
  if (owners.length === 0) return [];
  const pairs = await sql<{ own: number; other: number | null }>`
    select ${sql.ref(relation.column)} as own, ${sql.ref(junction.otherColumn)} as other
    from ${sql.table(junction.table)} where ${sql.ref(relation.column)} in (${sql.join(owners)})`.execute(context.db);
  return owners.map((owner) => ({
    column: 'id',
    keys: pairs.rows.filter((pair) => pair.own === owner && pair.other !== null).map((pair) => Number(pair.other)),
  }));
}

const isList = ({ kind }: Relation): boolean => kind === 'has_many' || kind === 'many_many';
