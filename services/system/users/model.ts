/** Users and administrators: two views of one table (system-api §5.4), and what they are assigned. */
import { PASSWORD_LENGTH_MAX } from '#common/bounds.ts';
import {
  belongsTo,
  type Column,
  hasMany,
  ID,
  type Model,
  manyMany,
  type Row,
  type Rules,
  TRACE,
  TRACE_RELATIONS,
} from '../records/model.ts';
import { nowSeconds } from '../tokens.ts';
import { ADMIN_RULES, ASSIGNMENT_RULES, OWN_RULES, USER_RULES } from './rules.ts';

const isConfirmed = (row: Row): boolean => row['is_confirmed'] === 1;

const COLUMNS: readonly Column[] = [
  ID,
  { name: 'name', kind: 'string', length: 255, required: true },
  { name: 'first_name', kind: 'string', length: 255 },
  { name: 'last_name', kind: 'string', length: 255 },
  { name: 'last_login_date', kind: 'datetime', access: 'read_only' },
  { name: 'email', kind: 'string', length: 255, required: true, unique: true },
  { name: 'is_active', kind: 'boolean', default: 1 },
  { name: 'phone', kind: 'string', length: 32 },
  { name: 'security_question', kind: 'string', length: 255 },
  { name: 'default_app_id', kind: 'integer', reference: 'app' },
  ...TRACE,
  { name: 'oauth_provider', kind: 'string', length: 64 },
  { name: 'username', kind: 'string', length: 255, unique: true },
  { name: 'password', kind: 'string', length: PASSWORD_LENGTH_MAX, access: 'write_only', virtual: true },
  { name: 'security_answer', kind: 'string', length: PASSWORD_LENGTH_MAX, access: 'write_only', virtual: true },
  { name: 'is_sys_admin', kind: 'boolean', access: 'hidden' },
  { name: 'tokens_valid_from', kind: 'integer', access: 'hidden' },
  { name: 'is_confirmed', kind: 'boolean', access: 'hidden' },
  { name: 'code_expires_at', kind: 'integer', access: 'hidden' },
  { name: 'send_invite', kind: 'boolean', access: 'write_only', virtual: true },
  { name: 'confirmed', kind: 'boolean', access: 'read_only', virtual: true, always: true, show: isConfirmed },
  {
    name: 'expired',
    kind: 'boolean',
    access: 'read_only',
    virtual: true,
    always: true,
    show: (row) => !isConfirmed(row) && Number(row['code_expires_at'] ?? 0) < nowSeconds(),
  },
];

function userModel(name: string, label: string, scope: Model['scope'], rules: Rules): Model {
  return {
    name,
    table: 'user',
    label,
    plural: `${label}s`,
    description: `${label}s who sign in.`,
    key: 'id',
    columns: COLUMNS,
    relations: [
      hasMany('user_to_app_to_role', 'user_id'),
      hasMany('lookup', 'user_id', 'user_lookup'),
      manyMany('app', 'user_to_app_to_role', 'user_id'),
      manyMany('role', 'user_to_app_to_role', 'user_id'),
      ...TRACE_RELATIONS,
    ],
    scope,
    resource: name !== 'any_user',
    publishes: ['users', 'lookups'],
    entity: 'users',
    rules,
  };
}

export const USER = userModel('user', 'User', { is_sys_admin: 0 }, USER_RULES);
export const ADMIN = userModel('admin', 'Admin', { is_sys_admin: 1 }, ADMIN_RULES);
/** Whoever a record was made by: only for reading, through relations. */
export const ANY_USER: Model = { ...userModel('any_user', 'User', {}, {}), readOnly: true };

/** Whoever is signed in, about himself. */
export const OWN_USER: Model = { ...userModel('own_user', 'User', {}, OWN_RULES), resource: false };

export const USER_TO_APP_TO_ROLE: Model = {
  name: 'user_to_app_to_role',
  table: 'user_to_app_to_role',
  label: 'User To App To Role',
  plural: 'User To App To Roles',
  description: 'Which role a user has in an application.',
  key: 'id',
  columns: [
    ID,
    { name: 'user_id', kind: 'integer', required: true, reference: 'user' },
    { name: 'app_id', kind: 'integer', required: true, reference: 'app' },
    { name: 'role_id', kind: 'integer', required: true, reference: 'role' },
    ...TRACE,
  ],
  relations: [belongsTo('user', 'user_id', 'any_user'), belongsTo('app', 'app_id'), belongsTo('role', 'role_id')],
  scope: {},
  resource: false,
  publishes: ['users'],
  rules: ASSIGNMENT_RULES,
};
