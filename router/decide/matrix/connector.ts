/** A connector that touches nothing: it wants rules for the tables that it would reach, and lists what there is. */
import { rulesWanted } from '#common/table-rules.ts';
import { type Filter, type Operation, type Related, ResourceKind, type Shape, Target } from '#proto/data/v1/data_pb.ts';
import { RELATIONS, ROUTINES, TABLES } from './world.ts';

const LISTS: Readonly<Partial<Record<ResourceKind, readonly string[]>>> = {
  [ResourceKind.ROOT]: ['_schema', '_table', '_proc', '_func'],
  [ResourceKind.SCHEMA]: TABLES,
  [ResourceKind.TABLE]: TABLES,
  [ResourceKind.PROCEDURE]: ROUTINES,
  [ResourceKind.FUNCTION]: ROUTINES,
};

/** @throws MillraceError that names the tables whose rules have not come, one level after the other */
export function answer(shape: Shape, operation: Operation): string {
  const { action } = shape;
  switch (action.case) {
    case 'listResources':
      return named(LISTS[action.value.kind] ?? []);
    case 'describeTables': {
      const { tables, target } = action.value;
      return target === Target.ONE ? JSON.stringify({ name: tables[0] }) : named(tables);
    }
    case 'read':
    case 'create':
    case 'update':
    case 'delete': {
      if (shape.service === 'system') return '[]';
      const { table, related } = action.value;
      const further = [...dotted(filterOf(shape)), ...nestedNames(operation.records)];
      follow(shape, table, [...related, ...further.map((name) => ({ name, related: [] }))]);
      return '[]';
    }
    default:
      return '[]';
  }
}

const named = (names: readonly string[]): string => JSON.stringify(names.map((name) => ({ name })));

function follow(shape: Shape, table: string, related: readonly Pick<Related, 'name' | 'related'>[]): void {
  const known = RELATIONS[table.toLowerCase()] ?? {};
  const next = related.flatMap(({ name, related: inner }) =>
    name === '*'
      ? Object.values(known).map((far) => ({ far, inner }))
      : known[name]
        ? [{ far: known[name], inner }]
        : [],
  );
  const given = shape.rules.map((rule) => rule.table.toLowerCase());
  const missing = next.map(({ far }) => far).filter((far) => !given.includes(far.toLowerCase()));
  if (!shape.unruled && missing.length > 0) throw rulesWanted([...new Set([...given, ...missing])]);
  for (const { far, inner } of next) follow(shape, far, inner);
}

function filterOf({ action }: Shape): Filter | undefined {
  return action.case === 'read' || action.case === 'update' || action.case === 'delete'
    ? action.value.filter
    : undefined;
}

/** Relations that a filter goes through. */
function dotted(filter: Filter | undefined): string[] {
  switch (filter?.node.case) {
    case 'comparison':
      return filter.node.value.field.split('.').slice(0, -1);
    case 'all':
    case 'any':
      return filter.node.value.filters.flatMap(dotted);
    case 'not':
      return dotted(filter.node.value);
    default:
      return [];
  }
}

/** Relations whose records lie in the records that are written. */
function nestedNames(records: Uint8Array): string[] {
  if (records.length === 0) return [];
  const parsed: unknown = JSON.parse(Buffer.from(records).toString());
  const list = (Array.isArray(parsed) ? parsed : [parsed]) as object[];
  return list.flatMap((one) => Object.keys(one)).filter((name) => name.includes('_by_'));
}
