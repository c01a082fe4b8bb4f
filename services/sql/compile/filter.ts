/** The filter tree as a condition. Fields come from the catalogue, values are bound after their column's type. */

import { invalid, type MillraceError } from '#common/errors.ts';
import { plainValue } from '#common/records/values.ts';
import type { Column } from '#common/schema/catalogue.ts';
import type { FieldView, RelationView, TableView } from '#common/schema/extras.ts';
import { unknownName } from '#common/schema/mismatch.ts';
import { endsOf } from '#common/schema/relation-ends.ts';
import { relationPath } from '#common/schema/relation-path.ts';
import {
  Comparator,
  type Comparison,
  type Filter,
  type Moment,
  Moment_Base as MomentBase,
  type Operand,
} from '#proto/data/v1/data_pb.ts';
import { type Readable, readable } from '../expression/computed.ts';
import { type BindContext, type Binder, type SqlBuilder, tableName } from './builder.ts';
import { type Coerce, operandCoercionOf } from './coerce.ts';
import { listCondition } from './list.ts';

export const SYMBOLS: Partial<Record<Comparator, string>> = {
  [Comparator.EQ]: '=',
  [Comparator.NE]: '<>',
  [Comparator.GT]: '>',
  [Comparator.GE]: '>=',
  [Comparator.LT]: '<',
  [Comparator.LE]: '<=',
};

const MOMENTS: Partial<Record<MomentBase, 'timestamp' | 'date' | 'time'>> = {
  [MomentBase.TIMESTAMP]: 'timestamp',
  [MomentBase.DATE]: 'date',
  [MomentBase.TIME]: 'time',
};

/**
 * @param scope  what the table is called in the statement, for a condition that looks at it from inside of another
 *   table; undefined: by its own name
 * @throws MillraceError invalid for a field that the table does not have, denied for a table on the way
 */
export function compileFilter(filter: Filter, table: TableView, builder: SqlBuilder, scope?: string): string {
  const { node } = filter;
  switch (node.case) {
    case 'comparison':
      return compileComparison(node.value, table, builder, scope);
    case 'not':
      return `not (${compileFilter(node.value, table, builder, scope)})`;
    case 'all':
    case 'any': {
      const parts = node.value.filters.map((inner) => `(${compileFilter(inner, table, builder, scope)})`);
      if (parts.length === 0) return node.case === 'all' ? builder.dialect.trueSql : builder.dialect.falseSql;
      return parts.join(node.case === 'all' ? ' and ' : ' or ');
    }
    case 'native':
      throw noNativeFilter();
    default:
      throw invalid('The filter is empty or not known to this version.');
  }
}

const noNativeFilter = (): MillraceError =>
  invalid('A filter of this service is text: an object is none.', { field: 'filter' });

/** The caller's condition and the role's, joined as trees; undefined where there is neither. */
export function compileFilters(
  filters: readonly (Filter | undefined)[],
  table: TableView,
  builder: SqlBuilder,
  scope?: string,
): string | undefined {
  const parts = filters.flatMap((filter) => (filter ? [`(${compileFilter(filter, table, builder, scope)})`] : []));
  return parts.length > 0 ? parts.join(' and ') : undefined;
}

function compileComparison(comparison: Comparison, table: TableView, builder: SqlBuilder, scope?: string): string {
  const path = table.byFieldWireName.get(comparison.field) ? undefined : relationPath(comparison.field, table);
  if (path) {
    const filter = comparisonOf({ ...comparison, field: path.rest });
    return compileExists(path.relation, filter, table, builder, scope);
  }
  const { field, sql, column } = fieldOf(comparison.field, table, builder);
  const { comparator, operands } = comparison;
  const { dialect } = builder;
  switch (comparator) {
    case Comparator.IS_NULL:
      return `${sql} is null`;
    case Comparator.IN: {
      const coerce = operandCoercionOf(field, dialect);
      const readers = operands.map((operand) => operandReader(operand, coerce));
      return listCondition(sql, column, readers, (context) => readers.map((read) => read(context)), builder);
    }
    case Comparator.BETWEEN: {
      const [low, high] = operands.map((operand) => operandSql(operand, field, column, builder));
      return `${sql} between ${low} and ${high}`;
    }
    case Comparator.LIKE:
      return likeSql(sql, column, operands[0], '', '', builder);
    case Comparator.CONTAINS:
      return likeSql(sql, column, operands[0], '%', '%', builder);
    case Comparator.STARTS_WITH:
      return likeSql(sql, column, operands[0], '', '%', builder);
    case Comparator.ENDS_WITH:
      return likeSql(sql, column, operands[0], '%', '', builder);
    default: {
      const symbol = SYMBOLS[comparator];
      if (!symbol) throw invalid('A comparison of the filter is not known to this version.');
      return `${sql} ${symbol} ${operandSql(operands[0], field, column, builder)}`;
    }
  }
}

