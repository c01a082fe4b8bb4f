/** A column of a new table: simple types to PostgreSQL's own (database-api §6.6), defaults as literals only. */
import { invalid } from '#common/errors.ts';
import type { Column } from '#common/schema/catalogue.ts';
import type { ColumnChange, FieldDefinition } from '../dialect.ts';
import { quoteIdentifier, quoteNewIdentifier, textLiteral } from './quote.ts';

/** Whether the type takes (length), (precision, scale), or neither. */
type Shape = 'plain' | 'length' | 'scale';
type SqlType = readonly [name: string, shape: Shape];

const INTEGER: SqlType = ['integer', 'plain'];
const TIMESTAMP: SqlType = ['timestamp', 'plain'];

const TYPES: ReadonlyMap<string, SqlType> = new Map<string, SqlType>([
  ['id', INTEGER],
  ['bigid', ['bigint', 'plain']],
  ['mediumid', INTEGER],
  ['smallid', ['smallint', 'plain']],
  ['reference', INTEGER],
  ['user_id', INTEGER],
  ['user_id_on_create', INTEGER],
  ['user_id_on_update', INTEGER],
  ['integer', INTEGER],
  ['int', INTEGER],
  ['mediumint', INTEGER],
  ['bigint', ['bigint', 'plain']],
  ['smallint', ['smallint', 'plain']],
  ['tinyint', ['smallint', 'plain']],
  ['boolean', ['boolean', 'plain']],
  ['bool', ['boolean', 'plain']],
  ['decimal', ['numeric', 'scale']],
  ['numeric', ['numeric', 'scale']],
  ['double', ['double precision', 'plain']],
  ['float', ['real', 'plain']],
  ['real', ['real', 'plain']],
  ['double precision', ['double precision', 'plain']],
  ['money', ['money', 'plain']],
  ['string', ['varchar', 'length']],
  ['varchar', ['varchar', 'length']],
  ['character varying', ['varchar', 'length']],
  ['char', ['char', 'length']],
  ['character', ['char', 'length']],
  ['text', ['text', 'plain']],
  ['mediumtext', ['text', 'plain']],
  ['longtext', ['text', 'plain']],
  ['binary', ['bytea', 'plain']],
  ['date', ['date', 'plain']],
  ['time', ['time', 'plain']],
  ['timetz', ['time with time zone', 'plain']],
  ['datetime', TIMESTAMP],
  ['timestamp', TIMESTAMP],
  ['timestamp_on_create', TIMESTAMP],
  ['timestamp_on_update', TIMESTAMP],
  ['datetimetz', ['timestamp with time zone', 'plain']],
  ['timestamptz', ['timestamp with time zone', 'plain']],
  ['time without time zone', ['time', 'plain']],
  ['time with time zone', ['time with time zone', 'plain']],
  ['timestamp without time zone', TIMESTAMP],
  ['timestamp with time zone', ['timestamp with time zone', 'plain']],
]);

/** As the catalogue calls them; the others have one name. */
const NATIVE_TYPES: Readonly<Record<string, string>> = {
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  'double precision': 'float8',
  real: 'float4',
  char: 'bpchar',
  'time with time zone': 'timetz',
  'timestamp with time zone': 'timestamptz',
};

const STRING_LENGTH = 255;

const SERIALS: Readonly<Record<string, string>> = { integer: 'serial', bigint: 'bigserial', smallint: 'smallserial' };

/** Expressions that a default may be; anything else would be SQL from a request. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  current_timestamp: 'current_timestamp',
  'current_timestamp()': 'current_timestamp',
  'now()': 'now()',
  localtimestamp: 'localtimestamp',
  current_date: 'current_date',
  current_time: 'current_time',
  localtime: 'localtime',
  'gen_random_uuid()': 'gen_random_uuid()',
};

const TEMPORAL = /^(?:date|time)/;

/**
 * `"name" varchar(60) not null default 'x'`; `primary key` only for a key that counts up by itself, as other keys may
 * have several columns and belong to the table.
 *
 * @throws invalid for a type or a default that there is not, and a name that is too long
 */
