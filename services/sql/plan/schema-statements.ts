/** The statements of schema changes, the same for every engine but for what its dialect says. */
import { createHash } from 'node:crypto';
import { MillraceError } from '#common/errors.ts';
import { quoteName, tableName } from '../compile/builder.ts';
import type { Dialect, FieldDefinition } from '../dialect.ts';
import type { RelationView, SchemaView, TableView } from '../extras.ts';
import type { Table } from '../schema.ts';
import { type FieldChange, fault, type ParsedField } from './definition-fields.ts';

/** Shorter than the shortest limit of any engine that has one worth naming (PostgreSQL 63, MySQL 64). */
const OBJECT_NAME_MAX = 60;

type Reference = NonNullable<FieldDefinition['reference']>;
interface NewTable {
  readonly name: string;
  readonly fields: readonly ParsedField[];
}

/** Where a reference leads: SQL of the table, name of the field. */
interface Target {
  readonly tableSql: string;
  readonly field: string;
}

export class SchemaStatements {
  readonly statements: string[] = [];
  readonly #view: SchemaView;
  readonly #dialect: Dialect;
  readonly #created: (name: string) => NewTable | undefined;

  /** @param created a table that the same request creates */
  constructor(view: SchemaView, dialect: Dialect, created: (name: string) => NewTable | undefined) {
    this.#view = view;
    this.#dialect = dialect;
    this.#created = created;
  }

  createTable(name: string, columns: readonly FieldDefinition[]): void {
    const keys = columns.filter((column) => column.primaryKey);
    const isCounter = keys.length === 1 && keys[0]!.autoIncrement;
    const parts = columns.map((column) => this.#columnSql(isCounter ? column : { ...column, primaryKey: false }));
    if (keys.length > 0 && !isCounter) parts.push(`primary key (${this.#list(keys.map((key) => key.name))})`);
    this.#add(`create table ${this.#dialect.tableSql(name)} (${parts.join(', ')})`);
    for (const column of columns)
      if (column.unique && !this.#isSoleKey(column, keys)) this.#addIndex(name, column.name, true);
  }

  /** What may refer to other tables of the request, and what only speeds up. */
  addKeys(name: string, columns: readonly FieldDefinition[]): void {
    const table = this.#dialect.tableSql(name);
    for (const column of columns) {
      if (column.indexed && !column.unique && !column.primaryKey) this.#addIndex(name, column.name, false);
      if (column.reference && this.#dialect.alters.addConstraint) {
        this.#addForeignKey(table, name, column.name, column.reference);
      }
    }
  }

  addColumn(table: TableView, column: FieldDefinition): void {
    if (column.primaryKey) throw fault(column.name, 'a primary key can only be given when the table is created');
    this.#add(`alter table ${this.#existing(table.table)} add column ${this.#columnSql(column)}`);
    this.changeColumn(table, column.name, {
      unique: column.unique,
      indexed: column.indexed && !column.unique,
      reference: this.#dialect.alters.addConstraint ? column.reference : null,
    });
  }

  changeColumn(table: TableView, column: string, change: Omit<FieldChange, 'extras'>): void {
    if (change.unique) this.#addIndex(table, column, true);
    if (change.indexed) this.#addIndex(table, column, false);
    if (!change.reference) return;
    if (!this.#dialect.alters.addConstraint) {
      throw fault(column, 'this database takes a reference only together with a new field');
    }
    this.#addForeignKey(this.#existing(table.table), table.name, column, change.reference);
  }

  dropColumn(table: TableView, column: string): void {
    if (!this.#dialect.alters.dropColumn) {
      throw new MillraceError('unsupported', `Field '${column}': this database cannot drop a field.`);
    }
    if (!this.#dialect.alters.dropsReferences) {
      for (const { type, name, columns } of table.table.constraints) {
        if (type === 'FOREIGN KEY' && columns.includes(column)) this.#dropConstraint(table.table, name);
      }
    }
    this.#add(`alter table ${this.#existing(table.table)} drop column ${this.#quote(column)}`);
  }

  /** Those that refer to others of them first. */
  dropTables(tables: readonly TableView[]): void {
    const left = new Set(tables);
    const drop = (table: TableView): void => {
      if (!left.delete(table)) return;
      for (const other of left) {
        const refers = other.table.constraints.some(({ referenced }) => referenced?.table === table.name);
        if (refers) drop(other);
      }
      this.#add(`drop table ${this.#existing(table.table)}`);
    };
    for (const table of tables) drop(table);
  }

  /** The key may be in either table of the relation. */
  dropForeignKey(table: TableView, relation: RelationView): void {
    const isOwn = relation.type === 'belongs_to';
    const owner = isOwn ? table : this.#view.byName.get(relation.refTable);
    const columns = isOwn ? relation.fields : relation.refFields;
    const target = isOwn ? relation.refTable : table.name;
    const key = owner?.table.constraints.find(
      (constraint) => constraint.referenced?.table === target && constraint.columns.join() === columns.join(),
    );
    if (!owner || !key || !this.#dialect.alters.addConstraint) {
      throw new MillraceError('unsupported', `Relation '${relation.name}' cannot be dropped.`);
    }
    this.#dropConstraint(owner.table, key.name);
  }

  #dropConstraint(table: Table, name: string): void {
    this.#add(`alter table ${this.#existing(table)} drop constraint ${this.#quote(name)}`);
  }

  /** Engines that cannot add a reference later take it with the column. */
  #columnSql(column: FieldDefinition): string {
    const sql = this.#dialect.columnSql(column);
    if (!column.reference) return sql;
    const target = this.#target(column.name, column.reference);
    return this.#dialect.alters.addConstraint ? sql : `${sql} ${this.#references(target, column.reference)}`;
  }

