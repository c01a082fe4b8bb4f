/** The catalogue of a SQLite database, read through its pragma functions. */
import { MillraceError } from '#common/errors.ts';
import { inSlices, mapInSlices } from '#common/pace.ts';
import type { Catalogue, Column, Constraint, ForeignKey, JsonKind, Table } from '#common/schema/catalogue.ts';
import type { Rows, Statement } from '../statement.ts';
import { columnDefault, columnType } from './types.ts';

type Run = (statement: Statement) => Promise<Rows>;

interface TableRow {
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual';
}
interface ColumnRow {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly notnull: boolean;
  readonly default: string | null;
  /** Position in the primary key from 1; 0: not part of it. */
  readonly key: number;
  /** 0 plain, 2 generated on reading, 3 generated and stored. */
  readonly hidden: number;
}
interface IndexRow {
  readonly table: string;
  readonly index: string;
  readonly unique: boolean;
  /** c: CREATE INDEX, u: UNIQUE, pk: PRIMARY KEY. */
  readonly origin: string;
  readonly partial: boolean;
  /** Null for an expression. */
  readonly column: string | null;
}
interface ReferenceRow {
  readonly table: string;
  readonly id: number;
  readonly target: string;
  readonly column: string;
  /** Null: the primary key of the target. */
  readonly targetColumn: string | null;
  readonly position: number;
  readonly onUpdate: string;
  readonly onDelete: string;
}

interface Index {
  readonly name: string;
  readonly isUnique: boolean;
  readonly origin: string;
  /** Undefined where one of them is an expression or only some rows are in it. */
  readonly columns: readonly string[] | undefined;
}
interface Reference {
  readonly columns: readonly string[];
  readonly table: string;
  readonly targetColumns: readonly string[];
  readonly onUpdate: string;
  readonly onDelete: string;
}

const KINDS = `l.schema = 'main' and l.type in ('table', 'view', 'virtual') and l.name not glob 'sqlite_*'`;
const ALL = `select l.name, l.type from pragma_table_list l where ${KINDS} order by l.name`;
/** ?1: a JSON list of names, as in all that follow. */
const SOME = `select l.name, l.type from json_each(?1) w, pragma_table_list(w.value) l where ${KINDS} order by l.name`;

const NAMED = '(select value as name from json_each(?1))';
const COLUMNS = `select t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
  from ${NAMED} t, pragma_table_xinfo(t.name) c where c.hidden <> 1 order by t.name, c.cid`;

const INDEXES = `select t.name, i.name, i."unique", i.origin, i.partial, c.name
  from ${NAMED} t, pragma_index_list(t.name) i, pragma_index_info(i.name) c order by t.name, i.seq desc, c.seqno`;

const REFERENCES = `select t.name, f.id, f."table", f."from", f."to", f.seq, f.on_update, f.on_delete
  from ${NAMED} t, pragma_foreign_key_list(t.name) f order by t.name, f.id desc, f.seq`;

/** A view that cannot be read any more is left out, as nothing could be done with it. */
export async function introspect(run: Run): Promise<Catalogue> {
  return introspectRows(run, await ask<TableRow>(run, ALL, TABLE_KINDS));
}

/** The tables of these names, and those that they refer to. */
export async function introspectTables(run: Run, names: readonly string[]): Promise<Catalogue> {
  const targets = await ask<ReferenceRow>(run, REFERENCES, REFERENCE_KINDS, names);
  const all = [...new Set([...names, ...targets.map(({ target }) => target)])];
  const found = new Map((await ask<TableRow>(run, SOME, TABLE_KINDS, all)).map((row) => [row.name, row]));
  return introspectRows(run, [...found.values()]);
}

