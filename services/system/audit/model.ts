/** The trail of changes as records that can only be read. */
import { belongsTo, ID, type Model } from '../records/model.ts';

export const AUDIT: Model = {
  name: 'audit',
  table: 'audit',
  label: 'Audit',
  plural: 'Audit Entries',
  description: 'Who changed which record of the system, and when.',
  key: 'id',
  columns: [
    ID,
    { name: 'created_date', kind: 'timestamp' },
    { name: 'user_id', kind: 'integer', reference: 'user' },
    { name: 'role_id', kind: 'integer' },
    { name: 'app_id', kind: 'integer' },
    { name: 'action', kind: 'string' },
    { name: 'resource', kind: 'string' },
    { name: 'record_id', kind: 'string' },
    { name: 'fields', kind: 'json' },
    { name: 'request_id', kind: 'string' },
  ],
  relations: [belongsTo('user', 'user_id', 'any_user')],
  scope: {},
  resource: true,
  readOnly: true,
  publishes: [],
  rules: {},
};
