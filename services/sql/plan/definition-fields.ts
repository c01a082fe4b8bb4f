/** One field of a `_schema` write (database-api §6.3): checked, and parted into what the database and what extras hold. */
import { type ErrorContext, invalid, MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { describeField } from '../describe.ts';
import type { FieldDefinition } from '../dialect.ts';
import { readFunctions } from '../expression/field-functions.ts';
import { type FieldView, isObject, type Properties } from '../extras.ts';
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
const ID_TYPES = new Set(['id', 'bigid', 'mediumid', 'smallid']);
const SYNONYMS: Readonly<Record<string, string>> = { pk: 'id', fk: 'reference' };
const ACTIONS = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
const MODIFIER_MAX = 10_485_760;
/** What a field or a table may say only with an empty value: SQL from a request. */
const RAW_FIELD_SQL = ['sql', 'type_extras'];

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

export interface FieldChange {
  readonly extras: Properties;
  readonly unique: boolean;
  readonly indexed: boolean;
  /** Of a field that had none. */
  readonly reference: FieldDefinition['reference'];
}

/** A field that is there: extras, and what can be added to it. @throws invalid for what cannot be changed */
export function parseFieldChange(definition: Properties, field: FieldView): FieldChange {
  const { name } = field;
  const now = describeField(field);
  refuseRawSql(name, definition, now);
  const type = definition['type'] === undefined ? field.type : readType(name, definition['type']).type;
  if (kindOf(type) !== kindOf(field.type)) {
    throw fault(name, `exists with type '${field.type}', which cannot become '${type}'`);
  }
  for (const key of FIXED) {
    if (!isUnset(definition[key]) && !isFixedSame(name, definition, key, now[key])) {
      throw fault(name, `'${key}' of an existing field cannot be changed`);
    }
  }
  const isVirtual = field.column === null;
  const extras = { ...readExtras(name, definition), ...(type === field.type ? {} : typeExtras(type, isVirtual)) };
  // The type alone only repeats what the description says.
  const isRepeated = type === 'reference' && isUnset(definition['ref_table']);
  const reference = readReference(name, isRepeated ? field.type : type, definition);
  const isKnown = field.column?.foreignKey ?? null;
  if (isVirtual && reference) throw fault(name, 'a virtual field cannot be a reference');
  return {
    extras: differences(extras, {
      ...now,
      label: field.label === defaultLabel(name) ? null : field.label,
      extra_type: field.type,
      client_info: field.clientInfo,
    }),
    unique: readFlag(name, definition, 'is_unique') && !now['is_unique'] && !now['is_primary_key'],
    indexed: readFlag(name, definition, 'is_index') && !now['is_index'] && !now['is_unique'],
    reference: isKnown ? sameReference(name, isKnown, reference) : reference,
  };
}

/** Properties that the description shows and a write to an existing field may repeat, but not change. */
const FIXED = [
  'allow_null',
  'length',
  'precision',
  'scale',
  'auto_increment',
  'is_primary_key',
  'fixed_length',
  'is_virtual',
  'default',
];
const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '';
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Forms send numbers and flags as text. */
function isFixedSame(name: string, definition: Properties, key: string, now: unknown): boolean {
  if (typeof now === 'boolean') return readFlag(name, definition, key) === now;
  return isSame(definition[key], now) || (typeof now === 'number' && Number(definition[key]) === now);
}

function sameReference(
  name: string,
  known: { table: string; field: string },
  wanted: FieldDefinition['reference'],
): null {
  if (wanted && (!isSameName(wanted.table, known.table) || (wanted.field && !isSameName(wanted.field, known.field)))) {
    throw fault(name, `refers to '${known.table}' already`);
  }
  return null;
}

const isSameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Types that can stand for each other without touching the column. */
function kindOf(type: string): string {
  if (/^(?:big|medium|small)?id$|^reference$|^user_id|^integer$|^(?:tiny|small|medium|big)?int$/.test(type))
    return 'integer';
  if (/^(?:decimal|double|float|money|numeric)$/.test(type)) return 'number';
  if (/^(?:date|time)/.test(type)) return type === 'date' || /^time(?:tz)?$/.test(type) ? type : 'timestamp';
  return type === 'boolean' ? type : 'text';
}

/** What an existing field says already may be repeated. */
function refuseRawSql(name: string, definition: Properties, now: Properties = {}): void {
  const raw = RAW_FIELD_SQL.find((key) => !isBlank(definition[key]) && !isSame(definition[key], now[key]));
  if (raw) throw fault(name, `'${raw}' would be SQL from a request and is not taken`);
}

interface ReadType {
  readonly type: string;
  readonly length: number | null;
  readonly scale: number | null;
}

/** A word, or a word with its length: `decimal(10,2)`. */
function readType(name: string, value: unknown): ReadType {
  if (typeof value !== 'string' || value.trim() === '') throw fault(name, "'type' is missing");
  const [, word, first, second] = /^\s*(\w+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$/.exec(value) ?? [];
  if (word === undefined) throw fault(name, "'type' must be one word, or one word and a length: string(40)");
  const lower = word.toLowerCase();
  return {
    type: SYNONYMS[lower] ?? lower,
    length: first === undefined ? null : bounded(name, 'type', Number(first), 1),
    scale: second === undefined ? null : bounded(name, 'type', Number(second), 0),
  };
}

function readSize(name: string, definition: Properties, keys: readonly string[], min = 1): number | null {
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

function readDefault(name: string, value: unknown): FieldDefinition['default'] {
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

function readReference(name: string, type: string, definition: Properties): FieldDefinition['reference'] {
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

const typeExtras = (type: string, isVirtual: boolean): Properties => ({
  extra_type: isVirtual || EXTRA_TYPES.has(type) ? type : null,
  ...(isVirtual && { is_virtual: true }),
});

/** Only what the definition speaks of. */
function readExtras(name: string, definition: Properties): Properties {
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
