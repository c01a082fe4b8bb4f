/** What shows the rows of a write where the engine does not return them: a select by the key, in the same transaction. */

import type { FieldView, TableView } from '#common/schema/extras.ts';
import type { Filter } from '#proto/data/v1/data_pb.ts';
import type { Output } from '../plan/selection.ts';
import type { Param, RowsOfWrite } from '../statement.ts';
import type { Binder, CompileContext, SqlBuilder, Template } from './builder.ts';
import { compileFilters } from './filter.ts';
import { keyCondition, selectFrom, where } from './read.ts';

type Reads = RowsOfWrite<Template> | undefined;

const recordValue =
  (index: number): Binder =>
  ({ record }) =>
    record[index] as Param;

/** @returns undefined where the key of what was inserted cannot be known: a default of the database that is no counter */
export function rowsOfInsert(
  table: TableView,
  fields: readonly FieldView[],
  outputs: readonly Output[],
  context: CompileContext,
): Reads {
  const builder = selectFrom(table, outputs, context);
  const conditions = table.table.primaryKey.map((name) => {
    const key = table.byFieldName.get(name)?.column;
    const given = fields.findIndex((field) => field.column?.name === name);
    if (given >= 0) return `${builder.quote(name)} = ${builder.placeholder(recordValue(given), key?.nativeType)}`;
    return (
      key?.autoIncrement &&
      context.dialect.generatedKey &&
      `${builder.quote(name)} = ${context.dialect.generatedKey.one}`
    );
  });
  if (conditions.length === 0 || !conditions.every(Boolean)) return undefined;
  return after(builder.add(` where ${conditions.join(' and ')}`), outputs);
}

/** Of many rows whose key the database counted, in their order; the number of rows is the only value. */
export function rowsOfInserts(
  table: TableView,
  fields: readonly FieldView[],
  outputs: readonly Output[],
  context: CompileContext,
): Reads {
  const [name, ...more] = table.table.primaryKey;
  const key = name === undefined ? undefined : table.byFieldName.get(name)?.column;
  if (!key?.autoIncrement || !context.dialect.generatedKey || more.length > 0) return undefined;
  if (fields.some((field) => field.column?.name === key.name)) return undefined;
  const builder = selectFrom(table, outputs, context);
  const sql = builder.quote(key.name);
  builder.add(` where ${context.dialect.generatedKey.many(sql, builder.placeholder(recordValue(0)))} order by ${sql}`);
  return after(builder, outputs);
}

/**
 * By the key as it is after the update. A key of several records may belong to one that the role's condition hides: then
 * it is asked again. The record's values come first, the key's values behind them.
 */
export function rowsOfUpdate(
  table: TableView,
  fields: readonly FieldView[],
  keys: readonly FieldView[],
  rowFilter: Filter | undefined,
  outputs: readonly Output[],
  context: CompileContext,
): Reads {
  const builder = selectFrom(table, outputs, context);
  const keyValue = (index: number): Binder => {
    const changed = fields.indexOf(keys[index] as FieldView);
    return recordValue(changed < 0 ? fields.length + index : changed);
  };
  builder.add(` where ${keyCondition(keys, keyValue, builder)}`);
  const filter = isUnique(table, keys) ? undefined : compileFilters([rowFilter], table, builder);
  return after(filter ? builder.add(` and ${filter}`) : builder, outputs);
}

export function rowsOfDeleteByKey(
  table: TableView,
  keys: readonly FieldView[],
  rowFilter: Filter | undefined,
  outputs: readonly Output[],
  context: CompileContext,
): Reads {
  const builder = selectFrom(table, outputs, context);
  builder.add(` where ${keyCondition(keys, recordValue, builder)}`);
  const filter = compileFilters([rowFilter], table, builder);
  return before(filter ? builder.add(` and ${filter}`) : builder, outputs);
}

export function rowsOfDelete(
  table: TableView,
  filters: readonly (Filter | undefined)[],
  outputs: readonly Output[],
  context: CompileContext,
): Reads {
  const builder = selectFrom(table, outputs, context);
  where(filters, table, builder);
  return before(builder, outputs);
}

function after(builder: SqlBuilder, outputs: readonly Output[]): Reads {
  return { when: 'after', statement: builder.finish(outputs.map(({ column }) => column)) };
}

function before(builder: SqlBuilder, outputs: readonly Output[]): Reads {
  builder.add(builder.dialect.lockClause ?? '');
  return { when: 'before', statement: builder.finish(outputs.map(({ column }) => column)) };
}

function isUnique(table: TableView, keys: readonly FieldView[]): boolean {
  const names = new Set(keys.map((key) => key.name));
  return table.table.constraints.some(
    ({ type, columns }) => type !== 'FOREIGN KEY' && columns.length > 0 && columns.every((name) => names.has(name)),
  );
}
