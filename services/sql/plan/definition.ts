/**
 * `_schema` writes (database-api §6.1, 6.3, 6.6) to steps: statements for the database and changes of what is stored
 * beside it. Nothing of a request becomes SQL but names, in quotes, and literals.
 */

import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import { parseRelation } from '#common/schema/definition-relations.ts';
import { differences, fault, isBlank, readName, readTexts, withoutBlanks } from '#common/schema/definition-words.ts';
import { isObject, type Properties, type SchemaView, type TableView } from '#common/schema/extras.ts';
import { unknownTable } from '#common/schema/find.ts';
import { defaultLabel } from '#common/schema/labels.ts';
import {
  DefineMode,
  type DefineParts,
  type DefineTables,
  type DropParts,
  type DropTables,
  PartKind,
  type Shape,
} from '#proto/data/v1/data_pb.ts';
import { type ExtraChange, ExtraChangeSchema } from '#proto/system/v1/system_pb.ts';
import type { Dialect, FieldDefinition } from '../dialect.ts';
import { checkFunctions } from '../expression/computed.ts';
import { type ParsedField, parseNewField } from './definition-fields.ts';
import { parseFieldChange } from './field-change.ts';
import { type SchemaStatement, SchemaStatements } from './schema-statements.ts';

export type DefinitionAction = Extract<
  Shape['action'],
  { case: 'defineTables' | 'defineParts' | 'dropTables' | 'dropParts' }
>;

export interface DefinitionPlan {
  /** In order; all of them or none, where the engine can. */
  readonly statements: readonly SchemaStatement[];
  /** To be saved after the statements have succeeded. */
  readonly extras: readonly ExtraChange[];
  /** Real names of the tables, fields or relations concerned, in the order of the request. */
  readonly names: readonly string[];
}

/**
 * @param definitions the parsed body of the request: an object, a list, or either in `resource`; unused by drops
 * @param related tables that may have virtual relations
 * @throws MillraceError invalid that names the table or field and the reason, not_found, conflict, unsupported
 */
export function planDefinition(
  action: DefinitionAction,
  definitions: unknown,
  view: SchemaView,
  dialect: Dialect,
  related: Iterable<TableView> = view.tables,
): DefinitionPlan {
  const planner = new DefinitionPlanner(view, dialect, related);
  switch (action.case) {
    case 'defineTables':
      return planner.defineTables(action.value, definitions);
    case 'defineParts':
      return planner.defineParts(action.value, definitions);
    case 'dropTables':
      return planner.dropTables(action.value);
    case 'dropParts':
      return planner.dropParts(action.value);
  }
}

/** Columns by their keys: what other tables of the same request may refer to. */
interface NewTable {
  readonly name: string;
  readonly fields: readonly ParsedField[];
}

class DefinitionPlanner {
  readonly #view: SchemaView;
  readonly #dialect: Dialect;
  readonly #related: Iterable<TableView>;
  readonly #sql: SchemaStatements;
  readonly #extras: ExtraChange[] = [];
  readonly #names: string[] = [];
  /** Tables that this request creates, by lower-case name. */
  readonly #created = new Map<string, NewTable>();

  constructor(view: SchemaView, dialect: Dialect, related: Iterable<TableView>) {
    this.#view = view;
    this.#related = related;
    this.#dialect = dialect;
    this.#sql = new SchemaStatements(view, dialect, (name) => this.#created.get(name.toLowerCase()));
  }

