/** Simple types (database-api §6.6) as JSON Schema: what values of a field look like in records. */
import type { Json } from './document.ts';

const INTEGER: Json = { type: 'integer', format: 'int32' };
const LARGE: Json = { type: 'integer', format: 'int64' };
const DATE_TIME: Json = { type: 'string', format: 'date-time' };

/** A type that is not here is a string. */
const TYPES: ReadonlyMap<string, Json> = new Map([
  ...['id', 'mediumid', 'smallid', 'integer', 'mediumint', 'smallint', 'tinyint', 'reference'].map(
    (type) => [type, INTEGER] as const,
  ),
  ...['user_id', 'user_id_on_create', 'user_id_on_update'].map((type) => [type, INTEGER] as const),
  ...['bigid', 'bigint'].map((type) => [type, LARGE] as const),
  ['boolean', { type: 'boolean' }],
  ['float', { type: 'number', format: 'float' }],
  ['double', { type: 'number', format: 'double' }],
  ['decimal', { type: 'number' }],
  ['date', { type: 'string', format: 'date' }],
  ...['datetime', 'datetimetz', 'timestamp', 'timestamptz', 'timestamp_on_create', 'timestamp_on_update'].map(
    (type) => [type, DATE_TIME] as const,
  ),
  ['binary', { type: 'string', format: 'byte' }],
  ['uuid', { type: 'string', format: 'uuid' }],
  ...['json', 'jsonb'].map((type) => [type, {}] as const),
  ['array', { type: 'array', items: {} }],
  ['object', { type: 'object' }],
]);

/** A field as `_schema` describes it, as far as it matters here. */
export interface Field {
  readonly alias?: string | null;
  readonly name: string;
  readonly label?: string | null;
  readonly description?: string | null;
  readonly type: string;
  readonly length?: number | null;
  readonly allow_null?: boolean;
  readonly auto_increment?: boolean;
  readonly is_aggregate?: boolean;
  /** Of the system's own resources: which way the field goes. */
  readonly access?: 'read_only' | 'write_only' | null;
}

/** What a field is called in records. */
export const wireName = ({ alias, name }: { readonly alias?: string | null; readonly name: string }): string =>
  alias || name;

export function fieldSchema(field: Field): Json {
  const schema = TYPES.get(field.type) ?? { type: 'string' };
  const isText = schema['type'] === 'string' && schema['format'] === undefined;
  const description = field.description || field.label;
  const readOnly = field.access === 'read_only' || field.auto_increment === true || field.is_aggregate === true;
  return {
    ...schema,
    ...(field.allow_null === true && schema['type'] !== undefined && { type: [schema['type'], 'null'] }),
    ...(isText && field.length && { maxLength: field.length }),
    ...(description && { description }),
    ...(readOnly && { readOnly }),
    ...(field.access === 'write_only' && { writeOnly: true }),
  };
}

/** The members of a record. */
export function fieldSchemas(fields: readonly Field[]): Json {
  return Object.fromEntries(fields.map((field) => [wireName(field), fieldSchema(field)]));
}
