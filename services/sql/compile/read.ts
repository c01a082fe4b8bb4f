/** Reads as SQL: a list by filter, one or many records by key, a count. */
import { invalid } from '#common/errors.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { unknownName } from '#common/schema/mismatch.ts';
import { type Filter, Order_Nulls as Nulls, type Order, type Read } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import type { Output } from '../plan/selection.ts';
import { type Binder, type CompileContext, quoteName, SqlBuilder, type Template, tableName } from './builder.ts';
import { compileFilters } from './filter.ts';
import { compileHaving } from './having.ts';
import { type KeysetColumn, keysetCondition, keysetOrderSql } from './keyset.ts';
import { ListTemplate } from './list.ts';

export interface ListOptions {
  /** Rows to fetch; undefined: all. */
  readonly limit: number | undefined;
  readonly offset: number;
  /** Pages follow each other by these; `behind`: not the first one. */
  readonly keyset?: { readonly columns: readonly KeysetColumn[]; readonly behind: boolean };
}

export function compileList(
  read: Pick<Read, 'filter' | 'rowFilter' | 'order' | 'group' | 'having'>,
  table: TableView,
  outputs: readonly Output[],
  options: ListOptions,
  context: CompileContext,
): Template {
  const { dialect } = context;
  const builder = selectFrom(table, outputs, context);
  const { keyset } = options;
  const behind = keyset?.behind ? keysetCondition(keyset.columns, builder) : undefined;
  const condition = compileFilters([read.filter, read.rowFilter], table, builder);
  const conditions = [behind, condition].filter((one) => one !== undefined);
  if (conditions.length > 0) builder.add(` where ${conditions.join(' and ')}`);
  if (read.group.length > 0) builder.add(` group by ${groupSql(read.group, table, dialect)}`);
  if (read.having) builder.add(` having ${compileHaving(read.having, read.group, table, builder)}`);
  if (keyset) builder.add(` order by ${keysetOrderSql(keyset.columns, builder)}`);
  else if (read.order.length > 0) builder.add(` order by ${orderSql(read.order, table, outputs, dialect)}`);
  const { limit = dialect.limitMax } = options;
  if (limit !== undefined && (options.limit !== undefined || options.offset > 0)) {
    builder.add(` limit ${builder.placeholder(() => limit, dialect.wholeNumberType)}`);
  }
  if (options.offset > 0) builder.add(` offset ${builder.placeholder(() => options.offset, dialect.wholeNumberType)}`);
  return builder.finish(outputs.map(({ column }) => column));
}

export function compileCount(
  read: Pick<Read, 'filter' | 'rowFilter'>,
  table: TableView,
  context: CompileContext,
): Template {
  const builder = new SqlBuilder(context);
  builder.add(`select count(*) from ${tableName(table.table, context.dialect)}`);
  where([read.filter, read.rowFilter], table, builder);
  return builder.finish([{ name: 'count', json: 'number', hidden: true }]);
}

/** `key = value and …` for each key field, and the role's condition: at most one record. */
export function compileByKey(
  table: TableView,
  outputs: readonly Output[],
  keys: readonly FieldView[],
  keyBinder: (index: number) => Binder,
  rowFilter: Filter | undefined,
  context: CompileContext,
): Template {
  const builder = selectFrom(table, outputs, context);
  builder.add(` where ${keyCondition(keys, keyBinder, builder)}`);
  const filter = compileFilters([rowFilter], table, builder);
  if (filter) builder.add(` and ${filter}`);
  return builder.finish(outputs.map(({ column }) => column));
}

/** All records whose single key field is in a list. */
export function compileByKeys(
  table: TableView,
  outputs: readonly Output[],
  key: FieldView,
  rowFilter: Filter | undefined,
  context: CompileContext,
): ListTemplate {
  const column = key.column;
  if (!column) throw invalid(`Field '${key.wireName}' cannot identify records.`);
  return new ListTemplate(context.dialect, (condition) => {
    const builder = selectFrom(table, outputs, context);
    builder.add(` where ${condition(builder.quote(column.name), column, builder)}`);
    const filter = compileFilters([rowFilter], table, builder);
    if (filter) builder.add(` and ${filter}`);
    return builder.finish(outputs.map(({ column: one }) => one));
  });
}

export function keyCondition(
  keys: readonly FieldView[],
  keyBinder: (index: number) => Binder,
  builder: SqlBuilder,
): string {
  return keys
    .map(({ column }, index) => {
      const placeholder = builder.placeholder(keyBinder(index), column?.nativeType);
      return `${builder.quote(column?.name ?? '')} = ${placeholder}`;
    })
    .join(' and ');
}

export function where(filters: readonly (Filter | undefined)[], table: TableView, builder: SqlBuilder): void {
  const condition = compileFilters(filters, table, builder);
  if (condition) builder.add(` where ${condition}`);
}

export function selectFrom(table: TableView, outputs: readonly Output[], context: CompileContext): SqlBuilder {
  // Without any column a row is still a row.
  const columns = outputs.length > 0 ? outputs.map(({ sql }) => sql).join(', ') : '1';
  return new SqlBuilder(context).add(`select ${columns} from ${tableName(table.table, context.dialect)}`);
}

export function groupSql(group: readonly string[], table: TableView, dialect: Dialect): string {
  return group
    .map((name) => {
      const column = table.byFieldWireName.get(name)?.column;
      if (!column) throw unknownName(`Invalid or unknown field '${name}' in group by clause.`, { field: name });
      return quoteName(column.name, dialect);
    })
    .join(', ');
}

/** A field of the table, or an aggregate of the answer by its key. */
export function orderSql(
  order: readonly Order[],
  table: TableView,
  outputs: readonly Output[],
  dialect: Dialect,
): string {
  return order
    .map(({ field, descending, nulls }) => {
      const column = table.byFieldWireName.get(field)?.column;
      const output = outputs.find((one) => one.column.name.toLowerCase() === field.toLowerCase());
      const sql = column ? quoteName(column.name, dialect) : output?.sql;
      if (!sql) throw unknownName(`Invalid field '${field}' in order by clause.`, { field });
      const directed = `${sql}${descending ? ' desc' : ' asc'}`;
      if (nulls !== Nulls.FIRST && nulls !== Nulls.LAST) return directed;
      const first = nulls === Nulls.FIRST;
      if (dialect.ordersNulls) return `${directed} nulls ${first ? 'first' : 'last'}`;
      return `${sql} is null ${first ? 'desc' : 'asc'}, ${directed}`;
    })
    .join(', ');
}
