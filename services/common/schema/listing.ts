/** `_schema` and listings: what is known of the tables, as JSON. */
import {
  type DescribeParts,
  type DescribeTables,
  type ListResources,
  PartKind,
  ResourceKind,
  type Result,
  Target,
} from '#proto/data/v1/data_pb.ts';
import { mapInSlices } from '../pace.ts';
import { batchError, type Runner, resultOf } from '../records/result.ts';
import { describeEntry, describeField, describeRelation, describeTable } from './describe.ts';
import type { SchemaView, TableView } from './extras.ts';
import { unknownTable } from './find.ts';
import { unknownName } from './mismatch.ts';

/** What is known of the tables of a service. */
export interface SchemaReader {
  /** undefined before it was first read. */
  readonly current: SchemaView | undefined;
  read(): Promise<SchemaView>;
  /** As it is after this moment. */
  readAfresh(): Promise<SchemaView>;
}

const ROOT = [
  { name: '_schema', label: 'Schema Table' },
  { name: '_table', label: 'Table' },
];

/** @param more  what the service has beside its tables */
export function planListTables(
  { kind, schema, refresh, names }: ListResources,
  cache: SchemaReader,
  more: readonly object[] = [],
): Runner {
  return async () => {
    const view = await viewOf(cache, refresh);
    if (kind === ResourceKind.ROOT) return jsonResult([...ROOT, ...more]);
    const naming = kind === ResourceKind.TABLE ? 'wire' : 'real';
    const prefix = schema ? `${schema.toLowerCase()}.` : '';
    const wanted = new Set(names.map((name) => name.toLowerCase()));
    const isWanted = (table: TableView): boolean =>
      table.name.toLowerCase().startsWith(prefix) &&
      (wanted.size === 0 || wanted.has((naming === 'wire' ? table.wireName : table.name).toLowerCase()));
    const listed = prefix === '' && wanted.size === 0 ? view.tables : view.tables.filter(isWanted);
    return jsonResult(await mapInSlices(listed, (table) => describeEntry(table, naming)));
  };
}

export function planDescribeTables({ tables, target, refresh }: DescribeTables, cache: SchemaReader): Runner {
  return async () => {
    const view = await viewOf(cache, refresh);
    if (target === Target.ONE) return jsonResult(describeTable(view, tableOf(view, tables[0] ?? '')));
    const found = tables.map((name) => view.byName.get(name));
    if (found.some((table) => !table)) {
      const outcomes = tables.map((name, i) => {
        const table = found[i];
        return table ? { json: jsonOf(describeTable(view, table)) } : { error: unknownTable(name) };
      });
      throw batchError({ outcomes, rolledBack: false });
    }
    return jsonResult(found.map((table) => describeTable(view, table as TableView)));
  };
}

export function planDescribeParts({ table, kind, names, target, refresh }: DescribeParts, cache: SchemaReader): Runner {
  return async () => {
    const view = await viewOf(cache, refresh);
    const found = tableOf(view, table);
    const parts = kind === PartKind.RELATION ? relationsOf(view, found, names) : fieldsOf(found, names);
    return jsonResult(target === Target.ONE ? parts[0] : parts);
  };
}

export function jsonResult(value: unknown): Result {
  return resultOf(jsonOf(value));
}

function jsonOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

async function viewOf(cache: SchemaReader, refresh: boolean): Promise<SchemaView> {
  if (refresh) return cache.readAfresh();
  return cache.current ?? cache.read();
}

function tableOf(view: SchemaView, name: string): TableView {
  const table = view.byName.get(name);
  if (!table) throw unknownTable(name);
  return table;
}

function fieldsOf(table: TableView, names: readonly string[]): unknown[] {
  const fields = names.length === 0 ? table.fields : names.flatMap((name) => table.byFieldName.get(name) ?? []);
  if (names.length > 0 && fields.length === 0) {
    throw unknownName(`No requested fields found in table '${table.name}'.`, { names }, 'not_found');
  }
  return fields.map((field) => describeField(field));
}

function relationsOf(view: SchemaView, table: TableView, names: readonly string[]): unknown[] {
  const relations =
    names.length === 0 ? table.relations : names.flatMap((name) => table.byRelationName.get(name) ?? []);
  if (names.length > 0 && relations.length === 0) {
    throw unknownName(`No requested relationships found in table '${table.name}'.`, { names }, 'not_found');
  }
  return relations.map((relation) => describeRelation(view, relation));
}
