/** Calls that name tables or routines elsewhere than in the path: each of them has a rule of its own. */
import { parseJson } from '#common/json.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { RoutineKind, type Shape } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { componentOf } from '../parse/route.ts';
import { requireAccess } from './access.ts';

/** @throws MillraceError denied for the first one that the role does not open for this verb */
export function requireSchemaAccess(
  shape: Shape,
  records: Uint8Array,
  verb: string,
  service: Service,
  principal: Principal,
): void {
  if (principal.isAdmin) return;
  for (const named of namedBeside(shape, records)) {
    requireAccess(principal, service, service.name, componentOf(named), verb);
  }
}

/** As segments of the path that each of them has. */
function namedBeside(shape: Shape, records: Uint8Array): (readonly [string, string])[] {
  const { action } = shape;
  if (action.case === 'describeRoutines') {
    const { kind, names } = action.value;
    return names.map((name) => [kind === RoutineKind.PROCEDURE ? '_proc' : '_func', name]);
  }
  return namedTables(shape, records).map((table) => ['_schema', table]);
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
