/** Scripts that are bound to events, and what they may be written in (system-api §5.10, §5.11). */
import { sql } from 'kysely';
import { isObject } from '../records/input.ts';
import { belongsTo, type Column, type Context, type Model, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { assertMayShape } from '../roles/rights.ts';

export const SCRIPT_TYPE: Model = {
  name: 'script_type',
  table: 'script_type',
  label: 'Script Type',
  plural: 'Script Types',
  description: 'What scripts can be written in.',
  key: 'name',
  columns: [
    { name: 'name', kind: 'string' },
    { name: 'label', kind: 'string' },
    { name: 'description', kind: 'string' },
    { name: 'sandboxed', kind: 'boolean' },
    { name: 'supports_inline_execution', kind: 'boolean' },
  ],
  relations: [],
  scope: {},
  resource: true,
  readOnly: true,
  publishes: [],
  rules: {},
  missing: (key) => `Script engine type '${key}' not found.`,
};

const text = (name: string): Column => ({ name, kind: 'string', length: 255 });

export const EVENT_SCRIPT: Model = {
  name: 'event_script',
  table: 'event_script',
  label: 'Event Script',
  plural: 'Event Scripts',
  description: 'Scripts that are bound to events.',
  key: 'name',
  columns: [
    { name: 'name', kind: 'string', length: 80, required: true, unique: true },
    { name: 'type', kind: 'string', length: 40, required: true },
    { name: 'content', kind: 'text' },
    { name: 'config', kind: 'text' },
    { name: 'storage_service_id', kind: 'integer', reference: 'service' },
    text('scm_repository'),
    text('scm_reference'),
    text('storage_path'),
    { name: 'is_active', kind: 'boolean', default: 0 },
    { name: 'allow_event_modification', kind: 'boolean', default: 0 },
    ...TRACE,
  ],
  relations: [belongsTo('service', 'storage_service_id'), ...TRACE_RELATIONS],
  scope: {},
  resource: true,
  publishes: ['eventScripts'],
  rules: {
    prepare: async (values, { current, context, faults }) => {
      await assertMayScript(context);
      // Whoever binds a script knows it by the name of its event.
      if (current) delete values['name'];
      const { type, config } = values;
      if (typeof config === 'string' && !isJsonObject(config))
        faults.add('config', 'The config must be a JSON object.');
      if (typeof type !== 'string' || type === '' || (await isType(type, context))) return;
      faults.add('type', `The selected type '${type}' is none that scripts are run in here.`);
    },
    beforeDelete: (_row, context) => assertMayScript(context),
  },
};

function isJsonObject(text: string): boolean {
  if (text.trim() === '') return true;
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** A script runs in everybody's calls, with the rights of each caller. */
const assertMayScript = (context: Context): Promise<void> => assertMayShape(context, 'scripts of events');

async function isType(name: string, { db }: Context): Promise<boolean> {
  const { rows } = await sql`select name from script_type where name = ${name}`.execute(db);
  return rows.length > 0;
}
