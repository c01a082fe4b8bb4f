/** Columns of a table as requests need them, from `StoreTable.native`. */
import { invalid, type MillraceError } from '#common/errors.ts';
import type { Document, Wire } from '../document.ts';
import type { StoreTable } from '../engine.ts';
import { type ColumnType, columnType, fieldOf, keyFieldOf, stored } from './types.ts';

/** `native` of a description: as a definition may say it, too. */
export interface Native {
  /** Name → type, as in CREATE TABLE. */
  readonly columns: Readonly<Record<string, string>>;
  readonly partition_key: readonly string[];
  readonly clustering_key: readonly string[];
  /** Of the clustering key; ascending where nothing is said. */
  readonly clustering_order: Readonly<Record<string, 'asc' | 'desc'>>;
  readonly static: readonly string[];
}

export interface Layout {
  readonly columns: ReadonlyMap<string, ColumnType>;
  /** In their order: partition, then clustering key. */
  readonly key: readonly string[];
  readonly partition: readonly string[];
  readonly statics: ReadonlySet<string>;
  /** All but the key. */
  readonly others: readonly string[];
}

/** What the tier has to know of a table with these columns. */
export function described(native: Native): Required<Pick<StoreTable, 'key' | 'fields'>> & { readonly native: Native } {
  const typed = Object.entries(native.columns).map(([name, type]) => [name, columnType(type)] as const);
  const types = new Map(typed);
  const key = [...native.partition_key, ...native.clustering_key];
  return {
    key: key.flatMap((name) => keyFieldOf(name, types.get(name) ?? columnType('text'))),
    fields: typed.map(([name, type]) => fieldOf(name, type)),
    native,
  };
}

const layouts = new WeakMap<StoreTable, Layout>();

export function layoutOf(table: StoreTable): Layout {
  let layout = layouts.get(table);
  if (!layout) {
    const native = table.native as Native;
    const columns = new Map(Object.entries(native.columns).map(([name, type]) => [name, columnType(type)]));
    const key = [...native.partition_key, ...native.clustering_key];
    layout = {
      ...{ columns, key, partition: native.partition_key, statics: new Set(native.static) },
      others: [...columns.keys()].filter((name) => !key.includes(name)),
    };
    layouts.set(table, layout);
  }
  return layout;
}

/** @throws MillraceError invalid that names the field */
export function typeOf({ columns }: Layout, name: string): ColumnType {
  const type = columns.get(name);
  if (!type) throw noColumn(name);
  return type;
}

export const noColumn = (name: string): MillraceError =>
  invalid(`Field '${name}' does not exist: a table of Cassandra has the columns that it was given.`, { field: name });

/** Members that are no columns stay, to be refused with the write. @throws MillraceError invalid that names the field */
export function asStored(members: Document, { columns }: Layout): Document {
  const kept: Record<string, Wire> = Object.create(null);
  for (const [name, value] of Object.entries(members)) {
    const type = columns.get(name);
    kept[name] = type && type.kind !== 'list' && type.kind !== 'map' ? stored(value, type, name) : value;
  }
  return kept;
}

/** As CQL writes the name of anything, whatever it is. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
