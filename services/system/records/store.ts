/** Rows in and out of the system database, whatever the model. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Db, EngineName } from '../database/open.ts';
import { allOf, type Condition, inScope, keyIs } from './filter.ts';
import { columnOf, ID, type Key, type Model, type Row, type Values } from './model.ts';

export interface Page {
  readonly order?: RawBuilder<unknown>;
  readonly limit?: number;
  readonly offset?: number;
}

/** @param page.limit and .offset: whole numbers */
export async function selectRows(db: Db, model: Model, where: Condition, page: Page = {}): Promise<Row[]> {
  const order = page.order ?? sql.ref(model.key);
  const limit = page.limit === undefined ? sql`` : sql`limit ${page.limit} offset ${page.offset ?? 0}`;
  const condition = allOf([inScope(model), where]);
  const { rows } =
    await sql<Values>`select ${selected(model)} from ${sql.table(model.table)} where ${condition} order by ${order} ${limit}`.execute(
      db,
    );
  return rows.map((row) => decode(model, row));
}

function selected({ table, computed = {} }: Model): RawBuilder<unknown> {
  const more = Object.entries(computed).map(([name, value]) => sql`${value} as ${sql.ref(name)}`);
  return sql.join([sql`${sql.table(table)}.*`, ...more]);
}

export async function countRows(db: Db, model: Model, where: Condition): Promise<number> {
  const condition = allOf([inScope(model), where]);
  const { rows } = await sql<{
    n: unknown;
  }>`select count(*) as n from ${sql.table(model.table)} where ${condition}`.execute(db);
  return Number(rows[0]?.n);
}

export async function findRow(db: Db, model: Model, key: Key): Promise<Row | undefined> {
  const [row] = await selectRows(db, model, keyIs(model, key));
  return row;
}

/** @returns the new key */
export async function insertRow(db: Db, model: Model, values: Values, engine: EngineName): Promise<Key> {
  const names = Object.keys(values);
  const columns = sql.join(names.map((name) => sql.ref(name)));
  const row = sql.join(names.map((name) => values[name]));
  const returning = engine === 'mysql' ? sql`` : sql`returning id`;
  const result = await sql<{
    id: number;
  }>`insert into ${sql.table(model.table)} (${columns}) values (${row}) ${returning}`.execute(db);
  if (model.key !== ID.name) return String(values[model.key]);
  return Number(result.rows[0]?.id ?? result.insertId);
}

export async function updateRow(db: Db, model: Model, key: unknown, values: Values): Promise<void> {
  const names = Object.keys(values);
  if (names.length === 0) return;
  const sets = sql.join(names.map((name) => sql`${sql.ref(name)} = ${values[name]}`));
  const where = allOf([inScope(model), sql<SqlBool>`${sql.ref(model.key)} = ${key}`]);
  await sql`update ${sql.table(model.table)} set ${sets} where ${where}`.execute(db);
}

export async function deleteRow(db: Db, model: Model, key: unknown): Promise<void> {
  const where = allOf([inScope(model), sql<SqlBool>`${sql.ref(model.key)} = ${key}`]);
  await sql`delete from ${sql.table(model.table)} where ${where}`.execute(db);
}

/** Drivers give some numbers as text or bigint. */
function decode(model: Model, row: Values): Row {
  const decoded: Values = { ...row };
  for (const [name, value] of Object.entries(row)) {
    const kind = columnOf(model, name)?.kind;
    if (value !== null && (kind === 'id' || kind === 'integer' || kind === 'boolean')) decoded[name] = Number(value);
  }
  return decoded;
}
