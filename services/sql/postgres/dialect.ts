/** How PostgreSQL differs from other SQL engines. */

import type { Column, JsonKind, Table } from '#common/schema/catalogue.ts';
import type { AggregateName, Dialect } from '../dialect.ts';
import type { Param } from '../statement.ts';
import { changeColumn, columnSql, isOfType, typeSql } from './column-sql.ts';
import { copyText } from './copy-text.ts';
import { postgresExpressions } from './expressions.ts';
import { misfit } from './misfit.ts';
import { quoteIdentifier, quoteNewIdentifier, textLiteral } from './quote.ts';

export const postgresDialect: Dialect = {
  name: 'PostgreSQL',
  quote: ['"', '"'],
  parametersMax: 65_535,
  placeholder: (index, cast) => (cast === undefined ? `$${index}` : `$${index}::${cast}`),
  inList: (sql, placeholder, column) =>
    comparesByType(column)
      ? `${sql} = any($${placeholder}::${column.nativeType}[])`
      : `${sql}::text = any($${placeholder}::text[])`,
  arrayParam: (values) => arrayLiteral(values),
  asText: (sql) => `${sql}::text`,
  textPlaceholder: (index) => `$${index}::text`,
  moment,
  booleanParam: (value) => (value ? 't' : 'f'),
  bytesParam: bytesText,
  wholeNumberType: 'int8',
  integerBits: (column) => INTEGER_BITS[column.nativeType],
  misfit,
  truncatesFractions: false,
  exactDecimals: true,
  // Clients know the names as the database folds them.
  aggregateKey: (key) => key.toLowerCase(),
  aggregateJson,
  insertMany,
  load,
  returning: { insert: true, update: true, delete: true },
  ordersNulls: true,
  estimateSql: (table) =>
    `select case when relkind in ('r', 'p', 'm') and reltuples > 0 then reltuples::bigint end ` +
    `from pg_catalog.pg_class where oid = ${textLiteral(relation(table))}::regclass`,
  limitMax: undefined,
  falseSql: 'false',
  trueSql: 'true',
  alters: { dropColumn: true, addConstraint: true, dropsReferences: true, column: changeColumn },
  expressions: postgresExpressions,
  columnSql,
  typeSql,
  isOfType,
  tableSql,
};

/** Types without an equality operator, and arrays: an array of arrays is one array of more dimensions. */
const WITHOUT_EQUALITY = /^(?:json|xml|point|path|polygon|.*\[\])$/;
const comparesByType = (column: Column): boolean => !WITHOUT_EQUALITY.test(column.nativeType);

const INTEGER_BITS: Readonly<Record<string, number>> = { int2: 16, int4: 32, int8: 64 };

const WHOLE = new Set(['integer', 'id', 'reference']);

/** An aggregate that is numeric comes as text, one that is an integer or a double as a number: so clients know it. */
function aggregateJson(name: AggregateName, column: Column | undefined): JsonKind {
  if (name === 'COUNT' || !column) return 'number';
  if (column.json !== 'number') return column.json;
  if (column.type === 'double') return 'number';
  if (WHOLE.has(column.type)) return name === 'AVG' ? 'string' : 'number';
  return column.type === 'bigint' && (name === 'MIN' || name === 'MAX') ? 'number' : 'string';
}

/** Every element in quotes, NULL without: the literal is the same for all element types. */
export function arrayLiteral(values: readonly Param[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : `"${escapeElement(paramText(value))}"`)).join(',')}}`;
}

const escapeElement = (text: string): string => text.replace(/["\\]/g, '\\$&');

function paramText(value: NonNullable<Param>): string {
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return value instanceof Uint8Array ? bytesText(value) : String(value);
}

function bytesText(value: Uint8Array): string {
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
}

const DAY_SECONDS = 86_400;

function moment(base: 'timestamp' | 'date' | 'time', offsetSeconds: number): string {
  const clock = { timestamp: 'current_timestamp', date: 'current_date', time: 'localtime' }[base];
  const seconds = Math.trunc(offsetSeconds);
  if (seconds === 0) return clock;
  // Whole days leave a date a date.
  if (base === 'date' && seconds % DAY_SECONDS === 0) return `(${clock} + ${seconds / DAY_SECONDS})`;
  return `(${clock} + interval '${seconds} seconds')`;
}

const relation = (table: Table): string => `${quoteIdentifier(table.schemaName)}.${quoteIdentifier(table.tableName)}`;

/** Built-in scalar types come as arrays of their type; arrays and own types as text, and are cast row by row. */
const BUILT_IN_SCALAR = /^(?:[a-z_][a-z0-9_]*|"char"|"bit")$/;

/** @param returning the clause as it stands at the end, or empty */
function insertMany(
  table: Table,
  columns: readonly Column[],
  rows: readonly (readonly Param[])[],
  returning: string,
): { text: string; params: Param[] } {
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const types = columns.map((column) => (BUILT_IN_SCALAR.test(column.nativeType) ? column.nativeType : 'text'));
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
  const values = columns.map((column, index) =>
    types[index] === column.nativeType ? `v${index}` : `v${index}::${column.nativeType}`,
  );
  const aliases = columns.map((_, index) => `v${index}`).join(', ');
  return {
    text:
      `insert into ${relation(table)} (${names}) select ${values.join(', ')} from unnest(${arrays}) as r(${aliases})` +
      (returning && ` ${returning}`),
    params: columns.map((_, index) => arrayLiteral(rows.map((row) => row[index] ?? null))),
  };
}

function load(
  table: Table,
  columns: readonly Column[],
  rows: readonly (readonly Param[])[],
): { text: string; input: string } | undefined {
  if (!table.loads) return undefined;
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  return { text: `copy ${relation(table)} (${names}) from stdin`, input: copyText(rows) };
}

/** `schema.table` outside of the default schema; a name without a dot goes where the connection's search path says. */
function tableSql(name: string): string {
  const dot = name.indexOf('.');
  return dot > 0
    ? `${quoteNewIdentifier(name.slice(0, dot))}.${quoteNewIdentifier(name.slice(dot + 1))}`
    : quoteNewIdentifier(name);
}
