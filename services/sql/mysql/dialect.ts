/** How MySQL and MariaDB differ from other SQL engines, and from each other. */

import type { Column, Table } from '#common/schema/catalogue.ts';
import { countedPlaceholder } from '../compile/builder.ts';
import type { Dialect } from '../dialect.ts';
import type { Param } from '../statement.ts';
import { changeColumn, columnSql, isOfType, typeSql } from './column-sql.ts';
import { mysqlExpressions } from './expressions.ts';
import { quoteIdentifier, textLiteral } from './quote.ts';
import { spellingOf } from './temporal.ts';

/** As many as wait for a commit go by one statement, which needs no transaction; each size is a prepared statement. */
const INSERT_SIZES = [256, 128, 64, ...Array.from({ length: 32 }, (_, i) => 32 - i)];

export const mysqlDialect: Dialect = {
  name: 'MySQL',
  quote: ['`', '`'],
  parametersMax: 65_535,
  // A text is compared with a decimal as a double, which holds 15 digits of it.
  placeholder: (index, cast) =>
    cast?.startsWith('decimal(') ? `cast(${countedPlaceholder(index)} as ${cast})` : countedPlaceholder(index),
  asText: (sql, column) => (isText(column) ? sql : `cast(${sql} as char)`),
  textPlaceholder: countedPlaceholder,
  moment,
  booleanParam: (value) => (value ? 1 : 0),
  bytesParam: (value) => value,
  textParam: ({ nativeType }) => spellingOf(nativeType),
  wholeNumberType: undefined,
  integerBits,
  truncatesFractions: false,
  exactDecimals: true,
  aggregateKey: (key) => key,
  aggregateJson: (name, column) => (name === 'MIN' || name === 'MAX' ? (column?.json ?? 'number') : 'number'),
  insertMany,
  insertSizes: INSERT_SIZES,
  returning: { insert: false, update: false, delete: false },
  generatedKey: {
    one: 'last_insert_id()',
    // Rows of one insert are counted without a gap but for the servers' own step.
    many: (sql, count) =>
      `${sql} between last_insert_id() and last_insert_id() + (${count} - 1) * @@auto_increment_increment ` +
      `and mod(${sql}, @@auto_increment_increment) = mod(last_insert_id(), @@auto_increment_increment)`,
  },
  lockClause: ' for update',
  ordersNulls: false,
  estimateSql: ({ schemaName, tableName }) =>
    `select table_rows from information_schema.tables where table_schema = ${textLiteral(schemaName)} ` +
    `and table_name = ${textLiteral(tableName)}`,
  limitMax: Number.MAX_SAFE_INTEGER,
  falseSql: 'false',
  trueSql: 'true',
  alters: { dropColumn: true, addConstraint: true, dropsReferences: false, column: changeColumn },
  expressions: mysqlExpressions,
  columnSql,
  typeSql,
  isOfType,
  tableSql,
};

export const mariadbDialect: Dialect = {
  ...mysqlDialect,
  name: 'MariaDB',
  returning: { insert: true, update: false, delete: true },
};

const TEXT_TYPES = /^(?:char|varchar|(?:tiny|medium|long)?text|enum|set)$/;
const isText = (column: Column): boolean => TEXT_TYPES.test(column.nativeType);

const INTEGER_BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };

/** With the bit of the sign, which an unsigned column has besides. */
function integerBits({ nativeType }: Column): number | undefined {
  const [name = '', unsigned] = nativeType.split(' ');
  if (name === 'bit') return 65;
  const bits = INTEGER_BITS[name];
  return bits && unsigned ? bits + 1 : bits;
}

const DAY_SECONDS = 86_400;

function moment(base: 'timestamp' | 'date' | 'time', offsetSeconds: number): string {
  const clock = { timestamp: 'current_timestamp', date: 'current_date', time: 'current_time' }[base];
  const seconds = Math.trunc(offsetSeconds);
  if (seconds === 0) return clock;
  if (base === 'time') return `addtime(${clock}, sec_to_time(${seconds}))`;
  // Whole days leave a date a date.
  const isDays = base === 'date' && seconds % DAY_SECONDS === 0;
  return `(${clock} + interval ${isDays ? `${seconds / DAY_SECONDS} day` : `${seconds} second`})`;
}

/** @param returning the clause as it stands at the end, or empty */
function insertMany(
  table: Table,
  columns: readonly Column[],
  rows: readonly (readonly Param[])[],
  returning: string,
): { text: string; params: Param[] } {
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const row = `(${columns.map(() => '?').join(', ')})`;
  const relation = `${quoteIdentifier(table.schemaName)}.${quoteIdentifier(table.tableName)}`;
  const text = `insert into ${relation} (${names}) values ${rows.map(() => row).join(', ')}`;
  return { text: returning ? `${text} ${returning}` : text, params: rows.flat() };
}

/** `database.table` outside of the service's own database. */
function tableSql(name: string): string {
  const dot = name.indexOf('.');
  if (dot <= 0) return quoteIdentifier(name);
  return `${quoteIdentifier(name.slice(0, dot))}.${quoteIdentifier(name.slice(dot + 1))}`;
}
