/** Tables and identifying fields, by what an operation calls them. */
import { invalid } from '../errors.ts';
import type { FieldView, SchemaView, TableView } from './extras.ts';
import { type SchemaMismatch, unknownName } from './mismatch.ts';

/** @throws MillraceError not_found */
export function findTable(view: SchemaView, name: string): TableView {
  const table = view.byWireName.get(name);
  if (!table) throw unknownTable(name);
  return table;
}

export const unknownTable = (name: string): SchemaMismatch =>
  unknownName(`Table "${name}" does not exist in the database.`, { table: name }, 'not_found');

/**
 * The identifying fields: those named, else the primary key. Unknown names are left out, as the original has it.
 * @throws MillraceError invalid where nothing remains
 */
export function keyFields(table: TableView, idField: readonly string[]): readonly FieldView[] {
  const named = idField.length > 0;
  const names = named ? idField : table.table.primaryKey;
  const fields = names.flatMap((name) => {
    const field = named ? table.byFieldWireName.get(name) : table.byFieldName.get(name);
    return field?.column ? [field] : [];
  });
  if (fields.length === 0) throw invalid('Identifying field(s) could not be determined.', { table: table.wireName });
  return fields;
}

/** The same, and none where there is none: for answers that only show the key. */
export function keyFieldsIfAny(table: TableView, idField: readonly string[]): readonly FieldView[] {
  try {
    return keyFields(table, idField);
  } catch {
    return [];
  }
}
