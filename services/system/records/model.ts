/** What a system resource is: its columns, relations and rules as data. One implementation serves them all. */

import type { RawBuilder } from 'kysely';
import type { MillraceError } from '#common/errors.ts';
import type { Caller } from '#proto/data/v1/data_pb.ts';
import type { Kind, RowKind } from '../changes.ts';
import type { SystemConfig } from '../config.ts';
import type { Db, EngineName } from '../database/open.ts';
import type { Passwords } from '../passwords.ts';
import type { Secrets } from '../secrets.ts';
import type { ServiceTypes } from '../service-types/registry.ts';
import type { AccountMails } from '../users/account/mails.ts';
import type { Faults } from './faults.ts';

export type JsonObject = Record<string, unknown>;
/** Column values as they are stored: flags are 0 and 1, JSON is text. */
export type Values = Record<string, unknown>;
export type Row = Readonly<Values>;
/** What a record is known by. */
export type Key = string | number;

export type ColumnKind = 'id' | 'integer' | 'boolean' | 'string' | 'text' | 'timestamp' | 'datetime' | 'json';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Characters at most. */
  readonly length?: number;
  readonly required?: boolean;
  readonly unique?: boolean;
  /** Value of a new record; a column that has one takes no null. */
  readonly default?: string | number;
  /** read_only: what clients send is dropped. write_only and hidden: never comes back, cannot be filtered by. */
  readonly access?: 'read_only' | 'write_only' | 'hidden';
  /** Not a column of the table: the rules store it elsewhere, or `show` makes it up. */
  readonly virtual?: boolean;
  /** Comes back whatever fields were asked for. */
  readonly always?: boolean;
  /** Sealed or made up: not for filters and order. */
  readonly opaque?: boolean;
  /** Table that it refers to. */
  readonly reference?: string;
  /** The value that clients read. */
  readonly show?: (row: Row, tools: Tools) => unknown;
  /** The value to store, instead of the usual conversion. @throws MillraceError invalid */
  readonly accept?: (input: unknown) => unknown;
}

export interface Relation {
  readonly name: string;
  readonly kind: 'has_many' | 'has_one' | 'belongs_to' | 'many_many';
  /** Name of the other model. */
  readonly model: string;
  /** belongs_to: the own column; has_one and has_many: the column of the other model; many_many: of the junction. */
  readonly column: string;
  readonly junction?: { readonly table: string; readonly otherColumn: string };
}

export interface Tools {
  readonly config: SystemConfig;
  readonly engine: EngineName;
  readonly secrets: Secrets;
  readonly passwords: Passwords;
  readonly types: ServiceTypes;
  readonly mails: AccountMails;
  model(name: string): Model;
}

export interface Context {
  /** Inside of a write: its transaction. */
  readonly db: Db;
  readonly caller: Caller;
  /** null where nobody asked: our own work. */
  readonly requestId: string | null;
  readonly tools: Tools;
  /** Names of fields that were sent and left out. */
  readonly dropped: Set<string>;
  /** Of a write: what is done once it is committed. What fails there fails the record, which is removed where it is new. */
  readonly afterwards: (() => Promise<void>)[];
}

export interface Write {
  /** The record before; undefined when it is new. */
  readonly current: Row | undefined;
  readonly context: Context;
  readonly faults: Faults;
}

export interface Rules {
  /** Tidies what a client sent, before its fields are looked at. */
  tidy?(input: JsonObject, current: Row | undefined): JsonObject;
  /** Completes and checks the values to store; changes them in place. @throws MillraceError */
  prepare?(values: Values, write: Write): void | Promise<void>;
  /** @throws MillraceError when the record must stay */
  beforeDelete?(row: Row, context: Context): void | Promise<void>;
  /** Why a record of the same table that is outside of the scope is not written. */
  outOfScope?(): MillraceError;
}

export interface Model {
  readonly name: string;
  readonly table: string;
  readonly label: string;
  readonly plural: string;
  readonly description: string;
  readonly key: string;
  readonly columns: readonly Column[];
  /** Read with each row, for what its columns show. */
  readonly computed?: Readonly<Record<string, RawBuilder<unknown>>>;
  readonly relations: readonly Relation[];
  /** Values that every record of this view has. */
  readonly scope: Readonly<Record<string, string | number | null>>;
  /** A resource of its own, or only reached through relations. */
  readonly resource: boolean;
  readonly readOnly?: boolean;
  /** Not created by requests, only changed and deleted. */
  readonly comeByThemselves?: boolean;
  /** Parts of the access snapshot that a write may change, by nested records and cascades too. */
  readonly publishes: readonly Kind[];
  /** The part that has a record as one entity: a write of its own columns changes no other. */
  readonly entity?: RowKind;
  /** Column by which a nested record without an id finds the one to change. */
  readonly naturalKey?: string;
  /** A new record takes the place of one with the same key. */
  readonly replaces?: boolean;
  /** One record by its key is answered by this column alone. */
  readonly shownAs?: string;
  readonly rules: Rules;
  /** "Record with identifier 'x' not found." where it is not worded otherwise. */
  readonly missing?: (key: string) => string;
}

export const ID: Column = { name: 'id', kind: 'id', access: 'read_only' };

export const TRACE: readonly Column[] = [
  { name: 'created_date', kind: 'timestamp', access: 'read_only' },
  { name: 'last_modified_date', kind: 'timestamp', access: 'read_only' },
  { name: 'created_by_id', kind: 'integer', access: 'read_only', reference: 'user' },
  { name: 'last_modified_by_id', kind: 'integer', access: 'read_only', reference: 'user' },
];

export const hasMany = (table: string, column: string, model = table): Relation => ({
  name: `${table}_by_${column}`,
  kind: 'has_many',
  model,
  column,
});

export const hasOne = (table: string, column: string): Relation => ({ ...hasMany(table, column), kind: 'has_one' });

export const belongsTo = (table: string, column: string, model = table): Relation => ({
  name: `${table}_by_${column}`,
  kind: 'belongs_to',
  model,
  column,
});

/** @param table name of the other table, whose key the junction holds as {table}_id */
export const manyMany = (table: string, junction: string, column: string, model = table): Relation => ({
  name: `${table}_by_${junction}`,
  kind: 'many_many',
  model,
  column,
  junction: { table: junction, otherColumn: `${table}_id` },
});

export const TRACE_RELATIONS: readonly Relation[] = [
  belongsTo('user', 'created_by_id', 'any_user'),
  belongsTo('user', 'last_modified_by_id', 'any_user'),
];

export const isReadable = (column: Column): boolean => column.access !== 'write_only' && column.access !== 'hidden';

/** May it be compared, ordered and grouped by? */
export const isComparable = (column: Column): boolean =>
  isReadable(column) && !column.virtual && !column.opaque && column.kind !== 'json';

export const columnOf = (model: Model, name: string): Column | undefined =>
  model.columns.find((column) => column.name === name);
