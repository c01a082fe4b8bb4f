/** What the caller's role says about paths, for the storage tier, which meets paths that nobody has named. */
import { create } from '@bufbuild/protobuf';
import { componentOfPath } from '#common/files/path.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { type Rules, RulesSchema } from '#proto/files/v1/files_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { requireAccess } from '../decide/access.ts';
import { appliesTo, entryOf } from '../decide/service-rules.ts';

/** The entries of the role that count for this caller in this service; undefined: he may do everything. */
export function rulesOf({ isAdmin, role, requestor }: Principal, service: Service): Rules | undefined {
  if (isAdmin) return undefined;
  const entries = role?.isActive ? role.source.access.map(entryOf).filter(appliesTo(requestor)) : [];
  const rules = entries.flatMap(({ source, component, wildcard }) => {
    const fallback = source.serviceId === undefined;
    if (!fallback && source.serviceId !== service.id) return [];
    return [{ component, wildcard, verbMask: source.verbMask, fallback }];
  });
  return create(RulesSchema, { rules });
}

/** For a path that the caller names beside the one in the address. @throws MillraceError with the usual refusal */
export function requirePath(principal: Principal, service: Service, path: string, verb: string): void {
  requireAccess(principal, service, service.name, componentOfPath(path), verb);
}
