/** The statements of schema changes, the same for every engine but for what its dialect says. */
import { createHash } from 'node:crypto';
import { MillraceError } from '#common/errors.ts';
import type { Table } from '#common/schema/catalogue.ts';
import { fault } from '#common/schema/definition-words.ts';
import type { RelationView, SchemaView, TableView } from '#common/schema/extras.ts';
import { quoteName, tableName } from '../compile/builder.ts';
import type { ColumnChange, Dialect, FieldDefinition } from '../dialect.ts';
import type { ParsedField } from './definition-fields.ts';
import type { FieldChange } from './field-change.ts';

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

/** A statement, and what a refusal of it is about. */
export interface SchemaStatement {
  readonly text: string;
  readonly table: string;
  readonly field?: string;
}

export class SchemaStatements {
  readonly statements: SchemaStatement[] = [];
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
    this.#add(`create table ${this.#dialect.tableSql(name)} (${parts.join(', ')})`, name);
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
    this.#alter(table, `add column ${this.#columnSql(column)}`, column.name);
    this.changeColumn(table, column.name, {
      unique: column.unique,
      indexed: column.indexed && !column.unique,
      reference: this.#dialect.alters.addConstraint ? column.reference : null,
      column: undefined,
    });
  }

  changeColumn(table: TableView, column: string, change: Omit<FieldChange, 'extras'>): void {
    if (change.column) this.#alterColumn(table, change.column);
    if (change.unique) this.#addIndex(table, column, true);
    if (change.indexed) this.#addIndex(table, column, false);
    if (!change.reference) return;
    if (!this.#dialect.alters.addConstraint) {
      throw fault(column, 'this database takes a reference only together with a new field');
    }
    this.#addForeignKey(this.#existing(table.table), table.name, column, change.reference);
  }

  #alterColumn(table: TableView, change: ColumnChange): void {
    const { name } = change.column;
    const { column: actions } = this.#dialect.alters;
    if (!actions) {
      const what = change.type ? 'type' : change.nullable ? 'allow_null' : 'default';
      const message = `Field '${name}': this database cannot change '${what}' of a field that exists.`;
      throw new MillraceError('unsupported', message, { field: name });
    }
    this.#alter(table, actions(change).join(', '), name);
  }

  dropColumn(table: TableView, column: string): void {
    if (!this.#dialect.alters.dropColumn) {
      throw new MillraceError('unsupported', `Field '${column}': this database cannot drop a field.`, {
        field: column,
      });
    }
    if (!this.#dialect.alters.dropsReferences) {
      for (const { type, name, columns } of table.table.constraints) {
        if (type === 'FOREIGN KEY' && columns.includes(column)) this.#dropConstraint(table, name);
      }
    }
    for (const { name, columns } of table.table.indexes ?? []) {
      if (columns.includes(column)) this.#add(`drop index ${this.#quote(name)}`, table.name, column);
    }
    this.#alter(table, `drop column ${this.#quote(column)}`, column);
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
      this.#add(`drop table ${this.#existing(table.table)}`, table.name);
    };
    for (const table of tables) drop(table);
  }

  /** Only of the table that holds it: another one may be none of the caller's business. */
  dropForeignKey(table: TableView, { name, type, refTable, fields, refFields, junction }: RelationView): void {
    const columns = type === 'belongs_to' ? fields : refFields;
    const key = table.table.constraints.find(
      (constraint) => constraint.referenced?.table === refTable && constraint.columns.join() === columns.join(),
    );
    const isElsewhere = type !== 'belongs_to' && refTable !== table.name;
    if (!key || isElsewhere || junction || !this.#dialect.alters.addConstraint) {
      const reason = isElsewhere
        ? `is a reference that table '${junction?.table ?? refTable}' holds, and is dropped there`
        : 'cannot be dropped in this database';
      throw new MillraceError('unsupported', `Relation '${name}' ${reason}.`, { relation: name });
    }
    this.#dropConstraint(table, key.name);
  }

  #dropConstraint(table: TableView, name: string): void {
    this.#alter(table, `drop constraint ${this.#quote(name)}`);
  }

  #alter(table: TableView, action: string, field?: string): void {
    this.#add(`alter table ${this.#existing(table.table)} ${action}`, table.name, field);
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
      table,
      column,
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
    this.#add(`create ${unique ? 'unique ' : ''}index ${index} on ${tableSql} (${this.#quote(column)})`, name, column);
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

  #add(text: string, table: string, field?: string): void {
    this.statements.push(field === undefined ? { text, table } : { text, table, field });
  }
}

const columnNames = (table: TableView): string[] => table.table.columns.map((column) => column.name);
