/**
 * Related records are records of other tables, with rules of their own. Which tables they are only the connector knows,
 * so a role may ask for them only where its rules are the same for every table of the service.
 */
import { MillraceError } from '#common/errors.ts';
import { ALL_VERBS, VERB_BITS } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Shape } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';

/** @throws MillraceError denied */
export function requireRelatedAccess({ action }: Shape, service: Service, principal: Principal): void {
  if (principal.isAdmin) return;
  const related =
    action.case === 'read' || action.case === 'create' || action.case === 'update' || action.case === 'delete'
      ? action.value.related
      : [];
  if (related.length === 0) return;
  if (principal.role?.coversAllTables(service.id, VERB_BITS['GET'] ?? 0, principal.requestor)) return;
  throw new MillraceError(
    'denied',
    'Access Forbidden. Related records need a role that may read all tables of the service.',
    {
      related: related.map(({ name }) => name),
    },
  );
}

/** Records may bring related records where every verb is allowed on every table: which are used is in the records. */
export function withRelatedWrites(shape: Shape, service: Service, principal: Principal): Shape {
  const { action } = shape;
  const { isAdmin, role, requestor } = principal;
  if (!isAdmin && role?.coversAllTables(service.id, ALL_VERBS, requestor) !== true) return shape;
  switch (action.case) {
    case 'create':
      return { ...shape, action: { case: 'create', value: { ...action.value, writeRelated: true } } };
    case 'update':
      return { ...shape, action: { case: 'update', value: { ...action.value, writeRelated: true } } };
    default:
      return shape;
  }
}
