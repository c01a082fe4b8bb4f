/** Puts the text of one statement together: identifiers are always quoted, values are always bound. */

import type { Table } from '#common/schema/catalogue.ts';
import type { SchemaView } from '#common/schema/extras.ts';
import type { TableAccess } from '#common/schema/table-access.ts';
import type { Caller, Value } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import type { Param, ResultColumn, RowsOfWrite, Statement } from '../statement.ts';

/** What a shape is compiled with. */
export interface CompileContext {
  readonly dialect: Dialect;
  readonly view: SchemaView;
  /** To tables that conditions reach on their way. */
  readonly access: TableAccess;
}

/** What an operation brings beside its shape. */
export interface BindContext {
  readonly keys: readonly Value[];
  readonly parameters: readonly Value[];
  readonly caller: Caller | undefined;
  /** Values of the record that is being written, in the order of the statement's columns. */
  readonly record: readonly Param[];
}

export type Binder = (context: BindContext) => Param;

/** A statement without its values: compiled once for a shape, bound for each operation. */
export interface Template {
  readonly text: string;
  readonly binders: readonly Binder[];
  readonly columns: readonly ResultColumn[];
  readonly reads?: RowsOfWrite<Template>;
}

export function bind(template: Template, context: BindContext): Statement {
  const { text, columns, reads } = template;
  const params = template.binders.map((binder) => binder(context));
  if (!reads) return { text, params, columns };
  return { text, params, columns, reads: { when: reads.when, statement: bind(reads.statement, context) } };
}

/**
 * The placeholder of an engine that counts its `?` by where they stand: the builder puts the values into that order.
 * No name and no text of SQL holds a NUL.
 */
export const countedPlaceholder = (index: number): string => `\0${index}\0`;
const COUNTED = /\0(\d+)\0/g;

export class SqlBuilder {
  readonly context: CompileContext;
  readonly #binders: Binder[] = [];
  #text = '';
  #aliases = 0;

  constructor(context: CompileContext) {
    this.context = context;
  }

  get dialect(): Dialect {
    return this.context.dialect;
  }

  /** A name for a table inside of a condition, quoted; another one each time. */
  alias(): string {
    this.#aliases += 1;
    return this.quote(`r${this.#aliases}`);
  }

  add(sql: string): this {
    this.#text += sql;
    return this;
  }

  /** Registers a value and returns its number, for a dialect function that writes the placeholder itself. */
  parameter(binder: Binder): number {
    return this.#binders.push(binder);
  }

  /** Registers a value and returns its placeholder. */
  placeholder(binder: Binder, cast?: string): string {
    return this.dialect.placeholder(this.parameter(binder), cast);
  }

  quote(name: string): string {
    return quoteName(name, this.dialect);
  }

  finish(columns: readonly ResultColumn[]): Template {
    const binders: Binder[] = [];
    const text = this.#text.replace(COUNTED, (_, index: string) => {
      binders.push(this.#binders[Number(index) - 1] as Binder);
      return '?';
    });
    return { text, binders: binders.length > 0 ? binders : this.#binders, columns };
  }
}

export function quoteName(name: string, { quote: [open, close] }: Dialect): string {
  return open + name.replaceAll(close, close + close) + close;
}

export function tableName(table: Table, dialect: Dialect): string {
  const name = quoteName(table.tableName, dialect);
  return table.schemaName ? `${quoteName(table.schemaName, dialect)}.${name}` : name;
}
