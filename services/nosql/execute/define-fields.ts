/** Fields as definitions of this tier have them: declared beside the store, perhaps with an index in it. */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import {
  fault,
  isBlank,
  isUnset,
  readDefault,
  readFieldExtras,
  readFlag,
  readName,
  readType,
} from '#common/schema/definition-words.ts';
import { isObject, type Properties, type TableView } from '#common/schema/extras.ts';
import { type ExtraChange, ExtraChangeSchema } from '#proto/system/v1/system_pb.ts';
import type { KeyField, NewField, NewIndex, NoSqlEngine, NoSqlSource, StoreTable } from '../engine.ts';
import { kindOf } from '../plan/coerce.ts';
import { DECLARED } from '../table-view.ts';
import { asksForIndex, keyTypeOf, newIndexOf } from './define-indexes.ts';

/** The fields of a table's definition. @throws MillraceError invalid */
export function fieldsOf(definition: Properties): readonly Properties[] {
  const given = definition['field'] ?? [];
  const list = Array.isArray(given) ? given : [given];
  if (!list.every(isObject)) throw invalid("'field' must be a list of objects.", { field: 'field' });
  return list;
}

/** Of those that say so, in their order; none: the store's own. */
export function keyOf(fields: readonly Properties[]): KeyField[] {
  return fields
    .filter((field) => readFlag(String(field['name']), field, 'is_primary_key'))
    .map((field) => {
      const { type } = readType(String(field['name']), field['type'] ?? 'string');
      const kind = keyTypeOf(type);
      return { name: readName(field, 'Field'), type: kind === 'any' ? 'string' : kind, generated: false };
    });
}

/** As a store with columns needs them. @throws MillraceError invalid that names the field */
export const newFieldsOf = (fields: readonly Properties[]): NewField[] =>
  fields.map((field) => {
    const name = readName(field, 'Field');
    return { name, type: readType(name, field['type'] ?? 'string').type };
  });

/** Columns for those that have none yet. @returns whether there were any */
export async function addFields(
  table: StoreTable | undefined,
  fields: readonly Properties[],
  source: NoSqlSource,
  deadline: Deadline,
): Promise<boolean> {
  if (!table?.fields || !source.addFields) return false;
  const known = new Set(table.fields.map(({ name }) => name));
  const wanted = new Map(newFieldsOf(fields).map((field) => [field.name, field]));
  const fresh = [...wanted.values()].filter(({ name }) => !known.has(name));
  if (fresh.length > 0) await source.addFields(table, fresh, deadline);
  return fresh.length > 0;
}

/** @returns whether the store had any of them as columns */
export async function dropFields(
  table: StoreTable | undefined,
  names: readonly string[],
  source: NoSqlSource,
  deadline: Deadline,
): Promise<boolean> {
  if (!table?.fields || !source.dropFields) return false;
  const there = table.fields.filter(({ name }) => names.includes(name)).map(({ name }) => name);
  if (there.length > 0) await source.dropFields(table, there, deadline);
  return there.length > 0;
}

interface FieldChange {
  readonly extras: ExtraChange;
  readonly index: NewIndex | undefined;
}

/**
 * What a definition of a field comes to.
 * @param known  of a table that is there
 * @param stored  the same as the store has it
 * @throws MillraceError invalid that names the field
 */
export function fieldChange(
  table: string,
  definition: Properties,
  known: TableView | undefined,
  engine: NoSqlEngine,
  stored?: StoreTable,
): FieldChange {
  const name = readName(definition, 'Field');
  if (readFlag(name, definition, 'is_virtual')) throw fault(name, 'virtual fields are functions of SQL databases');
  if (!isBlank(definition['db_function'])) throw fault(name, "'db_function' is for SQL databases");
  const before = known?.byFieldName.get(name);
  const isDeclared = before?.column?.nativeType === 'declared';
  const isTyped = !isUnset(definition['type']);
  const { type, length } = readType(name, isTyped ? definition['type'] : (before?.type ?? 'string'));
  const held = stored?.fields?.find((one) => one.name === name);
  if (held && isTyped && !fits(type, held.type))
    throw fault(name, `its column is of type '${held.type}', and stays that`);
  // Whoever only wants an index says nothing of what the field holds.
  const isDeclaring = isTyped || !(isDeclared || asksForIndex(name, definition));
  const extras = change(
    table,
    { field: name },
    {
      ...readFieldExtras(name, definition),
      ...(isDeclaring && { [DECLARED]: true, declared_type: type, length }),
      ...((isDeclaring || 'default' in definition) && { default: readDefault(name, definition['default']) }),
      ...('required' in definition && { required: readFlag(name, definition, 'required') }),
      ...('allow_null' in definition && { allow_null: readFlag(name, definition, 'allow_null') }),
    },
  );
  return { extras, index: newIndexOf(name, definition, type, known, engine) };
}

/** A definition that made a table may be sent again: an id is whatever the store makes of it. */
const fits = (type: string, held: string): boolean =>
  kindOf(type) === kindOf(held) || (/^(?:big)?id$/.test(type) && kindOf(held) === 'text');

/** Fields that were declared, and are no more. */
export function forgotten(table: TableView, fields: readonly Properties[]): string[] {
  const kept = new Set(fields.map(({ name }) => name));
  const gone = table.fields.filter(({ name, column }) => column?.nativeType === 'declared' && !kept.has(name));
  return gone.map(({ name }) => name);
}

interface Part {
  readonly field?: string;
  readonly relation?: string;
}

/** What is stored beside the schema. */
export const change = (table: string, part: Part, properties: Properties): ExtraChange =>
  create(ExtraChangeSchema, { table, ...part, propertiesJson: Buffer.from(JSON.stringify(properties)) });

/** Takes it back. */
export const removal = (table: string, part: Part): ExtraChange => create(ExtraChangeSchema, { table, ...part });
