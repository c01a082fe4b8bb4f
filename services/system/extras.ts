/** What is said about tables, fields and relations beside a database's own catalogue. */

import { invalid, notFound } from '#common/errors.ts';
import type { ExtraChange, SaveExtrasRequest } from '#proto/system/v1/system_pb.ts';
import { type Changes, dirtyKinds } from './changes.ts';
import type { Db } from './database/open.ts';
import { isObject } from './records/input.ts';
import type { JsonObject } from './records/model.ts';

/** All changes or none. @throws MillraceError */
export async function saveExtras({ service, changes: wanted }: SaveExtrasRequest, changes: Changes): Promise<void> {
  await changes.commit(dirtyKinds('schemaExtras'), async (trx) => {
    const owner = await trx.selectFrom('service').select('id').where('name', '=', service).executeTakeFirst();
    if (!owner) throw notFound(`Could not find a service for ${service}`);
    for (const change of wanted) await saveExtra(trx, owner.id, change);
  });
}

async function saveExtra(db: Db, serviceId: number, change: ExtraChange): Promise<void> {
  const { table, field, relation, propertiesJson } = change;
  if (table === '') throw invalid('A schema extra needs the name of its table.');
  if (propertiesJson.length === 0) return forget(db, serviceId, change);
  await requireServices(db, relation, readProperties(propertiesJson));
  const stored = await db
    .selectFrom('schema_extra')
    .select(['id', 'properties'])
    .where('service_id', '=', serviceId)
    .where('table_name', '=', table)
    .where('field_name', '=', field)
    .where('relation_name', '=', relation)
    .executeTakeFirst();
  const before = stored ? (JSON.parse(stored.properties) as JsonObject) : {};
  const merged = Object.entries({ ...before, ...readProperties(propertiesJson) }).filter(([, value]) => value !== null);
  const properties = JSON.stringify(Object.fromEntries(merged));
  if (stored && merged.length === 0) await db.deleteFrom('schema_extra').where('id', '=', stored.id).execute();
  else if (stored) await db.updateTable('schema_extra').set({ properties }).where('id', '=', stored.id).execute();
  else if (merged.length > 0) {
    const row = { service_id: serviceId, table_name: table, field_name: field, relation_name: relation, properties };
    await db.insertInto('schema_extra').values(row).execute();
  }
}

/** Services that a virtual relation leads to. */
async function requireServices(db: Db, relation: string, properties: JsonObject): Promise<void> {
  for (const key of ['ref_service_id', 'junction_service_id']) {
    const id = properties[key];
    if (typeof id !== 'number') continue;
    const found = await db.selectFrom('service').select('id').where('id', '=', id).executeTakeFirst();
    if (!found) throw invalid(`Relation '${relation}': '${key}' ${id} is no service.`, { field: key });
  }
}

/** A table takes its fields and relations along. */
async function forget(db: Db, serviceId: number, { table, field, relation }: ExtraChange): Promise<void> {
  let query = db.deleteFrom('schema_extra').where('service_id', '=', serviceId).where('table_name', '=', table);
  if (field !== '' || relation !== '') {
    query = query.where('field_name', '=', field).where('relation_name', '=', relation);
  }
  await query.execute();
  if (field === '' && relation === '') await forgetRelationsTo(db, serviceId, table);
}

/** Virtual relations of any service that lead to a table that is no more, or over it. */
async function forgetRelationsTo(db: Db, serviceId: number, table: string): Promise<void> {
  const relations = await db
    .selectFrom('schema_extra')
    .select(['id', 'properties'])
    .where('relation_name', '<>', '')
    .execute();
  const leads = (properties: JsonObject): boolean =>
    (properties['ref_service_id'] === serviceId && properties['ref_table'] === table) ||
    (properties['junction_service_id'] === serviceId && properties['junction_table'] === table);
  const ids = relations.filter((one) => leads(JSON.parse(one.properties) as JsonObject)).map(({ id }) => id);
  if (ids.length > 0) await db.deleteFrom('schema_extra').where('id', 'in', ids).execute();
}

function readProperties(json: Uint8Array): JsonObject {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(json).toString());
    if (isObject(parsed)) return parsed;
  } catch {
    // answered below
  }
  throw invalid('Schema extras must be a JSON object.');
}
