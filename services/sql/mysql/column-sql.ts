/** A column of a new table: simple types to those of MySQL and MariaDB (database-api §6.6), defaults as literals only. */
import { invalid } from '#common/errors.ts';
import type { Column } from '#common/schema/catalogue.ts';
import type { ColumnChange, FieldDefinition } from '../dialect.ts';
import { quoteIdentifier, textLiteral } from './quote.ts';

/** Whether the type takes (length), (precision, scale), (digits of a second), or nothing. */
type Shape = 'plain' | 'length' | 'scale' | 'digits';
type SqlType = readonly [name: string, shape: Shape];

const INT: SqlType = ['int', 'plain'];
const TIMESTAMP: SqlType = ['timestamp', 'digits'];
const TIME: SqlType = ['time', 'digits'];
const BOOLEAN: SqlType = ['tinyint(1)', 'plain'];

const TYPES: ReadonlyMap<string, SqlType> = new Map<string, SqlType>([
  ['id', INT],
  ['pk', INT],
  ['bigid', ['bigint', 'plain']],
  ['mediumid', ['mediumint', 'plain']],
  ['smallid', ['smallint', 'plain']],
  ['reference', INT],
  ['fk', INT],
  ['user_id', INT],
  ['user_id_on_create', INT],
  ['user_id_on_update', INT],
  ['integer', INT],
  ['int', INT],
  ...['bigint', 'mediumint', 'smallint', 'tinyint', 'year'].map((name): [string, SqlType] => [name, [name, 'plain']]),
  ['boolean', BOOLEAN],
  ['bool', BOOLEAN],
  ['decimal', ['decimal', 'scale']],
  ['numeric', ['decimal', 'scale']],
  ['double', ['double', 'plain']],
  ['real', ['double', 'plain']],
  ['double precision', ['double', 'plain']],
  ['float', ['float', 'plain']],
  ['money', ['decimal(19,4)', 'plain']],
  ['string', ['varchar', 'length']],
  ['varchar', ['varchar', 'length']],
  ['char', ['char', 'length']],
  ...['text', 'tinytext', 'mediumtext', 'longtext'].map((name): [string, SqlType] => [name, [name, 'plain']]),
  ...['blob', 'tinyblob', 'mediumblob', 'longblob'].map((name): [string, SqlType] => [name, [name, 'plain']]),
  ['binary', ['varbinary', 'length']],
  ['varbinary', ['varbinary', 'length']],
  ['date', ['date', 'plain']],
  ['time', TIME],
  ['timetz', TIME],
  ['datetime', ['datetime', 'digits']],
  ['datetimetz', TIMESTAMP],
  ['timestamp', TIMESTAMP],
  ['timestamptz', TIMESTAMP],
  ['timestamp_on_create', TIMESTAMP],
  ['timestamp_on_update', TIMESTAMP],
  ['uuid', ['char(36)', 'plain']],
  ['json', ['json', 'plain']],
  ['jsonb', ['json', 'plain']],
]);

const STRING_LENGTH = 255;
const SECOND_DIGITS_MAX = 6;
const WITHOUT_LENGTH: Readonly<Record<string, string>> = { varchar: 'char', varbinary: 'binary' };
const COUNTERS = new Set(['int', 'bigint', 'mediumint', 'smallint', 'tinyint']);

/** Expressions that a default may be; anything else would be SQL from a request. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  current_timestamp: 'current_timestamp',
  'current_timestamp()': 'current_timestamp',
  'now()': 'current_timestamp',
  localtimestamp: 'current_timestamp',
};

const TEMPORAL = /^(?:datetime|timestamp)/;
const TYPE_WORDS = /^[a-z_][a-z0-9_]*(?: unsigned)?$/;

/**
 * `` `name` varchar(60) not null default 'x' ``; `primary key` only for a key that counts up by itself, as other keys may
 * have several columns and belong to the table.
 *
 * @throws invalid for a type or a default that there is not
 */
export function columnSql(field: FieldDefinition): string {
  const type = sqlType(field);
  const parts = [quoteIdentifier(field.name), type];
  // A timestamp of an older server is not null where it does not say otherwise.
  parts.push(field.nullable && !field.autoIncrement ? 'null' : 'not null');
  if (field.autoIncrement) {
    if (!COUNTERS.has(type)) throw fault(field, `type '${field.type}' cannot count up by itself`);
    parts.push(field.primaryKey ? 'auto_increment primary key' : 'auto_increment unique');
    return parts.join(' ');
  }
  const isClock = field.type.startsWith('timestamp_on_');
  const value = defaultSql(field, type) ?? (isClock ? clock(type) : undefined);
  if (value !== undefined) parts.push(`default ${value}`);
  if (field.type === 'timestamp_on_update') parts.push(`on update ${clock(type)}`);
  return parts.join(' ');
}

