/** Who changed which record of the system, and when: written with the change itself. Names of fields, never their values. */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { Context, Key, Model } from '../records/model.ts';
import { timestamp } from '../records/timestamp.ts';

export type Action = 'create' | 'update' | 'delete';

/** How long entries are kept: long enough for a yearly review. */
const KEPT_MS = 400 * 24 * 3_600_000;

export async function note(
  action: Action,
  model: Model,
  key: Key,
  fields: readonly string[],
  { db, caller, requestId }: Context,
): Promise<void> {
  await db
    .insertInto('audit')
    .values({
      created_date: timestamp(),
      user_id: caller.userId || null,
      role_id: caller.roleId || null,
      app_id: caller.appId || null,
      action,
      resource: model.name,
      record_id: String(key),
      fields: JSON.stringify(fields),
      request_id: requestId,
    })
    .execute();
}

export async function forgetOld(db: Kysely<Tables>): Promise<void> {
  const before = timestamp(new Date(Date.now() - KEPT_MS));
  await db.deleteFrom('audit').where('created_date', '<', before).execute();
}
