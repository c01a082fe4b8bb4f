/**
 * Reads the catalogue of a PostgreSQL database (12 or newer) from pg_catalog: one statement for each kind of thing,
 * whatever the number of tables.
 */

import { inSlices, mapInSlices } from '#common/pace.ts';
import type { Catalogue, Column, Constraint, Table } from '#common/schema/catalogue.ts';
import { type ColumnKeys, tableKeys } from '../column-keys.ts';
import { type ColumnDefault, parseDefault } from './default.ts';
import { type ColumnType, columnType } from './types.ts';

/** Runs one statement: values as the text that the server sends. */
export type TextQuery = (sql: string, params: string[]) => Promise<(string | null)[][]>;

const CURRENT_SCHEMA = `select coalesce(current_schema(), 'public')`;

/** $1: the only schema, or empty for all. */
const tables = (condition: string): string => `
select c.oid, n.nspname, c.relname, c.relkind in ('v', 'm'),
  c.relkind in ('r', 'p') and not c.relhasrules and not c.relrowsecurity
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and ($1 = '' or n.nspname = $1)
  and has_schema_privilege(n.oid, 'USAGE')
  and (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE') or has_table_privilege(c.oid, 'DELETE'))${condition}
order by n.nspname, c.relname`;

const ALL_TABLES = tables('');

/** $2: the naming schema, $3: names on the wire, in the case of the database or in lower case. */
const SOME_TABLES = tables(`
  and c.oid in (
    with wanted as (
      select w.oid from (
        select t.oid, case when s.nspname = $2 then t.relname::text else s.nspname || '.' || t.relname end as name
        from pg_catalog.pg_class t join pg_catalog.pg_namespace s on s.oid = t.relnamespace
        where t.relkind in ('r', 'p', 'v', 'm', 'f')) w
      where w.name = any($3) or lower(w.name) = any($3))
    select oid from wanted union all
    select k.confrelid from wanted join pg_catalog.pg_constraint k on k.conrelid = wanted.oid where k.contype = 'f')`);

/** $1: array of table oids, as in all that follow. */
const ATTRIBUTES = `
from unnest($1::oid[]) as r(oid) join pg_catalog.pg_attribute a on a.attrelid = r.oid
where a.attnum > 0 and not a.attisdropped`;

const COLUMNS = `
select a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated,
  case when a.atthasdef and a.attgenerated = '' then
    (select pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d
     where d.adrelid = a.attrelid and d.adnum = a.attnum) end
${ATTRIBUTES}
order by a.attrelid, a.attnum`;

/** The types in use; `chain` follows domains down to what they are made of. */
const TYPES = `
with recursive used as (select distinct a.atttypid as typid, a.atttypmod as typmod ${ATTRIBUTES}),
chain(typid, typmod, base, basemod, required) as (
  select typid, typmod, typid, typmod, false from used
  union all
  select c.typid, c.typmod, t.typbasetype, t.typtypmod, c.required or t.typnotnull
  from chain c join pg_catalog.pg_type t on t.oid = c.base where t.typtype = 'd'
)
select c.typid, c.typmod, format_type(c.typid, c.typmod), format_type(c.base, c.basemod),
  n.nspname, coalesce(e.typname, t.typname), e.oid is not null, c.required
from chain c
join pg_catalog.pg_type t on t.oid = c.base and t.typtype <> 'd'
left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid
join pg_catalog.pg_namespace n on n.oid = coalesce(e.typnamespace, t.typnamespace)`;

/** A partition's share of its parent's foreign key (conparentid) is no relation of its own. */
const CONSTRAINTS = `
select k.conrelid, k.conname, k.contype, array_to_string(k.conkey, ' '),
  k.confrelid, array_to_string(k.confkey, ' '), k.confupdtype, k.confdeltype
from unnest($1::oid[]) as r(oid) join pg_catalog.pg_constraint k on k.conrelid = r.oid
where k.contype in ('p', 'u') or (k.contype = 'f' and k.conparentid = 0)
order by k.conrelid, array_position(array['p', 'u', 'f'], k.contype::text), k.oid`;

/** Indexes that are no constraint: unique ones count as one; others matter where they have a single column. */
const INDEXES = `
select i.indrelid, c.relname, i.indisunique,
  (select string_agg(k.attnum::text, ' ' order by k.place)
   from unnest(i.indkey::int2[]) with ordinality as k(attnum, place) where k.place <= i.indnkeyatts)
from unnest($1::oid[]) as r(oid) join pg_catalog.pg_index i on i.indrelid = r.oid
join pg_catalog.pg_class c on c.oid = i.indexrelid
where i.indisvalid and i.indpred is null and i.indexprs is null
  and not exists (select 1 from pg_catalog.pg_constraint k
    where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
order by i.indrelid, c.relname`;

