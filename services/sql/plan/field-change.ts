/**
 * A field that is there, in a `_schema` write (database-api §6.3): what the definition says otherwise than the
 * description does. What it does not say, or says as the description does, stays.
 */

import type { Column } from '#common/schema/catalogue.ts';
import {
  differences,
  fault,
  ID_TYPES,
  isSame,
  isUnset,
  readDefault,
  readFlag,
  readSize,
  readType,
  typeExtras,
} from '#common/schema/definition-words.ts';
import { describeField } from '#common/schema/describe.ts';
import type { FieldView, Properties } from '#common/schema/extras.ts';
import { defaultLabel } from '#common/schema/labels.ts';
import type { ColumnChange, Dialect, FieldDefinition } from '../dialect.ts';
import { readExtras, readReference, refuseRawSql } from './definition-fields.ts';

export interface FieldChange {
  readonly extras: Properties;
  readonly unique: boolean;
  readonly indexed: boolean;
  /** Of a field that had none. */
  readonly reference: FieldDefinition['reference'];
  /** undefined: the column stays as it is. */
  readonly column: ColumnChange | undefined;
}

/** @throws invalid that names the field and the property, for what cannot be changed */
export function parseFieldChange(definition: Properties, field: FieldView, dialect: Dialect): FieldChange {
  const { name, column } = field;
  const now = describeField(field);
  refuseRawSql(name, definition, now);
  for (const key of FIXED) {
    if (!isUnset(definition[key]) && readFlag(name, definition, key) !== now[key]) {
      throw fault(name, `'${key}' of an existing field cannot be changed`);
    }
  }
  const type = isUnset(definition['type']) ? field.type : readType(name, definition['type']).type;
  const extras = { ...readExtras(name, definition), ...(type === field.type ? {} : typeExtras(type, column === null)) };
  return {
    extras: differences(extras, {
      ...now,
      label: field.label === defaultLabel(name) ? null : field.label,
      extra_type: field.type,
      client_info: field.clientInfo,
    }),
    unique: readFlag(name, definition, 'is_unique') && !now['is_unique'] && !now['is_primary_key'],
    indexed: readFlag(name, definition, 'is_index') && !now['is_index'] && !now['is_unique'],
    reference: newReference(definition, field, type),
    column: column ? columnChange(definition, field, column, dialect) : undefined,
  };
}

/** What a write to an existing field may repeat, but not change. */
const FIXED = ['auto_increment', 'is_primary_key', 'is_virtual'];

function newReference(definition: Properties, field: FieldView, type: string): FieldDefinition['reference'] {
  const { name, column } = field;
  // The type alone only repeats what the description says.
  const isRepeated = type === 'reference' && isUnset(definition['ref_table']);
  const wanted = readReference(name, isRepeated ? field.type : type, definition);
  if (!wanted) return null;
  if (!column) throw fault(name, 'a virtual field cannot be a reference');
  const known = column.foreignKey;
  if (!known) return wanted;
  const isOther = !isSameName(wanted.table, known.table) || (wanted.field && !isSameName(wanted.field, known.field));
  if (isOther) throw fault(name, `refers to '${known.table}' already`);
  return null;
}

const isSameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function columnChange(
  definition: Properties,
  field: FieldView,
  column: Column,
  dialect: Dialect,
): ColumnChange | undefined {
  const { name } = field;
  const typed = typeChange(definition, field, column, dialect);
  const nullable = isUnset(definition['allow_null']) ? column.nullable : readFlag(name, definition, 'allow_null');
  const value = newDefault(definition, column);
  const what = {
    type: typed !== undefined,
    nullable: nullable !== column.nullable,
    default: value !== undefined,
  };
  const changed = Object.entries({ type: what.type, allow_null: what.nullable, default: what.default });
  const first = changed.find(([, isChanged]) => isChanged)?.[0];
  if (first === undefined) return undefined;
  if (column.generated) throw fault(name, `'${first}' of a field that the database generates cannot be changed`);
  if (what.nullable && column.primaryKey) throw fault(name, "'allow_null' of a primary key cannot be changed");
  if (what.default && column.autoIncrement) throw fault(name, "'default' of a field that counts up cannot be changed");
  return {
    column,
    wanted: {
      ...(typed ?? definitionOf(column, field.type)),
      nullable,
      default: value === undefined ? column.default : value,
    },
    ...what,
  };
}

