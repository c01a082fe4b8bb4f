/** Conditions on a list of values: one array parameter where the engine has such, else a placeholder for each value. */

import type { Column } from '#common/schema/catalogue.ts';
import type { Dialect } from '../dialect.ts';
import type { Param, Statement } from '../statement.ts';
import { type BindContext, type Binder, bind, type SqlBuilder, type Template } from './builder.ts';

/**
 * @param elements  a binder for each value
 * @param all       all of them at once
 */
export function listCondition(
  columnSql: string,
  column: Column,
  elements: readonly Binder[],
  all: (context: BindContext) => readonly Param[],
  builder: SqlBuilder,
): string {
  const { inList, arrayParam, falseSql } = builder.dialect;
  if (inList && arrayParam) {
    return inList(
      columnSql,
      builder.parameter((context) => arrayParam(all(context), column)),
      column,
    );
  }
  if (elements.length === 0) return falseSql;
  const placeholders = elements.map((element) => builder.placeholder(element, column.nativeType));
  return `${columnSql} in (${placeholders.join(', ')})`;
}

/**
 * A statement for lists of any length. Where each value takes a placeholder there is a text for 1, 2, 4, 8 … of them,
 * so that they stay few; the last value fills up.
 */
export class ListTemplate {
  readonly #compile: (condition: ListConditionOf) => Template;
  readonly #spreads: boolean;
  readonly #bySize = new Map<number, Template>();

  /** @param compile  makes the statement with the condition that it is given */
  constructor(dialect: Dialect, compile: (condition: ListConditionOf) => Template) {
    this.#compile = compile;
    this.#spreads = !dialect.inList;
    // What is wrong with it is known before it is used.
    this.#of(1);
  }

  /** The values take the place of the record. */
  bind(values: readonly Param[], context: BindContext): Statement {
    const size = this.#spreads ? 2 ** Math.ceil(Math.log2(Math.max(1, values.length))) : 1;
    return bind(this.#of(size), { ...context, record: values });
  }

  #of(size: number): Template {
    const known = this.#bySize.get(size);
    if (known) return known;
    const elements = Array.from(
      { length: size },
      (_, i): Binder =>
        ({ record }) =>
          record[Math.min(i, record.length - 1)] ?? null,
    );
    const template = this.#compile((sql, column, builder) =>
      listCondition(sql, column, elements, ({ record }) => record, builder),
    );
    this.#bySize.set(size, template);
    return template;
  }
}

export type ListConditionOf = (columnSql: string, column: Column, builder: SqlBuilder) => string;
