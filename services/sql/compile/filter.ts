/** The filter tree as a condition. Fields come from the catalogue, values are bound after their column's type. */
import { invalid } from '#common/errors.ts';
import {
  Comparator,
  type Comparison,
  type Filter,
  type Moment,
  Moment_Base as MomentBase,
  type Operand,
} from '#proto/data/v1/data_pb.ts';
import type { FieldView, TableView } from '../extras.ts';
import { unknownName } from '../mismatch.ts';
import type { Column } from '../schema.ts';
import type { BindContext, Binder, SqlBuilder } from './builder.ts';
import { type Coerce, operandCoercionOf, plainValue } from './coerce.ts';
import { listCondition } from './list.ts';

const SYMBOLS: Partial<Record<Comparator, string>> = {
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

/** @throws MillraceError invalid for a field that the table does not have */
export function compileFilter(filter: Filter, table: TableView, builder: SqlBuilder): string {
  const { node } = filter;
  switch (node.case) {
    case 'comparison':
      return compileComparison(node.value, table, builder);
    case 'not':
      return `not (${compileFilter(node.value, table, builder)})`;
    case 'all':
    case 'any': {
      const parts = node.value.filters.map((inner) => `(${compileFilter(inner, table, builder)})`);
      if (parts.length === 0) return node.case === 'all' ? builder.dialect.trueSql : builder.dialect.falseSql;
      return parts.join(node.case === 'all' ? ' and ' : ' or ');
    }
    default:
      throw invalid('The filter is empty or not known to this version.');
  }
}

/** The caller's condition and the role's, joined as trees; undefined where there is neither. */
export function compileFilters(
  filters: readonly (Filter | undefined)[],
  table: TableView,
  builder: SqlBuilder,
): string | undefined {
  const parts = filters.flatMap((filter) => (filter ? [`(${compileFilter(filter, table, builder)})`] : []));
  return parts.length > 0 ? parts.join(' and ') : undefined;
}

function compileComparison(comparison: Comparison, table: TableView, builder: SqlBuilder): string {
  const { field, column } = fieldOf(comparison.field, table);
  const sql = builder.quote(column.name);
  const { comparator, operands } = comparison;
  const { dialect } = builder;
  switch (comparator) {
    case Comparator.IS_NULL:
      return `${sql} is null`;
    case Comparator.IN: {
      const coerce = operandCoercionOf(field, dialect);
      const readers = operands.map((operand) => reader(operand, coerce));
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

function fieldOf(name: string, table: TableView): { field: FieldView; column: Column } {
  const field = table.byFieldWireName.get(name);
  if (!field?.column) {
    throw unknownName(`Invalid or unparsable field in filter request: '${name}'`, { field: name });
  }
  return { field, column: field.column };
}

function operandSql(operand: Operand | undefined, field: FieldView, column: Column, builder: SqlBuilder): string {
  if (!operand) throw invalid(`The condition on '${field.wireName}' has no value.`);
  if (operand.kind.case === 'moment') return momentSql(operand.kind.value, builder);
  return builder.placeholder(reader(operand, operandCoercionOf(field, builder.dialect)), column.nativeType);
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
  const read = reader(operand, (value) => String(value ?? ''));
  const pattern = builder.parameter((context) => `${before}${read(context)}${after}`);
  return `${builder.dialect.asText(sql, column)} like ${builder.dialect.textPlaceholder(pattern)}`;
}

function reader(operand: Operand, coerce: Coerce): Binder {
  const { kind } = operand;
  if (kind.case === 'value') {
    const fixed = coerce(plainValue(kind.value));
    return () => fixed;
  }
  if (kind.case !== 'parameter') throw invalid('A value of the filter is not known to this version.');
  const index = kind.value;
  return (context: BindContext) => coerce(plainValue(context.parameters[index]));
}
