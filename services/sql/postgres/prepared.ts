/** The statements that one connection has prepared, by their text; the one that was not used for longest gives way. */
import { sameColumns } from '../encode/columns.ts';
import { RowFormat } from '../encode/json-writer.ts';
import type { Statement } from '../statement.ts';
import type { MessageWriter } from './message-writer.ts';

/** Texts of a busy service; the server keeps a plan for each, on each connection. */
export const PREPARED_MAX = 500;

/** A statement whose columns are not known beforehand: each comes as text in `Rows.hidden`. */
export interface PgStatement extends Statement {
  readonly allHidden?: boolean;
}

export interface Prepared {
  /** On the server. */
  readonly name: string;
  format: RowFormat;
}

export class PreparedStatements {
  readonly #writer: MessageWriter;
  readonly #byText = new Map<string, Prepared>();
  #sequence = 0;

  /** @param writer  what is not prepared yet is written here, in front of its first use */
  constructor(writer: MessageWriter) {
    this.#writer = writer;
  }

  /** @param parsed  gets the text where it had to be prepared */
  of(statement: PgStatement, parsed: string[]): Prepared {
    const { text, columns, allHidden } = statement;
    const known = this.#byText.get(text);
    if (known) {
      // The table may have changed meanwhile, and its columns be written in another way.
      if (!sameColumns(known.format.columns, columns)) known.format = new RowFormat(columns, allHidden);
      this.#used(text, known);
      return known;
    }
    if (this.#byText.size >= PREPARED_MAX) {
      const [oldest] = this.#byText.keys();
      if (oldest !== undefined) this.forget(oldest);
    }
    this.#sequence += 1;
    const prepared = { name: `m${this.#sequence}`, format: new RowFormat(columns, allHidden) };
    this.#byText.set(text, prepared);
    parsed.push(text);
    this.#writer.parse(prepared.name, text);
    return prepared;
  }

  /** The next use prepares it anew. */
  forget(text: string): void {
    const prepared = this.#byText.get(text);
    if (!prepared) return;
    this.#byText.delete(text);
    this.#writer.closeStatement(prepared.name);
  }

  /** The first of the map is the one to drop; as long as there is plenty of room nothing is moved. */
  #used(text: string, prepared: Prepared): void {
    if (this.#byText.size <= PREPARED_MAX / 2) return;
    this.#byText.delete(text);
    this.#byText.set(text, prepared);
  }
}
