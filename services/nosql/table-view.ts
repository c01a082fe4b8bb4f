/**
 * Tables of a store as the rest of the product knows tables: their keys, the fields that were declared, and those that
 * some documents were seen to have. Any other name is a field as well, as every document may have members of its own.
 */
import type { Catalogue, Column, Table } from '#common/schema/catalogue.ts';
import { type FieldView, isObject, type Properties, type SchemaView, type TableView } from '#common/schema/extras.ts';
import { defaultLabel } from '#common/schema/labels.ts';
import { NameIndex } from '#common/schema/name-index.ts';
import { viewSchema } from '#common/schema/schema-view.ts';
import { propertiesOf } from '#common/schema/table-marks.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { KeyField, StoreField, StoreIndex, StoreTable } from './engine.ts';
import { kindOf } from './plan/coerce.ts';

/** A field that was seen, and the simple type of what it held. */
export interface SeenField {
  readonly name: string;
  readonly type: string;
}

/** Property of a field's extras: a definition said that it is there. */
export const DECLARED = 'is_declared';

export interface StoreView extends SchemaView {
  /** By their names in the store. */
  readonly stored: ReadonlyMap<string, StoreTable>;
}

/** Is it a field by more than that some documents were seen to have it? */
export const isDeclared = (name: string, table: TableView): boolean =>
  table.fields.some(({ wireName, column }) => wireName === name && column?.nativeType !== 'seen');

/** @param seen  by the name of the table */
export function viewStore(
  tables: readonly StoreTable[],
  seen: ReadonlyMap<string, readonly SeenField[]>,
  extras: readonly SchemaExtra[],
  serviceId: number,
): StoreView {
  const catalogue: Catalogue = { tables: tables.map((table) => tableOf(table, seen.get(table.name) ?? [], extras)) };
  const view = viewSchema(catalogue, extras, serviceId);
  const open = new Map(view.tables.map((table) => [table, new OpenTable(table)]));
  const all = [...open.values()];
  return {
    serviceId,
    tables: all,
    byName: new NameIndex<TableView>(all, (table) => table.name),
    byWireName: new NameIndex<TableView>(all, (table) => table.wireName),
    stored: new Map(tables.map((table) => [table.name, table])),
  };
}

function tableOf(table: StoreTable, seen: readonly SeenField[], extras: readonly SchemaExtra[]): Table {
  const own = extras.filter((extra) => extra.table === table.name && extra.field !== '');
  const columns = new Map(table.key.map((key) => [key.name, keyColumn(key)]));
  for (const field of table.fields ?? []) columns.set(field.name, ofStore(field, columns.get(field.name)));
  for (const extra of own) {
    const properties = propertiesOf(extra);
    const known = columns.get(extra.field);
    if (table.fields && known) columns.set(extra.field, refined(known, properties));
    else if (properties[DECLARED] === true) columns.set(extra.field, declared(extra.field, properties, known));
  }
  for (const { name, type } of seen) if (!columns.has(name)) columns.set(name, column(name, { type }));
  const primaryKey = table.key.map(({ name }) => name);
  const indexes = table.indexes.filter(({ fields }) => fields.join('\0') !== primaryKey.join('\0'));
  const named = indexes.flatMap(({ fields }) => fields.filter((field) => !field.includes('.')));
  for (const name of named) if (!columns.has(name)) columns.set(name, column(name));
  return {
    name: table.name,
    schemaName: '',
    tableName: table.name,
    isView: false,
    columns: [...columns.values()].map((one) => indexed(one, indexes)),
    primaryKey,
    constraints: indexes.flatMap(({ name, fields, unique }) =>
      unique ? [{ name, type: 'UNIQUE' as const, columns: fields }] : [],
    ),
    ...(table.native !== undefined && { native: table.native }),
  };
}

function column(name: string, part: Partial<Column> = {}): Column {
  return {
    name,
    type: 'string',
    dbType: '',
    nativeType: 'seen',
    json: 'string',
    length: null,
    precision: null,
    scale: null,
    default: null,
    nullable: true,
    autoIncrement: false,
    generated: false,
    fixedLength: false,
    multibyte: true,
    primaryKey: false,
    unique: false,
    indexed: false,
    foreignKey: null,
    ...part,
  };
}