async function introspectRows(run: Run, tables: readonly TableRow[]): Promise<Catalogue> {
  const ordinary = tables.filter(({ type }) => type === 'table').map(({ name }) => name);
  const [columns, indexes, references] = await Promise.all([
    ask<ColumnRow>(run, COLUMNS, COLUMN_KINDS, ordinary),
    ask<IndexRow>(run, INDEXES, INDEX_KINDS, ordinary),
    ask<ReferenceRow>(run, REFERENCES, REFERENCE_KINDS, ordinary),
  ]);
  // A view or virtual table may be broken, and is asked about alone.
  const others = tables.filter(({ type }) => type !== 'table');
  const otherColumns = await Promise.all(others.map(({ name }) => columnsOfOne(run, name)));
  const columnsByTable = await grouped([...columns, ...otherColumns.flat()]);
  const indexesByTable = await grouped(indexes);
  const referencesByTable = await grouped(references);
  const known = new Known();
  await inSlices(columnsByTable, ([name, rows]) => known.add(name, rows));
  const found: Table[] = [];
  await inSlices(tables, ({ name, type }) => {
    const own = columnsByTable.get(name);
    if (!own) return;
    const ownIndexes = indexesOf(indexesByTable.get(name) ?? []);
    const ownReferences = known.references(referencesByTable.get(name) ?? []);
    found.push(table(name, type === 'view', own, ownIndexes, ownReferences));
  });
  return { tables: found };
}

/** By table. */
async function grouped<T extends { readonly table: string }>(rows: readonly T[]): Promise<Map<string, T[]>> {
  const found = new Map<string, T[]>();
  await inSlices(rows, (row) => {
    const group = found.get(row.table);
    if (group) group.push(row);
    else found.set(row.table, [row]);
  });
  return found;
}

const TABLE_KINDS = { name: 'string', type: 'string' } as const;
const COLUMN_KINDS = {
  table: 'string',
  name: 'string',
  type: 'string',
  notnull: 'boolean',
  default: 'string',
  key: 'number',
  hidden: 'number',
} as const;
const INDEX_KINDS = {
  table: 'string',
  index: 'string',
  unique: 'boolean',
  origin: 'string',
  partial: 'boolean',
  column: 'string',
} as const;
const REFERENCE_KINDS = {
  table: 'string',
  id: 'number',
  target: 'string',
  column: 'string',
  targetColumn: 'string',
  position: 'number',
  onUpdate: 'string',
  onDelete: 'string',
} as const;

/** Rows as objects, made one by one: a large catalogue has a hundred thousand. */
async function ask<T>(
  run: Run,
  text: string,
  kinds: Readonly<Record<keyof T, JsonKind>>,
  names?: readonly string[],
): Promise<T[]> {
  const columns = Object.entries<JsonKind>(kinds).map(([name, json]) => ({ name, json }));
  const { json, ends } = await run({ text, params: names ? [JSON.stringify(names)] : [], columns });
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  let start = 0;
  return mapInSlices(ends, (end) => {
    const row = JSON.parse(bytes.toString('utf8', start, end)) as T;
    start = end + 1;
    return row;
  });
}

async function columnsOfOne(run: Run, name: string): Promise<ColumnRow[]> {
  try {
    return await ask<ColumnRow>(run, COLUMNS, COLUMN_KINDS, [name]);
  } catch (error) {
    if (isBroken(error)) return [];
    throw error;
  }
}

/** The definition is at fault, not the way to the database. */
const isBroken = (error: unknown): boolean =>
  error instanceof MillraceError && ['invalid', 'internal', 'conflict'].includes(error.code);

function table(
  name: string,
  isView: boolean,
  rows: readonly ColumnRow[],
  indexes: readonly Index[],
  references: readonly Reference[],
): Table {
  const keyRows = rows.filter(({ key }) => key > 0).sort((a, b) => a.key - b.key);
  const primaryKey = keyRows.map((row) => row.name);
  // A key of type INTEGER is the row's own number, which SQLite gives out, unless an index had to be made for it.
  const isRowId =
    keyRows.length === 1 && /^integer$/i.test(keyRows[0]?.type ?? '') && !indexes.some(({ origin }) => origin === 'pk');
  return {
    name,
    schemaName: '',
    tableName: name,
    isView,
    columns: rows.map((row) => column(row, isRowId && row.key > 0, indexes, references)),
    primaryKey,
    constraints: constraints(name, indexes, references),
    // Those of the table's own definition cannot be dropped.
    indexes: indexes.flatMap(({ name: index, origin, columns }) =>
      origin === 'c' && columns ? [{ name: index, columns }] : [],
    ),
  };
}

