/** What holds for services (system-api §5.3). */
import { invalid, MillraceError } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import type { Db } from '../database/open.ts';
import { isObject } from '../records/input.ts';
import type { Context, JsonObject, Row, Rules, Tools, Values, Write } from '../records/model.ts';
import { assertMayShape } from '../roles/rights.ts';
import type { Secrets } from '../secrets.ts';
import { mergeSettings, showSettings } from './settings.ts';

const NAME = /^[A-Za-z0-9_-]+$/;

export const SERVICE_RULES: Rules = {
  prepare: async (values, write) => {
    checkName(values, write);
    if (!write.current || 'label' in values) values['label'] ||= values['name'] ?? write.current?.['name'];
    await prepareType(values, write);
    await assertMayConfigure(values, write);
    prepareConfig(values, write);
  },
  beforeDelete: (row) => {
    if (row['deletable'] === 0) throw new MillraceError('denied', `The service '${row['name']}' cannot be deleted.`);
  },
};

function checkName(values: Values, { current, faults }: Write): void {
  const { name } = values;
  if (typeof name === 'string' && name !== '' && !NAME.test(name)) {
    faults.add('name', 'Service name should only contain letters, numbers, underscores and dashes.');
  }
  if (current?.['deletable'] !== 0) return;
  for (const field of ['name', 'type']) {
    if (field in values && values[field] !== current[field]) {
      faults.add(field, `The ${field} of the service '${current['name']}' cannot be changed.`);
    }
  }
}

async function prepareType(values: Values, { current, context, faults }: Write): Promise<void> {
  const name = values['type'];
  if (typeof name !== 'string' || name === '' || name === current?.['type']) return;
  const type = context.tools.types.get(name);
  if (!type) faults.add('type', `The service type '${name}' is not known.`);
  else if (type.singleton && (await hasService(context, name))) {
    faults.add('type', `There can be only one service of the type '${name}'.`);
  }
}

async function hasService({ db }: Context, type: string): Promise<boolean> {
  return (await db.selectFrom('service').select('id').where('type', '=', type).executeTakeFirst()) !== undefined;
}

/** By these services people get accounts, roles and the codes that open accounts. */
async function assertMayConfigure(values: Values, { current, context }: Write): Promise<void> {
  if (!current || !('config' in values || 'type' in values)) return;
  const isGuarded = [current['type'], values['type']].some((name) => {
    const group = context.tools.types.get(String(name))?.group ?? '';
    return ['System', 'User', 'Email'].includes(group);
  });
  if (isGuarded) await assertMayShape(context, 'how people get accounts and e-mails');
}

function prepareConfig(values: Values, { current, context, faults }: Write): void {
  if (current && !('config' in values) && !('type' in values)) return;
  const sent = settingsOf(values['config']);
  const stored = current ? storedSettings(current, context.tools) : {};
  const fields = context.tools.types.get(String(values['type'] ?? current?.['type']))?.configFields ?? [];
  for (const name of Object.keys(sent)) {
    if (name !== 'service_id' && !fields.some((field) => field.name === name)) context.dropped.add(`config.${name}`);
  }
  values['config'] = context.tools.secrets.seal(stringifyJson(mergeSettings(fields, stored, sent, faults)));
}

function settingsOf(config: unknown): JsonObject {
  if (isObject(config)) return config;
  // An empty map of the original's clients is an empty list.
  if (config === undefined || config === null || (Array.isArray(config) && config.length === 0)) return {};
  throw invalid('Invalid data supplied. The config field must be an object.', {
    config: ['The config field must be an object.'],
  });
}

/** Settings of one of the services that there are once: `system` and `user`. */
export async function ownSettings(type: 'system' | 'user', db: Db, secrets: Secrets): Promise<JsonObject> {
  const row = await db.selectFrom('service').selectAll().where('type', '=', type).executeTakeFirst();
  return row ? storedSettings({ ...row }, { secrets }) : {};
}

/** In clear: for the connector that serves it, and for merging. */
export const storedSettings = (row: Row, { secrets }: Pick<Tools, 'secrets'>): JsonObject =>
  JSON.parse(secrets.open(String(row['config']))) as JsonObject;

/** As clients read them: masked, with every field of the type. */
export function shownSettings(row: Row, tools: Tools): JsonObject {
  const fields = tools.types.get(String(row['type']))?.configFields ?? [];
  const absent = row['type'] === 'user' ? ABSENT_OF_USER : {};
  return { service_id: row['id'], ...absent, ...showSettings(fields, storedSettings(row, tools)) };
}

/** Programs look for them: signing in against a table of another database is not offered. */
const ABSENT_OF_USER = Object.fromEntries(
  ['db_service_id', 'table', 'username_field', 'password_field', 'email_field', 'other_fields', 'filter'].map(
    (name) => [`alt_auth_${name}`, null],
  ),
);
