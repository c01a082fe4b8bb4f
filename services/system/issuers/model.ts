/** Other issuers of tokens, and the role that machines with such a token have. */
import { belongsTo, ID, type Model, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { ISSUER_RULES } from './rules.ts';

export const TOKEN_ISSUER: Model = {
  name: 'token_issuer',
  table: 'token_issuer',
  label: 'Token Issuer',
  plural: 'Token Issuers',
  description: 'Issuers whose bearer tokens are taken, and the role of those who send them.',
  key: 'id',
  columns: [
    ID,
    { name: 'name', kind: 'string', length: 64, required: true, unique: true },
    { name: 'description', kind: 'string', length: 255 },
    { name: 'is_active', kind: 'boolean', default: 1 },
    { name: 'issuer', kind: 'string', length: 255, required: true },
    { name: 'audience', kind: 'string', length: 255, required: true },
    { name: 'jwks_url', kind: 'string', length: 255, required: true },
    { name: 'claims', kind: 'json' },
    { name: 'role_id', kind: 'integer', required: true, reference: 'role' },
    ...TRACE,
  ],
  relations: [belongsTo('role', 'role_id'), ...TRACE_RELATIONS],
  scope: {},
  resource: true,
  publishes: ['issuers'],
  rules: ISSUER_RULES,
};
