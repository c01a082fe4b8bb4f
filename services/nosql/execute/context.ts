/** What the execution of an operation has at hand: one service's opened store and what is known of it. */

import type { TableView } from '#common/schema/extras.ts';
import { unknownTable } from '#common/schema/find.ts';
import type { TableAccess } from '#common/schema/table-access.ts';
import type { Operation } from '#proto/data/v1/data_pb.ts';
import type { Condition, FieldHolds, NoSqlEngine, NoSqlSource, StoreField, StoreTable } from '../engine.ts';
import { narrowed } from '../narrow.ts';
import { type Binding, bindFilters, type Joins } from '../plan/conditions.ts';
import type { StoreView } from '../table-view.ts';
import type { PointReads } from './point-reads.ts';
import type { WriteLine } from './write-line.ts';

export interface ServiceContext {
  readonly serviceName: string;
  readonly source: NoSqlSource;
  readonly engine: NoSqlEngine;
  readonly view: StoreView;
  readonly access: TableAccess;
  /** Documents that one list may hold. */
  readonly maxRecords: number;
  /** Documents that one request may read where the store cannot do all of it. */
  readonly scannedMax: number;
  readonly allowUpsert: boolean;
  /** What would be left out in silence is refused. */
  readonly strict: boolean;
  /** Whoever asks puts records of other services into the answer. */
  readonly mergesForeign: boolean;
  /** What the conditions of this operation say of related documents; empty where they say nothing. */
  readonly joins: Joins;
  /** Nothing is to be read: how it would be is told here, in the order in which it would. */
  readonly explained?: unknown[];
  readonly points: PointReads;
  readonly writes: WriteLine;
}

export function storedOf(table: TableView, context: ServiceContext): StoreTable {
  const stored = context.view.stored.get(table.name);
  if (!stored) throw unknownTable(table.wireName);
  return stored;
}

type Filters = Parameters<typeof bindFilters>[0];

/** The caller's condition and the role's, with the operation's values. */
export const conditionOf = (
  filters: Filters,
  table: TableView,
  operation: Operation,
  { engine, joins, view }: ServiceContext,
): Condition | undefined => {
  const { senses, pushdown } = engine;
  const { parameters } = operation;
  const binding: Binding = { parameters, senses, takesNative: pushdown.nativeFilters, joins };
  const condition = bindFilters(filters, table, binding);
  const columns = view.stored.get(table.name)?.fields;
  return condition && columns ? narrowed(condition, heldBy(columns)) : condition;
};

function heldBy(columns: readonly StoreField[]): (name: string) => FieldHolds | undefined {
  const held = new Map(columns.map(({ name, holds }) => [name, holds]));
  return (name) => held.get(name);
}
