/** Writes as SQL. Each returns the columns that the answer shows. */
import type { Filter } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import type { FieldView, TableView } from '../extras.ts';
import type { Output } from '../plan/selection.ts';
import type { Param, Statement } from '../statement.ts';
import { type CompileContext, quoteName, SqlBuilder, type Template, tableName } from './builder.ts';
import { compileFilters } from './filter.ts';
import { keyCondition, where } from './read.ts';

/** `insert … (fields) values (the record's values)`. */
export function compileInsert(
  table: TableView,
  fields: readonly FieldView[],
  outputs: readonly Output[],
  context: CompileContext,
): Template {
  const builder = new SqlBuilder(context);
  const names = fields.map((field) => builder.quote(field.column?.name ?? '')).join(', ');
  builder.add(`insert into ${tableName(table.table, context.dialect)} (${names}) values (`);
  fields.forEach((field, index) => {
    const value = builder.placeholder((context) => context.record[index] as Param, field.column?.nativeType);
    builder.add(index > 0 ? `, ${value}` : value);
  });
  builder.add(`)${returning(outputs)}`);
  return builder.finish(outputs.map(({ column }) => column));
}

/** Many records by one statement, where the engine has a form for it. */
export function bulkInsert(
  table: TableView,
  fields: readonly FieldView[],
  outputs: readonly Output[],
  dialect: Dialect,
): ((rows: readonly (readonly Param[])[]) => Statement) | undefined {
  const columns = fields.flatMap((field) => (field.column ? [field.column] : []));
  const { insertMany } = dialect;
  if (!insertMany?.(table.table, columns, [], '')) return undefined;
  const columnsShown = outputs.map(({ column }) => column);
  const clause = returning(outputs).trim();
  return (rows) => {
    const { text, params } = insertMany(table.table, columns, rows, clause) as { text: string; params: Param[] };
    return { text, params, columns: columnsShown };
  };
}

/**
 * `update … set (fields)` for one record by its key, the role's condition included. The record's values come first,
 * the key's values behind them.
 */
export function compileUpdateByKey(
  table: TableView,
  fields: readonly FieldView[],
  keys: readonly FieldView[],
  rowFilter: Filter | undefined,
  outputs: readonly Output[],
  context: CompileContext,
): Template {
  const builder = updateSet(table, fields, context);
  const key = keyCondition(keys, (index) => (context) => context.record[fields.length + index] as Param, builder);
  builder.add(` where ${key}`);
  const filter = compileFilters([rowFilter], table, builder);
  builder.add(filter ? ` and ${filter}${returning(outputs)}` : returning(outputs));
  return builder.finish(outputs.map(({ column }) => column));
}

export function compileUpdateByFilter(
  table: TableView,
  fields: readonly FieldView[],
  filters: readonly (Filter | undefined)[],
  context: CompileContext,
): Template {
  const builder = updateSet(table, fields, context);
  where(filters, table, builder);
  return builder.finish([]);
}

export function compileDeleteByKey(
  table: TableView,
  keys: readonly FieldView[],
  rowFilter: Filter | undefined,
  outputs: readonly Output[],
  context: CompileContext,
): Template {
  const builder = new SqlBuilder(context).add(`delete from ${tableName(table.table, context.dialect)} where `);
  builder.add(keyCondition(keys, (index) => (context) => context.record[index] as Param, builder));
  const filter = compileFilters([rowFilter], table, builder);
  builder.add(filter ? ` and ${filter}${returning(outputs)}` : returning(outputs));
  return builder.finish(outputs.map(({ column }) => column));
}

export function compileDeleteByFilter(
  table: TableView,
  filters: readonly (Filter | undefined)[],
  outputs: readonly Output[],
  context: CompileContext,
): Template {
  const builder = new SqlBuilder(context).add(`delete from ${tableName(table.table, context.dialect)}`);
  where(filters, table, builder);
  builder.add(returning(outputs));
  return builder.finish(outputs.map(({ column }) => column));
}

function updateSet(table: TableView, fields: readonly FieldView[], context: CompileContext): SqlBuilder {
  const builder = new SqlBuilder(context).add(`update ${tableName(table.table, context.dialect)} set `);
  fields.forEach((field, index) => {
    const value = builder.placeholder((context) => context.record[index] as Param, field.column?.nativeType);
    builder.add(`${index > 0 ? ', ' : ''}${quoteName(field.column?.name ?? '', context.dialect)} = ${value}`);
  });
  return builder;
}

function returning(outputs: readonly Output[]): string {
  return outputs.length > 0 ? ` returning ${outputs.map(({ sql }) => sql).join(', ')}` : '';
}
