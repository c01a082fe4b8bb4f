/** CSV, line by line: the first line names the fields, every other becomes a record of texts (see ../csv.ts). */
import { invalid, type MillraceError } from '#common/errors.ts';
import { parseRow, toRecord } from '../csv.ts';
import type { Gathered } from './gathered.ts';
import type { Splitter } from './pieces.ts';

export class CsvSplitter implements Splitter {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** Rows that are not whole yet. */
  #text = '';
  /** How far that was looked at. */
  #at = 0;
  #inQuotes = false;
  #line = 1;
  /** Line ends inside of the quotes of this row. */
  #linesInside = 0;
  #header: readonly string[] | undefined;

  push(chunk: Uint8Array, records: Gathered): void {
    this.#text += this.#decode(chunk, true);
    this.#rows(records, false);
  }

  end(records: Gathered): void {
    this.#text += this.#decode(new Uint8Array(), false);
    this.#rows(records, true);
    if (this.#inQuotes) throw this.#malformed('the quote is never closed');
    this.#row(this.#text, records);
  }

  /** Takes the rows that are whole. A carriage return at the end may be half of a line end. */
  #rows(records: Gathered, isAll: boolean): void {
    const text = this.#text;
    let start = 0;
    let at = this.#at;
    for (; at < text.length; at++) {
      const character = text[at];
      if (this.#inQuotes) {
        if (character === '\n') this.#linesInside++;
        if (character !== '"') continue;
        if (at + 1 === text.length && !isAll) break;
        if (text[at + 1] === '"') at++;
        else this.#inQuotes = false;
      } else if (character === '"') {
        // Quotes mean something at the beginning of a cell only.
        this.#inQuotes = at === start || text[at - 1] === ',';
      } else if (character === '\n' || character === '\r') {
        if (character === '\r' && at + 1 === text.length && !isAll) break;
        this.#row(text.slice(start, at), records);
        if (character === '\r' && text[at + 1] === '\n') at++;
        this.#line += 1 + this.#linesInside;
        this.#linesInside = 0;
        start = at + 1;
      }
    }
    this.#text = text.slice(start);
    this.#at = at - start;
  }

  #row(text: string, records: Gathered): void {
    if (text === '') return;
    const row = parseRow(text, this.#line);
    if (!this.#header) {
      this.#header = row;
      return;
    }
    records.append(Buffer.from(JSON.stringify(toRecord(this.#header, row))), this.#line);
    records.close(this.#line);
  }

  #decode(chunk: Uint8Array, stream: boolean): string {
    try {
      return this.#decoder.decode(chunk, { stream });
    } catch {
      throw this.#malformed('not valid UTF-8 here, or in one of the lines behind it');
    }
  }

  #malformed(reason: string): MillraceError {
    return invalid(`Malformed CSV in line ${this.#line}: ${reason}.`, { line: this.#line });
  }
}
