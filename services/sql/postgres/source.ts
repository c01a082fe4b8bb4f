/** An opened PostgreSQL database: statements in, rows of JSON out, stopped at their deadline. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import type { Catalogue, Routine } from '#common/schema/catalogue.ts';
import { again } from '../collision.ts';
import type { CallResult, EachOptions, SqlSource, StatementOutcome } from '../engine.ts';
import { Pool, type PoolOptions } from '../pool.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import { Streams } from '../streams.ts';
import { Unheard } from '../unheard.ts';
import { type PgConnection, type SegmentResult, ServerError } from './connection.ts';
import { translate } from './errors.ts';
import { catalogueState, introspect, introspectTables, type TextQuery } from './introspect.ts';
import type { PgStatement } from './prepared.ts';
import { callStatement, introspectRoutines } from './routines.ts';

/** Rows that a cursor brings before it has to be asked for more. */
const STREAM_ROWS = 1000;
/** Statements with a savepoint each that are sent ahead: behind a failure all of them are sent again. */
const AHEAD_MAX = 256;
/** What the server may take to stop a statement after it was told to; then it is as good as gone. */
const STOP_MS = 3000;
/** The server ended it: at our request, or at the statement_timeout that stands for the deadline. */
const QUERY_CANCELED = '57014';

const BEGIN = command('begin');
const COMMIT = command('commit');
const ROLLBACK = command('rollback');
const SAVEPOINT = command('savepoint each');
const RELEASE = command('release savepoint each');
const ROLLBACK_TO = command('rollback to savepoint each');

function command(text: string): Statement {
  return { text, params: [], columns: [] };
}

export interface PostgresSettings extends PoolOptions<PgConnection> {
  /** The service's `schema` setting (database-api §1.3). */
  readonly schema: string | undefined;
  /** What a new session is told about statement_timeout, milliseconds. */
  readonly statementTimeoutMs: number;
}

export class PostgresSource implements SqlSource {
  onSchemaChange: (() => void) | undefined;
  readonly #pool: Pool<PgConnection>;
  readonly #settings: PostgresSettings;
  /** What each session was last told about statement_timeout. */
  readonly #timeouts = new WeakMap<PgConnection, number>();
  readonly #streams: Streams;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
    this.#pool = new Pool(settings);
    this.#streams = new Streams(settings.connectionsMax);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  introspect(deadline: Deadline): Promise<Catalogue> {
    return introspect(this.#textQuery(deadline), this.#settings.schema);
  }

