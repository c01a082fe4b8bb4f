/** Listings of a service: its tables, and its routines. */

import type { Runner } from '#common/records/result.ts';
import type { Routine } from '#common/schema/catalogue.ts';
import { defaultLabel } from '#common/schema/labels.ts';
import { jsonResult, planListTables } from '#common/schema/listing.ts';
import { type ListResources, ResourceKind, RoutineKind } from '#proto/data/v1/data_pb.ts';
import type { RoutineCache } from '../routine-cache.ts';
import type { SchemaCache } from '../schema-cache.ts';

const ROUTINES = [
  { name: '_proc', label: 'Stored Procedure' },
  { name: '_func', label: 'Stored Function' },
];

const ROUTINE_KINDS: Partial<Record<ResourceKind, RoutineKind>> = {
  [ResourceKind.PROCEDURE]: RoutineKind.PROCEDURE,
  [ResourceKind.FUNCTION]: RoutineKind.FUNCTION,
};

export function planListResources(list: ListResources, cache: SchemaCache, routines: RoutineCache): Runner {
  const routineKind = ROUTINE_KINDS[list.kind];
  if (routineKind === undefined) return planListTables(list, cache, routines.isThere ? ROUTINES : []);
  const lower = list.schema.toLowerCase();
  return async () => {
    const all = await routines.all(routineKind, list.refresh);
    const entries = all.filter(({ name }) => lower === '' || name.toLowerCase().startsWith(`${lower}.`));
    return jsonResult([...new Map(entries.map((one) => [one.name, routineEntry(one)])).values()]);
  };
}

function routineEntry(routine: Routine): Record<string, unknown> {
  const { name } = routine;
  return { name, label: defaultLabel(name), description: null, native: [], access: ['GET', 'POST'] };
}
