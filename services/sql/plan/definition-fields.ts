/** One field of a `_schema` write (database-api §6.3): checked, and parted into what the database and what extras hold. */
import { type ErrorContext, invalid, MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { FieldDefinition } from '../dialect.ts';
import { readFunctions } from '../expression/field-functions.ts';
import { isObject, type Properties } from '../extras.ts';
import { defaultLabel } from '../labels.ts';

export interface ParsedField {
  readonly name: string;
  /** null: virtual. */
  readonly column: FieldDefinition | null;
  readonly extras: Properties;
}

const EXTRA_TYPES = new Set([
  'user_id',
  'user_id_on_create',
  'user_id_on_update',
  'timestamp_on_create',
  'timestamp_on_update',
]);
export const ID_TYPES = new Set(['id', 'bigid', 'mediumid', 'smallid']);
const SYNONYMS: Readonly<Record<string, string>> = { pk: 'id', fk: 'reference' };
const ACTIONS = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
const MODIFIER_MAX = 10_485_760;
/** What a field or a table may say only with an empty value: SQL from a request. */
const RAW_FIELD_SQL = ['sql', 'type_extras'];

/** Words, numbers in parentheses, and words again. Which words a database knows, its dialect says. */
const TYPE = /^([a-z_]\w*(?:\s+[a-z_]\w*)*)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)((?:\s+[a-z_]\w*)*))?$/;

export const fault = (field: string, reason: string, context?: ErrorContext): MillraceError =>
  invalid(`Field '${field}': ${reason}.`, { field, ...context });

/** Nothing that a client would miss if it were ignored. */
export const isBlank = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

/** @throws invalid when there is no name, or none that a database can hold */
export function readName(definition: Properties, what: string): string {
  const name = typeof definition['name'] === 'string' ? definition['name'].trim() : '';
  if (name === '') throw invalid(`${what} schema received does not have a valid name.`);
  if (/[\0-\x1f/]/.test(name)) throw invalid(`${what} name '${printable(name)}' holds a character that it may not.`);
  return name;
}

const printable = (text: string): string => text.replace(/[\0-\x1f]/g, '?').slice(0, 64);

/** A field that is not there yet. @throws invalid that names the field and the property */
export function parseNewField(definition: Properties): ParsedField {
  const name = readName(definition, 'Field');
  refuseRawSql(name, definition);
  const { type, length, scale } = readType(name, definition['type']);
  const isVirtual = readFlag(name, definition, 'is_virtual');
  const extras = withoutBlanks({ ...readExtras(name, definition), ...typeExtras(type, isVirtual) });
  if (isVirtual) return { name, column: null, extras };
  const primaryKey = ID_TYPES.has(type) || readFlag(name, definition, 'is_primary_key');
  const column: FieldDefinition = {
    name,
    type,
    length: readSize(name, definition, ['length', 'size']) ?? length,
    precision: readSize(name, definition, ['precision']),
    scale: readSize(name, definition, ['scale', 'decimals'], 0) ?? scale,
    default: readDefault(name, definition['default']),
    nullable: readFlag(name, definition, 'allow_null') && !primaryKey,
    autoIncrement: ID_TYPES.has(type) || readFlag(name, definition, 'auto_increment'),
    primaryKey,
    unique: readFlag(name, definition, 'is_unique'),
    indexed: readFlag(name, definition, 'is_index'),
    fixedLength: readFlag(name, definition, 'fixed_length'),
    multibyte: readFlag(name, definition, 'supports_multibyte'),
    reference: readReference(name, type, definition),
  };
  return { name, column, extras };
}

export const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '';
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What an existing field says already may be repeated. */
export function refuseRawSql(name: string, definition: Properties, now: Properties = {}): void {
  const raw = RAW_FIELD_SQL.find((key) => !isBlank(definition[key]) && !isSame(definition[key], now[key]));
  if (raw) throw fault(name, `'${raw}' would be SQL from a request and is not taken`);
}

export interface ReadType {
  readonly type: string;
  readonly length: number | null;
  readonly scale: number | null;
}

/** The name of a type, perhaps with a length: `decimal(10,2)`, `double precision`, `int(11) unsigned`. */
export function readType(name: string, value: unknown): ReadType {
  if (typeof value !== 'string' || value.trim() === '') throw fault(name, "'type' is missing");
  const [, words, first, second, more] = TYPE.exec(value.trim().toLowerCase()) ?? [];
  if (words === undefined) throw fault(name, "'type' must be the name of a type, perhaps with a length: string(40)");
  const lower = [words, more].join(' ').trim().replace(/\s+/g, ' ');
  return {
    type: SYNONYMS[lower] ?? lower,
    length: first === undefined ? null : bounded(name, 'type', Number(first), 1),
    scale: second === undefined ? null : bounded(name, 'type', Number(second), 0),
  };
}

