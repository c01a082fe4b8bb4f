/** `_schema` and listings: what the catalogue and the extras say, as JSON. */
import {
  type DescribeParts,
  type DescribeTables,
  type ListResources,
  PartKind,
  ResourceKind,
  type Result,
  RoutineKind,
  Target,
} from '#proto/data/v1/data_pb.ts';
import { describeEntry, describeField, describeRelation, describeTable } from '../describe.ts';
import type { SchemaView, TableView } from '../extras.ts';
import { defaultLabel } from '../labels.ts';
import { unknownName } from '../mismatch.ts';
import { mapInSlices } from '../pace.ts';
import { unknownTable } from '../plan/selection.ts';
import type { RoutineCache } from '../routine-cache.ts';
import type { Routine } from '../schema.ts';
import type { SchemaCache } from '../schema-cache.ts';
import { type Runner, resultOf } from './context.ts';
import { batchError } from './read.ts';

const ROOT = [
  { name: '_schema', label: 'Schema Table' },
  { name: '_table', label: 'Table' },
];

const ROUTINES = [
  { name: '_proc', label: 'Stored Procedure' },
  { name: '_func', label: 'Stored Function' },
];

const ROUTINE_KINDS: Partial<Record<ResourceKind, RoutineKind>> = {
  [ResourceKind.PROCEDURE]: RoutineKind.PROCEDURE,
  [ResourceKind.FUNCTION]: RoutineKind.FUNCTION,
};

export function planListResources(
  { kind, schema, refresh, names }: ListResources,
  cache: SchemaCache,
  routines: RoutineCache,
): Runner {
  return async () => {
    const routineKind = ROUTINE_KINDS[kind];
    if (routineKind !== undefined) {
      const lower = schema.toLowerCase();
      const all = await routines.all(routineKind, refresh);
      const entries = all.filter(({ name }) => lower === '' || name.toLowerCase().startsWith(`${lower}.`));
      return jsonResult([...new Map(entries.map((one) => [one.name, routineEntry(one)])).values()]);
    }
    const view = await viewOf(cache, refresh);
    if (kind === ResourceKind.ROOT) return jsonResult(routines.isThere ? [...ROOT, ...ROUTINES] : ROOT);
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

function routineEntry(routine: Routine): Record<string, unknown> {
  const { name } = routine;
  return { name, label: defaultLabel(name), description: null, native: [], access: ['GET', 'POST'] };
}

export function planDescribeTables({ tables, target, refresh }: DescribeTables, cache: SchemaCache): Runner {
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

export function planDescribeParts({ table, kind, names, target, refresh }: DescribeParts, cache: SchemaCache): Runner {
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

async function viewOf(cache: SchemaCache, refresh: boolean): Promise<SchemaView> {
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
