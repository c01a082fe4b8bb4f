/** How SQLite differs from other SQL engines. */

import type { Column } from '#common/schema/catalogue.ts';
import type { Dialect } from '../dialect.ts';
import type { Param } from '../statement.ts';
import { columnSql, isOfType, typeSql } from './column-sql.ts';
import { sqliteExpressions } from './expressions.ts';
import { quoteIdentifier } from './quote.ts';

export const sqliteDialect: Dialect = {
  name: 'SQLite',
  quote: ['"', '"'],
  parametersMax: 32_766,
  // A parameter takes the affinity of the column that it is compared with or stored in.
  placeholder: (index) => `?${index}`,
  inList: (sql, placeholder, column) =>
    `${isBinary(column) ? `hex(${sql})` : sql} in (select value from json_each(?${placeholder}))`,
  arrayParam: (values) => `[${values.map(element).join(',')}]`,
  // Numbers are text to LIKE; blobs match nothing.
  asText: (sql, column) => (isBinary(column) ? `cast(${sql} as text)` : sql),
  textPlaceholder: (index) => `?${index}`,
  moment,
  booleanParam: (value) => (value ? 1 : 0),
  bytesParam: (value) => value,
  wholeNumberType: undefined,
  truncatesFractions: true,
  exactDecimals: false,
  aggregateKey: (key) => key,
  aggregateJson: (name, column) => (name === 'MIN' || name === 'MAX' ? (column?.json ?? 'number') : 'number'),
  returning: { insert: true, update: true, delete: true },
  ordersNulls: true,
  limitMax: -1,
  falseSql: '0',
  trueSql: '1',
  alters: { dropColumn: true, addConstraint: false, dropsReferences: true },
  expressions: sqliteExpressions,
  columnSql,
  typeSql,
  isOfType,
  tableSql: quoteIdentifier,
};

const isBinary = (column: Column): boolean => column.json === 'bytes';

/** An element of a JSON array; JSON has no bytes, so they go as SQLite's hex() writes them. */
function element(value: Param): string {
  if (value instanceof Uint8Array) {
    return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex').toUpperCase()}"`;
  }
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

/** Clock in UTC, as CURRENT_TIMESTAMP. */
function moment(base: 'timestamp' | 'date' | 'time', offsetSeconds: number): string {
  const clock = { timestamp: 'datetime', date: 'date', time: 'time' }[base];
  const seconds = Math.trunc(offsetSeconds);
  return seconds === 0 ? `${clock}('now')` : `${clock}('now', '${seconds > 0 ? '+' : ''}${seconds} seconds')`;
}