export function readSize(name: string, definition: Properties, keys: readonly string[], min = 1): number | null {
  const key = keys.find((candidate) => !isUnset(definition[candidate]));
  return key === undefined ? null : bounded(name, key, Number(definition[key]), min);
}

function bounded(name: string, key: string, value: number, min: number): number {
  if (!Number.isInteger(value) || value < min || value > MODIFIER_MAX) {
    throw fault(name, `'${key}' must be a whole number from ${min} to ${MODIFIER_MAX}`);
  }
  return value;
}

export function readFlag(name: string, definition: Properties, key: string): boolean {
  const value = definition[key];
  if (isUnset(value)) return false;
  const word = String(value).toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  throw fault(name, `'${key}' must be true or false`);
}

export function readDefault(name: string, value: unknown): FieldDefinition['default'] {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') {
    if (value.includes('\0')) throw fault(name, "'default' holds a character that it may not");
    return value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof JsonNumber) return value.text;
  if (isObject(value) && typeof value['expression'] === 'string') return { expression: value['expression'] };
  throw fault(name, '\'default\' must be a text, a number, true, false, or {"expression": …}');
}

export function readReference(name: string, type: string, definition: Properties): FieldDefinition['reference'] {
  if (type !== 'reference' && !readFlag(name, definition, 'is_foreign_key')) return null;
  const table = definition['ref_table'];
  if (typeof table !== 'string' || table.trim() === '') throw fault(name, "a reference needs a 'ref_table'");
  const field = definition['ref_field'];
  if (!isUnset(field) && typeof field !== 'string') throw fault(name, "'ref_field' must be a text");
  return {
    table: table.trim(),
    field: typeof field === 'string' ? field.trim() : '',
    onUpdate: readAction(name, definition, 'ref_on_update'),
    onDelete: readAction(name, definition, 'ref_on_delete'),
  };
}

export function readAction(name: string, definition: Properties, key: string): string | null {
  const value = definition[key];
  if (isUnset(value)) return null;
  const action = String(value)
    .trim()
    .replace(/[\s_]+/g, ' ')
    .toUpperCase();
  if (!ACTIONS.includes(action)) throw fault(name, `'${key}' must be one of ${ACTIONS.join(', ')}`);
  return action;
}

export const typeExtras = (type: string, isVirtual: boolean): Properties => ({
  extra_type: isVirtual || EXTRA_TYPES.has(type) ? type : null,
  ...(isVirtual && { is_virtual: true }),
});

/** Only what the definition speaks of. */
export function readExtras(name: string, definition: Properties): Properties {
  const extras: Record<string, unknown> = readTexts(name, definition, ['alias', 'label', 'description']);
  if (extras['label'] === defaultLabel(name)) extras['label'] = null;
  if ('picklist' in definition) extras['picklist'] = readPicklist(name, definition['picklist']);
  if ('validation' in definition) extras['validation'] = readValidation(name, definition['validation']);
  if ('db_function' in definition) extras['db_function'] = readDbFunction(name, definition['db_function']);
  if ('client_info' in definition) extras['client_info'] = definition['client_info'] ?? null;
  if ('is_aggregate' in definition) extras['is_aggregate'] = readFlag(name, definition, 'is_aggregate');
  return extras;
}

/** Texts that are given; null takes one back. */
export function readTexts(name: string, definition: Properties, keys: readonly string[]): Record<string, unknown> {
  const texts: Record<string, unknown> = {};
  for (const key of keys) {
    const value = definition[key];
    if (value === undefined) continue;
    if (value !== null && typeof value !== 'string') throw fault(name, `'${key}' must be a text`);
    texts[key] = value?.trim() || null;
  }
  return texts;
}

function readPicklist(name: string, value: unknown): readonly string[] | null {
  if (isBlank(value)) return null;
  const list = typeof value === 'string' ? value.split(',').map((entry) => entry.trim()) : value;
  if (!Array.isArray(list) || !list.every((entry) => ['string', 'number'].includes(typeof entry))) {
    throw fault(name, "'picklist' must be a list of texts");
  }
  return list.map(String);
}

function readDbFunction(name: string, value: unknown): unknown {
  try {
    return isBlank(value) ? null : (readFunctions(value) ?? null);
  } catch (error) {
    throw fault(name, MillraceError.from(error).message);
  }
}

function readValidation(name: string, value: unknown): Properties | null {
  if (isBlank(value)) return null;
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) {
    return Object.fromEntries(value.map((entry) => [entry, {}]));
  }
  if (!isObject(value)) throw fault(name, "'validation' must be an object by name of the validation");
  return value;
}

export const withoutBlanks = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => !isBlank(value)));

/** What is not already so; blank and absent are the same. */
export const differences = (wanted: Properties, now: Properties): Properties =>
  Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => !(isBlank(value) && isBlank(now[key])) && !isSame(value, now[key])),
  );
