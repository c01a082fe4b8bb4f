/** Settings that a service of any database has, and how those of them that an engine opens with are read. */
import type { ConfigField } from '#common/config/field.ts';
import { RECORD_FIELDS } from '#common/config/record-fields.ts';
import { wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';

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
    ...RECORD_FIELDS,
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
