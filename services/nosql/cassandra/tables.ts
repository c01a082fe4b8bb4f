/** Tables, columns and indexes of a keyspace: listed, made, changed, removed. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import type { NewField, NewIndex, StoreIndex, StoreTable } from '../engine.ts';
import type { CassandraClient } from './client.ts';
import { definitionOf, typeFor } from './definition.ts';
import { described, layoutOf, quoted } from './layout.ts';

interface ColumnRow {
  readonly table_name: string;
  readonly column_name: string;
  readonly type: string;
  readonly kind: 'partition_key' | 'clustering' | 'static' | 'regular';
  readonly position: number;
  readonly clustering_order: 'asc' | 'desc' | 'none';
}

interface IndexRow {
  readonly table_name: string;
  readonly index_name: string;
  readonly options: Readonly<Record<string, string>> | null;
}

/** Rows of one answer. */
const PAGE = 5_000;

export async function listTables(client: CassandraClient, keyspace: string, deadline: Deadline): Promise<StoreTable[]> {
  const rowsOf = async <T>(columns: string, from: string): Promise<T[]> => {
    const text = `SELECT ${columns} FROM system_schema.${from} WHERE keyspace_name = ?`;
    const rows: T[] = [];
    for (let state: string | undefined, isFirst = true; isFirst || state; isFirst = false) {
      const page = await client.ask(deadline, { text, values: [keyspace] }, { fetchSize: PAGE, state });
      rows.push(...(page.rows as unknown as T[]));
      state = page.pageState || undefined;
    }
    return rows;
  };
  const [tables, columns, indexes] = await Promise.all([
    rowsOf<{ table_name: string }>('table_name', 'tables'),
    rowsOf<ColumnRow>('table_name, column_name, type, kind, position, clustering_order', 'columns'),
    rowsOf<IndexRow>('table_name, index_name, options', 'indexes'),
  ]);
  const [columnsOf, indexesOf] = [byTable(columns), byTable(indexes)];
  return tables.map(({ table_name: name }) => tableOf(name, columnsOf.get(name) ?? [], indexesOf.get(name) ?? []));
}

function byTable<T extends { readonly table_name: string }>(rows: readonly T[]): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.table_name);
    if (group) group.push(row);
    else groups.set(row.table_name, [row]);
  }
  return groups;
}

function tableOf(name: string, columns: readonly ColumnRow[], indexes: readonly IndexRow[]): StoreTable {
  const named = (kind: ColumnRow['kind']): ColumnRow[] =>
    columns.filter((one) => one.kind === kind).sort((a, b) => a.position - b.position);
  const namesOf = (kind: ColumnRow['kind']): string[] => named(kind).map((one) => one.column_name);
  const types = new Map(columns.map((one) => [one.column_name, one.type]));
  const key = [...namesOf('partition_key'), ...namesOf('clustering')];
  const others = [...types.keys()].filter((one) => !key.includes(one)).sort();
  const order = named('clustering').flatMap((one): [string, 'desc'][] =>
    one.clustering_order === 'desc' ? [[one.column_name, 'desc']] : [],
  );
  return {
    name,
    indexes: indexes.flatMap(indexOf),
    ...described({
      columns: Object.fromEntries([...key, ...others].map((one) => [one, types.get(one) ?? ''])),
      partition_key: namesOf('partition_key'),
      clustering_key: namesOf('clustering'),
      clustering_order: Object.fromEntries(order),
      static: namesOf('static'),
    }),
  };
}

/** By options of storage-attached indexes (SAI), and of those before them (SASI). */
const isAnalysis = ([option, value]: readonly [string, string]): boolean =>
  option.includes('analyzer') || ANALYSES.includes(`${option}=${value}`);
const ANALYSES = ['case_sensitive=false', 'normalize=true', 'ascii=true'];

/** Of a whole column; those of keys or values of a collection are none that a definition could have made. */
function indexOf({ table_name: table, index_name: whole, options }: IndexRow): StoreIndex[] {
  const prefix = indexName(table, '');
  const name = whole.startsWith(prefix) ? whole.slice(prefix.length) : whole;
  const target = options?.['target'] ?? '';
  const field = /^"(.+)"$/.exec(target)?.[1]?.replaceAll('""', '"') ?? (/^\w+$/.test(target) ? target : undefined);
  const analyzes = Object.entries(options ?? {}).some(isAnalysis);
  return field === undefined ? [] : [{ name, fields: [field], unique: false, ...(analyzes && { analyzes }) }];
}

