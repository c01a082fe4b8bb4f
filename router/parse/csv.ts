/** CSV bodies (RFC 4180): the first line names the fields, every other line is a record of texts. */
import { invalid } from '#common/errors.ts';

type Row = string[];

/**
 * Quoted cells may hold commas, line breaks and doubled quotes; lines end with LF, CRLF or CR; empty lines are skipped.
 * A cell missing at the end of a line is null. A cell beyond the header is kept under `#` and its column number, so
 * that it is reported like any other unknown field.
 *
 * @throws invalid, with the line: a quote that is never closed, text behind a closing quote
 */
export function parseCsv(text: string): Record<string, string | null>[] {
  const [header, ...rows] = readRows(text);
  if (!header) return [];
  return rows.map((row) => toRecord(header, row));
}

/** The only row of a text without a line end behind it. @param line  where it is, for refusals */
export function parseRow(text: string, line: number): Row {
  return readRows(text, line)[0] ?? [];
}

export function toRecord(header: readonly string[], row: readonly string[]): Record<string, string | null> {
  const record: Record<string, string | null> = Object.create(null);
  for (const [column, name] of header.entries()) record[name] = row[column] ?? null;
  for (let column = header.length; column < row.length; column++) {
    if (row[column] !== '') record[`#${column + 1}`] = row[column]!;
  }
  return record;
}

/** A plain cell up to what ends it. */
const PLAIN = /[^,\r\n]*/y;
const LINE_END = /\r\n|\n|\r/y;

function readRows(text: string, line = 1): Row[] {
  const rows: Row[] = [];
  let row: Row = [];
  let at = 0;
  while (at < text.length) {
    if (row.length === 0) {
      const blank = match(LINE_END, text, at);
      if (blank) {
        at += blank.length;
        continue;
      }
    }
    const cell = text[at] === '"' ? quotedCell(text, at, line) : plainCell(text, at);
    row.push(cell.value);
    at = cell.end;
    if (text[at] === ',') {
      at++;
      // A comma at the very end has an empty cell behind it.
      if (at === text.length) row.push('');
    } else {
      at += match(LINE_END, text, at)?.length ?? 0;
      rows.push(row);
      row = [];
    }
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

interface Cell {
  readonly value: string;
  readonly end: number;
}

function plainCell(text: string, start: number): Cell {
  const value = match(PLAIN, text, start) ?? '';
  return { value, end: start + value.length };
}

function quotedCell(text: string, open: number, firstLine: number): Cell {
  let close = text.indexOf('"', open + 1);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  if (close < 0) throw malformed(text, open, firstLine, 'the quote is never closed');
  const end = close + 1;
  if (end < text.length && !',\r\n'.includes(text[end]!))
    throw malformed(text, end, firstLine, 'text behind a closing quote');
  return { value: text.slice(open + 1, close).replaceAll('""', '"'), end };
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function malformed(text: string, at: number, firstLine: number, reason: string) {
  const line = firstLine - 1 + text.slice(0, at).split(/\r\n|\n|\r/).length;
  return invalid(`Malformed CSV in line ${line}: ${reason}.`, { line });
}
