/** An opened MySQL or MariaDB database: statements in, rows of JSON out, stopped at their deadline. */

import { OPERATION_TIMEOUT_MS } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import type { Catalogue, Routine } from '#common/schema/catalogue.ts';
import { again } from '../collision.ts';
import type { CallResult, EachMode, EachOptions, SqlSource, StatementOutcome } from '../engine.ts';
import { Pool, type PoolOptions } from '../pool.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import { Streams } from '../streams.ts';
import { Unheard } from '../unheard.ts';
import { type MysqlConnection, ServerError } from './connection.ts';
import { translate, translateOpening } from './errors.ts';
import { catalogueState, introspect, introspectTables, type TextQuery } from './introspect.ts';
import { callProcedure, functionStatement, introspectRoutines } from './routines.ts';
import { timeLimit } from './time-limit.ts';

/** The server undid the whole transaction, so that it can be run again as if nothing had happened. */
const DEADLOCK = 1213;
/** What telling the server to stop may take; then it is as good as gone. */
const STOP_MS = 3000;
/** Portions of a stream that wait for its reader before the server's next rows do. */
const PORTIONS_MAX = 2;

/** A reader takes its time, which is none of the server's: who reads is asked by others whether he is still there. */
const STREAM_WRITE_SECONDS = 3600;

export interface MysqlSettings extends PoolOptions<MysqlConnection> {
  readonly database: string;
  /** The service's `schema` setting: undefined for its own database, `all`, or a name. */
  readonly schema: string | undefined;
}

export class MysqlSource implements SqlSource {
  onSchemaChange: (() => void) | undefined;
  readonly #pool: Pool<MysqlConnection>;
  readonly #settings: MysqlSettings;
  readonly #streams: Streams;

  constructor(settings: MysqlSettings) {
    this.#settings = settings;
    this.#pool = new Pool(settings);
    this.#streams = new Streams(settings.connectionsMax);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  introspect(deadline: Deadline): Promise<Catalogue> {
    return this.#ofSchema(deadline, introspect);
  }

  introspectTables(names: readonly string[], deadline: Deadline): Promise<Catalogue> {
    return this.#ofSchema(deadline, (...schema) => introspectTables(...schema, names));
  }

  catalogueState(deadline: Deadline): Promise<string> {
    return this.#ofSchema(deadline, catalogueState);
  }

