/** Fields that a connector fills in with whoever creates a record (`user_id_on_create`, database-api §4.4). */
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';

/** Names, as records know them, of a table's fields that will hold whoever creates the record. */
export function creatorNames(table: string, service: Service, state: AccessState): readonly string[] {
  if (state.creatorFields.size === 0) return [];
  const known = table.toLowerCase();
  return [...state.creatorFields.values()]
    .filter((extra) => extra.serviceId === service.id && extra.table.toLowerCase() === known)
    .map(({ field, propertiesJson }) => {
      const { alias } = JSON.parse(Buffer.from(propertiesJson).toString()) as { alias?: unknown };
      return typeof alias === 'string' && alias !== '' ? alias : field;
    });
}
