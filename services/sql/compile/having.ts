/** The condition on groups: fields of the group, and aggregates, by name or by their key in the answer. */
import { invalid } from '#common/errors.ts';
import type { TableView } from '#common/schema/extras.ts';
import { unknownName } from '#common/schema/mismatch.ts';
import { Comparator, type Comparison, type Filter, Selection_Kind as Kind } from '#proto/data/v1/data_pb.ts';
import { type Output, outputsOf } from '../plan/selection.ts';
import type { SqlBuilder } from './builder.ts';
import { compileFilter, operandReader, SYMBOLS } from './filter.ts';

const KEY = /^(COUNT|SUM|AVG|MIN|MAX)_(.+)$/i;

/** @param group  names of the fields that are grouped by */
export function compileHaving(filter: Filter, group: readonly string[], table: TableView, builder: SqlBuilder): string {
  const { node } = filter;
  switch (node.case) {
    case 'comparison':
      return comparisonSql(node.value, filter, group, table, builder);
    case 'not':
      return `not (${compileHaving(node.value, group, table, builder)})`;
    case 'all':
    case 'any': {
      const parts = node.value.filters.map((inner) => `(${compileHaving(inner, group, table, builder)})`);
      return parts.join(node.case === 'all' ? ' and ' : ' or ');
    }
    default:
      throw invalid('The condition on groups is empty or not known to this version.', { field: 'having' });
  }
}

function comparisonSql(
  comparison: Comparison,
  filter: Filter,
  group: readonly string[],
  table: TableView,
  builder: SqlBuilder,
): string {
  const field = table.byFieldWireName.get(comparison.field);
  if (field && group.some((name) => table.byFieldWireName.get(name) === field)) {
    return compileFilter(filter, table, builder);
  }
  const { sql } = aggregateOf(comparison.field, table, builder);
  const [first, second] = comparison.operands.map((operand) =>
    builder.placeholder(operandReader(operand, (value) => numeric(value, comparison.field))),
  );
  const symbol = SYMBOLS[comparison.comparator];
  if (symbol) return `${sql} ${symbol} ${first}`;
  if (comparison.comparator === Comparator.BETWEEN) return `${sql} between ${first} and ${second}`;
  if (comparison.comparator === Comparator.IS_NULL) return `${sql} is null`;
  throw invalid(`'${comparison.field}' in having is compared by =, !=, <, <=, >, >= or BETWEEN.`, { field: 'having' });
}

/** `SUM(total)`, or `SUM_total` and `COUNT_ALL` as the answer has them. */
function aggregateOf(name: string, table: TableView, builder: SqlBuilder): Output {
  const [, fn, argument] = KEY.exec(name) ?? [];
  const written = fn ? `${fn}(${argument?.toUpperCase() === 'ALL' ? '*' : argument})` : name;
  if (/^\w+\(/.test(written)) {
    const selection = { $typeName: 'millrace.data.v1.Selection' as const, kind: Kind.LISTED, names: [written] };
    const [output] = outputsOf(selection, table, [], builder.dialect, { grouped: true });
    if (output) return output;
  }
  throw unknownName(`Invalid field '${name}' in having: neither in group nor an aggregate.`, { field: name });
}

function numeric(value: unknown, name: string): number {
  const text = String(value ?? '').trim();
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) return Number(text);
  throw invalid(`'${name}' in having is compared with numbers.`, { field: 'having' });
}