  #addForeignKey(tableSql: string, table: string, column: string, reference: Reference): void {
    const target = this.#target(column, reference);
    this.#add(
      `alter table ${tableSql} add constraint ${this.#objectName('fk', table, column)} ` +
        `foreign key (${this.#quote(column)}) ${this.#references(target, reference)}`,
    );
  }

  #references(target: Target, { onUpdate, onDelete }: Reference): string {
    const parts = [`references ${target.tableSql} (${this.#quote(target.field)})`];
    if (onUpdate) parts.push(`on update ${onUpdate.toLowerCase()}`);
    if (onDelete) parts.push(`on delete ${onDelete.toLowerCase()}`);
    return parts.join(' ');
  }

  /** Without a field: the primary key. @throws invalid when there is no such table or field */
  #target(column: string, reference: Reference): Target {
    const created = this.#created(reference.table);
    const existing = this.#view.byName.get(reference.table);
    if (!created && !existing) throw fault(column, `'ref_table' is '${reference.table}', which does not exist`);
    const names = created ? created.fields.flatMap(({ column: own }) => own?.name ?? []) : columnNames(existing!);
    const keys = created
      ? created.fields.flatMap(({ column: own }) => (own?.primaryKey ? own.name : []))
      : existing!.table.primaryKey;
    const wanted = reference.field || keys[0];
    const field = names.find((name) => name.toLowerCase() === wanted?.toLowerCase());
    if (!field) throw fault(column, `'ref_field' must be a field of table '${reference.table}'`);
    return { tableSql: created ? this.#dialect.tableSql(created.name) : this.#existing(existing!.table), field };
  }

  #addIndex(table: string | TableView, column: string, unique: boolean): void {
    const name = typeof table === 'string' ? table : table.name;
    const tableSql = typeof table === 'string' ? this.#dialect.tableSql(table) : this.#existing(table.table);
    const index = this.#objectName(unique ? 'undx' : 'ndx', name, column);
    this.#add(`create ${unique ? 'unique ' : ''}index ${index} on ${tableSql} (${this.#quote(column)})`);
  }

  /** `fk_orders_customer_id`; a long one is cut and made unique again. */
  #objectName(kind: string, table: string, column: string): string {
    const name = `${kind}_${table}_${column}`.replace(/[^\p{L}\p{N}_]/gu, '_');
    if (Buffer.byteLength(name) <= OBJECT_NAME_MAX && !/[^\x20-\x7e]/.test(name)) return this.#quote(name);
    const hash = createHash('sha256').update(`${table}.${column}`).digest('hex').slice(0, 12);
    return this.#quote(`${kind}_${name.replace(/[^\x20-\x7e]/g, '').slice(kind.length + 1, 40)}_${hash}`);
  }

  #isSoleKey(column: FieldDefinition, keys: readonly FieldDefinition[]): boolean {
    return keys.length === 1 && keys[0]!.name === column.name;
  }

  #list(names: readonly string[]): string {
    return names.map((name) => this.#quote(name)).join(', ');
  }

  #quote(name: string): string {
    return quoteName(name, this.#dialect);
  }

  #existing(table: Table): string {
    return tableName(table, this.#dialect);
  }

  #add(statement: string): void {
    this.statements.push(statement);
  }
}

const columnNames = (table: TableView): string[] => table.table.columns.map((column) => column.name);