/**
 * @param schemaSetting undefined: all schemas that the user may use; `default`: the connection's own; else the one to
 *   use. The naming schema (the connection's own, or the one to use) is not part of its tables' names.
 */
export async function introspect(query: TextQuery, schemaSetting: string | undefined): Promise<Catalogue> {
  const { naming, only } = await namingSchemaOf(query, schemaSetting);
  return introspectRows(query, naming, await query(ALL_TABLES, [only]));
}

/** The tables of these names, and those that they refer to. @param schemaSetting  as above */
export async function introspectTables(
  query: TextQuery,
  schemaSetting: string | undefined,
  names: readonly string[],
): Promise<Catalogue> {
  const { naming, only } = await namingSchemaOf(query, schemaSetting);
  const spelled = [...new Set(names.flatMap((name) => [name, name.toLowerCase()]))];
  return introspectRows(query, naming, await query(SOME_TABLES, [only, naming, arrayLiteral(spelled)]));
}

/** What the catalogue is made from, of tables that people use. An ANALYZE or a write does not show in it. */
const STATE = `
with shown as (
  select n.oid from pg_catalog.pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and ($1 = '' or n.nspname = $1))
select concat_ws(' ',
  (select concat_ws(' ', count(*), sum(hashtextextended(
      concat_ws(' ', c.relname, c.relkind, s.oid, c.relhasrules, c.relrowsecurity, c.relacl), c.oid::int8)))
    from pg_catalog.pg_class c join shown s on s.oid = c.relnamespace),
  (select concat_ws(' ', count(*), sum(hashtextextended(a.xmin::text, a.attrelid::int8 * 4096 + a.attnum)))
    from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
    join shown s on s.oid = c.relnamespace where a.attnum > 0 and c.relkind in ('r', 'p', 'v', 'm', 'f')),
  (select concat_ws(' ', count(*), sum(hashtextextended(k.xmin::text, k.oid::int8)))
    from pg_catalog.pg_constraint k join shown s on s.oid = k.connamespace))`;

export async function catalogueState(query: TextQuery, schemaSetting: string | undefined): Promise<string> {
  const { naming, only } = await namingSchemaOf(query, schemaSetting);
  return `${naming} ${(await query(STATE, [only]))[0]?.[0]}`;
}

/** @param rows  of the tables statement */
async function introspectRows(query: TextQuery, naming: string, rows: readonly Row[]): Promise<Catalogue> {
  const oids = [`{${rows.map((row) => text(row[0])).join(',')}}`];
  return toCatalogue(naming, {
    tables: rows,
    columns: await query(COLUMNS, oids),
    types: await query(TYPES, oids),
    constraints: await query(CONSTRAINTS, oids),
    indexes: await query(INDEXES, oids),
  });
}

const arrayLiteral = (texts: readonly string[]): string =>
  `{${texts.map((one) => `"${one.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;

/** @returns naming: whose tables have no prefix; only: the schema to look at, or empty for all */
export async function namingSchemaOf(
  query: TextQuery,
  schemaSetting: string | undefined,
): Promise<{ naming: string; only: string }> {
  const isNamed = schemaSetting !== undefined && schemaSetting !== '' && !/^(?:all|default)$/i.test(schemaSetting);
  const naming = isNamed ? schemaSetting : text((await query(CURRENT_SCHEMA, []))[0]?.[0]);
  return { naming, only: isNamed || schemaSetting?.toLowerCase() === 'default' ? naming : '' };
}

type Row = readonly (string | null)[];

interface CatalogueRows {
  readonly tables: readonly Row[];
  readonly columns: readonly Row[];
  readonly types: readonly Row[];
  readonly constraints: readonly Row[];
  readonly indexes: readonly Row[];
}

const text = (value: string | null | undefined): string => value ?? '';
const isTrue = (value: string | null | undefined): boolean => value === 't' || value === 'true';

interface RawColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly identity: string;
  readonly isComputed: boolean;
  readonly default: ColumnDefault;
}

/** A table while its parts are gathered. Columns by attnum. */
interface RawTable {
  readonly name: string;
  readonly schemaName: string;
  readonly tableName: string;
  readonly isView: boolean;
  readonly loads: boolean;
  readonly columns: Map<string, RawColumn>;
  readonly constraints: Constraint[];
  readonly indexed: Set<string>;
}

