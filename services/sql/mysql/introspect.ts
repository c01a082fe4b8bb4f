/**
 * Reads the catalogue of databases of a MySQL (8.0 or newer) or MariaDB server from information_schema: one statement
 * for each kind of thing, whatever the number of tables.
 */

import { type ColumnKeys, tableKeys } from '../column-keys.ts';
import type { Catalogue, Column, Constraint, Table } from '../schema.ts';
import type { Param } from '../statement.ts';
import { parseDefault } from './default.ts';
import { type ColumnType, columnType } from './types.ts';

/** Runs one statement: values as text. */
export type TextQuery = (sql: string, params: readonly Param[]) => Promise<(string | null)[][]>;

const SYSTEM = `('information_schema', 'performance_schema', 'mysql', 'sys')`;

/** Every statement is about one database, or about all but the server's own. */
export const within = (column: string, isAll: boolean): string =>
  isAll ? `${column} not in ${SYSTEM}` : `${column} = ?`;

const tables = (isAll: boolean): string => `
select table_schema, table_name, table_type from information_schema.tables
where table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') and ${within('table_schema', isAll)}
order by table_schema, table_name`;

const columns = (isAll: boolean): string => `
select table_schema, table_name, column_name, column_type, data_type, character_set_name, column_default, is_nullable,
  extra
from information_schema.columns where ${within('table_schema', isAll)}
order by table_schema, table_name, ordinal_position`;

/** A part of a text, or an expression, identifies nothing. */
const indexes = (isAll: boolean): string => `
select table_schema, table_name, index_name, non_unique, column_name, sub_part
from information_schema.statistics where ${within('table_schema', isAll)}
order by table_schema, table_name, index_name <> 'PRIMARY', non_unique, index_name, seq_in_index`;

const references = (isAll: boolean): string => `
select table_schema, table_name, constraint_name, column_name,
  referenced_table_schema, referenced_table_name, referenced_column_name
from information_schema.key_column_usage
where referenced_table_name is not null and ${within('table_schema', isAll)}
order by table_schema, table_name, constraint_name, ordinal_position`;

const rules = (isAll: boolean): string => `
select constraint_schema, table_name, constraint_name, update_rule, delete_rule
from information_schema.referential_constraints where ${within('constraint_schema', isAll)}`;

/** MariaDB's JSON is a text of which this is asked. */
const jsonChecks = (isAll: boolean): string => `
select constraint_schema, table_name, check_clause from information_schema.check_constraints
where check_clause like 'json_valid(%' and ${within('constraint_schema', isAll)}`;

/**
 * @param database  the service's own; its tables have no prefix unless another one is named
 * @param schemaSetting  undefined: only that one; `all`: each that the user may use; else the one to use
 */
export async function introspect(
  query: TextQuery,
  database: string,
  schemaSetting: string | undefined,
): Promise<Catalogue> {
  const { naming, rows } = reading(query, database, schemaSetting);
  const [[version] = []] = await query('select version()', []);
  const isMariadb = /mariadb/i.test(version ?? '');
  return toCatalogue(naming, isMariadb, {
    tables: await rows(tables),
    columns: await rows(columns),
    indexes: await rows(indexes),
    references: await rows(references),
    rules: await rows(rules),
    jsonChecks: isMariadb ? await rows(jsonChecks) : [],
  });
}

/** Things of the naming database have no prefix; statements are about that one, or about all. */
export function reading(query: TextQuery, database: string, schemaSetting: string | undefined) {
  const isAll = schemaSetting?.toLowerCase() === 'all';
  const naming = isAll ? database : (schemaSetting ?? database);
  return { naming, rows: (sql: (isAll: boolean) => string) => query(sql(isAll), isAll ? [] : [naming]) };
}

export type Row = readonly (string | null)[];

interface CatalogueRows {
  readonly tables: readonly Row[];
  readonly columns: readonly Row[];
  readonly indexes: readonly Row[];
  readonly references: readonly Row[];
  readonly rules: readonly Row[];
  readonly jsonChecks: readonly Row[];
}

export const text = (value: string | null | undefined): string => value ?? '';
/** No name holds a NUL. */
export const keyOf = (...names: (string | null | undefined)[]): string => names.join('\0');

interface RawColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly default: Column['default'];
  readonly nullable: boolean;
  readonly extra: string;
}

/** A table while its parts are gathered. */
interface RawTable {
  readonly name: string;
  readonly schemaName: string;
  readonly tableName: string;
  readonly isView: boolean;
  readonly columns: RawColumn[];
  readonly constraints: Constraint[];
  readonly indexed: Set<string>;
}

