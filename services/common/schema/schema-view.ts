/**
 * The view of a schema of any size: a table is laid out when somebody asks for it. Of ten thousand tables a service uses
 * a few, and laying out all of them would take a second in which nobody is served.
 */
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { Catalogue, Table } from './catalogue.ts';
import { applyExtras, type FieldView, type RelationView, type SchemaView, type TableView } from './extras.ts';
import { NameIndex } from './name-index.ts';
import { isOfTable, propertiesOf } from './table-marks.ts';

/** What `applyExtras` makes of the same, table by table. */
export function viewSchema(catalogue: Catalogue, extras: readonly SchemaExtra[], serviceId: number): SchemaView {
  const schema = new Schema(catalogue, extras, serviceId);
  const tables = catalogue.tables.map((table) => new TableOnDemand(table, schema));
  let sorted: readonly TableView[] | undefined;
  return {
    serviceId,
    get tables() {
      sorted ??= tables.toSorted((a, b) => NATURAL.compare(a.name, b.name) || (a.name < b.name ? -1 : 1));
      return sorted;
    },
    byName: new NameIndex<TableView>(tables, (table) => table.name),
    byWireName: new NameIndex<TableView>(tables, (table) => table.wireName),
  };
}

/** The real name of a table whose alias this is, or the name itself. */
export function realName(wireName: string, extras: readonly SchemaExtra[]): string {
  const lower = wireName.toLowerCase();
  return extras.find((extra) => isOfTable(extra) && aliasOf(extra)?.toLowerCase() === lower)?.table ?? wireName;
}

const NATURAL = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function aliasOf(extra: SchemaExtra): string | null {
  const { alias } = propertiesOf(extra);
  return typeof alias === 'string' && alias !== '' ? alias : null;
}

interface Placed {
  readonly table: Table;
  /** In the catalogue. */
  readonly place: number;
}

class Schema {
  readonly #catalogue: Catalogue;
  readonly #serviceId: number;
  /** By the name of the table in lower case. */
  readonly #extras = new Map<string, SchemaExtra[]>();
  #tables: ReadonlyMap<string, Placed> | undefined;
  #referrers: ReadonlyMap<string, readonly Table[]> | undefined;

  constructor(catalogue: Catalogue, extras: readonly SchemaExtra[], serviceId: number) {
    this.#catalogue = catalogue;
    this.#serviceId = serviceId;
    for (const extra of extras) {
      const key = extra.table.toLowerCase();
      const known = this.#extras.get(key);
      if (known) known.push(extra);
      else this.#extras.set(key, [extra]);
    }
  }

  aliasOf({ name }: Table): string | null {
    const extra = this.#extrasOf(name).find(isOfTable);
    return extra ? aliasOf(extra) : null;
  }

  /** Only what is said of the table itself. */
  head(table: Table): TableView {
    const extras = this.#extrasOf(table.name).filter(isOfTable);
    return this.#apply([{ ...table, columns: [], constraints: [] }], extras, table);
  }

  whole(table: Table): TableView {
    const others = this.#neighbours(table);
    // Of others only the references count.
    const tables = others.map((one) => (one === table ? one : { ...one, columns: [] }));
    return this.#apply(tables, this.#extrasOf(table.name), table);
  }

  #apply(tables: readonly Table[], extras: readonly SchemaExtra[], { name }: Table): TableView {
    const view = applyExtras({ tables }, extras, this.#serviceId);
    return view.tables.find((table) => table.name === name) as TableView;
  }

  #extrasOf(name: string): readonly SchemaExtra[] {
    return this.#extras.get(name.toLowerCase()) ?? [];
  }

  /** All that relations of the table can lead over or to, and the table itself: in the order of the catalogue. */
  #neighbours(table: Table): Table[] {
    const referring = this.#referring().get(table.name) ?? [];
    const found = new Set([table, ...this.#targets(table), ...referring]);
    for (const one of referring) for (const target of this.#targets(one)) found.add(target);
    const placeOf = (one: Table): number => this.#known().get(one.name)?.place ?? 0;
    return [...found].sort((a, b) => placeOf(a) - placeOf(b));
  }

  #targets(table: Table): Table[] {
    const known = this.#known();
    return table.constraints.flatMap(({ referenced }) => known.get(referenced?.table ?? '')?.table ?? []);
  }

  #known(): ReadonlyMap<string, Placed> {
    this.#tables ??= new Map(this.#catalogue.tables.map((table, place) => [table.name, { table, place }]));
    return this.#tables;
  }

  #referring(): ReadonlyMap<string, readonly Table[]> {
    if (this.#referrers) return this.#referrers;
    const referrers = new Map<string, Table[]>();
    for (const table of this.#catalogue.tables) {
      for (const { referenced } of table.constraints) {
        if (!referenced) continue;
        const known = referrers.get(referenced.table);
        if (known) known.push(table);
        else referrers.set(referenced.table, [table]);
      }
    }
    this.#referrers = referrers;
    return referrers;
  }
}

class TableOnDemand implements TableView {
  readonly name: string;
  readonly table: Table;
  readonly #schema: Schema;
  #known: TableView | undefined;
  #laidOut: TableView | undefined;

  constructor(table: Table, schema: Schema) {
    this.name = table.name;
    this.table = table;
    this.#schema = schema;
  }

  get alias(): string | null {
    return this.#schema.aliasOf(this.table);
  }

  get wireName(): string {
    return this.alias ?? this.name;
  }

  get label(): string {
    return this.#head.label;
  }

  get plural(): string {
    return this.#head.plural;
  }

  get description(): string | null {
    return this.#head.description;
  }

  get nameField(): string | null {
    return this.#head.nameField;
  }

  get fields(): readonly FieldView[] {
    return this.#whole.fields;
  }

  get relations(): readonly RelationView[] {
    return this.#whole.relations;
  }

  get byFieldName(): NameIndex<FieldView> {
    return this.#whole.byFieldName;
  }

  get byFieldWireName(): NameIndex<FieldView> {
    return this.#whole.byFieldWireName;
  }

  get byRelationName(): NameIndex<RelationView> {
    return this.#whole.byRelationName;
  }

  get byRelationWireName(): NameIndex<RelationView> {
    return this.#whole.byRelationWireName;
  }

  get #head(): TableView {
    this.#known ??= this.#laidOut ?? this.#schema.head(this.table);
    return this.#known;
  }

  get #whole(): TableView {
    this.#laidOut ??= this.#schema.whole(this.table);
    return this.#laidOut;
  }
}
