/** What is secret in a record, and how it comes back into one. */

import { isObject } from '../records/input.ts';
import type { Context, JsonObject, Row, Tools, Values } from '../records/model.ts';
import { MASK } from '../secrets.ts';
import { storedSettings } from '../services/rules.ts';
import { NO_CODE } from '../users/account/codes.ts';
import { endOfSessions } from '../users/rules.ts';

const HASHES = ['password_hash', 'security_answer_hash'] as const;
/** As we make them, and as they come from elsewhere (passwords.ts). */
const HASH = /^\$(argon2id|2[aby])\$[\x21-\x7e]{1,250}$/;

export function secretsOfService(row: Row, tools: Tools): JsonObject {
  const settings = storedSettings(row, tools);
  const fields = tools.types.get(String(row['type']))?.configFields ?? [];
  const secret = fields.filter(({ name, type }) => type === 'password' && settings[name] != null);
  return secret.length === 0 ? {} : { config: Object.fromEntries(secret.map(({ name }) => [name, settings[name]])) };
}

export const secretsOfUser = (row: Row): JsonObject =>
  Object.fromEntries(HASHES.flatMap((name) => (row[name] ? [[name, row[name]]] : [])));

export function secretsOfLookup(row: Row, { secrets }: Tools): JsonObject {
  return row['private'] === 1 && row['value'] != null ? { value: secrets.open(String(row['value'])) } : {};
}

/** A record with its secrets in their places; a mask that nothing takes the place of keeps what is stored. */
export function withSecrets(table: string, record: JsonObject, secrets: JsonObject): JsonObject {
  if (table === 'lookup') {
    const whole: JsonObject = { ...record, ...secrets };
    if (whole['value'] === MASK && whole['private'] === true) delete whole['value'];
    return whole;
  }
  if (table !== 'service' || !isObject(secrets['config'])) return record;
  return { ...record, config: { ...(isObject(record['config']) && record['config']), ...secrets['config'] } };
}

/** What no client may write of a user, behind the writing of the rest. @param before  undefined: he is new */
export async function restoreUser(
  id: number,
  before: Row | undefined,
  sent: JsonObject,
  secrets: JsonObject,
  { db }: Context,
): Promise<void> {
  const values: Values = {};
  for (const name of HASHES) if (HASH.test(String(secrets[name] ?? ''))) values[name] = secrets[name];
  if (!before) {
    if (sent['is_active'] === false) values['is_active'] = 0;
    if (sent['confirmed'] === false) values['is_confirmed'] = 0;
  } else if (values['password_hash'] !== undefined && values['password_hash'] !== before['password_hash']) {
    Object.assign(values, NO_CODE, { tokens_valid_from: endOfSessions(before) });
  }
  if (Object.keys(values).length > 0) await db.updateTable('user').set(values).where('id', '=', id).execute();
}