  /** The server looks into folders, and stumbles over tables and databases that others drop at the same time. */
  async #ofSchema<T>(
    deadline: Deadline,
    read: (query: TextQuery, database: string, schema: string | undefined) => Promise<T>,
  ): Promise<T> {
    const { database, schema } = this.#settings;
    const isStumble = (error: unknown): boolean => error instanceof MillraceError && error.code === 'internal';
    return again(deadline, isStumble, () =>
      this.#lend(deadline, (connection) => read((text, params) => connection.table(text, params), database, schema)),
    );
  }

  routines(deadline: Deadline): Promise<readonly Routine[]> {
    return this.#ofSchema(deadline, introspectRoutines);
  }

  /** A procedure may leave a transaction, variables and tables in its session, which the next borrower must not get. */
  async call(routine: Routine, params: readonly Param[], deadline: Deadline): Promise<CallResult> {
    if (routine.kind === 'function') {
      return { sets: [await this.run(functionStatement(routine, params), deadline)], out: undefined };
    }
    const work = (connection: MysqlConnection) => callProcedure(connection, routine, params);
    return this.#lend(deadline, work, (connection) => connection.reset());
  }

  run(statement: Statement, deadline: Deadline): Promise<Rows> {
    return this.#lend(deadline, (connection) => this.#alone(connection, statement, deadline));
  }

  stream(statement: Statement, deadline: Deadline): AsyncGenerator<Rows> {
    return this.#streams.run(() => this.#portions(statement, deadline));
  }

  async *#portions(statement: Statement, deadline: Deadline): AsyncGenerator<Rows> {
    const portions: Rows[] = [];
    let finished = false;
    let wake = (): void => {};
    let lent: MysqlConnection | undefined;
    const work = this.#lend(deadline, async (connection) => {
      lent = connection;
      await connection.command(`${timeLimit(0)}, net_write_timeout = ${STREAM_WRITE_SECONDS}`);
      try {
        const rest = await connection.run(statement, (rows) => {
          portions.push(rows);
          if (portions.length >= PORTIONS_MAX) connection.pause();
          wake();
        });
        portions.push(rest);
      } finally {
        const back = `${timeLimit(OPERATION_TIMEOUT_MS)}, net_write_timeout = default`;
        if (!connection.failure) await connection.command(back).catch(() => connection.close());
      }
    }).finally(() => {
      finished = true;
      wake();
    });
    work.catch(() => {}); // reported below
    // An ended query that is paused would never be heard of.
    const forget = deadline.onAbort(() => {
      lent?.resume();
      wake();
    });
    try {
      while (true) {
        deadline.throwIfAborted();
        const rows = portions.shift();
        if (rows) {
          // The next portion is fetched while this one is taken.
          lent?.resume();
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
      if (!finished && !deadline.reason) void lent?.cancel();
    }
  }

  /**
   * A statement that fails is undone alone by the server: nothing has to be tried twice, and no savepoints are needed.
   * Only a deadlock undoes all of them. Where they may be done apart, they are then, as they hardly lock each other out.
   */
  runEach(statements: readonly Statement[], { mode }: EachOptions, deadline: Deadline): Promise<StatementOutcome[]> {
    return this.#lend(deadline, async (connection) => {
      const apart = (): Promise<StatementOutcome[]> =>
        this.#each(
          statements,
          mode,
          deadline,
          (statement) => this.#alone(connection, statement, deadline),
          () => false,
        );
      if (statements.length === 1) return apart();
      const together = (): Promise<StatementOutcome[]> => this.#together(connection, statements, mode, deadline);
      if (mode === 'rollback') return again(deadline, isDeadlock, together);
      return together().catch((error: unknown) => {
        if (!isDeadlock(error)) throw error;
        return apart();
      });
    });
  }

  async #together(
    connection: MysqlConnection,
    statements: readonly Statement[],
    mode: EachMode,
    deadline: Deadline,
  ): Promise<StatementOutcome[]> {
    let outcomes: StatementOutcome[] = [];
    const undo = new Error('rolled back');
    const work = async (): Promise<void> => {
      const run = (statement: Statement): Promise<Rows> => execute(connection, statement);
      outcomes = await this.#each(statements, mode, deadline, run, isDeadlock);
      if (mode === 'rollback' && outcomes.some((outcome) => 'error' in outcome)) throw undo;
    };
    await atomically(connection, work).catch((error: unknown) => {
      if (error !== undo) throw error;
    });
    return outcomes;
  }

  /** @param isUndone  a failure that took back what came before */
  async #each(
    statements: readonly Statement[],
    mode: EachMode,
    deadline: Deadline,
    run: (statement: Statement) => Promise<Rows>,
    isUndone: (error: ServerError) => boolean,
  ): Promise<StatementOutcome[]> {
    const outcomes: StatementOutcome[] = [];
    for (const statement of statements) {
      deadline.throwIfAborted();
      try {
        outcomes.push({ rows: await run(statement) });
      } catch (error) {
        if (!(error instanceof ServerError) || isUndone(error)) throw error;
        const failure = this.#translate(error);
        if (concernsAll(failure)) throw failure;
        outcomes.push({ error: failure });
        if (mode !== 'continue') break;
      }
    }
    return outcomes;
  }

  transaction<T>(work: (run: (statement: Statement) => Promise<Rows>) => Promise<T>, deadline: Deadline): Promise<T> {
    return this.#lend(deadline, (connection) => {
      const run = async (statement: Statement): Promise<Rows> => {
        deadline.throwIfAborted();
        try {
          return await execute(connection, statement);
        } catch (error) {
          throw this.#translate(error);
        }
      };
      return atomically(connection, () => work(run));
    });
  }

  #alone(connection: MysqlConnection, statement: Statement, deadline: Deadline): Promise<Rows> {
    return again(deadline, isDeadlock, () =>
      statement.reads ? atomically(connection, () => execute(connection, statement)) : connection.run(statement),
    );
  }

  /**
   * Lends a connection; past the deadline the server is told to end what it does, and the connection with it.
   * @param after  what nobody has to wait for but the next borrower; it never rejects
   */
  async #lend<T>(
    deadline: Deadline,
    work: (connection: MysqlConnection) => Promise<T>,
    after?: (connection: MysqlConnection) => Promise<void>,
  ): Promise<T> {
    let connection: MysqlConnection;
    try {
      connection = await this.#pool.acquire(deadline);
    } catch (error) {
      throw this.#translate(error, translateOpening);
    }
    connection.onSchemaChange ??= () => this.onSchemaChange?.();
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
      const rest = cancelling ?? after?.(connection);
      if (rest && !connection.failure) void rest.then(() => this.#pool.release(connection));
      else this.#pool.release(connection);
    }
  }

  #translate(thrown: unknown, to = translate): MillraceError {
    if (thrown instanceof MillraceError) return thrown;
    const { errno, sqlState, code, message } = thrown as Error & { errno?: number; sqlState?: string; code?: string };
    return to({ errno, sqlState, code, message });
  }
}

/** The write, and what shows its rows. */
async function execute(connection: MysqlConnection, statement: Statement): Promise<Rows> {
  const { reads } = statement;
  if (!reads) return connection.run(statement);
  if (reads.when === 'before') {
    const rows = await connection.run(reads.statement);
    const { affected } = await connection.run(statement);
    return { ...rows, affected };
  }
  const written = await connection.run(statement);
  if (written.affected === 0) return written;
  try {
    return { ...(await connection.run(reads.statement)), affected: written.affected };
  } catch (error) {
    if (error === connection.failure) throw error;
    // The write itself was done: as a failure of its own it would have to be undone.
    throw new MillraceError('internal', 'What was written could not be read.', undefined, error);
  }
}

async function atomically<T>(connection: MysqlConnection, work: () => Promise<T>): Promise<T> {
  await connection.command('start transaction');
  try {
    const value = await work();
    await connection.command('commit');
    return value;
  } catch (error) {
    // A connection that cannot be brought to rest is of no use to others.
    if (!connection.failure) await connection.command('rollback').catch(() => connection.close());
    throw error;
  }
}

const isDeadlock = (error: unknown): boolean => error instanceof ServerError && error.errno === DEADLOCK;
