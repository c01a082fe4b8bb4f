/** Applications as records (system-api §5.1). */
import { belongsTo, hasMany, ID, type Model, manyMany, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { APP_RULES, launchUrl } from './rules.ts';

export const APP: Model = {
  name: 'app',
  table: 'app',
  label: 'App',
  plural: 'Apps',
  description: 'Applications, each with its API key.',
  key: 'id',
  columns: [
    ID,
    { name: 'name', kind: 'string', length: 64, required: true, unique: true },
    { name: 'api_key', kind: 'string', length: 255, unique: true },
    { name: 'description', kind: 'string', length: 255 },
    { name: 'is_active', kind: 'boolean', default: 0 },
    { name: 'type', kind: 'integer', default: 0 },
    { name: 'path', kind: 'text' },
    { name: 'url', kind: 'text' },
    { name: 'storage_service_id', kind: 'integer', reference: 'service' },
    { name: 'storage_container', kind: 'string', length: 255 },
    { name: 'requires_fullscreen', kind: 'boolean', default: 0 },
    { name: 'allow_fullscreen_toggle', kind: 'boolean', default: 1 },
    { name: 'toggle_location', kind: 'string', length: 64, default: 'top' },
    { name: 'role_id', kind: 'integer', reference: 'role' },
    ...TRACE,
    { name: 'launch_url', kind: 'string', access: 'read_only', virtual: true, always: true, show: launchUrl },
  ],
  relations: [
    belongsTo('role', 'role_id'),
    belongsTo('service', 'storage_service_id'),
    hasMany('lookup', 'app_id', 'app_lookup'),
    hasMany('user_to_app_to_role', 'app_id'),
    manyMany('role', 'user_to_app_to_role', 'app_id'),
    manyMany('user', 'user_to_app_to_role', 'app_id', 'any_user'),
    ...TRACE_RELATIONS,
  ],
  scope: {},
  resource: true,
  publishes: ['apps', 'users', 'lookups'],
  entity: 'apps',
  rules: APP_RULES,
};
