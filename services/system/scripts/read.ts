/** Active scripts of events as they are pushed: to workers with their texts, to routers without. */
import type { Kysely } from 'kysely';
import type { EventScript } from '#proto/access/v1/access_pb.ts';
import type { Tables } from '../database/tables.ts';
import { type Entities, idOf, keep } from '../entities.ts';
import { eventScriptOf, listenerOf, SCRIPT_TYPES } from './running.ts';

export interface EventScripts {
  /** As workers run them. */
  readonly eventScripts: Entities<EventScript>;
  /** The same as routers know them: without their texts. */
  readonly listeners: Entities<EventScript>;
}

export async function readEventScripts(db: Kysely<Tables>, before: EventScripts): Promise<EventScripts> {
  const rows = await db.selectFrom('event_script').selectAll().where('is_active', '=', 1).orderBy('id').execute();
  const services = await db.selectFrom('service').select(['id', 'name']).execute();
  const names = new Map(services.map(({ id, name }) => [id, name]));
  const facts = rows
    .filter(({ type }) => SCRIPT_TYPES.has(type))
    .map((row) => ({ ...row, storage: names.get(row.storage_service_id ?? 0) }));
  const eventScripts = keep(before.eventScripts, facts, idOf, (row) => eventScriptOf(row, names));
  const listeners = new Map(
    [...eventScripts].map(([id, script]) => {
      const known = before.eventScripts.get(id) === script ? before.listeners.get(id) : undefined;
      return [id, known ?? listenerOf(script)];
    }),
  );
  return { eventScripts, listeners };
}