function column(row: ColumnRow, isRowId: boolean, indexes: readonly Index[], references: readonly Reference[]): Column {
  const found = columnType(row.type);
  const foreignKey = foreignKeyOf(row.name, references);
  const alone = indexes.filter(({ columns }) => columns?.length === 1 && columns[0] === row.name);
  return {
    ...found,
    name: row.name,
    type: typeInTable(found.type, isRowId, foreignKey !== null),
    default: columnDefault(row.default, found.json),
    nullable: !row.notnull && row.key === 0,
    autoIncrement: isRowId,
    generated: row.hidden !== 0,
    primaryKey: row.key > 0,
    unique: alone.some(({ isUnique, origin }) => isUnique && origin !== 'pk'),
    indexed: indexes.some(({ isUnique, columns }) => !isUnique && columns?.[0] === row.name),
    foreignKey,
  };
}

function typeInTable(type: string, isRowId: boolean, isReference: boolean): string {
  if (isRowId) return 'id';
  return isReference && type === 'integer' ? 'reference' : type;
}

function foreignKeyOf(name: string, references: readonly Reference[]): ForeignKey | null {
  const found = references.find(({ columns }) => columns.length === 1 && columns[0] === name);
  if (!found) return null;
  return {
    table: found.table,
    field: found.targetColumns[0] as string,
    onUpdate: found.onUpdate,
    onDelete: found.onDelete,
  };
}

function constraints(name: string, indexes: readonly Index[], references: readonly Reference[]): Constraint[] {
  const ofIndexes = indexes.flatMap(({ name: index, isUnique, origin, columns }): Constraint[] =>
    isUnique && columns ? [{ name: index, type: origin === 'pk' ? 'PRIMARY KEY' : 'UNIQUE', columns }] : [],
  );
  // The database does not tell the names of references.
  const ofReferences = references.map(
    ({ columns, table: target, targetColumns, onUpdate, onDelete }): Constraint => ({
      name: `fk_${name}_${columns.join('_')}`,
      type: 'FOREIGN KEY',
      columns,
      referenced: { table: target, columns: targetColumns, onUpdate, onDelete },
    }),
  );
  return [...ofIndexes, ...ofReferences];
}

function indexesOf(rows: readonly IndexRow[]): Index[] {
  return [...groups(rows, (row) => row.index)].map(([name, parts]) => {
    const [first] = parts as [IndexRow];
    const columns = parts.map((part) => part.column);
    const isPlain = !first.partial && columns.every((part) => part !== null);
    return { name, isUnique: first.unique, origin: first.origin, columns: isPlain ? (columns as string[]) : undefined };
  });
}

/** Tables and columns in their own spelling: a reference may be written in any case, or name no column at all. */
class Known {
  readonly #tables = new Map<string, { name: string; columns: ReadonlyMap<string, string>; key: readonly string[] }>();

  add(name: string, rows: readonly ColumnRow[]): void {
    const columns = new Map(rows.map((row) => [row.name.toLowerCase(), row.name]));
    const key = rows.filter((row) => row.key > 0).sort((a, b) => a.key - b.key);
    this.#tables.set(name.toLowerCase(), { name, columns, key: key.map((row) => row.name) });
  }

  /** Those that lead somewhere. */
  references(rows: readonly ReferenceRow[]): Reference[] {
    return [...groups(rows, (row) => row.id).values()].flatMap((parts) => {
      const [first] = parts as [ReferenceRow];
      const target = this.#tables.get(first.target.toLowerCase());
      const targetColumns = parts.map(({ targetColumn, position }) =>
        targetColumn === null ? target?.key[position] : target?.columns.get(targetColumn.toLowerCase()),
      );
      if (!target || !targetColumns.every((name) => name !== undefined)) return [];
      const { onUpdate, onDelete } = first;
      return [{ columns: parts.map(({ column: own }) => own), table: target.name, targetColumns, onUpdate, onDelete }];
    });
  }
}

function groups<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const found = new Map<K, T[]>();
  for (const item of items) {
    const group = found.get(keyOf(item));
    if (group) group.push(item);
    else found.set(keyOf(item), [item]);
  }
  return found;
}