  introspectTables(names: readonly string[], deadline: Deadline): Promise<Catalogue> {
    return introspectTables(this.#textQuery(deadline), this.#settings.schema, names);
  }

  catalogueState(deadline: Deadline): Promise<string> {
    return catalogueState(this.#textQuery(deadline), this.#settings.schema);
  }

  routines(deadline: Deadline): Promise<readonly Routine[]> {
    return introspectRoutines(this.#textQuery(deadline), this.#settings.schema);
  }

  async call(routine: Routine, params: readonly Param[], deadline: Deadline): Promise<CallResult> {
    const rows = await this.run(callStatement(routine, params), deadline);
    if (routine.kind === 'function') return { sets: [rows], out: undefined };
    return { sets: [], out: rows.count > 0 ? rows.json : undefined };
  }

  /** Of a large catalogue the rows come in portions, so that others have their turn between them. */
  #textQuery(deadline: Deadline): TextQuery {
    return async (text: string, params: readonly string[]): Promise<(string | null)[][]> => {
      const rows: (string | null)[][] = [];
      for await (const { hidden, count } of this.#portions({ text, params, columns: [], allHidden: true }, deadline)) {
        const width = hidden.length / count;
        for (let at = 0; at < hidden.length; at += width) rows.push(hidden.slice(at, at + width));
      }
      return rows;
    };
  }

  run(statement: PgStatement, deadline: Deadline): Promise<Rows> {
    return this.#lend(deadline, (connection) =>
      again(deadline, isUndone, async () => {
        const { rows, error } = await this.#send(connection, [statement]);
        if (error) throw error;
        return rows[0] as Rows;
      }),
    );
  }

  stream(statement: Statement, deadline: Deadline): AsyncGenerator<Rows> {
    return this.#streams.run(() => this.#portions(statement, deadline));
  }

  async *#portions(statement: PgStatement, deadline: Deadline): AsyncGenerator<Rows> {
    const portions: Rows[] = [];
    let wanted = true;
    let finished = false;
    let wake = (): void => {};
    let resume = (_more: boolean): void => {};
    const stop = (): void => {
      wanted = false;
      resume(false);
    };
    // Between two portions the server is at rest: there is nothing that it could be told to stop.
    const forget = deadline.onAbort(stop);
    const take = (rows: Rows): Promise<boolean> => {
      portions.push(rows);
      wake();
      return new Promise((resolve) => {
        resume = resolve;
        if (!wanted) resolve(false);
      });
    };
    const work = this.#lend(deadline, async (connection) => {
      let result = await connection.portal(statement, STREAM_ROWS, take);
      if (result.isStale) {
        this.onSchemaChange?.();
        result = await connection.portal(statement, STREAM_ROWS, take);
      }
      if (result.error) throw result.error;
    }).finally(() => {
      finished = true;
      wake();
    });
    work.catch(() => {}); // reported below
    try {
      while (true) {
        deadline.throwIfAborted();
        const rows = portions.shift();
        if (rows) {
          // The next portion is fetched while this one is taken.
          resume(true);
          if (rows.count > 0) yield rows;
        } else if (finished) break;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      await work;
    } finally {
      forget();
      stop();
    }
  }

  runEach(statements: readonly Statement[], options: EachOptions, deadline: Deadline): Promise<StatementOutcome[]> {
    return this.#lend(deadline, async (connection) => {
      const alone = statements.length === 1;
      if (options.mode === 'rollback' || options.optimistic || alone) {
        // Executions up to one Sync are one transaction: no BEGIN, no COMMIT, one flush of the log.
        const { rows, error } = await this.#sendTogether(connection, statements, deadline);
        if (!error) return rows.map((one) => ({ rows: one }));
        if (error.sqlState === QUERY_CANCELED) throw error;
        if (options.mode === 'rollback' || alone) {
          // What is checked at the end only is a failure of the last.
          const done = rows.slice(0, statements.length - 1);
          return [...done.map((one) => ({ rows: one })), { error: this.#translate(error) }];
        }
      }
      const goOn = options.mode === 'continue';
      return again(deadline, isUndone, () => this.#isolated(connection, statements, goOn, deadline));
    });
  }

  /** All or nothing; what collided with others is sent again. */
  async #sendTogether(
    connection: PgConnection,
    statements: readonly Statement[],
    deadline: Deadline,
  ): Promise<SegmentResult> {
    let last: SegmentResult | undefined;
    const attempt = async (): Promise<SegmentResult> => {
      last = await this.#send(connection, statements);
      if (isUndone(last.error)) throw last.error;
      return last;
    };
    return again(deadline, isUndone, attempt).catch((error: unknown) => {
      if (last && error === last.error) return last;
      throw error;
    });
  }

  transaction<T>(work: (run: (statement: Statement) => Promise<Rows>) => Promise<T>, deadline: Deadline): Promise<T> {
    return this.#lend(deadline, async (connection) => {
      const run = async (statement: Statement): Promise<Rows> => {
        deadline.throwIfAborted();
        const result = connection.segment([statement]);
        const { rows, error, isStale } = await result.catch((lost: unknown) => {
          throw this.#translate(lost);
        });
        if (isStale) throw this.#stale(error);
        if (error) throw this.#translate(error);
        return rows[0] as Rows;
      };
      await run(BEGIN);
      try {
        const value = await work(run);
        await run(COMMIT);
        return value;
      } catch (error) {
        if (!connection.failure) await connection.segment([ROLLBACK]);
        throw error;
      }
    });
  }

  /** Statements up to one Sync. Those that fail for a stale preparation have done nothing, and are sent again. */
  async #send(connection: PgConnection, statements: readonly PgStatement[]): Promise<SegmentResult> {
    let result = await connection.segment(statements);
    for (let again = statements.length; result.isStale && again > 0; again--) {
      this.onSchemaChange?.();
      result = await connection.segment(statements);
    }
    return result;
  }

  /**
   * A savepoint around each statement, many of them sent at once. After a failure the rest of what was sent fails
   * without being run, so nothing happens twice; where failures are frequent, less is sent ahead.
   */
  async #isolated(
    connection: PgConnection,
    statements: readonly Statement[],
    goOn: boolean,
    deadline: Deadline,
  ): Promise<StatementOutcome[]> {
    const outcomes: StatementOutcome[] = [];
    const begun = connection.segment([BEGIN]);
    let ahead = AHEAD_MAX;
    try {
      while (outcomes.length < statements.length) {
        deadline.throwIfAborted();
        const groups = statements
          .slice(outcomes.length, outcomes.length + ahead)
          .map((statement) => connection.segment([SAVEPOINT, statement, RELEASE]));
        const results = await Promise.all(groups);
        const failed = results.findIndex((result) => result.error);
        const done = failed < 0 ? results : results.slice(0, failed);
        for (const { rows } of done) outcomes.push({ rows: rows[1] as Rows });
        ahead = failed < 0 ? Math.min(2 * ahead, AHEAD_MAX) : Math.max(1, ahead >> 2);
        if (failed < 0) continue;
        const { error, rows, isStale } = results[failed] as SegmentResult;
        // Without its savepoint the transaction cannot be saved: that happens when it could not even begin.
        if (rows.length === 0 || error?.sqlState === QUERY_CANCELED) throw (await begun).error ?? error;
        // Its own locks may be what stands in the way: all of it begins anew.
        if (isUndone(error)) throw error;
        await connection.segment([ROLLBACK_TO]);
        if (isStale) {
          this.onSchemaChange?.();
          continue;
        }
        outcomes.push({ error: this.#translate(error) });
        if (!goOn) break;
      }
    } catch (error) {
      if (!connection.failure) await connection.segment([ROLLBACK]);
      throw error;
    }
    const { error } = await connection.segment([COMMIT]);
    return error ? this.#apart(connection, statements, goOn, deadline) : outcomes;
  }

  /** Each its own transaction: for rules that are checked when it ends, which say nothing about whose fault it was. */
  async #apart(
    connection: PgConnection,
    statements: readonly Statement[],
    goOn: boolean,
    deadline: Deadline,
  ): Promise<StatementOutcome[]> {
    const outcomes: StatementOutcome[] = [];
    for (const statement of statements) {
      deadline.throwIfAborted();
      const { rows, error } = await this.#send(connection, [statement]);
      outcomes.push(error ? { error: this.#translate(error) } : { rows: rows[0] as Rows });
      if (error && !goOn) break;
    }
    return outcomes;
  }

  /** Lends a connection; past the deadline the server is told to stop, and the connection rests until it has. */
  async #lend<T>(deadline: Deadline, work: (connection: PgConnection) => Promise<T>): Promise<T> {
    let connection: PgConnection;
    try {
      connection = await this.#pool.acquire(deadline);
    } catch (error) {
      throw this.#notOpened(error);
    }
    let cancelling: Promise<void> | undefined;
    let giveUp: NodeJS.Timeout | undefined;
    const forget = deadline.onAbort(() => {
      if (!connection.busy) return;
      cancelling = connection.cancel();
      giveUp = setTimeout(() => connection.close(), STOP_MS);
    });
    try {
      // It may have passed while the connection was on its way.
      deadline.throwIfAborted();
      this.#limit(connection, deadline);
      return await work(connection);
    } catch (error) {
      // Whatever the work itself throws is its caller's.
      const isLost = error === connection.failure;
      if (deadline.reason || !(isLost || error instanceof ServerError)) throw deadline.reason ?? error;
      const translated = this.#translate(error);
      throw isLost && connection.unheard ? new Unheard(translated, error) : translated;
    } finally {
      forget();
      clearTimeout(giveUp);
      if (cancelling && !connection.failure) void cancelling.then(() => this.#pool.release(connection));
      else this.#pool.release(connection);
    }
  }

  /** statement_timeout follows the deadline in steps of two, told in the same packet and only when it changes. */
  #limit(connection: PgConnection, deadline: Deadline): void {
    const { statementTimeoutMs } = this.#settings;
    const remaining = Math.max(1, deadline.remainingMs());
    const wanted =
      remaining > statementTimeoutMs / 2 ? statementTimeoutMs : 2 ** Math.ceil(Math.log2(Math.max(16, remaining)));
    const told = this.#timeouts.get(connection) ?? statementTimeoutMs;
    if (told === wanted) return;
    this.#timeouts.set(connection, wanted);
    void connection.segment([command(`set statement_timeout = ${wanted}`)]).catch(() => {});
  }

  /** Inside of a transaction nothing can be sent again: its caller may have acted on what came before. */
  #stale(error: ServerError | undefined): MillraceError {
    this.onSchemaChange?.();
    const message = 'The table was changed at the same time. Send the request again.';
    return new MillraceError('conflict', message, { retryable: true }, error);
  }

  /** What a new session is refused for is nothing that the caller did. */
  #notOpened(thrown: unknown): MillraceError {
    const error = this.#translate(thrown);
    if (concernsAll(error)) return error;
    const message = "The database does not take the session settings of this service ('options' or 'statements').";
    return new MillraceError('unavailable', message, undefined, error);
  }

  #translate(thrown: unknown): MillraceError {
    if (thrown instanceof MillraceError) return thrown;
    if (thrown instanceof ServerError) {
      const { C: code = '', M: message = '', D: detail, c: column, n: constraint, t: table } = thrown.fields;
      return translate(optional({ code, message, detail, column, constraint, table }));
    }
    const { code = '08006', message } = thrown as Error & { code?: string };
    return translate({ code, message });
  }
}

/** A deadlock or a serialization failure: nothing of the transaction is left. */
const isUndone = (error: unknown): boolean =>
  error instanceof ServerError && (error.sqlState === '40P01' || error.sqlState === '40001');

function optional<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
