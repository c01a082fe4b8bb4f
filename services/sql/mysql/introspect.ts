/**
 * Reads the catalogue of databases of a MySQL (8.0 or newer) or MariaDB server from information_schema: one statement
 * for each kind of thing, whatever the number of tables.
 */

import { inSlices, mapInSlices } from '#common/pace.ts';
import type { Catalogue, Column, Constraint, Table } from '#common/schema/catalogue.ts';
import { type ColumnKeys, tableKeys } from '../column-keys.ts';
import type { Param } from '../statement.ts';
import { parseDefault } from './default.ts';
import { type ColumnType, columnType } from './types.ts';

/** Runs one statement: values as text. */
export type TextQuery = (sql: string, params: readonly Param[]) => Promise<(string | null)[][]>;

const SYSTEM = `('information_schema', 'performance_schema', 'mysql', 'sys')`;

/** Every statement is about one database, or about all but the server's own. */
export const within = (column: string, isAll: boolean): string =>
  isAll ? `${column} not in ${SYSTEM}` : `${column} = ?`;

/** Which tables a statement is about, given its columns of their database and their name. */
type Where = (schema: string, table: string) => string;

const tables = (where: Where): string => `
select table_schema, table_name, table_type from information_schema.tables
where table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') and ${where('table_schema', 'table_name')}
order by table_schema, table_name`;

const columns = (where: Where): string => `
select table_schema, table_name, column_name, column_type, data_type, character_set_name, column_default, is_nullable,
  extra, collation_name, column_comment
from information_schema.columns where ${where('table_schema', 'table_name')}
order by table_schema, table_name, ordinal_position`;

/** A part of a text, or an expression, identifies nothing. */
const indexes = (where: Where): string => `
select table_schema, table_name, index_name, non_unique, column_name, sub_part
from information_schema.statistics where ${where('table_schema', 'table_name')}
order by table_schema, table_name, index_name <> 'PRIMARY', non_unique, index_name, seq_in_index`;

const references = (where: Where): string => `
select table_schema, table_name, constraint_name, column_name,
  referenced_table_schema, referenced_table_name, referenced_column_name
from information_schema.key_column_usage
where referenced_table_name is not null and ${where('table_schema', 'table_name')}
order by table_schema, table_name, constraint_name, ordinal_position`;

const rules = (where: Where): string => `
select constraint_schema, table_name, constraint_name, update_rule, delete_rule
from information_schema.referential_constraints where ${where('constraint_schema', 'table_name')}`;

/** MariaDB's JSON is a text of which this is asked. */
const jsonChecks = (where: Where): string => `
select constraint_schema, table_name, check_clause from information_schema.check_constraints
where check_clause like 'json_valid(%' and ${where('constraint_schema', 'table_name')}`;

/** What the catalogue is made from. An analysis or a write does not show in it. */
const STATE: readonly ((where: Where) => string)[] = [
  (where) =>
    stateOf('columns', where, 'ordinal_position, column_name, column_type, quote(column_default), is_nullable, extra'),
  (where) => stateOf('statistics', where, 'index_name, seq_in_index, column_name, non_unique, quote(sub_part)'),
  (where) =>
    stateOf('key_column_usage', where, 'constraint_name, column_name, referenced_table_name, referenced_column_name'),
];

const stateOf = (source: string, where: Where, facts: string): string => `
select count(*), sum(crc32(concat_ws(' ', table_schema, table_name, ${facts})))
from information_schema.${source} where ${where('table_schema', 'table_name')}`;

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
  const isMariadb = await askIsMariadb(query);
  const all = (statement: (where: Where) => string) => rows((isAll) => statement((schema) => within(schema, isAll)));
  return toCatalogue(naming, isMariadb, await catalogueRows(all, isMariadb));
}

/** The tables of these names, and that there are those which they refer to. Other parameters as above. */
export async function introspectTables(
  query: TextQuery,
  database: string,
  schemaSetting: string | undefined,
  names: readonly string[],
): Promise<Catalogue> {
  const { naming } = reading(query, database, schemaSetting);
  const isMariadb = await askIsMariadb(query);
  const rows: CatalogueRows = { tables: [], columns: [], indexes: [], references: [], rules: [], jsonChecks: [] };
  const ofOne = (schema: string, table: string) => (statement: (where: Where) => string) =>
    query(
      statement((schemaColumn, tableColumn) => `${schemaColumn} = ? and ${tableColumn} = ?`),
      [schema, table],
    );
  for (const name of names) {
    const found = await catalogueRows(ofOne(...ownerAndName(name, naming, schemaSetting)), isMariadb);
    for (const part of PARTS) rows[part].push(...found[part]);
  }
  for (const [, , , , schema, table] of [...rows.references]) {
    const isKnown = rows.tables.some((row) => row[0] === schema && row[1] === table);
    const isShown = schema === naming || isOfAll(schemaSetting);
    if (!isKnown && isShown) rows.tables.push(...(await ofOne(text(schema), text(table))(tables)));
  }
  return toCatalogue(naming, isMariadb, rows);
}

/** Tables of other databases have theirs in front. */
function ownerAndName(name: string, naming: string, schemaSetting: string | undefined): [string, string] {
  const dot = name.indexOf('.');
  return isOfAll(schemaSetting) && dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [naming, name];
}

