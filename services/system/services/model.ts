/** Services and their own API documents as records (system-api §5.3). */
import { belongsTo, hasMany, hasOne, ID, type Model, manyMany, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { SERVICE_RULES, shownSettings } from './rules.ts';

export const SERVICE: Model = {
  name: 'service',
  table: 'service',
  label: 'Service',
  plural: 'Services',
  description: 'What is reached through this API: databases, file stores and others.',
  key: 'id',
  columns: [
    ID,
    { name: 'name', kind: 'string', length: 40, required: true, unique: true },
    { name: 'label', kind: 'string', length: 80 },
    { name: 'description', kind: 'string', length: 255 },
    { name: 'is_active', kind: 'boolean', default: 0 },
    { name: 'type', kind: 'string', length: 40, required: true },
    { name: 'mutable', kind: 'boolean', access: 'read_only', default: 1 },
    { name: 'deletable', kind: 'boolean', access: 'read_only', default: 1 },
    ...TRACE,
    { name: 'config', kind: 'json', opaque: true, accept: (input) => input, show: shownSettings },
  ],
  relations: [
    hasOne('service_doc', 'service_id'),
    hasMany('role_service_access', 'service_id'),
    hasMany('app', 'storage_service_id'),
    manyMany('role', 'role_service_access', 'service_id'),
    ...TRACE_RELATIONS,
  ],
  scope: {},
  resource: true,
  publishes: ['services', 'roles', 'apps', 'schemaExtras'],
  rules: SERVICE_RULES,
};

export const SERVICE_DOC: Model = {
  name: 'service_doc',
  table: 'service_doc',
  label: 'Service Doc',
  plural: 'Service Docs',
  description: 'An API document that replaces the generated one.',
  key: 'id',
  columns: [
    ID,
    { name: 'service_id', kind: 'integer', required: true, reference: 'service' },
    { name: 'format', kind: 'integer', default: 0 },
    { name: 'content', kind: 'text' },
    ...TRACE,
  ],
  relations: [belongsTo('service', 'service_id')],
  scope: {},
  resource: false,
  publishes: [],
  rules: {},
};