function comparisonOf(value: Comparison): Filter {
  return { $typeName: 'millrace.data.v1.Filter', node: { case: 'comparison', value } };
}

/** Is there a related record that satisfies the condition, and that the caller may see? */
function compileExists(
  relation: RelationView,
  filter: Filter,
  table: TableView,
  builder: SqlBuilder,
  scope = tableName(table.table, builder.dialect),
): string {
  const { view, access } = builder.context;
  const ends = endsOf(relation, table, view);
  access.require(ends.junction ? [ends.junction.table, ends.far] : [ends.far]);
  const start = `${scope}.${builder.quote(ends.local.name)}`;
  if (!ends.junction) return existsSql(ends.far, ends.target, start, filter, builder);
  const { junction } = ends;
  const alias = builder.alias();
  const inner = existsSql(ends.far, ends.target, `${alias}.${builder.quote(junction.link.name)}`, filter, builder);
  const own = compileFilters([access.reading(junction.table)], junction.table, builder, alias);
  const joined = `${alias}.${builder.quote(junction.near.name)} = ${start} and ${inner}`;
  const from = `${tableName(junction.table.table, builder.dialect)} ${alias}`;
  return `exists (select 1 from ${from} where ${own ? `${joined} and ${own}` : joined})`;
}

function existsSql(far: TableView, target: FieldView, start: string, filter: Filter, builder: SqlBuilder): string {
  const alias = builder.alias();
  const condition = compileFilters([filter, builder.context.access.reading(far)], far, builder, alias);
  const from = `${tableName(far.table, builder.dialect)} ${alias}`;
  return `exists (select 1 from ${from} where ${alias}.${builder.quote(target.name)} = ${start} and ${condition})`;
}

function fieldOf(name: string, table: TableView, { dialect }: SqlBuilder): Readable & { field: FieldView } {
  const field = table.byFieldWireName.get(name);
  const read = field && readable(field, 'FILTER', table, dialect);
  if (!field || !read) throw unknownName(`Invalid or unparsable field in filter request: '${name}'`, { field: name });
  // Values are taken as those of the column that a virtual field is like.
  return { ...read, field: field.column ? field : { ...field, column: read.column } };
}

function operandSql(operand: Operand | undefined, field: FieldView, column: Column, builder: SqlBuilder): string {
  if (!operand) throw invalid(`The condition on '${field.wireName}' has no value.`);
  if (operand.kind.case === 'moment') return momentSql(operand.kind.value, builder);
  return builder.placeholder(operandReader(operand, operandCoercionOf(field, builder.dialect)), column.nativeType);
}

function momentSql(moment: Moment, builder: SqlBuilder): string {
  const base = MOMENTS[moment.base];
  if (!base) throw invalid('A moment of the filter is not known to this version.');
  return builder.dialect.moment(base, moment.offsetSeconds);
}

/** The wildcards of a pattern are the caller's own: nothing in it is escaped, as the original has it. */
function likeSql(
  sql: string,
  column: Column,
  operand: Operand | undefined,
  before: string,
  after: string,
  builder: SqlBuilder,
): string {
  if (!operand) throw invalid(`The condition on '${column.name}' has no value.`);
  const read = operandReader(operand, (value) => String(value ?? ''));
  const pattern = builder.parameter((context) => `${before}${read(context)}${after}`);
  return `${builder.dialect.asText(sql, column)} like ${builder.dialect.textPlaceholder(pattern)}`;
}

/** Where the value of an operand comes from. */
export function operandReader(operand: Operand, coerce: Coerce): Binder {
  const { kind } = operand;
  if (kind.case === 'value') {
    const fixed = coerce(plainValue(kind.value));
    return () => fixed;
  }
  if (kind.case !== 'parameter') throw invalid('A value of the filter is not known to this version.');
  const index = kind.value;
  return (context: BindContext) => coerce(plainValue(context.parameters[index]));
}
