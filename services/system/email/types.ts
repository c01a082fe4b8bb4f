/** The service types that send e-mail (system-api §5.16). */
import type { ConfigField } from '#common/config/field.ts';
import type { KnownType } from '../service-types/registry.ts';
import { TIER } from '../service-types/tier.ts';

export const LOCAL_EMAIL = 'local_email';
export const SMTP_EMAIL = 'smtp_email';

const text = (name: string, label: string, description: string): ConfigField => ({
  name,
  label,
  type: 'string',
  description,
  allow_null: true,
});

const SENDER: readonly ConfigField[] = [
  text('from_name', 'From Name', 'Name of the sender, where an e-mail names none.'),
  text('from_email', 'From Email', 'Address of the sender, where an e-mail names none.'),
  text('reply_to_name', 'Reply To Name', 'Name for answers, where an e-mail names none.'),
  text('reply_to_email', 'Reply To Email', 'Address for answers, where an e-mail names none.'),
];

const PARAMETERS: ConfigField = {
  name: 'parameters',
  label: 'Parameters',
  type: 'array',
  description: 'Values that subjects and texts name in braces.',
  allow_null: true,
  items: [
    text('name', 'Name', 'What stands in the braces.'),
    text('value', 'Value', 'What it stands for.'),
    { name: 'active', label: 'Active', type: 'boolean', description: 'Is it used?', default: true },
  ],
};

const common = { group: 'Email', singleton: false, tier: TIER };

export const EMAIL_TYPES: readonly KnownType[] = [
  {
    ...common,
    name: LOCAL_EMAIL,
    label: 'Local Email Service',
    description: 'Writes e-mails as files into the folder mail of the data folder.',
    configFields: [...SENDER, PARAMETERS],
  },
  {
    ...common,
    name: SMTP_EMAIL,
    label: 'SMTP Email Service',
    description: 'Sends e-mails through a mail server.',
    configFields: [
      { ...text('host', 'Host', 'Name or address of the mail server.'), allow_null: false, required: true },
      { name: 'port', label: 'Port', type: 'integer', description: 'Port of the mail server.', default: 587 },
      {
        name: 'encryption',
        label: 'Encryption',
        type: 'picklist',
        description:
          'Left open, the connection is encrypted where the server offers it, and no password is sent where it does not.',
        allow_null: true,
        values: [
          { label: 'TLS, by STARTTLS', name: 'tls' },
          { label: 'TLS, from the beginning', name: 'ssl' },
          { label: 'None', name: 'none' },
        ],
      },
      {
        name: 'verify_certificate',
        label: 'Verify Certificate',
        type: 'boolean',
        description: "Refuse a server whose certificate is not its own or not one of the system's authorities.",
        default: true,
      },
      text('username', 'Username', 'Account at the mail server.'),
      { ...text('password', 'Password', 'Password of the account.'), type: 'password' },
      ...SENDER,
      PARAMETERS,
    ],
  },
];
