/** What goes to a database and what comes back, the same for every engine. */
import type { JsonKind } from '#common/schema/catalogue.ts';

export type Param = string | number | bigint | boolean | null | Uint8Array;

export interface ResultColumn {
  /** Key of the JSON object. */
  readonly name: string;
  readonly json: JsonKind;
  /** Not part of the object: handed over as text in `Rows.hidden`. */
  readonly hidden?: boolean;
}

/** Text and parameters for one database. Texts repeat, so an engine keeps them prepared. */
export interface Statement {
  readonly text: string;
  readonly params: readonly Param[];
  /** Empty: no rows come back. */
  readonly columns: readonly ResultColumn[];
  /** What a bulk load reads, in the engine's own format. */
  readonly input?: string;
  /** Of a write whose engine returns no rows: what shows its rows. */
  readonly reads?: RowsOfWrite<Statement>;
}

/**
 * A select in the same transaction right before a write (what it deletes) or right behind it, where it changed anything:
 * its rows are the write's.
 */
export interface RowsOfWrite<T> {
  readonly when: 'before' | 'after';
  readonly statement: T;
}

/** Rows that are already JSON: nobody on the way to the client needs them as objects. */
export interface Rows {
  readonly count: number;
  /** `{…},{…},{…}` in UTF-8, no brackets around; rows are objects of the columns that are not hidden. */
  readonly json: Uint8Array;
  /** Where row i ends in `json`; it starts at 0, or one behind the end of row i - 1 (a comma stands between). */
  readonly ends: readonly number[];
  /** The hidden columns of all rows, row by row, as the text the database gave; null: NULL. */
  readonly hidden: readonly (string | null)[];
  /** Rows that a write changed. */
  readonly affected: number;
}
