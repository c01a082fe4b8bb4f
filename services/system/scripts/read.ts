/** Active scripts of events as they are pushed: to workers with their texts, to routers without. */
import type { Kysely } from 'kysely';
import type { EventScript } from '#proto/access/v1/access_pb.ts';
import type { Tables } from '../database/tables.ts';
import { type Entities, idOf, keep } from '../entities.ts';
import type { LinkedScripts } from './linked.ts';
import { eventScriptOf, linkOf, listenerOf, SCRIPT_TYPES, wanted } from './running.ts';

export interface EventScripts {
  /** As workers run them. */
  readonly eventScripts: Entities<EventScript>;
  /** The same as routers know them: without their texts. */
  readonly listeners: Entities<EventScript>;
}

export async function readEventScripts(
  db: Kysely<Tables>,
  linked: LinkedScripts,
  before: EventScripts,
): Promise<EventScripts> {
  const rows = await db.selectFrom('event_script').selectAll().where('is_active', '=', 1).orderBy('id').execute();
  const services = await db.selectFrom('service').select(['id', 'name']).execute();
  const names = new Map(services.map(({ id, name }) => [id, name]));
  const run = rows.filter(({ type }) => SCRIPT_TYPES.has(type)).map((row) => ({ row, link: linkOf(row, names) }));
  await linked.follow(
    'events',
    run.flatMap(({ link, row }) => wanted(link, row)),
  );
  const facts = run.map(({ row, link }) => {
    return { ...row, source: { content: link ? linked.textOf(link) : (row.content ?? ''), link } };
  });
  const eventScripts = keep(before.eventScripts, facts, idOf, ({ source, ...row }) => eventScriptOf(row, source));
  const listeners = new Map(
    [...eventScripts].map(([id, script]) => {
      const known = before.eventScripts.get(id) === script ? before.listeners.get(id) : undefined;
      return [id, known ?? listenerOf(script)];
    }),
  );
  return { eventScripts, listeners };
}
