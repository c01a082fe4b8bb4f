/** A resource described as a table (`include_schema`), in the shape of database-api §6. */
import { type Column, isReadable, type JsonObject, type Model, type Relation } from './model.ts';

const TYPES: Record<Column['kind'], readonly [type: string, dbType: string]> = {
  id: ['id', 'integer'],
  integer: ['integer', 'integer'],
  boolean: ['boolean', 'tinyint(1)'],
  string: ['string', 'varchar'],
  text: ['text', 'text'],
  json: ['text', 'text'],
  timestamp: ['datetime', 'datetime'],
  datetime: ['datetime', 'datetime'],
};

const titled = (name: string): string =>
  name.replace(/(^|_)([a-z])/g, (_all, gap, letter) => `${gap ? ' ' : ''}${letter.toUpperCase()}`);

export function describeModel(model: Model): JsonObject {
  return {
    alias: null,
    name: model.table,
    label: model.label,
    description: null,
    native: [],
    plural: model.plural,
    is_view: false,
    primary_key: [model.key],
    name_field: null,
    field: model.columns
      .filter((column) => isReadable(column) && !column.virtual)
      .map((column) => describeColumn(model, column)),
    related: model.relations.map(describeRelation),
    constraints: {},
  };
}

/**
 * A resource as API documents speak of it: with the fields that are no columns, and which way each field goes.
 * `type` of a field whose JSON is its own business is `json`.
 */
export function describeResource(model: Model): JsonObject {
  const { name, label, plural, description, key, columns, relations, resource, readOnly, comeByThemselves } = model;
  return {
    name,
    label,
    plural,
    description,
    primary_key: [key],
    read_only: readOnly === true,
    can_create: !readOnly && !comeByThemselves,
    is_resource: resource,
    field: columns
      .filter(({ access }) => access !== 'hidden')
      .map((column) => ({
        ...describeColumn(model, column),
        ...(hasOwnJson(column) && { type: 'json' }),
        length: column.kind === 'string' ? (column.length ?? null) : null,
        access: column.access ?? null,
      })),
    related: relations.map(describeRelation),
  };
}

/** Neither read nor written as what its column holds. */
const hasOwnJson = ({ kind, accept, show }: Column): boolean => kind === 'json' || Boolean(accept && show);

function describeColumn(model: Model, column: Column): JsonObject {
  const [type, dbType] = TYPES[column.kind];
  const isKey = column.name === model.key;
  const isFlag = column.kind === 'boolean';
  const isReference = column.reference !== undefined;
  return {
    alias: null,
    name: column.name,
    label: titled(column.name),
    description: null,
    native: [],
    type: isReference ? 'reference' : type,
    db_type: dbType,
    length: isFlag ? 1 : null,
    precision: null,
    scale: null,
    default: defaultOf(column),
    required: column.required === true,
    allow_null: !isKey && column.required !== true && column.default === undefined,
    fixed_length: false,
    supports_multibyte: false,
    auto_increment: column.kind === 'id',
    is_primary_key: isKey,
    is_unique: false,
    is_index: false,
    is_foreign_key: isReference,
    ref_table: column.reference ?? null,
    ref_field: isReference ? 'id' : null,
    ref_on_update: null,
    ref_on_delete: null,
    picklist: null,
    validation: null,
    db_function: null,
    is_virtual: false,
    is_aggregate: false,
  };
}

function defaultOf(column: Column): string | number | boolean | null {
  if (column.default === undefined) return null;
  return column.kind === 'boolean' ? column.default === 1 : column.default;
}

function describeRelation({ name, kind, model, column, junction }: Relation): JsonObject {
  return {
    alias: null,
    name,
    label: titled(name),
    description: null,
    native: [],
    type: kind,
    field: kind === 'belongs_to' ? column : 'id',
    is_virtual: false,
    ref_service_id: 1,
    ref_table: model,
    ref_field: kind === 'has_many' || kind === 'has_one' ? column : 'id',
    ref_on_update: 'NO ACTION',
    ref_on_delete: null,
    junction_service_id: junction ? 1 : null,
    junction_table: junction?.table ?? null,
    junction_field: junction ? column : null,
    junction_ref_field: junction?.otherColumn ?? null,
    always_fetch: false,
    flatten: false,
    flatten_drop_prefix: false,
  };
}