export async function createTable(
  client: CassandraClient,
  name: string,
  native: unknown,
  fields: readonly NewField[],
  keyNames: readonly string[],
  deadline: Deadline,
): Promise<void> {
  requireName(name, 'name');
  const {
    columns,
    partition_key,
    clustering_key,
    clustering_order,
    static: statics,
  } = definitionOf(native, fields, keyNames);
  const list = (names: readonly string[]): string => names.map(quoted).join(', ');
  const typed = Object.entries(columns).map(([column, type]) => {
    requireName(column, column);
    return `${quoted(column)} ${type}${statics.includes(column) ? ' STATIC' : ''}`;
  });
  const key = [`(${list(partition_key)})`, ...clustering_key.map(quoted)].join(', ');
  const order = clustering_key.map((column) => `${quoted(column)} ${clustering_order[column] ?? 'asc'}`);
  const text = [
    `CREATE TABLE ${quoted(name)} (${typed.join(', ')}, PRIMARY KEY (${key}))`,
    ...(order.length > 0 ? [`WITH CLUSTERING ORDER BY (${order.join(', ')})`] : []),
  ].join(' ');
  await client.ask(deadline, { text, values: [] });
}

export async function dropTable(client: CassandraClient, name: string, deadline: Deadline): Promise<void> {
  await client.ask(deadline, { text: `DROP TABLE ${quoted(name)}`, values: [] });
}

export async function addFields(
  client: CassandraClient,
  table: StoreTable,
  fields: readonly NewField[],
  deadline: Deadline,
): Promise<void> {
  const columns = fields.map(({ name, type }) => {
    requireName(name, name);
    return `${quoted(name)} ${typeFor(type)}`;
  });
  await client.ask(deadline, { text: `ALTER TABLE ${quoted(table.name)} ADD (${columns.join(', ')})`, values: [] });
}

/** @throws MillraceError invalid that names the field */
export async function dropFields(
  client: CassandraClient,
  table: StoreTable,
  names: readonly string[],
  deadline: Deadline,
): Promise<void> {
  const { key } = layoutOf(table);
  const part = names.find((name) => key.includes(name));
  if (part !== undefined) {
    throw invalid(`Field '${part}' is part of the key of '${table.name}': it cannot be dropped.`, { field: part });
  }
  const text = `ALTER TABLE ${quoted(table.name)} DROP (${names.map(quoted).join(', ')})`;
  await client.ask(deadline, { text, values: [] });
}

/** @throws MillraceError invalid */
export function checkIndex({ fields: [field = ''], unique }: NewIndex): void {
  if (!unique) return;
  throw invalid(`Field '${field}': Cassandra has no unique indexes, only the key of a record is unique.`, { field });
}

/** Names of indexes are those of a keyspace: the name of the table comes before, of which nobody here is told. */
const indexName = (table: string, name: string): string => `${table}_${name}`.replace(/\W/g, '_');

export async function createIndex(
  client: CassandraClient,
  { name: table }: StoreTable,
  index: NewIndex,
  deadline: Deadline,
): Promise<void> {
  checkIndex(index);
  const text = `CREATE INDEX ${quoted(indexName(table, index.name))} ON ${quoted(table)} (${index.fields.map(quoted).join(', ')})`;
  await client.ask(deadline, { text, values: [] });
}

export async function dropIndex(
  client: CassandraClient,
  table: string,
  name: string,
  deadline: Deadline,
): Promise<void> {
  await client.ask(deadline, { text: `DROP INDEX IF EXISTS ${quoted(indexName(table, name))}`, values: [] });
}

/** Of tables, which files are named by, and of the columns that are made here. */
function requireName(name: string, field: string): void {
  if (/^\w{1,48}$/.test(name)) return;
  throw invalid(`'${name}' is no name for Cassandra: it has 1 to 48 letters, digits and _.`, { field });
}
