/** How one SQL engine differs: data and a few functions. The compiler asks the dialect, never which engine it is. */

import type { Column, JsonKind, Table } from '#common/schema/catalogue.ts';
import type { FunctionSql } from './expression/functions.ts';
import type { Param } from './statement.ts';

/** A field of a new table or a new field, as `_schema` receives it, checked (database-api §6.3). */
export interface FieldDefinition {
  readonly name: string;
  /** Simple type of database-api §6.6. */
  readonly type: string;
  readonly length: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly default: string | number | boolean | { readonly expression: string } | null | undefined;
  readonly nullable: boolean;
  readonly autoIncrement: boolean;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly indexed: boolean;
  readonly fixedLength: boolean;
  readonly multibyte: boolean;
  readonly reference: {
    readonly table: string;
    readonly field: string;
    readonly onUpdate: string | null;
    readonly onDelete: string | null;
  } | null;
}

/** A column that is there and is to be otherwise. */
export interface ColumnChange {
  readonly column: Column;
  /** As it will be, in all respects. */
  readonly wanted: FieldDefinition;
  /** What of it changes: the type or a length of it, whether it may be NULL, the default. */
  readonly type: boolean;
  readonly nullable: boolean;
  readonly default: boolean;
}

/** What is wrong with a value: it follows the name of the field. undefined: nothing that is known here. */
export type Misfit = (value: Param) => string | undefined;

export type AggregateName = 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX';

export interface Dialect {
  readonly name: string;
  /** Opening and closing quote of an identifier; the closing one is doubled inside. */
  readonly quote: readonly [string, string];
  readonly parametersMax: number;
  /** "$1", "?1": counts from 1. `cast` is the column's nativeType where the engine wants to be told. */
  placeholder(index: number, cast?: string): string;
  /**
   * `column in (one array parameter)`, so that the text does not depend on how many there are. Without it (and without
   * `arrayParam`) each element has a placeholder.
   */
  inList?(columnSql: string, placeholder: number, column: Column): string;
  arrayParam?(values: readonly Param[], column: Column): Param;
  /** LIKE on any column type: the column as text. */
  asText(columnSql: string, column: Column): string;
  /** The placeholder as plain text, for LIKE patterns. */
  textPlaceholder(index: number): string;
  /** Database clock moved by seconds. */
  moment(base: 'timestamp' | 'date' | 'time', offsetSeconds: number): string;
  /** A boolean as this engine binds it. */
  booleanParam(value: boolean): Param;
  bytesParam(value: Uint8Array): Param;
  /** A text for a column of this type in the spelling that the engine takes, where it is particular. */
  textParam?(column: Column): ((value: string) => string) | undefined;
  /** What a limit or an offset is cast to, where the engine wants to be told. */
  readonly wholeNumberType: string | undefined;
  /** Bits of a whole-number column, so that a number that does not fit is refused by name; undefined: 64. */
  integerBits?(column: Column): number | undefined;
  /** Which values of a column the engine refuses without naming it: asked when a plan is made. */
  misfit?(column: Column, use: 'stored' | 'compared'): Misfit | undefined;
  /** A fraction for a whole-number column is cut off when it is written; otherwise it is refused. */
  readonly truncatesFractions: boolean;
  /** A decimal keeps all of its digits; otherwise one whose whole part takes more than 64 bits is refused. */
  readonly exactDecimals: boolean;
  /** The key of an aggregate in the answer, from `SUM_total` or `COUNT_ALL`: some engines fold it to lower case. */
  aggregateKey(key: string): string;
  /** How an aggregate's value is written; `column` is undefined for COUNT(*). */
  aggregateJson(name: AggregateName, column: Column | undefined): JsonKind;
  /**
   * Many rows by one statement, or undefined where the engine runs single inserts as fast (or a column's type does not
   * allow it).
   */
  insertMany?(
    table: Table,
    columns: readonly Column[],
    rows: readonly (readonly Param[])[],
    returning: string,
  ): { text: string; params: Param[] } | undefined;
  /** Many rows by the engine's own bulk load, which shows none of them; undefined where the table does not allow it. */
  load?(
    table: Table,
    columns: readonly Column[],
    rows: readonly (readonly Param[])[],
  ): { text: string; input: string } | undefined;
  /** Rows that `insertMany` takes, descending to 1, where its text depends on it; undefined: any number. */
  readonly insertSizes?: readonly number[];
  /** `returning …` behind these; behind the others a select shows the rows. */
  readonly returning: { readonly insert: boolean; readonly update: boolean; readonly delete: boolean };
  /** What the last insert of a session was given as key, for those that do not return it. */
  readonly generatedKey?: {
    readonly one: string;
    /** Condition on the key column for all rows of an insert; `count` is the placeholder of their number. */
    many(columnSql: string, count: string): string;
  };
  /** Behind a select whose rows are about to be deleted. */
  readonly lockClause?: string;
  /** `nulls first` behind an order; otherwise it is spelt out. */
  readonly ordersNulls: boolean;
  /** Rough number of rows from statistics, or undefined where there is none: "select …". */
  estimateSql?(table: Table): string;
  /** A limit that is none, for engines whose offset needs a limit in front of it. */
  readonly limitMax: number | undefined;
  /** Boolean literal of a condition that is always false / true. */
  readonly falseSql: string;
  readonly trueSql: string;

  /** What the functions of fields may use, and how it is written. */
  readonly expressions: {
    /** By name in upper case. */
    readonly functions: Readonly<Record<string, FunctionSql>>;
    concat(left: string, right: string): string;
    /** What a simple type is to `cast(… as …)`; undefined for one that nothing is cast to. */
    castType(type: string): string | undefined;
    /** As a value of the column's type, where the engine is particular. */
    asColumn?(sql: string, column: Column): string;
    textLiteral(text: string): string;
  };

  // --- definitions ---
  /** Can a column be dropped, a constraint be added later? Do a column's references go with it? */
  readonly alters: {
    readonly dropColumn: boolean;
    readonly addConstraint: boolean;
    readonly dropsReferences: boolean;
    /** Actions of one ALTER TABLE; undefined: a column that is there stays as it is. */
    readonly column?: (change: ColumnChange) => string[];
  };
  /** The type of the column that this definition makes, with its lengths; @throws MillraceError invalid */
  typeSql(field: FieldDefinition): string;
  /** The column is of the type of this definition already, whatever their lengths. */
  isOfType(field: FieldDefinition, column: Column): boolean;
  /** `"name" varchar(60) NOT NULL DEFAULT 'x'`; @throws MillraceError invalid for a type that the engine lacks */
  columnSql(field: FieldDefinition): string;
  /** Name of a new table with its schema, quoted. */
  tableSql(name: string): string;
}
