/** The catalogue of one database, as introspected: plain data, the same for every engine. */

/** How a column's value is written as JSON. */
export type JsonKind =
  /** Digits as the database gives them, never rounded; NaN and the infinities as text. */
  | 'number'
  | 'boolean'
  | 'string'
  /** base64 */
  | 'bytes';

export interface ForeignKey {
  /** Wire name of the referenced table. */
  readonly table: string;
  readonly field: string;
  /** NO ACTION, RESTRICT, CASCADE, SET NULL, SET DEFAULT */
  readonly onUpdate: string;
  readonly onDelete: string;
}

export interface Column {
  readonly name: string;
  /** Simple type of database-api §6.6: integer, string, timestamp, … (id and reference included). */
  readonly type: string;
  /** As a person writes it: varchar(60), timestamp(0) with time zone. */
  readonly dbType: string;
  /** As the engine casts to it: int4, public.mood, text[]. */
  readonly nativeType: string;
  readonly json: JsonKind;
  readonly length: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  /** Literal, or an expression of the database. */
  readonly default: string | number | boolean | { readonly expression: string } | null;
  readonly nullable: boolean;
  readonly autoIncrement: boolean;
  /** GENERATED ALWAYS (stored or identity): never written. */
  readonly generated: boolean;
  readonly fixedLength: boolean;
  readonly multibyte: boolean;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly indexed: boolean;
  readonly foreignKey: ForeignKey | null;
  /** What a change of the column has to say again, as SQL, for engines that forget it otherwise. */
  readonly repeats?: {
    readonly collation: string | null;
    /** Behind all else. */
    readonly rest: string;
  };
}

export interface Constraint {
  readonly name: string;
  readonly type: 'PRIMARY KEY' | 'UNIQUE' | 'FOREIGN KEY';
  readonly columns: readonly string[];
  /** Foreign keys only. */
  readonly referenced?: {
    readonly table: string;
    readonly columns: readonly string[];
    readonly onUpdate: string;
    readonly onDelete: string;
  };
}

export interface Table {
  /** On the wire: the bare name in the naming schema, schema.name elsewhere. */
  readonly name: string;
  /** In the database; empty where the engine has no schemas. */
  readonly schemaName: string;
  readonly tableName: string;
  readonly isView: boolean;
  /** What the store says of it in its own words. */
  readonly native?: unknown;
  /** Rows may come by the engine's bulk load: nothing that an insert obeys would be passed by. */
  readonly loads?: boolean;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  readonly constraints: readonly Constraint[];
  /** Indexes that stand in the way of a column that is dropped, for engines where they do: they go first. */
  readonly indexes?: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

/** A type as parameters and results have it. */
export type ValueType = Pick<
  Column,
  'type' | 'dbType' | 'nativeType' | 'json' | 'length' | 'precision' | 'scale' | 'fixedLength'
>;

export interface RoutineParam {
  /** Empty where the database knows none. */
  readonly name: string;
  readonly mode: 'IN' | 'OUT' | 'INOUT';
  readonly type: ValueType;
  readonly hasDefault: boolean;
}

/** A stored procedure or function. */
export interface Routine {
  readonly kind: 'procedure' | 'function';
  /** On the wire: the bare name in the naming schema, schema.name elsewhere. */
  readonly name: string;
  readonly schemaName: string;
  readonly routineName: string;
  readonly params: readonly RoutineParam[];
  /** Functions: what a row of the result holds. Empty for procedures, whose rows are known when they are there. */
  readonly columns: readonly { readonly name: string; readonly type: ValueType }[];
  /** A function that gives one value. */
  readonly isScalar: boolean;
  /** The columns are declared as parameters are: OUT, or those of RETURNS TABLE. */
  readonly hasNamedColumns?: boolean;
}

export interface Catalogue {
  readonly tables: readonly Table[];
}