function toCatalogue(naming: string, isMariadb: boolean, rows: CatalogueRows): Catalogue {
  const found = new Map<string, RawTable>();
  for (const row of rows.tables) found.set(keyOf(row[0], row[1]), toTable(row, naming));
  const json = new Set(rows.jsonChecks.map((row) => keyOf(row[0], row[1], checkedColumn(text(row[2])))));
  for (const row of rows.columns) {
    const isJson = json.has(keyOf(row[0], row[1], row[2])) || row[4] === 'json';
    found.get(keyOf(row[0], row[1]))?.columns.push(toColumn(row, isJson, isMariadb));
  }
  addIndexes(rows.indexes, found);
  addReferences(rows, found);
  return { tables: [...found.values()].map(finish) };
}

function toTable(row: Row, naming: string): RawTable {
  const [schemaName, tableName] = [text(row[0]), text(row[1])];
  return {
    name: schemaName === naming ? tableName : `${schemaName}.${tableName}`,
    schemaName,
    tableName,
    isView: row[2] === 'VIEW',
    columns: [],
    constraints: [],
    indexed: new Set(),
  };
}

/** ``json_valid(`doc`)`` */
function checkedColumn(clause: string): string {
  const [, name] = /^json_valid\(`((?:[^`]|``)*)`\)$/.exec(clause) ?? [];
  return text(name).replaceAll('``', '`');
}

function toColumn(row: Row, isJson: boolean, isMariadb: boolean): RawColumn {
  const type = columnType({ columnType: text(row[3]), dataType: text(row[4]), charset: row[5] ?? null, isJson });
  const extra = text(row[8]);
  return {
    name: text(row[2]),
    type,
    default: parseDefault({ text: row[6] ?? null, extra, isSql: isMariadb }, type.json),
    nullable: row[7] === 'YES',
    extra,
  };
}

/** Rows of one index, or of one reference, stand together and in order. */
function grouped(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row[0], row[1], row[2]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function addIndexes(rows: readonly Row[], found: ReadonlyMap<string, RawTable>): void {
  for (const parts of grouped(rows)) {
    const [first = []] = parts;
    const table = found.get(keyOf(first[0], first[1]));
    const isWhole = parts.every((row) => row[4] !== null && row[5] === null);
    if (!table || !isWhole) continue;
    const names = parts.map((row) => text(row[4]));
    const name = text(first[2]);
    if (name === 'PRIMARY') table.constraints.push({ name, type: 'PRIMARY KEY', columns: names });
    else if (first[3] === '0') table.constraints.push({ name, type: 'UNIQUE', columns: names });
    else if (names.length === 1) table.indexed.add(names[0]!);
  }
}

function addReferences(
  { references: rows, rules: actions }: CatalogueRows,
  found: ReadonlyMap<string, RawTable>,
): void {
  const byName = new Map(actions.map((row) => [keyOf(row[0], row[1], row[2]), row]));
  for (const parts of grouped(rows)) {
    const [first = []] = parts;
    const table = found.get(keyOf(first[0], first[1]));
    // A table that this service does not show is nothing to relate to.
    const referenced = found.get(keyOf(first[4], first[5]));
    if (!table || !referenced) continue;
    const action = byName.get(keyOf(first[0], first[1], first[2]));
    table.constraints.push({
      name: text(first[2]),
      type: 'FOREIGN KEY',
      columns: parts.map((row) => text(row[3])),
      referenced: {
        table: referenced.name,
        columns: parts.map((row) => text(row[6])),
        onUpdate: text(action?.[3]) || 'NO ACTION',
        onDelete: text(action?.[4]) || 'NO ACTION',
      },
    });
  }
}

function finish({ columns: raw, indexed, ...table }: RawTable): Table {
  const keys = tableKeys(table.constraints, indexed);
  return {
    ...table,
    columns: raw.map((column) => finishColumn(column, keys.of(column.name))),
    primaryKey: keys.primaryKey,
  };
}

function finishColumn(
  { name, type: base, extra, nullable, default: value }: RawColumn,
  { isSoleKey, ...keys }: ColumnKeys,
): Column {
  const autoIncrement = /\bauto_increment\b/i.test(extra);
  const facts = { isId: isSoleKey && autoIncrement, isReference: keys.foreignKey !== null, value, extra };
  return {
    name,
    ...base,
    type: simpleType(base.type, facts),
    default: value,
    nullable,
    autoIncrement,
    generated: /\b(?:virtual|stored|persistent) generated\b/i.test(extra),
    ...keys,
  };
}

interface Facts {
  readonly isId: boolean;
  readonly isReference: boolean;
  readonly value: Column['default'];
  readonly extra: string;
}

/** Types that a column has by what it is used for (database-api §6.6). */
function simpleType(type: string, { isId, isReference, value, extra }: Facts): string {
  if (type === 'integer') return isId ? 'id' : isReference ? 'reference' : type;
  if (type !== 'timestamp') return type;
  if (/\bon update current_timestamp/i.test(extra)) return 'timestamp_on_update';
  const isClock = typeof value === 'object' && value !== null && /^current_timestamp/i.test(value.expression);
  return isClock ? 'timestamp_on_create' : type;
}