async function toCatalogue(namingSchema: string, rows: CatalogueRows): Promise<Catalogue> {
  const tables = new Map<string, RawTable>();
  await inSlices(rows.tables, (row) => tables.set(text(row[0]), toTable(row, namingSchema)));
  const types = new Map(rows.types.map((row) => [`${row[0]}:${row[1]}`, toType(row)]));
  await inSlices(rows.columns, (row) => {
    const type = types.get(`${row[3]}:${row[4]}`);
    if (type) tables.get(text(row[0]))?.columns.set(text(row[1]), toColumn(row, type));
  });
  await inSlices(rows.constraints, (row) => addConstraint(row, tables));
  await inSlices(rows.indexes, (row) => addIndex(row, tables));
  return { tables: await mapInSlices(tables.values(), finish) };
}

function toTable(row: Row, namingSchema: string): RawTable {
  const [schemaName, tableName] = [text(row[1]), text(row[2])];
  return {
    name: schemaName === namingSchema ? tableName : `${schemaName}.${tableName}`,
    schemaName,
    tableName,
    isView: isTrue(row[3]),
    // COPY passes rules by, and refuses a table with row-level security.
    loads: isTrue(row[4]),
    columns: new Map(),
    constraints: [],
    indexed: new Set(),
  };
}

interface UsedType {
  readonly type: ColumnType;
  /** A domain that refuses NULL. */
  readonly required: boolean;
}

function toType(row: Row): UsedType {
  return {
    type: columnType({
      formatted: text(row[2]),
      baseFormatted: text(row[3]),
      schemaName: text(row[4]),
      typeName: text(row[5]),
      isArray: isTrue(row[6]),
    }),
    required: isTrue(row[7]),
  };
}

function toColumn(row: Row, { type, required }: UsedType): RawColumn {
  return {
    name: text(row[2]),
    type,
    nullable: !isTrue(row[5]) && !required,
    identity: text(row[6]),
    isComputed: text(row[7]) !== '',
    default: parseDefault(row[8] ?? null, type.json),
  };
}

const ACTIONS: Readonly<Record<string, string>> = {
  a: 'NO ACTION',
  r: 'RESTRICT',
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
};

function addConstraint(row: Row, tables: ReadonlyMap<string, RawTable>): void {
  const table = tables.get(text(row[0]));
  if (!table) return;
  const name = text(row[1]);
  const columns = columnNames(table, row[3]);
  if (row[2] === 'p') table.constraints.push({ name, type: 'PRIMARY KEY', columns });
  if (row[2] === 'u') table.constraints.push({ name, type: 'UNIQUE', columns });
  // A table that this service does not show is nothing to relate to.
  const referenced = row[2] === 'f' ? tables.get(text(row[4])) : undefined;
  if (!referenced) return;
  table.constraints.push({
    name,
    type: 'FOREIGN KEY',
    columns,
    referenced: {
      table: referenced.name,
      columns: columnNames(referenced, row[5]),
      onUpdate: ACTIONS[text(row[6])] ?? 'NO ACTION',
      onDelete: ACTIONS[text(row[7])] ?? 'NO ACTION',
    },
  });
}

function addIndex(row: Row, tables: ReadonlyMap<string, RawTable>): void {
  const table = tables.get(text(row[0]));
  if (!table) return;
  const columns = columnNames(table, row[3]);
  if (isTrue(row[2])) table.constraints.push({ name: text(row[1]), type: 'UNIQUE', columns });
  else if (columns.length === 1) table.indexed.add(columns[0]!);
}

const columnNames = (table: RawTable, attnums: string | null | undefined): string[] =>
  text(attnums)
    .split(' ')
    .flatMap((attnum) => table.columns.get(attnum)?.name ?? []);

function finish({ columns: raw, indexed, ...table }: RawTable): Table {
  const keys = tableKeys(table.constraints, indexed);
  const columns = [...raw.values()].map((column) => finishColumn(column, keys.of(column.name)));
  return { ...table, columns, primaryKey: keys.primaryKey };
}

function finishColumn(raw: RawColumn, { isSoleKey, ...keys }: ColumnKeys): Column {
  const { name, type: base, nullable } = raw;
  const autoIncrement = raw.identity !== '' || raw.default === 'sequence';
  let type = base.type;
  if (type === 'integer' && isSoleKey && autoIncrement) type = 'id';
  else if (type === 'integer' && keys.foreignKey) type = 'reference';
  return {
    name,
    ...base,
    type,
    default: raw.default === 'sequence' ? null : raw.default.value,
    nullable,
    autoIncrement,
    generated: raw.isComputed || raw.identity === 'a',
    multibyte: false,
    ...keys,
  };
}
