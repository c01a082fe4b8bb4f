/** An opened PostgreSQL database: statements in, rows of JSON out, stopped at their deadline. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { EachOptions, Rows, SqlSource, Statement, StatementOutcome } from '../engine.ts';
import type { Catalogue } from '../schema.ts';
import { type PgConnection, type PgStatement, ServerError } from './connection.ts';
import { translate } from './errors.ts';
import { introspect } from './introspect.ts';
import { Pool, type PoolOptions } from './pool.ts';

/** Rows that a cursor brings at a time. */
const STREAM_ROWS = 500;
/** Prepared again and tried once more: the plan was dropped, or its table changed behind our back. */
const STALE_PLAN = new Set(['26000', '0A000']);

const BEGIN = command('begin');
const COMMIT = command('commit');
const ROLLBACK = command('rollback');
const SAVEPOINT = command('savepoint each');
const RELEASE = command('release savepoint each');
const ROLLBACK_TO = command('rollback to savepoint each');

function command(text: string): Statement {
  return { text, params: [], columns: [] };
}

export interface PostgresSettings extends PoolOptions {
  /** The service's `schema` setting (database-api §1.3). */
  readonly schema: string | undefined;
  /** What a new session is told about statement_timeout, milliseconds. */
  readonly statementTimeoutMs: number;
}

export class PostgresSource implements SqlSource {
  readonly #pool: Pool;
  readonly #settings: PostgresSettings;
  /** What each session was last told about statement_timeout. */
  readonly #timeouts = new WeakMap<PgConnection, number>();

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
    this.#pool = new Pool(settings);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  introspect(deadline: Deadline): Promise<Catalogue> {
    const query = async (text: string, params: readonly string[]): Promise<(string | null)[][]> => {
      const { hidden, count } = await this.run({ text, params, columns: [], allHidden: true }, deadline);
      const width = hidden.length / count;
      return Array.from({ length: count }, (_, i) => hidden.slice(i * width, (i + 1) * width));
    };
    return introspect(query, this.#settings.schema);
  }

  run(statement: PgStatement, deadline: Deadline): Promise<Rows> {
    return this.#lend(deadline, async (connection) => {
      let result = await connection.segment([statement]);
      if (result.error && STALE_PLAN.has(result.error.sqlState)) {
        connection.forget(statement.text);
        result = await connection.segment([statement]);
      }
      if (result.error) throw result.error;
      return result.rows[0] as Rows;
    });
  }

  async *stream(statement: Statement, deadline: Deadline): AsyncGenerator<Rows> {
    const portions: Rows[] = [];
    let wanted = true;
    let finished = false;
    let wake = (): void => {};
    let resume = (_more: boolean): void => {};
    const work = this.#lend(deadline, async (connection) => {
      const result = await connection.portal(statement, STREAM_ROWS, (rows) => {
        portions.push(rows);
        wake();
        return new Promise<boolean>((resolve) => {
          resume = resolve;
          if (!wanted) resolve(false);
        });
      });
      if (result.error) throw result.error;
    }).finally(() => {
      finished = true;
      wake();
    });
    work.catch(() => {}); // reported below
    try {
      while (true) {
        const rows = portions.shift();
        if (rows) {
          if (rows.count > 0) yield rows;
          resume(true);
        } else if (finished) break;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      await work;
    } finally {
      wanted = false;
      resume(false);
    }
  }

  runEach(statements: readonly Statement[], options: EachOptions, deadline: Deadline): Promise<StatementOutcome[]> {
    return this.#lend(deadline, async (connection) => {
      const alone = statements.length === 1;
      if (options.mode === 'rollback' || options.optimistic || alone) {
        // Executions up to one Sync are one transaction: no BEGIN, no COMMIT, one flush of the log.
        const result = await connection.segment(statements);
        if (!result.error) return result.rows.map((rows) => ({ rows }));
        if (options.mode === 'rollback' || alone) {
          return [...result.rows.map((rows) => ({ rows })), { error: this.#translate(result.error) }];
        }
      }
      return this.#isolated(connection, statements, options.mode === 'continue');
    });
  }

  transaction<T>(work: (run: (statement: Statement) => Promise<Rows>) => Promise<T>, deadline: Deadline): Promise<T> {
    return this.#lend(deadline, async (connection) => {
      const run = async (statement: Statement): Promise<Rows> => {
        deadline.throwIfAborted();
        const { rows, error } = await connection.segment([statement]);
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

  /**
   * A savepoint around each statement, all of them sent at once. After a failure the rest of what was sent fails
   * without being run, so nothing happens twice.
   */
  async #isolated(
    connection: PgConnection,
    statements: readonly Statement[],
    goOn: boolean,
  ): Promise<StatementOutcome[]> {
    const outcomes: StatementOutcome[] = [];
    const begun = connection.segment([BEGIN]);
    let next = 0;
    while (next < statements.length) {
      const groups = statements.slice(next).map((statement) => connection.segment([SAVEPOINT, statement, RELEASE]));
      const results = await Promise.all(groups);
      const failed = results.findIndex((result) => result.error);
      const done = failed < 0 ? results : results.slice(0, failed);
      for (const result of done) outcomes.push({ rows: result.rows[1] as Rows });
      if (failed < 0) break;
      const { error, rows } = results[failed] as { error: ServerError; rows: readonly Rows[] };
      outcomes.push({ error: this.#translate(error) });
      next += failed + 1;
      // Without its savepoint the transaction cannot be saved: that happens when it could not even begin.
      if (rows.length === 0) break;
      await connection.segment([ROLLBACK_TO]);
      if (!goOn) break;
    }
    await begun;
    const { error } = await connection.segment([COMMIT]);
    if (error) throw this.#translate(error);
    return outcomes;
  }

  /** Lends a connection; past the deadline the server is told to stop, and the connection rests until it has. */
  async #lend<T>(deadline: Deadline, work: (connection: PgConnection) => Promise<T>): Promise<T> {
    let connection: PgConnection;
    try {
      connection = await this.#pool.acquire(deadline);
    } catch (error) {
      throw this.#translate(error);
    }
    let cancelling: Promise<void> | undefined;
    const forget = deadline.onAbort(() => {
      if (connection.busy) cancelling = connection.cancel();
    });
    try {
      this.#limit(connection, deadline);
      return await work(connection);
    } catch (error) {
      throw deadline.reason ?? this.#translate(error);
    } finally {
      forget();
      if (cancelling) void cancelling.then(() => this.#pool.release(connection));
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

function optional<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
