/**
 * Pages that follow each other by key: the order is made total by the primary key, and a page begins behind the values
 * of the last record of the page before. So the millionth page costs what the first costs, where an index has the order.
 */

import { invalid } from '#common/errors.ts';
import { plainValue } from '#common/records/values.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { keyFields } from '#common/schema/find.ts';
import { unknownName } from '#common/schema/mismatch.ts';
import type { Order } from '#proto/data/v1/data_pb.ts';
import type { Binder, SqlBuilder } from './builder.ts';
import { operandCoercionOf } from './coerce.ts';

export interface KeysetColumn {
  readonly field: FieldView;
  readonly descending: boolean;
}

/** @throws MillraceError invalid for an order that keys cannot follow */
export function keysetOf(order: readonly Order[], table: TableView): KeysetColumn[] {
  const named = order.map(({ field: name, descending }): KeysetColumn => {
    const field = table.byFieldWireName.get(name);
    if (!field?.column) throw unknownName(`Invalid field '${name}' in order by clause.`, { field: name });
    if (field.column.nullable) {
      throw invalid(`Pages by 'after' cannot be ordered by '${name}', which may be NULL.`, { field: 'after' });
    }
    return { field, descending };
  });
  const descending = named.at(-1)?.descending ?? false;
  const rest = keyFields(table, []).filter((key) => !named.some(({ field }) => field === key));
  return [...named, ...rest.map((field) => ({ field, descending }))];
}

export function keysetOrderSql(columns: readonly KeysetColumn[], builder: SqlBuilder): string {
  return columns.map((column) => `${nameOf(column, builder)}${column.descending ? ' desc' : ' asc'}`).join(', ');
}

/** Behind the record whose values are the operation's only key. */
export function keysetCondition(columns: readonly KeysetColumn[], builder: SqlBuilder): string {
  const values = columns.map(({ field }, index): (() => string) => {
    const coerce = operandCoercionOf(field, builder.dialect);
    const binder: Binder = ({ keys }) => {
      const list = plainValue(keys[0]);
      if (!Array.isArray(list) || list.length !== columns.length) throw strangeToken();
      return coerce(list[index]);
    };
    return () => builder.placeholder(binder, field.column?.nativeType);
  });
  const behind = (index: number): string => {
    const column = columns[index] as KeysetColumn;
    const name = nameOf(column, builder);
    const value = values[index] as () => string;
    const beyond = `${name} ${column.descending ? '<' : '>'} ${value()}`;
    return index === columns.length - 1 ? beyond : `(${beyond} or (${name} = ${value()} and ${behind(index + 1)}))`;
  };
  const [first] = columns as readonly [KeysetColumn];
  if (columns.length === 1) return behind(0);
  // Implied by the rest; written out, as it is what an index is entered by.
  const bound = `${nameOf(first, builder)} ${first.descending ? '<=' : '>='} ${(values[0] as () => string)()}`;
  return `${bound} and ${behind(0)}`;
}

export const strangeToken = () =>
  invalid("'after' does not belong to this list: take it from the 'meta' of the page before.", { field: 'after' });

const nameOf = ({ field }: KeysetColumn, builder: SqlBuilder): string => builder.quote(field.column?.name ?? '');
