/** Calls on `_schema` that name their tables elsewhere than in the path: each of them has a rule of its own. */
import { parseJson } from '#common/json.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Shape } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { componentOf } from '../parse/route.ts';
import { requireAccess } from './access.ts';

/** @throws MillraceError denied for the first table that the role does not open for this verb */
export function requireSchemaAccess(
  shape: Shape,
  records: Uint8Array,
  verb: string,
  service: Service,
  principal: Principal,
): void {
  if (principal.isAdmin) return;
  for (const table of namedTables(shape, records)) {
    requireAccess(principal, service, service.name, componentOf(['_schema', table]), verb);
  }
}

function namedTables({ action }: Shape, records: Uint8Array): readonly string[] {
  switch (action.case) {
    case 'describeTables':
    case 'dropTables':
      return action.value.tables;
    case 'defineTables':
      return action.value.table !== '' || records.length === 0 ? [] : definedTables(parseJson(records));
    default:
      return [];
  }
}

/** Of an object, a list, or either in `resource`; what has no name is refused by whoever reads it for what it is. */
function definedTables(body: unknown): string[] {
  const given = isObject(body) && 'resource' in body ? body['resource'] : body;
  return (Array.isArray(given) ? given : [given]).flatMap((definition) => {
    const name = isObject(definition) ? definition['name'] : undefined;
    return typeof name === 'string' ? [name.trim()] : [];
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
