/**
 * What is stored about a service's tables beside its database (labels, aliases, validations, virtual relations), laid
 * over the catalogue: the one immutable view that everybody plans and describes with.
 */

import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import { parseJson } from '../json.ts';
import type { Catalogue, Column, Table } from './catalogue.ts';
import { defaultLabel, pluralOf } from './labels.ts';
import { NameIndex } from './name-index.ts';
import { discoverRelations, RELATION_TYPES, type Relation } from './relations.ts';

/** As stored: whoever reads one checks its type. */
export type Properties = Readonly<Record<string, unknown>>;

export interface FieldView {
  /** In the database, and in `_schema`. */
  readonly name: string;
  readonly alias: string | null;
  /** The key in records: the alias, or else the name. */
  readonly wireName: string;
  readonly label: string;
  readonly description: string | null;
  /** Simple type; what is stored beats what the database says (user_id, timestamp_on_create, …). */
  readonly type: string;
  /** A new record must give it (database-api §4.4). */
  readonly required: boolean;
  readonly picklist: readonly string[] | null;
  /** By name of the validation (database-api §4.5). */
  readonly validation: Readonly<Record<string, Properties>> | null;
  /** As stored. */
  readonly dbFunction: unknown;
  readonly clientInfo: unknown;
  /** null: virtual, nothing in the database. */
  readonly column: Column | null;
  readonly isVirtual: boolean;
  /** Not part of `fields=*`. */
  readonly isAggregate: boolean;
}

export interface RelationView extends Relation {
  readonly alias: string | null;
  /** The key in records and in `related`. */
  readonly wireName: string;
  readonly label: string;
  readonly description: string | null;
  readonly isVirtual: boolean;
  readonly alwaysFetch: boolean;
  readonly flatten: boolean;
  readonly flattenDropPrefix: boolean;
}

export interface TableView {
  /** Real name on the wire: `_schema`. */
  readonly name: string;
  readonly alias: string | null;
  /** The alias, or else the name: `_table`. */
  readonly wireName: string;
  readonly label: string;
  readonly plural: string;
  readonly description: string | null;
  readonly nameField: string | null;
  readonly table: Table;
  /** The columns in their order, then virtual fields. */
  readonly fields: readonly FieldView[];
  readonly relations: readonly RelationView[];
  readonly byFieldName: NameIndex<FieldView>;
  readonly byFieldWireName: NameIndex<FieldView>;
  readonly byRelationName: NameIndex<RelationView>;
  readonly byRelationWireName: NameIndex<RelationView>;
}

export interface SchemaView {
  readonly serviceId: number;
  /** In natural order of their names. */
  readonly tables: readonly TableView[];
  /** `_schema` */
  readonly byName: NameIndex<TableView>;
  /** `_table` */
  readonly byWireName: NameIndex<TableView>;
}

/** @param extras those of this service; what they say about things that no longer exist has no effect */
export function applyExtras(catalogue: Catalogue, extras: readonly SchemaExtra[], serviceId: number): SchemaView {
  const said = groupExtras(extras);
  const relations = discoverRelations(catalogue);
  const tables = catalogue.tables
    .map((table) =>
      viewTable(table, said.get(table.name.toLowerCase()) ?? NOTHING, relations.get(table.name) ?? [], serviceId),
    )
    .sort((a, b) => NATURAL.compare(a.name, b.name) || (a.name < b.name ? -1 : 1));
  return {
    serviceId,
    tables,
    byName: new NameIndex(tables, (table) => table.name),
    byWireName: new NameIndex(tables, (table) => table.wireName),
  };
}

const NATURAL = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Everything said about one table and its parts; names of parts in lower case. */
interface TableExtras {
  table: Properties;
  readonly fields: Map<string, { readonly name: string; readonly properties: Properties }>;
  readonly relations: Map<string, { readonly name: string; readonly properties: Properties }>;
}

const newTableExtras = (): TableExtras => ({ table: {}, fields: new Map(), relations: new Map() });
const NOTHING: TableExtras = newTableExtras();

function groupExtras(extras: readonly SchemaExtra[]): Map<string, TableExtras> {
  const groups = new Map<string, TableExtras>();
  for (const extra of extras) {
    const key = extra.table.toLowerCase();
    const group = groups.get(key) ?? newTableExtras();
    groups.set(key, group);
    const properties = readProperties(extra.propertiesJson);
    if (extra.field) group.fields.set(extra.field.toLowerCase(), { name: extra.field, properties });
    else if (extra.relation) group.relations.set(extra.relation.toLowerCase(), { name: extra.relation, properties });
    else group.table = properties;
  }
  return groups;
}

function readProperties(json: Uint8Array): Properties {
  const value: unknown = json.length > 0 ? parseJson(json) : {};
  return isObject(value) ? value : {};
}

export const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function viewTable(table: Table, extras: TableExtras, found: readonly Relation[], serviceId: number): TableView {
  const label = textOf(extras.table['label']) ?? defaultLabel(table.name);
  const alias = textOf(extras.table['alias']);
  const fields = viewFields(table, extras.fields);
  const relations = viewRelations(found, extras.relations, serviceId);
  return {
    name: table.name,
    alias,
    wireName: alias ?? table.name,
    label,
    plural: textOf(extras.table['plural']) ?? pluralOf(label),
    description: textOf(extras.table['description']),
    nameField: textOf(extras.table['name_field']),
    table,
    fields,
    relations,
    byFieldName: new NameIndex(fields, (field) => field.name),
    byFieldWireName: new NameIndex(fields, (field) => field.wireName),
    byRelationName: new NameIndex(relations, (relation) => relation.name),
    byRelationWireName: new NameIndex(relations, (relation) => relation.wireName),
  };
}

