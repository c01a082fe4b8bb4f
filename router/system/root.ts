/** `GET /api/v2`: the services that the caller may use, and the types there are (system-api §1.2). */
import { ALL_VERBS } from '#common/verbs.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { namesOf } from '../parse/options.ts';
import type { Query } from '../parse/query.ts';

const SHOWN = ['id', 'name', 'label', 'description', 'type', 'spec_url'];

export function rootListing(state: AccessState, principal: Principal, query: Query): Record<string, unknown> {
  const groups = namesOf(query.get('group')).map((group) => group.toLowerCase());
  const type = query.get('type');
  const wanted = namesOf(query.get('fields'));
  const fields = wanted.length > 0 && !wanted.includes('*') ? SHOWN.filter((name) => wanted.includes(name)) : SHOWN;

  const typeFits = (name: string): boolean => {
    if (type !== undefined && type !== '' && type !== name) return false;
    return groups.length === 0 || groups.includes((state.serviceTypes.get(name)?.group ?? '').toLowerCase());
  };
  const services = [...state.services.values()]
    .filter((service) => service.isActive && typeFits(service.type) && mayUse(principal, service.id))
    .sort((a, b) => a.id - b.id)
    .map((service) => {
      const entry: Record<string, unknown> = {
        id: service.id,
        name: service.name,
        label: service.label,
        description: service.description || null,
        type: service.type,
        spec_url: `/api/v2/${service.name}/_spec`,
      };
      return Object.fromEntries(fields.map((name) => [name, entry[name]]));
    });
  const serviceTypes = [...state.serviceTypes.values()]
    .filter(({ name }) => typeFits(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, label, group, description }) => ({ name, label, group, description }));
  return { services, service_types: serviceTypes };
}

function mayUse({ isAdmin, role, requestor }: Principal, serviceId: number): boolean {
  if (isAdmin) return true;
  return role?.isActive === true && (role.anyMask(serviceId, requestor) & (ALL_VERBS | 0x3e0)) !== 0;
}
