/** Templates of e-mails as records (system-api §5.6). */
import { invalid } from '#common/errors.ts';
import { isObject } from '../records/input.ts';
import { type Column, ID, type Model, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { assertMayShape } from '../roles/rights.ts';

const recipients = (name: string): Column => ({ name, kind: 'json', accept: (input) => acceptRecipients(name, input) });

export const EMAIL_TEMPLATE: Model = {
  name: 'email_template',
  table: 'email_template',
  label: 'Email Template',
  plural: 'Email Templates',
  description: 'E-mails that are sent again and again.',
  key: 'id',
  columns: [
    ID,
    { name: 'name', kind: 'string', length: 64, required: true, unique: true },
    { name: 'description', kind: 'string', length: 255 },
    recipients('to'),
    recipients('cc'),
    recipients('bcc'),
    { name: 'subject', kind: 'string', length: 80 },
    { name: 'body_text', kind: 'text' },
    { name: 'body_html', kind: 'text' },
    { name: 'from_name', kind: 'string', length: 80 },
    { name: 'from_email', kind: 'string', length: 255 },
    { name: 'reply_to_name', kind: 'string', length: 80 },
    { name: 'reply_to_email', kind: 'string', length: 255 },
    { name: 'defaults', kind: 'json', access: 'read_only' },
    ...TRACE,
    { name: 'attachment', kind: 'json', virtual: true, accept: refuseAttachment, show: () => null },
  ],
  relations: TRACE_RELATIONS,
  scope: {},
  resource: true,
  publishes: [],
  rules: {
    // Codes that open accounts are sent by them: whoever writes one could have them sent to himself.
    prepare: (_values, { context }) => assertMayShape(context, 'what is sent to users'),
    beforeDelete: (_row, context) => assertMayShape(context, 'what is sent to users'),
  },
};

/** A comma list becomes a list; lookups and other texts are looked at when an e-mail is made of them. */
function acceptRecipients(field: string, input: unknown): string | null {
  if (input === null || input === '') return null;
  if (typeof input === 'string' && input.includes(',')) {
    return JSON.stringify(input.split(',').flatMap((part) => part.trim() || []));
  }
  const entries = Array.isArray(input) ? input : [input];
  const isFit = (entry: unknown) =>
    typeof entry === 'string' || (isObject(entry) && typeof entry['email'] === 'string');
  if (entries.every(isFit)) return JSON.stringify(input);
  const message = `The ${field} field must be an address, {name, email}, or a list of those.`;
  throw invalid(`Invalid data supplied. ${message}`, { [field]: [message] });
}

function refuseAttachment(input: unknown): null {
  if (input === null || input === '' || (Array.isArray(input) && input.length === 0)) return null;
  const message = 'The attachment field must be empty: e-mails take no attachment.';
  throw invalid(`Invalid data supplied. ${message}`, { attachment: [message] });
}
