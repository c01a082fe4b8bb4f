/** Settings that a service of any database has, and how those of them that an engine opens with are read. */
import type { ConfigField } from '#common/config/field.ts';
import { wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';

/** Records in one answer, where the service does not say. */
export const MAX_RECORDS = 1000;

const NAME_TO_VALUE = { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } };
const OPTIONAL = { default: null, required: false, allow_null: true };

/** Behind the settings of the connection; names and order as clients know them (system-api §5.16). */
export function databaseFields(descriptions: Record<'options' | 'attributes' | 'statements', string>): ConfigField[] {
  const { options, attributes, statements } = descriptions;
  return [
    {
      name: 'options',
      label: 'Driver Options',
      type: 'object',
      description: options,
      ...OPTIONAL,
      object: NAME_TO_VALUE,
    },
    {
      name: 'attributes',
      label: 'Driver Attributes',
      type: 'object',
      description: attributes,
      ...OPTIONAL,
      object: NAME_TO_VALUE,
    },
    {
      name: 'statements',
      label: 'Additional SQL Statements',
      type: 'array',
      description: statements,
      ...OPTIONAL,
      items: 'string',
    },
    {
      name: 'allow_upsert',
      label: 'Allow Upsert',
      type: 'boolean',
      description: 'PUT and PATCH by identifier create the record where it does not exist.',
      default: false,
      allow_null: false,
    },
    {
      name: 'max_records',
      label: 'Maximum Records',
      type: 'integer',
      description: 'Most records that one answer holds; at least 1.',
      default: MAX_RECORDS,
      allow_null: false,
    },
    {
      name: 'cache_enabled',
      label: 'Data Retrieval Caching Enabled',
      type: 'boolean',
      description: 'Keeps answers of GET requests without a body for a while.',
      default: false,
      required: false,
      allow_null: false,
    },
    {
      name: 'cache_ttl',
      label: 'Cache Time To Live (seconds)',
      type: 'integer',
      description: 'How long such an answer is kept.',
      default: 0,
      required: false,
      allow_null: false,
    },
  ];
}

/** SQL for each new connection. @throws MillraceError invalid */
export function statementsOf(config: ServiceConfig): readonly string[] {
  // Forms send an empty text for what was left out.
  const value = config['statements'] || [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw wrongSetting('statements', 'a list of texts');
  }
  return value.filter((entry) => entry.trim() !== '');
}