/** @returns undefined: the type and its lengths stay */
function typeChange(
  definition: Properties,
  field: FieldView,
  column: Column,
  dialect: Dialect,
): FieldDefinition | undefined {
  const { name } = field;
  const isNamed = !isUnset(definition['type']);
  const given = isNamed ? readType(name, definition['type']) : undefined;
  const sizes = newSizes(definition, given, column);
  // As a reference it is of the type that it has.
  const type = given && given.type !== 'reference' ? given.type : field.type;
  if (ID_TYPES.has(type) && !column.autoIncrement) throw fault(name, `'type' cannot become '${type}' later`);
  const now = definitionOf(column, type);
  const isSameType = type === field.type || dialect.isOfType(now, column);
  if (!isSameType) return { ...now, length: null, precision: null, scale: null, ...sizes };
  if (Object.keys(sizes).length === 0) return undefined;
  if (!dialect.isOfType(now, column)) {
    // A type of its own, which is shown as the one that comes nearest.
    if (isNamed) return { ...now, length: null, precision: null, scale: null, ...sizes };
    throw fault(name, `'${Object.keys(sizes)[0]}' of a field of the type '${column.dbType}' needs a 'type' beside it`);
  }
  const wanted = { ...now, ...withPrecision(sizes, column) };
  return dialect.typeSql(wanted) === dialect.typeSql(now) ? undefined : wanted;
}

type Sizes = Partial<Pick<FieldDefinition, 'length' | 'precision' | 'scale' | 'fixedLength'>>;

/** Those that the definition gives and the column has otherwise. */
function newSizes(definition: Properties, given: ReturnType<typeof readType> | undefined, column: Column): Sizes {
  const { name } = column;
  const wanted: Sizes = {
    length: readSize(name, definition, ['length', 'size']) ?? given?.length ?? null,
    precision: readSize(name, definition, ['precision']),
    scale: readSize(name, definition, ['scale', 'decimals'], 0) ?? given?.scale ?? null,
  };
  const sizes = Object.fromEntries(
    Object.entries(wanted).filter(([key, size]) => size !== null && size !== column[key as keyof Column]),
  ) as Sizes;
  const isFixed = isUnset(definition['fixed_length']) ? column.fixedLength : readFlag(name, definition, 'fixed_length');
  return isFixed === column.fixedLength ? sizes : { ...sizes, fixedLength: isFixed };
}

/** The length of a number is its precision: whichever of the two was given counts. */
function withPrecision(sizes: Sizes, column: Column): Sizes {
  if (sizes.length === undefined || sizes.precision !== undefined || column.precision === null) return sizes;
  return { ...sizes, precision: sizes.length };
}

const definitionOf = (column: Column, type: string): FieldDefinition => ({
  name: column.name,
  type,
  length: column.length,
  precision: column.precision,
  scale: column.scale,
  default: column.default,
  nullable: column.nullable,
  autoIncrement: column.autoIncrement,
  primaryKey: column.primaryKey,
  unique: column.unique,
  indexed: column.indexed,
  fixedLength: column.fixedLength,
  multibyte: column.multibyte,
  reference: null,
});

/** undefined: it stays; null: it is taken away. */
function newDefault(definition: Properties, column: Column): FieldDefinition['default'] {
  if (!('default' in definition)) return undefined;
  // Forms send an empty text for none; for a text it is a value.
  const isNothing = definition['default'] === '' && column.json !== 'string';
  const wanted = isNothing ? null : (readDefault(column.name, definition['default']) ?? null);
  return isSameDefault(wanted, column.default) ? undefined : wanted;
}

function isSameDefault(wanted: Column['default'], now: Column['default']): boolean {
  if (isSame(wanted, now)) return true;
  if (wanted === null || now === null) return false;
  if (typeof now === 'object') return clockWord(wanted) !== undefined && clockWord(wanted) === clockWord(now);
  if (typeof wanted === 'object') return false;
  // Forms send numbers and flags as text; a database may show its own spelling of a number.
  if (typeof now === 'number') return wanted !== '' && Number(wanted) === now;
  if (typeof now === 'boolean') return (now ? TRUE : FALSE).includes(String(wanted).toLowerCase());
  return String(wanted) === now;
}

const TRUE = ['true', '1', 'yes', 'on', 't'];
const FALSE = ['false', '0', 'no', 'off', 'f'];

/** `current_timestamp` for all of its names: databases show them as they like. */
function clockWord(value: NonNullable<Column['default']>): string | undefined {
  const text = typeof value === 'object' ? value.expression : String(value);
  const word = text
    .trim()
    .toLowerCase()
    .replace(/\(\d*\)$/, '');
  if (['current_timestamp', 'now', 'localtimestamp'].includes(word)) return 'current_timestamp';
  return ['current_date', 'current_time', 'localtime'].includes(word) ? word : undefined;
}
