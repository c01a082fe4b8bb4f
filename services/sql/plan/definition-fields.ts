/** One field of a `_schema` write (database-api §6.3): checked, and parted into what the database and what extras hold. */
import { MillraceError } from '#common/errors.ts';
import {
  fault,
  ID_TYPES,
  isBlank,
  isSame,
  isUnset,
  readAction,
  readDefault,
  readFieldExtras,
  readFlag,
  readName,
  readSize,
  readType,
  typeExtras,
  withoutBlanks,
} from '#common/schema/definition-words.ts';
import type { Properties } from '#common/schema/extras.ts';
import type { FieldDefinition } from '../dialect.ts';
import { readFunctions } from '../expression/field-functions.ts';

export interface ParsedField {
  readonly name: string;
  /** null: virtual. */
  readonly column: FieldDefinition | null;
  readonly extras: Properties;
}

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

/** What a field or a table may say only with an empty value: SQL from a request. */
const RAW_FIELD_SQL = ['sql', 'type_extras'];

/** What an existing field says already may be repeated. */
export function refuseRawSql(name: string, definition: Properties, now: Properties = {}): void {
  const raw = RAW_FIELD_SQL.find((key) => !isBlank(definition[key]) && !isSame(definition[key], now[key]));
  if (raw) throw fault(name, `'${raw}' would be SQL from a request and is not taken`);
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

/** Only what the definition speaks of. */
export function readExtras(name: string, definition: Properties): Properties {
  const extras = readFieldExtras(name, definition);
  if ('db_function' in definition) extras['db_function'] = readDbFunction(name, definition['db_function']);
  if ('is_aggregate' in definition) extras['is_aggregate'] = readFlag(name, definition, 'is_aggregate');
  return extras;
}

function readDbFunction(name: string, value: unknown): unknown {
  try {
    return isBlank(value) ? null : (readFunctions(value) ?? null);
  } catch (error) {
    throw fault(name, MillraceError.from(error).message);
  }
}
