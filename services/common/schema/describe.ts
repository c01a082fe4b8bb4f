/** Tables, fields and relations as `_schema` shows them: keys and their order are the wire's (database-api §6.2–6.5). */

import type { Constraint } from './catalogue.ts';
import type { FieldView, RelationView, SchemaView, TableView } from './extras.ts';

/** All verbs: what the caller's role leaves of it is the router's business. */
const ALL_VERBS_MASK = 31;
const ALL_VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** `_schema` shows the real name and the alias beside it; where records are meant, the alias is the name. */
export type Naming = 'real' | 'wire';

type Named = Pick<FieldView, 'alias' | 'name' | 'wireName' | 'label' | 'description'>;

const heading = (named: Named, naming: Naming) => ({
  ...(naming === 'real' && { alias: named.alias }),
  name: naming === 'real' ? named.name : named.wireName,
  label: named.label,
  description: named.description,
  native: [],
});

export function describeTable(view: SchemaView, table: TableView, naming: Naming = 'real'): Record<string, unknown> {
  const nameOf = (name: string) => (naming === 'real' ? name : (table.byFieldName.get(name)?.wireName ?? name));
  return {
    ...heading(table, naming),
    ...(table.table.native !== undefined && { native: table.table.native }),
    plural: table.plural,
    is_view: table.table.isView,
    primary_key: table.table.primaryKey.map(nameOf),
    name_field: table.nameField,
    field: table.fields.map((field) => describeField(field, naming)),
    related: table.relations.map((relation) => describeRelation(view, relation, naming)),
    constraints: describeConstraints(view, table),
    access: ALL_VERBS_MASK,
  };
}

/** An entry of the list of tables. */
export function describeEntry(table: TableView, naming: Naming): Record<string, unknown> {
  return {
    ...heading(table, naming),
    plural: table.plural,
    is_view: table.table.isView,
    access: ALL_VERBS,
  };
}

export function describeField(field: FieldView, naming: Naming = 'real'): Record<string, unknown> {
  const { column } = field;
  return {
    ...heading(field, naming),
    type: field.type,
    db_type: column?.dbType ?? null,
    length: column?.length ?? null,
    precision: column?.precision ?? null,
    scale: column?.scale ?? null,
    default: column?.default ?? null,
    required: field.required,
    allow_null: column?.nullable ?? true,
    fixed_length: column?.fixedLength ?? false,
    supports_multibyte: column?.multibyte ?? false,
    auto_increment: column?.autoIncrement ?? false,
    is_primary_key: column?.primaryKey ?? false,
    is_unique: column?.unique ?? false,
    is_index: column?.indexed ?? false,
    is_foreign_key: Boolean(column?.foreignKey),
    ref_table: column?.foreignKey?.table ?? null,
    ref_field: column?.foreignKey?.field ?? null,
    ref_on_update: column?.foreignKey?.onUpdate ?? null,
    ref_on_delete: column?.foreignKey?.onDelete ?? null,
    picklist: field.picklist,
    validation: field.validation,
    db_function: field.dbFunction,
    is_virtual: field.isVirtual,
    is_aggregate: field.isAggregate,
  };
}

export function describeRelation(
  view: SchemaView,
  relation: RelationView,
  naming: Naming = 'real',
): Record<string, unknown> {
  const { junction } = relation;
  return {
    ...heading(relation, naming),
    type: relation.type,
    field: relation.fields.join(','),
    is_virtual: relation.isVirtual,
    ref_service_id: relation.foreign?.refServiceId ?? view.serviceId,
    ref_table: relation.refTable,
    ref_field: relation.refFields.join(','),
    ref_on_update: relation.onUpdate,
    ref_on_delete: relation.onDelete,
    junction_service_id: junction ? (relation.foreign?.junctionServiceId ?? view.serviceId) : null,
    junction_table: junction?.table ?? null,
    junction_field: junction?.fields.join(',') ?? null,
    junction_ref_field: junction?.refFields.join(',') ?? null,
    always_fetch: relation.alwaysFetch,
    flatten: relation.flatten,
    flatten_drop_prefix: relation.flattenDropPrefix,
  };
}

/** Clients know "none" as an empty list. */
function describeConstraints(view: SchemaView, table: TableView): Record<string, unknown> | [] {
  const { constraints } = table.table;
  if (constraints.length === 0) return [];
  return Object.fromEntries(
    constraints.map((constraint) => [constraint.name.toLowerCase(), describeConstraint(view, table, constraint)]),
  );
}

function describeConstraint(view: SchemaView, table: TableView, constraint: Constraint): Record<string, unknown> {
  const { referenced } = constraint;
  const target = referenced && view.byName.get(referenced.table)?.table;
  return {
    constraint_type: constraint.type,
    constraint_schema: table.table.schemaName,
    constraint_name: constraint.name,
    table_schema: table.table.schemaName,
    table_name: table.table.tableName,
    column_name: oneOrAll(constraint.columns),
    referenced_table_schema: target?.schemaName ?? null,
    referenced_table_name: target?.tableName ?? null,
    referenced_column_name: referenced ? oneOrAll(referenced.columns) : null,
    update_rule: referenced?.onUpdate ?? null,
    delete_rule: referenced?.onDelete ?? null,
  };
}

const oneOrAll = (names: readonly string[]): string | readonly string[] => (names.length === 1 ? names[0]! : names);
