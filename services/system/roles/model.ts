/** Roles and what they allow as records (system-api §4.2, §5.2). */
import { belongsTo, hasMany, ID, type Model, manyMany, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { ACCESS_RULES, acceptFilterOp, acceptFilters, ROLE_RULES } from './rules.ts';

const DESCRIPTION_LENGTH = 255;

export const ROLE: Model = {
  name: 'role',
  table: 'role',
  label: 'Role',
  plural: 'Roles',
  description: 'What users and applications may do.',
  key: 'id',
  columns: [
    ID,
    { name: 'name', kind: 'string', length: 64, required: true, unique: true },
    {
      name: 'description',
      kind: 'string',
      accept: (input) => (input === null ? null : String(input).slice(0, DESCRIPTION_LENGTH)),
    },
    { name: 'is_active', kind: 'boolean', default: 0 },
    ...TRACE,
  ],
  relations: [
    hasMany('role_service_access', 'role_id'),
    hasMany('lookup', 'role_id', 'role_lookup'),
    hasMany('app', 'role_id'),
    hasMany('user_to_app_to_role', 'role_id'),
    manyMany('service', 'role_service_access', 'role_id'),
    manyMany('user', 'user_to_app_to_role', 'role_id', 'any_user'),
    manyMany('app', 'user_to_app_to_role', 'role_id'),
    ...TRACE_RELATIONS,
  ],
  scope: {},
  resource: true,
  publishes: ['roles', 'apps', 'users', 'lookups'],
  entity: 'roles',
  rules: ROLE_RULES,
};

export const ROLE_SERVICE_ACCESS: Model = {
  name: 'role_service_access',
  table: 'role_service_access',
  label: 'Role Service Access',
  plural: 'Role Service Accesses',
  description: 'What a role may do with one service, or with all.',
  key: 'id',
  columns: [
    ID,
    { name: 'role_id', kind: 'integer', required: true, reference: 'role' },
    { name: 'service_id', kind: 'integer', reference: 'service' },
    { name: 'component', kind: 'string', length: 255 },
    { name: 'verb_mask', kind: 'integer', default: 0 },
    { name: 'requestor_mask', kind: 'integer', default: 0 },
    { name: 'filters', kind: 'json', accept: acceptFilters },
    { name: 'filter_op', kind: 'string', default: 'AND', accept: acceptFilterOp },
    ...TRACE,
  ],
  relations: [belongsTo('role', 'role_id'), belongsTo('service', 'service_id')],
  scope: {},
  resource: false,
  publishes: ['roles'],
  rules: ACCESS_RULES,
};
