/** Puts the text of one statement together: identifiers are always quoted, values are always bound. */
import type { Caller, Value } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';
import type { Param, ResultColumn, RowsOfWrite, Statement } from '../engine.ts';
import type { Table } from '../schema.ts';

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

export class SqlBuilder {
  readonly dialect: Dialect;
  readonly #binders: Binder[] = [];
  #text = '';

  constructor(dialect: Dialect) {
    this.dialect = dialect;
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
    return { text: this.#text, binders: this.#binders, columns };
  }
}

export function quoteName(name: string, { quote: [open, close] }: Dialect): string {
  return open + name.replaceAll(close, close + close) + close;
}

export function tableName(table: Table, dialect: Dialect): string {
  const name = quoteName(table.tableName, dialect);
  return table.schemaName ? `${quoteName(table.schemaName, dialect)}.${name}` : name;
}
