/** What every record must fulfil, whatever its resource. */
import { type SqlBool, sql } from 'kysely';
import { type Faults, spoken } from './faults.ts';
import { allOf, type Condition } from './filter.ts';
import type { Context, Model, Row, Values } from './model.ts';
import { countRows } from './store.ts';

/** What holds for every model: required values are there, unique ones are free, references lead somewhere. */
export async function checkValues(
  model: Model,
  values: Values,
  current: Row | undefined,
  context: Context,
  faults: Faults,
): Promise<void> {
  for (const column of model.columns) {
    const value = values[column.name];
    const isEmpty = value === undefined || value === null || value === '';
    if (column.required && isEmpty && (!current || column.name in values)) {
      faults.add(column.name, `The ${spoken(column.name)} field is required.`);
    }
    if (isEmpty || column.virtual || value === current?.[column.name]) continue;
    if (column.unique && (await isTaken(model, column.name, value, current, context))) {
      faults.add(column.name, `The ${spoken(column.name)} has already been taken.`);
    }
    if (column.reference && !(await exists(column.reference, value, context))) {
      faults.add(column.name, `The selected ${spoken(column.name)} does not exist.`);
    }
  }
  faults.check();
}

/** Regardless of case, and of the view: users and administrators share their addresses. */
async function isTaken(
  model: Model,
  name: string,
  value: unknown,
  current: Row | undefined,
  context: Context,
): Promise<boolean> {
  const same: Condition = sql<SqlBool>`lower(${sql.ref(name)}) = lower(${value})`;
  const others = current ? [same, sql<SqlBool>`${sql.ref(model.key)} <> ${current[model.key]}`] : [same];
  return (await countRows(context.db, { ...model, scope: {} }, allOf(others))) > 0;
}

async function exists(table: string, id: unknown, context: Context): Promise<boolean> {
  const { rows } = await sql`select id from ${sql.table(table)} where id = ${id}`.execute(context.db);
  return rows.length > 0;
}
