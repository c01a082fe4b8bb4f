/** Limits as records (system-api §7.1). */
import { belongsTo, ID, type Model, TRACE } from '../records/model.ts';
import { acceptPeriod, LIMIT_RULES, periodName } from './rules.ts';

const [created, modified, ...by] = TRACE;

export const LIMIT: Model = {
  name: 'limit',
  table: 'limit',
  label: 'Limit',
  plural: 'Limits',
  description: 'How often something may be done in a period.',
  key: 'id',
  columns: [
    ID,
    { name: 'type', kind: 'string', length: 64, required: true },
    { name: 'key_text', kind: 'string', access: 'read_only' },
    { name: 'rate', kind: 'integer', required: true },
    {
      name: 'period',
      kind: 'integer',
      required: true,
      accept: acceptPeriod,
      show: (row) => periodName(Number(row['period'])),
    },
    { name: 'user_id', kind: 'integer', reference: 'user' },
    { name: 'role_id', kind: 'integer', reference: 'role' },
    { name: 'service_id', kind: 'integer', reference: 'service' },
    { name: 'name', kind: 'string', length: 255, required: true },
    { name: 'description', kind: 'string', length: 255 },
    { name: 'is_active', kind: 'boolean', default: 1 },
    created as NonNullable<typeof created>,
    modified as NonNullable<typeof modified>,
    { name: 'endpoint', kind: 'string', length: 255 },
    { name: 'verb', kind: 'string', length: 16 },
    ...by.map((column) => ({ ...column, access: 'hidden' as const })),
  ],
  relations: [
    belongsTo('user', 'user_id', 'any_user'),
    belongsTo('role', 'role_id'),
    belongsTo('service', 'service_id'),
  ],
  scope: {},
  resource: true,
  publishes: ['limits'],
  rules: LIMIT_RULES,
};
