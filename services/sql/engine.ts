/** What an SQL engine is. Nothing outside an engine's folder may ask which engine it is. */
import type { Deadline } from '#common/deadline.ts';
import type { Engine, Source } from '#common/engine.ts';
import type { MillraceError } from '#common/errors.ts';
import type { Catalogue, Routine } from '#common/schema/catalogue.ts';
import type { Dialect } from './dialect.ts';
import type { Param, Rows, Statement } from './statement.ts';

export type StatementOutcome = { readonly rows: Rows } | { readonly error: MillraceError };

/** stop: at the first failure, what came before stays. continue: go on. rollback: undo all at the first failure. */
export type EachMode = 'stop' | 'continue' | 'rollback';

export interface EachOptions {
  readonly mode: EachMode;
  /**
   * true: try all at once and isolate the culprit only after a failure (fast, for many rows and for unrelated
   * requests that share a commit); false: isolate from the start (few rows; nothing is ever run twice).
   */
  readonly optimistic: boolean;
}

export interface SqlEngine extends Engine<SqlSource> {
  readonly dialect: Dialect;
}

/** What a routine gave: its row sets, and for a procedure the values of OUT and INOUT parameters as one object. */
export interface CallResult {
  readonly sets: readonly Rows[];
  /** JSON object; undefined where the routine has no such parameters. */
  readonly out: Uint8Array | undefined;
}

/** All methods reject with a MillraceError (translated by the engine's errors.ts) and stop at the deadline. */
export interface SqlSource extends Source {
  /** Set by whoever remembers the catalogue; called when the database shows that a table is not what it was. */
  onSchemaChange: (() => void) | undefined;
  introspect(deadline: Deadline): Promise<Catalogue>;
  /**
   * The tables of these names, and those that they refer to, of which not all references need be there. Names that
   * there are not are left out. Engines that read everything as fast lack it.
   */
  introspectTables?(names: readonly string[], deadline: Deadline): Promise<Catalogue>;
  /** A text that becomes another one when anybody changes the catalogue: much cheaper than reading it. */
  catalogueState(deadline: Deadline): Promise<string>;
  /** Stored procedures and functions; engines without any have neither of these two. */
  routines?(deadline: Deadline): Promise<readonly Routine[]>;
  /** @param params  one for each IN and INOUT parameter, in their order */
  call?(routine: Routine, params: readonly Param[], deadline: Deadline): Promise<CallResult>;
  /** One statement, its own transaction. */
  run(statement: Statement, deadline: Deadline): Promise<Rows>;
  /** The rows in pieces, through a cursor; leaving the loop ends the query. */
  stream(statement: Statement, deadline: Deadline): AsyncIterable<Rows>;
  /**
   * Statements in order, in one transaction, each of which fails alone.
   * @returns an outcome for each statement that was reached (stop and rollback end behind the failed one)
   */
  runEach(statements: readonly Statement[], options: EachOptions, deadline: Deadline): Promise<StatementOutcome[]>;
  /** Work that reads between its writes. A rejection of `work` rolls back. */
  transaction<T>(work: (run: (statement: Statement) => Promise<Rows>) => Promise<T>, deadline: Deadline): Promise<T>;
}