function viewFields(table: Table, extras: TableExtras['fields']): FieldView[] {
  const columns = table.columns.map((column) =>
    viewField(column.name, column, extras.get(column.name.toLowerCase())?.properties ?? {}),
  );
  const taken = new Set(table.columns.map((column) => column.name.toLowerCase()));
  const virtual = [...extras].flatMap(([key, { name, properties }]) =>
    isTrue(properties['is_virtual']) && !taken.has(key) ? [viewField(name, null, properties)] : [],
  );
  return [...columns, ...virtual];
}

function viewField(name: string, column: Column | null, extra: Properties): FieldView {
  const alias = textOf(extra['alias']);
  return {
    name,
    alias,
    wireName: alias ?? name,
    label: textOf(extra['label']) ?? defaultLabel(name),
    description: textOf(extra['description']),
    type: textOf(extra['extra_type']) ?? column?.type ?? 'string',
    required: isRequired(column, extra),
    picklist: picklistOf(extra['picklist']),
    validation: validationOf(extra['validation']),
    dbFunction: extra['db_function'] ?? null,
    clientInfo: extra['client_info'] ?? null,
    column,
    isVirtual: column === null,
    isAggregate: isTrue(extra['is_aggregate']),
  };
}

function isRequired(column: Column | null, extra: Properties): boolean {
  if (typeof extra['required'] === 'boolean') return extra['required'];
  return column !== null && !column.nullable && column.default === null && !column.autoIncrement && !column.generated;
}

function viewRelations(
  found: readonly Relation[],
  extras: TableExtras['relations'],
  serviceId: number,
): RelationView[] {
  const known = found.map((relation) =>
    viewRelation(relation, false, extras.get(relation.name.toLowerCase())?.properties ?? {}),
  );
  const taken = new Set(found.map((relation) => relation.name.toLowerCase()));
  const virtual = [...extras].flatMap(([key, { name, properties }]) => {
    const relation =
      isTrue(properties['is_virtual']) && !taken.has(key) ? virtualRelation(name, properties, serviceId) : undefined;
    return relation ? [viewRelation(relation, true, properties)] : [];
  });
  return [...known, ...virtual];
}

function viewRelation(relation: Relation, isVirtual: boolean, extra: Properties): RelationView {
  const alias = textOf(extra['alias']);
  return {
    ...relation,
    alias,
    wireName: alias ?? relation.name,
    label: textOf(extra['label']) ?? defaultLabel(relation.name),
    description: textOf(extra['description']),
    isVirtual,
    alwaysFetch: isTrue(extra['always_fetch']),
    flatten: isTrue(extra['flatten']),
    flattenDropPrefix: isTrue(extra['flatten_drop_prefix']),
  };
}

/** undefined: what is stored is no whole relation. */
function virtualRelation(name: string, extra: Properties, serviceId: number): Relation | undefined {
  const type = RELATION_TYPES.find((known) => known === extra['type']);
  const [refTable, junctionTable] = [textOf(extra['ref_table']), textOf(extra['junction_table'])];
  const [fields, refFields] = [namesOf(extra['field']), namesOf(extra['ref_field'])];
  if (!type || !refTable || fields.length === 0 || refFields.length === 0) return undefined;
  if (type === 'many_many' && !junctionTable) return undefined;
  const serviceOf = (id: unknown): number => (Number.isInteger(id) ? (id as number) : serviceId);
  const refServiceId = serviceOf(extra['ref_service_id']);
  const junctionServiceId = serviceOf(extra['junction_service_id']);
  const isForeign = refServiceId !== serviceId || (type === 'many_many' && junctionServiceId !== serviceId);
  return {
    ...(isForeign && { foreign: { refServiceId, junctionServiceId } }),
    name,
    type,
    fields,
    refTable,
    refFields,
    onUpdate: textOf(extra['ref_on_update']),
    onDelete: textOf(extra['ref_on_delete']),
    junction:
      type === 'many_many' && junctionTable
        ? {
            table: junctionTable,
            fields: namesOf(extra['junction_field']),
            refFields: namesOf(extra['junction_ref_field']),
          }
        : null,
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const isTrue = (value: unknown): boolean => value === true || value === 1 || value === '1' || value === 'true';
const namesOf = (value: unknown): string[] =>
  textOf(value)
    ?.split(',')
    .map((name) => name.trim()) ?? [];

function picklistOf(value: unknown): readonly string[] | null {
  const list = typeof value === 'string' && value !== '' ? value.split(',').map((entry) => entry.trim()) : value;
  return Array.isArray(list) && list.length > 0 ? list.map(String) : null;
}

function validationOf(value: unknown): FieldView['validation'] {
  if (!isObject(value) || Object.keys(value).length === 0) return null;
  return Object.fromEntries(Object.entries(value).map(([name, rule]) => [name, isObject(rule) ? rule : {}]));
}