export function columnSql(field: FieldDefinition): string {
  const [type, shape] = sqlType(field);
  const serial = field.autoIncrement ? SERIALS[type] : undefined;
  if (field.autoIncrement && !serial) throw fault(field, `type '${field.type}' cannot count up by itself`);
  const parts = [quoteNewIdentifier(field.name), serial ?? type + modifiers(field, shape)];
  if (!field.nullable || field.autoIncrement) parts.push('not null');
  if (field.autoIncrement && field.primaryKey) parts.push('primary key');
  const isClock = field.type.startsWith('timestamp_on_');
  const value = defaultSql(field) ?? (isClock ? 'current_timestamp' : undefined);
  if (value !== undefined && !serial) parts.push(`default ${value}`);
  return parts.join(' ');
}

export function typeSql(field: FieldDefinition): string {
  const [type, shape] = sqlType(field);
  return type + modifiers(field, shape);
}

export function isOfType(field: FieldDefinition, { nativeType }: Column): boolean {
  const [type] = sqlType(field);
  const native = NATIVE_TYPES[type] ?? type;
  // A type of the database's own has its schema in front.
  return native === nativeType || native === `"${nativeType.split('.').at(-1)?.replaceAll('"', '')}"`;
}

/**
 * A value of another type becomes one of the new without its length first: one that is too long is refused then, not cut.
 * A default becomes one of the new in a way of its own.
 */
export function changeColumn(change: ColumnChange): string[] {
  const { column, wanted } = change;
  const name = quoteIdentifier(column.name);
  const isOther = change.type && !isOfType(wanted, column);
  const isKept = typeof column.default === 'object';
  const setsDefault = change.default || (isOther && !isKept);
  const actions: string[] = [];
  if (setsDefault && column.default !== null) actions.push('drop default');
  if (isOther) actions.push(`type ${typeSql(wanted)} using ${name}::${sqlType(wanted)[0]}`);
  else if (change.type) actions.push(`type ${typeSql(wanted)}`);
  if (change.nullable) actions.push(wanted.nullable ? 'drop not null' : 'set not null');
  const value = setsDefault ? defaultSql(wanted) : undefined;
  if (value !== undefined) actions.push(`set default ${value}`);
  return actions.map((action) => `alter column ${name} ${action}`);
}

const fault = (field: FieldDefinition, reason: string) =>
  invalid(`Field '${field.name}': ${reason}.`, { field: field.name });

function sqlType(field: FieldDefinition): SqlType {
  const name = field.type.toLowerCase();
  // Any other word may be a type of the database's own.
  if (name === 'array' || name === 'object' || (name.includes(' ') && !TYPES.has(name))) {
    throw fault(field, `the database has no type '${field.type}'`);
  }
  const [type, shape] = TYPES.get(name) ?? [quoteIdentifier(name), field.scale === null ? 'length' : 'scale'];
  if (type === 'varchar' && field.fixedLength) return ['char', shape];
  return [type, shape];
}

function modifiers(field: FieldDefinition, shape: Shape): string {
  const isKnown = TYPES.has(field.type.toLowerCase());
  if (shape === 'length') {
    const length = field.length ?? (isKnown ? STRING_LENGTH : null);
    return length === null ? '' : `(${length})`;
  }
  const precision = field.precision ?? field.length;
  if (shape === 'plain' || precision === null) return '';
  return field.scale === null ? `(${precision})` : `(${precision},${field.scale})`;
}

function defaultSql(field: FieldDefinition): string | undefined {
  const value = field.default;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return expression(field, value.expression);
  const type = sqlType(field)[0];
  if (type === 'boolean') return boolean(field, value);
  if (typeof value === 'number') return `${value}`;
  if (typeof value === 'boolean') return SERIALS[type] || type === 'numeric' ? `${Number(value)}` : `'${value}'`;
  const word = EXPRESSIONS[value.trim().toLowerCase()];
  return word !== undefined && TEMPORAL.test(type) ? word : textLiteral(value);
}

function expression(field: FieldDefinition, text: string): string {
  const known = EXPRESSIONS[text.trim().toLowerCase()];
  if (known === undefined) {
    throw fault(field, `a default expression must be one of ${Object.values(EXPRESSIONS).join(', ')}`);
  }
  return known;
}

function boolean(field: FieldDefinition, value: string | number | boolean): string {
  const word = String(value).toLowerCase();
  if (['true', '1', 'on', 'yes', 't'].includes(word)) return 'true';
  if (['false', '0', 'off', 'no', 'f', ''].includes(word)) return 'false';
  throw fault(field, 'the default must be true or false');
}