  defineTables(action: DefineTables, body: unknown): DefinitionPlan {
    const list = readList(body, action.mode).map((definition) =>
      action.table ? { ...definition, name: action.table } : definition,
    );
    if (action.table && !this.#view.byName.get(action.table)) throw unknownTable(action.table);
    const changes: (() => void)[] = [];
    for (const definition of list) {
      const name = readName(definition, 'Table');
      if (!isBlank(definition['options'])) {
        throw invalid(`Table '${name}': 'options' would be SQL from a request and is not taken.`);
      }
      const table = this.#view.byName.get(name);
      if (table && action.checkExist) {
        throw new MillraceError('conflict', `A table with name '${table.name}' already exist in the database.`);
      }
      if (table) changes.push(() => this.#alterTable(definition, table, action.mode === DefineMode.REPLACE));
      else if (action.mode === DefineMode.CREATE) this.#addTable(name, definition);
      else throw unknownTable(name);
      this.#names.push(table?.name ?? name);
    }
    // Every table exists before anything refers to it.
    for (const { name, fields } of this.#created.values()) this.#sql.createTable(name, columnsOf(fields));
    for (const { name, fields } of this.#created.values()) this.#sql.addKeys(name, columnsOf(fields));
    for (const change of changes) change();
    return this.#plan();
  }

  defineParts(action: DefineParts, body: unknown): DefinitionPlan {
    const table = this.#table(action.table);
    for (const entry of readList(body, action.mode)) {
      const definition = action.name ? { ...entry, name: action.name } : entry;
      if (action.kind === PartKind.RELATION) this.#names.push(this.#setRelation(definition, table));
      else this.#names.push(this.#setField(definition, table));
    }
    return this.#plan();
  }

  dropTables(action: DropTables): DefinitionPlan {
    if (action.tables.length === 0) throw noData('delete');
    const tables = [...new Set(action.tables.map((name) => this.#table(name)))];
    for (const table of tables) {
      if (table.table.isView) throw invalid(`'${table.name}' is a view: only tables are dropped here.`);
      this.#forget({ table: table.name });
      this.#names.push(table.name);
    }
    this.#sql.dropTables(tables);
    const dropped = new Set(tables.map((table) => table.name));
    this.#forgetRelations(
      (relation, owner) =>
        !dropped.has(owner.name) &&
        !relation.foreign &&
        [relation.refTable, relation.junction?.table].some((name) => dropped.has(name ?? '')),
    );
    return this.#plan();
  }

  /** A field that is not there is as good as dropped. */
  dropParts(action: DropParts): DefinitionPlan {
    const table = this.#table(action.table);
    if (action.names.length === 0) throw noData('delete');
    for (const name of action.names) {
      if (action.kind === PartKind.RELATION) this.#dropRelation(name, table);
      else this.#dropField(name, table);
      this.#names.push(name);
    }
    return this.#plan();
  }

  #addTable(name: string, definition: Properties): void {
    if (this.#created.has(name.toLowerCase())) throw invalid(`Table '${name}' is defined twice.`);
    const fields = fieldDefinitions(name, definition).map(parseNewField);
    refuseRepeated(name, fields);
    if (columnsOf(fields).length === 0) throw invalid('No valid fields exist in the received table schema.');
    const names = new Set(columnsOf(fields).map((column) => column.name.toLowerCase()));
    for (const field of fields) this.#checkFunctions(field, (one) => names.has(one.toLowerCase()));
    this.#created.set(name.toLowerCase(), { name, fields });
    const extras = withoutBlanks(this.#tableExtras(name, definition));
    this.#say({ table: name }, extras);
    for (const field of fields) this.#say({ table: name, field: field.name }, field.extras);
  }

  #alterTable(definition: Properties, table: TableView, replace: boolean): void {
    const { alias, plural, description, nameField } = table;
    const label = table.label === defaultLabel(table.name) ? null : table.label;
    const now = { alias, label, plural, description, name_field: nameField };
    this.#say({ table: table.name }, differences(this.#tableExtras(table.name, definition, table), now));
    const fields = fieldDefinitions(table.name, definition);
    const named = new Set(fields.map((field) => this.#setField(field, table).toLowerCase()));
    if (replace && fields.length > 0) {
      for (const field of table.fields) if (!named.has(field.name.toLowerCase())) this.#dropField(field.name, table);
    }
    for (const relation of listOf(definition['related'])) this.#setRelation(relation, table);
  }

  #tableExtras(name: string, definition: Properties, table?: TableView): Properties {
    const keys = ['alias', 'label', 'plural', 'description', 'name_field'];
    const extras = readTexts(name, definition, keys);
    if (extras['label'] === defaultLabel(name)) extras['label'] = null;
    const holder = typeof extras['alias'] === 'string' ? this.#view.byWireName.get(extras['alias']) : undefined;
    if (holder && holder !== table) throw invalid(`Table '${name}': 'alias' is what table '${holder.name}' is called.`);
    return extras;
  }

  /** @returns the real name */
  #setField(definition: Properties, table: TableView): string {
    const name = readName(definition, 'Field');
    const field = table.byFieldName.get(name);
    this.#checkAlias(name, definition, table);
    const isColumn = (one: string): boolean => Boolean(table.byFieldName.get(one)?.column);
    if (!field) {
      const added = parseNewField(definition);
      this.#checkFunctions(added, (one) => isColumn(one) || one.toLowerCase() === name.toLowerCase());
      if (added.column) this.#sql.addColumn(table, added.column);
      this.#say({ table: table.name, field: name }, added.extras);
      return name;
    }
    const change = parseFieldChange(definition, field, this.#dialect);
    this.#checkFunctions({ ...field, extras: change.extras }, isColumn);
    if (field.column) this.#sql.changeColumn(table, field.name, change);
    this.#say({ table: table.name, field: field.name }, change.extras);
    return field.name;
  }

  #checkFunctions(
    { name, column, extras }: { name: string; column: unknown; extras: Properties },
    isColumn: (name: string) => boolean,
  ): void {
    try {
      checkFunctions(extras['db_function'], column === null, isColumn, this.#dialect);
    } catch (error) {
      throw fault(name, MillraceError.from(error).message);
    }
  }

  #checkAlias(name: string, definition: Properties, table: TableView): void {
    const alias = definition['alias'];
    const holder = typeof alias === 'string' && alias ? table.byFieldWireName.get(alias) : undefined;
    if (holder && holder.name.toLowerCase() !== name.toLowerCase()) {
      throw fault(name, `'alias' is what field '${holder.name}' is called`);
    }
  }

  #setRelation(definition: Properties, table: TableView): string {
    const { name, extras, replaces } = parseRelation(definition, table, this.#view);
    if (replaces !== undefined) this.#forget({ table: table.name, relation: replaces });
    this.#say({ table: table.name, relation: name }, extras);
    return name;
  }

  #dropField(name: string, table: TableView): void {
    const field = table.byFieldName.get(name);
    if (!field) return;
    if (field.column) this.#sql.dropColumn(table, field.name);
    this.#forget({ table: table.name, field: field.name });
    this.#forgetRelations(
      (relation, owner) =>
        (owner === table && relation.fields.includes(field.name)) ||
        (!relation.foreign && relation.refTable === table.name && relation.refFields.includes(field.name)) ||
        (!relation.foreign &&
          relation.junction?.table === table.name &&
          [...relation.junction.fields, ...relation.junction.refFields].includes(field.name)),
    );
  }

  #dropRelation(name: string, table: TableView): void {
    const relation = table.byRelationName.get(name) ?? table.byRelationWireName.get(name);
    if (!relation) throw notFound(`No requested relationships found in table '${table.name}'.`);
    if (!relation.isVirtual) this.#sql.dropForeignKey(table, relation);
    this.#forget({ table: table.name, relation: relation.name });
  }

  #forgetRelations(concerns: (relation: TableView['relations'][number], owner: TableView) => boolean): void {
    for (const owner of this.#related) {
      for (const relation of owner.relations) {
        if (relation.isVirtual && concerns(relation, owner))
          this.#forget({ table: owner.name, relation: relation.name });
      }
    }
  }

  #say(what: { table: string; field?: string; relation?: string }, properties: Properties): void {
    if (Object.keys(properties).length === 0) return;
    this.#extras.push(create(ExtraChangeSchema, { ...what, propertiesJson: Buffer.from(stringifyJson(properties)) }));
  }

  #forget(what: { table: string; field?: string; relation?: string }): void {
    this.#extras.push(create(ExtraChangeSchema, what));
  }

