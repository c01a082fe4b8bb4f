/** Service types as records that can only be read (system-api §5.9). */
import type { Model } from '../records/model.ts';

export const SERVICE_TYPE: Model = {
  name: 'service_type',
  table: 'service_type',
  label: 'Service Type',
  plural: 'Service Types',
  description: 'What kinds of services there are, and their settings.',
  key: 'name',
  columns: [
    { name: 'name', kind: 'string' },
    { name: 'label', kind: 'string' },
    { name: 'description', kind: 'text' },
    { name: 'group', kind: 'string' },
    { name: 'singleton', kind: 'boolean' },
    { name: 'dependencies_required', kind: 'string', virtual: true, show: () => null },
    { name: 'subscription_required', kind: 'string', virtual: true, show: () => null },
    { name: 'service_definition_editable', kind: 'boolean', virtual: true, show: () => false },
    { name: 'config_schema', kind: 'json' },
  ],
  relations: [],
  scope: {},
  resource: true,
  readOnly: true,
  publishes: [],
  rules: {},
  missing: (key) => `Service type '${key}' not found.`,
};
