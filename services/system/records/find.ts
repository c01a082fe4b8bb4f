/** Finds the rows that a write is about. */
import { type SqlBool, sql } from 'kysely';
import { notFound } from '#common/errors.ts';
import { allOf, keyIs } from './filter.ts';
import { type Context, ID, type JsonObject, type Key, type Model, type Row } from './model.ts';
import { findRow, selectRows } from './store.ts';

/** For a nested record: the column that holds its parent, and the parent's key. */
export interface Parent {
  readonly column: string;
  readonly key: number;
}

export async function rowToWrite(model: Model, key: Key, context: Context): Promise<Row> {
  const row = await findRow(context.db, model, key);
  if (row) return row;
  const elsewhere = model.rules.outOfScope && (await findRow(context.db, { ...model, scope: {} }, key));
  throw elsewhere ? model.rules.outOfScope!() : missing(model, String(key));
}

export const missing = (model: Model, key: string) =>
  notFound(model.missing?.(key) ?? `Record with identifier '${key}' not found.`);

/** The row of a nested record, if it belongs to the parent. */
export async function ownChild(model: Model, parent: Parent, record: JsonObject, context: Context) {
  const byParent = sql<SqlBool>`${sql.ref(parent.column)} = ${parent.key}`;
  const id = record[ID.name];
  if (id !== undefined && id !== null) {
    if (!Number.isSafeInteger(Number(id))) throw missing(model, String(id));
    const [row] = await selectRows(context.db, model, allOf([byParent, keyIs(model, Number(id))]));
    if (!row) throw missing(model, String(id));
    return row;
  }
  const natural = model.naturalKey && record[model.naturalKey];
  if (!model.naturalKey || typeof natural !== 'string') return undefined;
  const byName = sql<SqlBool>`${sql.ref(model.naturalKey)} = ${natural}`;
  const [row] = await selectRows(context.db, model, allOf([byParent, byName]));
  return row;
}