export async function catalogueState(
  query: TextQuery,
  database: string,
  schemaSetting: string | undefined,
): Promise<string> {
  const { rows } = reading(query, database, schemaSetting);
  const parts: string[] = [];
  for (const part of STATE) {
    const [row = []] = await rows((isAll) => part((schema) => within(schema, isAll)));
    parts.push(row.join(' '));
  }
  return parts.join(' ');
}

async function askIsMariadb(query: TextQuery): Promise<boolean> {
  const [[version] = []] = await query('select version()', []);
  return /mariadb/i.test(version ?? '');
}

const isOfAll = (schemaSetting: string | undefined): boolean => schemaSetting?.toLowerCase() === 'all';

/** Things of the naming database have no prefix; statements are about that one, or about all. */
export function reading(query: TextQuery, database: string, schemaSetting: string | undefined) {
  const isAll = isOfAll(schemaSetting);
  const naming = isAll ? database : (schemaSetting ?? database);
  return { naming, rows: (sql: (isAll: boolean) => string) => query(sql(isAll), isAll ? [] : [naming]) };
}

export type Row = readonly (string | null)[];

const PARTS = ['tables', 'columns', 'indexes', 'references', 'rules', 'jsonChecks'] as const;
type CatalogueRows = { readonly [P in (typeof PARTS)[number]]: Row[] };

async function catalogueRows(
  rows: (statement: (where: Where) => string) => Promise<Row[]>,
  isMariadb: boolean,
): Promise<CatalogueRows> {
  return {
    tables: await rows(tables),
    columns: await rows(columns),
    indexes: await rows(indexes),
    references: await rows(references),
    rules: await rows(rules),
    jsonChecks: isMariadb ? await rows(jsonChecks) : [],
  };
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
  readonly repeats: NonNullable<Column['repeats']>;
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

async function toCatalogue(naming: string, isMariadb: boolean, rows: CatalogueRows): Promise<Catalogue> {
  const found = new Map<string, RawTable>();
  for (const row of rows.tables) found.set(keyOf(row[0], row[1]), toTable(row, naming));
  const json = new Set(rows.jsonChecks.map((row) => keyOf(row[0], row[1], checkedColumn(text(row[2])))));
  await inSlices(rows.columns, (row) => {
    const isJson = json.has(keyOf(row[0], row[1], row[2])) || row[4] === 'json';
    found.get(keyOf(row[0], row[1]))?.columns.push(toColumn(row, isJson, isMariadb));
  });
  await inSlices(await grouped(rows.indexes), (parts) => addIndex(parts, found));
  const byName = new Map(rows.rules.map((row) => [keyOf(row[0], row[1], row[2]), row]));
  await inSlices(await grouped(rows.references), (parts) => addReference(parts, byName, found));
  return { tables: await mapInSlices(found.values(), finish) };
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
    repeats: { collation: row[9] ?? null, rest: restOf(extra, text(row[10])) },
  };
}

/** `on update current_timestamp(3) comment 'x'` */
function restOf(extra: string, comment: string): string {
  const [, digits] = /\bon update current_timestamp(\(\d+\))?/i.exec(extra) ?? [];
  const isUpdated = /\bon update current_timestamp/i.test(extra);
  const parts = isUpdated ? [`on update current_timestamp${digits ?? ''}`] : [];
  if (comment !== '') parts.push(`comment '${comment.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
  return parts.join(' ');
}

/** Rows of one index, or of one reference, stand together and in order. */
async function grouped(rows: readonly Row[]): Promise<Row[][]> {
  const groups: Row[][] = [];
  let last: string | undefined;
  await inSlices(rows, (row) => {
    const key = keyOf(row[0], row[1], row[2]);
    if (key === last) groups.at(-1)?.push(row);
    else groups.push([row]);
    last = key;
  });
  return groups;
}

function addIndex(parts: readonly Row[], found: ReadonlyMap<string, RawTable>): void {
  const [first = []] = parts;
  const table = found.get(keyOf(first[0], first[1]));
  const isWhole = parts.every((row) => row[4] !== null && row[5] === null);
  if (!table || !isWhole) return;
  const names = parts.map((row) => text(row[4]));
  const name = text(first[2]);
  if (name === 'PRIMARY') table.constraints.push({ name, type: 'PRIMARY KEY', columns: names });
  else if (first[3] === '0') table.constraints.push({ name, type: 'UNIQUE', columns: names });
  else if (names.length === 1) table.indexed.add(names[0]!);
}

function addReference(
  parts: readonly Row[],
  rules: ReadonlyMap<string, Row>,
  found: ReadonlyMap<string, RawTable>,
): void {
  const [first = []] = parts;
  const table = found.get(keyOf(first[0], first[1]));
  // A table that this service does not show is nothing to relate to.
  const referenced = found.get(keyOf(first[4], first[5]));
  if (!table || !referenced) return;
  const action = rules.get(keyOf(first[0], first[1], first[2]));
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

function finish({ columns: raw, indexed, ...table }: RawTable): Table {
  const keys = tableKeys(table.constraints, indexed);
  return {
    ...table,
    columns: raw.map((column) => finishColumn(column, keys.of(column.name))),
    primaryKey: keys.primaryKey,
  };
}

function finishColumn(
  { name, type: base, extra, nullable, default: value, repeats }: RawColumn,
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
    repeats,
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
