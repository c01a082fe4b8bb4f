/** Answers as CSV: the records, or the error, one line each under a line of names. */
import { JsonNumber, stringifyJson } from '#common/json.ts';

/** What the original puts in quotes: more than RFC 4180 asks for, so that files stay the same byte for byte. */
const NEEDS_QUOTES = /[,"\\\s]/;

/**
 * The rows are what `resource` or `error` holds, or the value itself; the columns are the keys of all rows in the order
 * in which they appear. true is 1, false and null are empty, nested values are JSON. Metadata has no place in CSV.
 *
 * @see system-api.md §1.7
 */
export function toCsv(value: unknown): string {
  const rows = rowsOf(value);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  // An empty list is an empty header and one empty row, as recorded.
  return csvHeader(columns) + (rows.length === 0 ? line([]) : csvRows(rows, columns));
}

export const csvHeader = (columns: readonly string[]): string => line(columns);

export function csvRows(rows: readonly Row[], columns: readonly string[]): string {
  return rows
    .map((row) => line(columns.map((column) => cellOf(Object.hasOwn(row, column) ? row[column] : null))))
    .join('');
}

export type Row = Readonly<Record<string, unknown>>;

function rowsOf(value: unknown): Row[] {
  const content = isRow(value) ? (value['resource'] ?? value['error'] ?? value) : value;
  return (Array.isArray(content) ? content : [content]).map((item) => (isRow(item) ? item : { value: item }));
}

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);

function cellOf(value: unknown): string {
  if (value === null || value === undefined || value === false) return '';
  if (value === true) return '1';
  return typeof value === 'object' ? stringifyJson(value) : String(value);
}

function line(cells: readonly string[]): string {
  // A lone empty cell would read as no row at all.
  if (cells.length === 1 && cells[0] === '') return '""\n';
  return `${cells.map(quoted).join(',')}\n`;
}

const quoted = (cell: string): string => (NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
