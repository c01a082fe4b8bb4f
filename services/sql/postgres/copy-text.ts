/** Rows in the text format of COPY: cells between tabs, a line for each row. */
import type { Param } from '../statement.ts';

const SPECIAL = /[\\\n\r\t]/;
const EVERY_SPECIAL = new RegExp(SPECIAL, 'g');
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** @see https://www.postgresql.org/docs/current/sql-copy.html, Text Format */
export function copyText(rows: readonly (readonly Param[])[]): string {
  let text = '';
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      if (i > 0) text += '\t';
      text += cell(row[i] as Param);
    }
    text += '\n';
  }
  return text;
}

function cell(value: Param): string {
  if (typeof value === 'string') {
    return SPECIAL.test(value) ? value.replace(EVERY_SPECIAL, (character) => ESCAPES[character] as string) : value;
  }
  if (value === null) return '\\N';
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (value instanceof Uint8Array) return `\\\\x${Buffer.from(value).toString('hex')}`;
  return String(value);
}
