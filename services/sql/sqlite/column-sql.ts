/** A column of a new table: simple types to the type names that SQLite files of this kind use (database-api §6.6). */
import { invalid } from '#common/errors.ts';
import type { Column } from '#common/schema/catalogue.ts';
import type { FieldDefinition } from '../dialect.ts';
import { quoteIdentifier, textLiteral } from './quote.ts';

/** Whether the type takes (length), (precision, scale), or neither. */
type Shape = 'plain' | 'length' | 'scale';
type SqlType = readonly [name: string, shape: Shape];

const INTEGER: SqlType = ['integer', 'plain'];
const TIMESTAMP: SqlType = ['timestamp', 'plain'];
const BOOLEAN: SqlType = ['tinyint(1)', 'plain'];
const DECIMAL: SqlType = ['decimal', 'scale'];
const STRING: SqlType = ['varchar', 'length'];
const BLOB: SqlType = ['blob', 'plain'];

const TYPES: ReadonlyMap<string, SqlType> = new Map<string, SqlType>([
  ['id', INTEGER],
  ['pk', INTEGER],
  // A key that counts up by itself can only be INTEGER, which holds 64 bits.
  ['bigid', INTEGER],
  ['mediumid', INTEGER],
  ['smallid', INTEGER],
  ['reference', INTEGER],
  ['fk', INTEGER],
  ['user_id', INTEGER],
  ['user_id_on_create', INTEGER],
  ['user_id_on_update', INTEGER],
  ['int', INTEGER],
  ['boolean', BOOLEAN],
  ['bool', BOOLEAN],
  ['decimal', DECIMAL],
  ['numeric', ['numeric', 'scale']],
  ['money', ['decimal(19,4)', 'plain']],
  ['string', STRING],
  ['varchar', STRING],
  ['char', ['char', 'length']],
  ['binary', BLOB],
  ['varbinary', BLOB],
  ['timestamp_on_create', TIMESTAMP],
  ['timestamp_on_update', TIMESTAMP],
  ['datetimetz', TIMESTAMP],
  ['timestamptz', TIMESTAMP],
  ['timetz', ['time', 'plain']],
  ['character varying', STRING],
  ...['double precision', 'int unsigned', 'bigint unsigned', 'unsigned big int'].map((name): [string, SqlType] => [
    name,
    [name, 'plain'],
  ]),
  ...['integer', 'bigint', 'mediumint', 'smallint', 'tinyint', 'float', 'double', 'real', 'text', 'mediumtext'].map(
    (name): [string, SqlType] => [name, [name, 'plain']],
  ),
  ...['longtext', 'date', 'time', 'datetime', 'timestamp', 'uuid', 'json', 'jsonb'].map((name): [string, SqlType] => [
    name,
    [name, 'plain'],
  ]),
]);

const STRING_LENGTH = 255;

/** Expressions that a default may be; anything else would be SQL from a request. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  current_timestamp: 'current_timestamp',
  'current_timestamp()': 'current_timestamp',
  'now()': 'current_timestamp',
  current_date: 'current_date',
  current_time: 'current_time',
};

const TEMPORAL = /^(?:date|time)/;
/** Another word is taken by SQLite as it is; more of them could say more than a type. */
const TYPE_WORD = /^[a-z_][a-z0-9_]*$/;

/**
 * `"name" varchar(60) not null default 'x'`; `primary key` only for a key that counts up by itself, as other keys may
 * have several columns and belong to the table.
 *
 * @throws invalid for a type or a default that there is not
 */
export function columnSql(field: FieldDefinition): string {
  const type = sqlType(field);
  const name = quoteIdentifier(field.name);
  if (field.autoIncrement) {
    if (type !== 'integer' || !field.primaryKey) {
      throw fault(field, 'only an integer primary key can count up by itself');
    }
    return `${name} integer not null primary key autoincrement`;
  }
  const parts = [name, type];
  if (!field.nullable) parts.push('not null');
  const isClock = field.type.startsWith('timestamp_on_');
  const value = defaultSql(field, type) ?? (isClock ? 'current_timestamp' : undefined);
  if (value !== undefined) parts.push(`default ${value}`);
  return parts.join(' ');
}

export const typeSql = (field: FieldDefinition): string => sqlType(field);

export function isOfType(field: FieldDefinition, { dbType }: Column): boolean {
  const bare = (text: string): string => text.toLowerCase().replace(/\s*\([^)]*\)/g, '');
  const type = sqlType(field);
  return type === 'tinyint(1)' ? dbType === type : bare(type) === bare(dbType);
}

const fault = (field: FieldDefinition, reason: string) =>
  invalid(`Field '${field.name}': ${reason}.`, { field: field.name });

function sqlType(field: FieldDefinition): string {
  const name = field.type.trim().toLowerCase();
  const known = TYPES.get(name);
  if (!known) {
    if (name === 'array' || name === 'object' || !TYPE_WORD.test(name)) {
      throw fault(field, `the database has no type '${field.type}'`);
    }
    return name + modifiers(field, field.scale === null ? 'length' : 'scale', null);
  }
  const [type, shape] = known;
  if (type !== 'varchar' && type !== 'char') return type + modifiers(field, shape, null);
  const prefix = field.multibyte ? 'n' : '';
  return prefix + (field.fixedLength ? 'char' : type) + modifiers(field, shape, STRING_LENGTH);
}

function modifiers(field: FieldDefinition, shape: Shape, lengthDefault: number | null): string {
  if (shape === 'plain') return '';
  if (shape === 'length') {
    const length = field.length ?? lengthDefault;
    return length === null ? '' : `(${length})`;
  }
  const precision = field.precision ?? field.length;
  if (precision === null) return '';
  return field.scale === null ? `(${precision})` : `(${precision},${field.scale})`;
}

function defaultSql(field: FieldDefinition, type: string): string | undefined {
  const value = field.default;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return expression(field, value.expression);
  if (type === 'tinyint(1)') return boolean(field, value);
  if (typeof value !== 'string') return String(Number(value));
  const word = EXPRESSIONS[value.trim().toLowerCase()];
  return word !== undefined && TEMPORAL.test(type) ? word : textLiteral(value);
}

function expression(field: FieldDefinition, text: string): string {
  const known = EXPRESSIONS[text.trim().toLowerCase()];
  if (known === undefined) {
    throw fault(field, `a default expression must be one of ${Object.keys(EXPRESSIONS).join(', ')}`);
  }
  return known;
}

function boolean(field: FieldDefinition, value: string | number | boolean): string {
  const word = String(value).toLowerCase();
  if (['true', '1', 'on', 'yes', 't'].includes(word)) return '1';
  if (['false', '0', 'off', 'no', 'f', ''].includes(word)) return '0';
  throw fault(field, 'the default must be true or false');
}
