/** Tasks as records: calls of the API at certain times (files-and-scripting-api §3.11, system-api §5.15). */
import { TASK_PAYLOAD_LENGTH_MAX } from '#common/bounds.ts';
import { verbNames } from '#common/verbs.ts';
import { belongsTo, hasOne, ID, type Model, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { TASK_RULES } from './rules.ts';

export const SCHEDULER: Model = {
  name: 'scheduler',
  table: 'scheduler',
  label: 'Scheduled Task',
  plural: 'Scheduled Tasks',
  description: 'Calls of the API at certain times.',
  key: 'id',
  columns: [
    ID,
    { name: 'name', kind: 'string', length: 64, required: true, unique: true },
    { name: 'description', kind: 'string', length: 255 },
    { name: 'is_active', kind: 'boolean', default: 0 },
    { name: 'service_id', kind: 'integer', required: true, reference: 'service' },
    { name: 'component', kind: 'string', length: 2048 },
    { name: 'verb_mask', kind: 'integer', default: 1 },
    {
      name: 'verb',
      kind: 'string',
      access: 'read_only',
      virtual: true,
      show: (row) => verbNames(Number(row['verb_mask']))[0] ?? null,
    },
    { name: 'frequency', kind: 'integer', default: 5 },
    { name: 'cron', kind: 'string', length: 255 },
    { name: 'time_zone', kind: 'string', length: 64, default: 'UTC' },
    { name: 'payload', kind: 'text', length: TASK_PAYLOAD_LENGTH_MAX },
    { name: 'app_id', kind: 'integer', reference: 'app' },
    { name: 'user_id', kind: 'integer', reference: 'user' },
    { name: 'next_run_date', kind: 'timestamp', access: 'read_only' },
    { name: 'skipped_date', kind: 'timestamp', access: 'read_only' },
    ...TRACE,
  ],
  relations: [
    hasOne('task_log', 'task_id'),
    belongsTo('service', 'service_id'),
    belongsTo('app', 'app_id'),
    belongsTo('user', 'user_id', 'any_user'),
    ...TRACE_RELATIONS,
  ],
  scope: {},
  resource: true,
  publishes: [],
  rules: TASK_RULES,
};

export const TASK_LOG: Model = {
  name: 'task_log',
  table: 'task_log',
  label: 'Task Log',
  plural: 'Task Logs',
  description: 'What went wrong with a task the last time.',
  key: 'task_id',
  columns: [
    { name: 'task_id', kind: 'integer' },
    { name: 'status_code', kind: 'integer' },
    { name: 'content', kind: 'text' },
    { name: 'created_date', kind: 'timestamp' },
    { name: 'last_modified_date', kind: 'timestamp' },
  ],
  relations: [],
  scope: {},
  resource: false,
  readOnly: true,
  publishes: [],
  rules: {},
};
