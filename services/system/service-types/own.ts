/** The service types that the system service itself serves. */
import type { ConfigField } from '#common/config/field.ts';
import { EMAIL_TYPES } from '../email/types.ts';
import { SCRIPT_SERVICE_TYPES } from '../scripts/types.ts';
import type { KnownType } from './registry.ts';
import { TIER } from './tier.ts';

const reference = (name: string, label: string, description: string): ConfigField => ({
  name,
  label,
  type: 'integer',
  description,
  allow_null: true,
});

const MAIL_FIELDS: readonly ConfigField[] = [
  reference('invite_email_service_id', 'Invite Email Service', 'Email service that sends invitations.'),
  reference('invite_email_template_id', 'Invite Email Template', 'Template of invitations.'),
  reference('password_email_service_id', 'Password Email Service', 'Email service that sends password resets.'),
  reference('password_email_template_id', 'Password Email Template', 'Template of password resets.'),
  {
    name: 'show_security_question',
    label: 'Show Security Question',
    type: 'boolean',
    description: 'A password reset answers with the security question of the account, which tells that there is one.',
    default: false,
  },
];

const APP_ROLES: ConfigField = {
  name: 'app_role_map',
  label: 'Role per App',
  type: 'array',
  description: 'Roles that users who registered themselves have in these applications.',
  default: null,
  items: [reference('app_id', 'App', 'The application.'), reference('role_id', 'Role', 'The role in it.')],
};

export const OWN_TYPES: readonly KnownType[] = [
  ...EMAIL_TYPES,
  ...SCRIPT_SERVICE_TYPES,
  {
    name: 'system',
    label: 'System Management',
    description: 'Service for managing system resources.',
    group: 'System',
    singleton: true,
    tier: TIER,
    configFields: [
      reference('default_app_id', 'Default Application', 'The application that opens first.'),
      ...MAIL_FIELDS,
    ],
  },
  {
    name: 'swagger',
    label: 'API Docs',
    description: 'API documents of all services, as far as the caller may use them.',
    group: 'API Doc',
    singleton: true,
    tier: TIER,
    configFields: null,
  },
  {
    name: 'user',
    label: 'User Management',
    description: 'Service for managing system users.',
    group: 'User',
    singleton: true,
    tier: TIER,
    configFields: [
      {
        name: 'allow_open_registration',
        label: 'Allow Open Registration',
        type: 'boolean',
        description: 'Anyone may create an account.',
        default: false,
      },
      reference('open_reg_role_id', 'Open Registration Role', 'Role of users who registered themselves.'),
      reference('open_reg_email_service_id', 'Open Registration Email Service', 'Email service for confirmations.'),
      reference('open_reg_email_template_id', 'Open Registration Email Template', 'Template of confirmations.'),
      ...MAIL_FIELDS,
      APP_ROLES,
    ],
  },
];