const KEY_TYPES: Readonly<Record<KeyField['type'], string>> = {
  string: 'string',
  number: 'decimal',
  binary: 'binary',
  any: 'string',
};

const keyColumn = ({ name, type, generated }: KeyField): Column =>
  column(name, {
    type: KEY_TYPES[type],
    dbType: type,
    nativeType: type === 'number' ? 'declared' : 'key',
    nullable: false,
    autoIncrement: generated,
    primaryKey: true,
  });

/** The store itself says that it is there. */
const ofStore = ({ name, type, dbType }: StoreField, key: Column | undefined): Column => ({
  ...(key ?? column(name)),
  ...{ type, dbType, nativeType: 'declared' },
});

/** What is known of a column beside the store, which knows better what it holds. */
function refined(known: Column, properties: Properties): Column {
  const { declared_type: type } = properties;
  const isRefined = typeof type === 'string' && kindOf(type) === kindOf(known.type);
  return { ...declared(known.name, properties, known), type: isRefined ? type : known.type, dbType: known.dbType };
}

function declared(name: string, properties: Properties, known: Column | undefined): Column {
  const { declared_type: type, default: fallback, allow_null: nullable, length } = properties;
  return {
    ...(known ?? column(name)),
    type: typeof type === 'string' ? type : 'string',
    dbType: typeof type === 'string' ? type : 'string',
    nativeType: 'declared',
    default: isDefault(fallback) ? fallback : null,
    nullable: !known?.primaryKey && nullable !== false,
    length: typeof length === 'number' ? length : null,
  };
}

const isDefault = (value: unknown): value is NonNullable<Column['default']> =>
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (isObject(value) && typeof value['expression'] === 'string');

/** As SQL services have it: of a unique index the only field, of another one the first. */
function indexed(one: Column, indexes: readonly StoreIndex[]): Column {
  const unique = indexes.some(({ fields, unique }) => unique && fields.length === 1 && fields[0] === one.name);
  const indexed = indexes.some(({ fields, unique }) => !unique && fields[0] === one.name);
  return unique || indexed ? { ...one, unique, indexed } : one;
}

/** Names of fields are taken as they are written: stores know `a` and `A` apart. */
class FieldIndex extends NameIndex<FieldView> {
  readonly #known: ReadonlyMap<string, FieldView>;

  constructor(fields: readonly FieldView[], nameOf: (field: FieldView) => string) {
    super([], nameOf);
    this.#known = new Map(fields.map((field) => [nameOf(field), field]));
  }

  override get(name: string): FieldView | undefined {
    return this.#known.get(name) ?? (name === '' ? undefined : anyField(name));
  }
}

/** A field of which nothing is known but that a document may have it. */
const anyField = (name: string): FieldView => ({
  name,
  alias: null,
  wireName: name,
  label: defaultLabel(name),
  description: null,
  type: 'string',
  required: false,
  picklist: null,
  validation: null,
  dbFunction: null,
  clientInfo: null,
  column: column(name),
  isVirtual: false,
  isAggregate: false,
});

class OpenTable implements TableView {
  readonly name: string;
  readonly #known: TableView;
  #byName: FieldIndex | undefined;
  #byWireName: FieldIndex | undefined;

  constructor(known: TableView) {
    this.name = known.name;
    this.#known = known;
  }

  get alias(): string | null {
    return this.#known.alias;
  }

  get wireName(): string {
    return this.#known.wireName;
  }

  get label(): string {
    return this.#known.label;
  }

  get plural(): string {
    return this.#known.plural;
  }

  get description(): string | null {
    return this.#known.description;
  }

  get nameField(): string | null {
    return this.#known.nameField;
  }

  get table(): Table {
    return this.#known.table;
  }

  get fields(): TableView['fields'] {
    return this.#known.fields;
  }

  get relations(): TableView['relations'] {
    return this.#known.relations;
  }

  get byFieldName(): NameIndex<FieldView> {
    this.#byName ??= new FieldIndex(this.fields, (field) => field.name);
    return this.#byName;
  }

  get byFieldWireName(): NameIndex<FieldView> {
    this.#byWireName ??= new FieldIndex(this.fields, (field) => field.wireName);
    return this.#byWireName;
  }

  get byRelationName(): TableView['byRelationName'] {
    return this.#known.byRelationName;
  }

  get byRelationWireName(): TableView['byRelationWireName'] {
    return this.#known.byRelationWireName;
  }
}
