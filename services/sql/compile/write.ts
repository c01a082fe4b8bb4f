/** Writes as SQL. Each returns the columns that the answer shows. */

import type { FieldView, TableView } from '#common/schema/extras.ts';
import type { Filter } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import { written } from '../expression/computed.ts';
import { functionsOf } from '../expression/field-functions.ts';
import type { Output } from '../plan/selection.ts';
import type { Param, Statement } from '../statement.ts';
import { bind, type CompileContext, quoteName, SqlBuilder, type Template, tableName } from './builder.ts';
import { compileFilters } from './filter.ts';
import { keyCondition, where } from './read.ts';
import { rowsOfDelete, rowsOfDeleteByKey, rowsOfInsert, rowsOfInserts, rowsOfUpdate } from './rows-of-write.ts';

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
    const given = builder.placeholder((context) => context.record[index] as Param, field.column?.nativeType);
    const value = written(field, 'INSERT', given, builder.dialect);
    builder.add(index > 0 ? `, ${value}` : value);
  });
  builder.add(')');
  return finish(builder, 'insert', outputs, () => rowsOfInsert(table, fields, outputs, context));
}

/** Many records by one statement, where the engine has a form for it. */
export function bulkInsert(
  table: TableView,
  fields: readonly FieldView[],
  outputs: readonly Output[],
  context: CompileContext,
): ((rows: readonly (readonly Param[])[]) => Statement) | undefined {
  if (fields.some(({ dbFunction }) => functionsOf(dbFunction)?.INSERT)) return undefined;
  const columns = fields.flatMap((field) => (field.column ? [field.column] : []));
  const { insertMany, load, returning: returns } = context.dialect;
  if (outputs.length === 0 && load?.(table.table, columns, [])) {
    return (rows) => ({ ...(load(table.table, columns, rows) as { text: string }), params: [], columns: [] });
  }
  if (!insertMany?.(table.table, columns, [], '')) return undefined;
  const reads = returns.insert || outputs.length === 0 ? undefined : rowsOfInserts(table, fields, outputs, context);
  if (!returns.insert && !reads && outputs.length > 0) return undefined;
  const columnsShown = returns.insert ? outputs.map(({ column }) => column) : [];
  const clause = returns.insert ? returning(outputs).trim() : '';
  return (rows) => {
    const { text, params } = insertMany(table.table, columns, rows, clause) as { text: string; params: Param[] };
    const statement = { text, params, columns: columnsShown };
    if (!reads) return statement;
    const counted = { keys: [], parameters: [], caller: undefined, record: [rows.length] };
    return { ...statement, reads: { when: reads.when, statement: bind(reads.statement, counted) } };
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
  if (filter) builder.add(` and ${filter}`);
  return finish(builder, 'update', outputs, () => rowsOfUpdate(table, fields, keys, rowFilter, outputs, context));
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
  if (filter) builder.add(` and ${filter}`);
  return finish(builder, 'delete', outputs, () => rowsOfDeleteByKey(table, keys, rowFilter, outputs, context));
}

export function compileDeleteByFilter(
  table: TableView,
  filters: readonly (Filter | undefined)[],
  outputs: readonly Output[],
  context: CompileContext,
): Template {
  const builder = new SqlBuilder(context).add(`delete from ${tableName(table.table, context.dialect)}`);
  where(filters, table, builder);
  return finish(builder, 'delete', outputs, () => rowsOfDelete(table, filters, outputs, context));
}

function updateSet(table: TableView, fields: readonly FieldView[], context: CompileContext): SqlBuilder {
  const builder = new SqlBuilder(context).add(`update ${tableName(table.table, context.dialect)} set `);
  fields.forEach((field, index) => {
    const given = builder.placeholder((context) => context.record[index] as Param, field.column?.nativeType);
    const value = written(field, 'UPDATE', given, builder.dialect);
    builder.add(`${index > 0 ? ', ' : ''}${quoteName(field.column?.name ?? '', context.dialect)} = ${value}`);
  });
  return builder;
}

/** The rows come with the write where the engine has that, else by what `reads` makes. */
function finish(
  builder: SqlBuilder,
  verb: keyof Dialect['returning'],
  outputs: readonly Output[],
  reads: () => Template['reads'],
): Template {
  if (outputs.length === 0 || builder.dialect.returning[verb]) {
    return builder.add(returning(outputs)).finish(outputs.map(({ column }) => column));
  }
  const rows = reads();
  const write = builder.finish([]);
  return rows ? { ...write, reads: rows } : write;
}

function returning(outputs: readonly Output[]): string {
  return outputs.length > 0 ? ` returning ${outputs.map(({ sql }) => sql).join(', ')}` : '';
}
