/** What holds for services (system-api §5.3). */
import { invalid, MillraceError } from '#common/errors.ts';
import { isObject } from '../records/input.ts';
import type { Context, JsonObject, Row, Rules, Tools, Values, Write } from '../records/model.ts';
import { mergeSettings, showSettings } from './settings.ts';

const NAME = /^[A-Za-z0-9_-]+$/;

export const SERVICE_RULES: Rules = {
  prepare: async (values, write) => {
    checkName(values, write);
    if (!write.current || 'label' in values) values['label'] ||= values['name'] ?? write.current?.['name'];
    await prepareType(values, write);
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

function prepareConfig(values: Values, { current, context, faults }: Write): void {
  if (current && !('config' in values) && !('type' in values)) return;
  const sent = settingsOf(values['config']);
  const stored = current ? storedSettings(current, context.tools) : {};
  const fields = context.tools.types.get(String(values['type'] ?? current?.['type']))?.configFields ?? [];
  for (const name of Object.keys(sent)) {
    if (name !== 'service_id' && !fields.some((field) => field.name === name)) context.dropped.add(`config.${name}`);
  }
  values['config'] = context.tools.secrets.seal(JSON.stringify(mergeSettings(fields, stored, sent, faults)));
}

function settingsOf(config: unknown): JsonObject {
  if (isObject(config)) return config;
  // An empty map of the original's clients is an empty list.
  if (config === undefined || config === null || (Array.isArray(config) && config.length === 0)) return {};
  throw invalid('Invalid data supplied. The config field must be an object.', {
    config: ['The config field must be an object.'],
  });
}

/** In clear: for the connector that serves it, and for merging. */
export const storedSettings = (row: Row, { secrets }: Pick<Tools, 'secrets'>): JsonObject =>
  JSON.parse(secrets.open(String(row['config']))) as JsonObject;

/** As clients read them: masked, with every field of the type. */
export function shownSettings(row: Row, tools: Tools): JsonObject {
  const fields = tools.types.get(String(row['type']))?.configFields ?? [];
  return { service_id: row['id'], ...showSettings(fields, storedSettings(row, tools)) };
}