  #table(name: string): TableView {
    const table = this.#view.byName.get(name);
    if (!table) throw unknownTable(name);
    return table;
  }

  #plan(): DefinitionPlan {
    return { statements: this.#sql.statements, extras: this.#extras, names: this.#names };
  }
}

const noData = (verb: string): MillraceError => invalid(`No data in schema ${verb} request.`);

const columnsOf = (fields: readonly ParsedField[]): FieldDefinition[] =>
  fields.flatMap((field) => (field.column ? [field.column] : []));

function refuseRepeated(table: string, fields: readonly ParsedField[]): void {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name.toLowerCase())) throw invalid(`Table '${table}': field '${name}' is defined twice.`);
    seen.add(name.toLowerCase());
  }
}

function readList(body: unknown, mode: DefineMode): Properties[] {
  const list = listOf(isObject(body) && 'resource' in body ? body['resource'] : body);
  if (list.length === 0) throw noData(mode === DefineMode.CREATE ? 'create' : 'update');
  return list;
}

/** One or several objects. */
function listOf(value: unknown): Properties[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  if (!list.every(isObject)) throw invalid('A schema definition must be an object.');
  return list;
}

function fieldDefinitions(table: string, definition: Properties): Properties[] {
  const { field } = definition;
  if (field !== undefined && field !== null && typeof field !== 'object') {
    throw invalid(`Table '${table}': 'field' must be a list of field definitions.`);
  }
  return listOf(field);
}
