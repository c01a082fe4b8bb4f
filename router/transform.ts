/** What a connector answers is not always what was asked for: lists of names, tables with what the caller may do. */
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Shape } from '#proto/data/v1/data_pb.ts';
import type { Principal } from './authenticate/principal.ts';
import { allowedMask } from './decide/access.ts';
import type { ApiRequest } from './parse/api-request.ts';
import { listingOf, pluckJson, reduceJson, withAccess } from './parse/listing.ts';
import type { ParsedResource } from './parse/resource.ts';
import { componentOf } from './parse/route.ts';

/** What becomes of the connector's JSON before it is shown: undefined where it is shown as it is. */
export function transformOf(
  { query }: ApiRequest,
  { single, shape }: ParsedResource,
  service: Service,
  principal: Principal,
): ((json: Uint8Array) => Uint8Array) | undefined {
  if (shape.action.case === 'describeTables' && !principal.isAdmin) {
    return (json) => withAccess(json, (table) => allowedMask(principal, service, componentOf(['_schema', table])));
  }
  if (single || shape.action.case === 'describeParts') return undefined;
  // A write of tables that shows them shows what was asked for.
  if (shape.action.case === 'defineTables') return (json) => reduceJson(json, listingOf(query));
  if (!query.flag('as_list')) return undefined;
  const { idFields } = listingOf(query, service.type === 'system' ? systemKey(shape) : 'name');
  return (json) => pluckJson(json, idFields);
}

/** The system's records are known by their id; some by their name. */
function systemKey({ action }: Shape): string {
  return action.case === 'read' && NAMED.has(action.value.table) ? 'name' : 'id';
}

const NAMED = new Set(['service_type', 'custom']);