export const typeSql = (field: FieldDefinition): string => sqlType(field);

/** A type whose numbers are part of it, as those of a boolean, is compared with them. */
export function isOfType(field: FieldDefinition, { dbType, nativeType }: Column): boolean {
  const type = sqlType(field);
  if (nativeType === 'json' || type === 'json') return nativeType === type;
  const isWhole = TYPES.get(field.type.trim().toLowerCase())?.[0].includes('(');
  const bare = (text: string): string => text.toLowerCase().replace(/\([^)]*\)/g, '');
  return isWhole || type === 'tinyint' ? isSameType(dbType, type) : bare(dbType) === bare(type);
}

const isSameType = (dbType: string, type: string): boolean =>
  type === 'tinyint' ? /^tinyint(?!\(1\))/.test(dbType) : dbType === type;

const TEXTUAL = /^(?:var)?char|text$|^(?:enum|set)\(/;

/** The whole column is said again: what is left out of it would be lost. */
export function changeColumn({ column, wanted, ...changes }: ColumnChange): string[] {
  const isOwn = column.nativeType === 'json' ? 'json' : column.dbType;
  const type = changes.type ? sqlType(wanted) : isOwn;
  const { collation, rest } = column.repeats ?? { collation: null, rest: '' };
  const parts = [`modify column ${quoteIdentifier(column.name)} ${type}`];
  if (collation && TEXTUAL.test(type)) parts.push(`collate ${collation}`);
  parts.push(wanted.nullable ? 'null' : 'not null');
  if (column.autoIncrement) parts.push('auto_increment');
  const value = changes.default ? defaultSql(wanted, type) : keptDefault(wanted, type);
  if (value !== undefined) parts.push(`default ${value}`);
  if (rest) parts.push(rest);
  return [parts.join(' ')];
}

/** An expression is the catalogue's own. */
function keptDefault(field: FieldDefinition, type: string): string | undefined {
  const { default: value } = field;
  if (typeof value !== 'object' || value === null) return defaultSql(field, type);
  return /^current_timestamp/i.test(value.expression) ? clock(type) : `(${value.expression})`;
}

const fault = (field: FieldDefinition, reason: string) =>
  invalid(`Field '${field.name}': ${reason}.`, { field: field.name });

function sqlType(field: FieldDefinition): string {
  const name = field.type.trim().toLowerCase();
  if (name === 'array' || name === 'object') throw fault(field, `the database has no type '${field.type}'`);
  const known = TYPES.get(name);
  if (known) {
    const [type, shape] = known;
    const fixed = field.fixedLength ? WITHOUT_LENGTH[type] : undefined;
    return (fixed ?? type) + modifiers(field, shape, STRING_LENGTH);
  }
  if (!TYPE_WORDS.test(name)) throw fault(field, `the database has no type '${field.type}'`);
  const [word, ...more] = name.split(' ');
  return [word + modifiers(field, field.scale === null ? 'length' : 'scale', null), ...more].join(' ');
}

function modifiers(field: FieldDefinition, shape: Shape, lengthDefault: number | null): string {
  if (shape === 'plain') return '';
  if (shape === 'length') {
    const length = field.length ?? lengthDefault;
    return length === null ? '' : `(${length})`;
  }
  const precision = field.precision ?? field.length;
  if (precision === null) return '';
  if (shape === 'digits') return precision > 0 && precision <= SECOND_DIGITS_MAX ? `(${precision})` : '';
  return field.scale === null ? `(${precision})` : `(${precision},${field.scale})`;
}

function defaultSql(field: FieldDefinition, type: string): string | undefined {
  const value = field.default;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return expression(field, value.expression, type);
  if (type === 'tinyint(1)') return boolean(field, value);
  if (typeof value !== 'string') return String(Number(value));
  const isClock = Object.hasOwn(EXPRESSIONS, value.trim().toLowerCase()) && TEMPORAL.test(type);
  return isClock ? clock(type) : textLiteral(value);
}

/** With as many digits of a second as the column has: another number is refused. */
const clock = (type: string): string => `current_timestamp${/\(\d\)$/.exec(type)?.[0] ?? ''}`;

function expression(field: FieldDefinition, text: string, type: string): string {
  if (Object.hasOwn(EXPRESSIONS, text.trim().toLowerCase())) return clock(type);
  throw fault(field, `a default expression must be one of ${Object.keys(EXPRESSIONS).join(', ')}`);
}

function boolean(field: FieldDefinition, value: string | number | boolean): string {
  const word = String(value).toLowerCase();
  if (['true', '1', 'on', 'yes', 't'].includes(word)) return '1';
  if (['false', '0', 'off', 'no', 'f', ''].includes(word)) return '0';
  throw fault(field, 'the default must be true or false');
}
