/** Does the jobs of a worker process: one connection for them all, and one more for each open stream. */
import Database from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { EXPORT_CHUNK_BYTES } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { sameColumns } from '../encode/columns.ts';
import { type DriverValue, RowFormat, RowWriter } from '../encode/row-writer.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import type { Answer, Failure, Job, Outcome, Plan, WorkerSetup } from './protocol.ts';

/** Prepared statements kept for one connection: the texts of a busy service, few kB each. */
const PREPARED_MAX = 500;
/** A stream reads forward only: a big page cache would be wasted on it. KiB. */
const STREAM_CACHE_KIB = 2048;
/** How long to wait for a lock where the job does not say. */
const LOCK_WAIT_MS = 5000;

type Connection = Database.Database;
type Prepared = Database.Statement<[Record<number, unknown>], DriverValue[]>;
type EachJob = Extract<Job, { kind: 'each' }>;
interface Run {
  readonly prepared: Prepared;
  readonly format: RowFormat;
}
interface OpenStream {
  readonly rows: Iterator<DriverValue[]>;
  readonly format: RowFormat;
  close(): void;
}

/** SQL of the administrator failed: nothing that the caller did. */
class SetupError extends Error {}

export class Executor {
  readonly #setup: WorkerSetup;
  readonly #streams = new Map<number, OpenStream>();
  readonly #runs = new LRUCache<string, Run>({ max: PREPARED_MAX });
  #connection: Connection | undefined;

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
  }

  /** Never throws: what went wrong is in the answer. */
  execute(job: Job): Answer {
    try {
      return this.#execute(job);
    } catch (error) {
      return { failure: failure(error) };
    }
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#connection?.close();
  }

  #execute(job: Job): Answer {
    switch (job.kind) {
      case 'run':
        return this.#runAlone(job.statement, job.timeoutMs);
      case 'each':
        return { outcomes: this.#runEach(job) };
      case 'begin':
        this.#waitForLocks(job.timeoutMs);
        this.#command('begin immediate');
        return { done: true };
      case 'commit':
        this.#command('commit');
        return { done: true };
      case 'rollback':
        this.#rollback();
        return { done: true };
      case 'open':
        return this.#openStream(job.stream, job.statement);
      case 'next':
        return this.#nextChunk(job.stream);
      case 'close':
        this.#closeStream(job.stream);
        return { done: true };
    }
  }

  #runAlone(statement: Statement, timeoutMs: number): Answer {
    const run = this.#prepare(statement);
    if (!run.prepared.readonly) {
      if (this.#setup.readsOnly) return { writes: true };
      this.#waitForLocks(timeoutMs);
    }
    return { rows: runOnce(run, statement.params) };
  }

  /** One transaction, a savepoint around each statement. */
  #runEach(job: EachJob): Outcome[] {
    this.#waitForLocks(job.timeoutMs);
    this.#command('begin immediate');
    const outcomes: Outcome[] = [];
    try {
      for (const { plan, params } of job.runs) {
        const outcome = this.#isolated(job.plans[plan] as Plan, params);
        outcomes.push(outcome);
        if (!('failure' in outcome) || job.mode === 'continue') continue;
        if (job.mode === 'rollback') this.#rollback();
        break;
      }
    } catch (error) {
      this.#rollback();
      throw error;
    }
    try {
      if (this.#open().inTransaction) this.#command('commit');
      return outcomes;
    } catch (error) {
      this.#rollback();
      const isDeferred = failure(error).code === 'SQLITE_CONSTRAINT_FOREIGNKEY' && job.mode !== 'rollback';
      if (!isDeferred) throw error;
      return this.#runApart(job);
    }
  }

  /** Each its own transaction: a deferred reference says at the end only that one is missing, not whose. */
  #runApart(job: EachJob): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const { plan, params } of job.runs) {
      try {
        outcomes.push({ rows: runOnce(this.#prepare(job.plans[plan] as Plan), params) });
      } catch (error) {
        outcomes.push({ failure: failure(error) });
        if (job.mode !== 'continue') break;
      }
    }
    return outcomes;
  }

  #isolated(plan: Plan, params: readonly Param[]): Outcome {
    this.#command('savepoint item');
    try {
      const rows = runOnce(this.#prepare(plan), params);
      this.#command('release item');
      return { rows };
    } catch (error) {
      // Some failures (a full disk, a trigger that says so) end the transaction, and with it what came before.
      if (!this.#open().inTransaction) throw error;
      this.#command('rollback to item');
      this.#command('release item');
      return { failure: failure(error) };
    }
  }

  #openStream(id: number, statement: Statement): Answer {
    const isShared = this.#setup.file === ':memory:';
    // A reader keeps its snapshot for as long as one of its queries is open: a stream must not hold back the others.
    const connection = isShared ? this.#open() : this.#connect();
    try {
      if (!isShared) connection.pragma(`cache_size = -${STREAM_CACHE_KIB}`);
      const prepared = prepare(connection, statement.text);
      const values = bindings(statement.params);
      // With an open query nothing could be written through the same connection.
      const rows = isShared ? prepared.all(values).values() : prepared.iterate(values);
      const close = (): void => {
        rows.return?.();
        if (!isShared) connection.close();
      };
      this.#streams.set(id, { rows, format: new RowFormat(statement.columns), close });
    } catch (error) {
      if (!isShared) connection.close();
      throw error;
    }
    return { done: true };
  }

  #nextChunk(id: number): Answer {
    const stream = this.#streams.get(id);
    if (!stream) throw new Error('The stream is not open.');
    const { rows } = stream;
    const writer = new RowWriter(stream.format);
    try {
      while (writer.bytes < EXPORT_CHUNK_BYTES) {
        const next = rows.next();
        if (next.done) {
          this.#closeStream(id);
          return { rows: writer.finish(0), done: true };
        }
        writer.append(next.value);
      }
      return { rows: writer.finish(0), done: false };
    } catch (error) {
      this.#closeStream(id);
      throw error;
    }
  }

  #closeStream(id: number): void {
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
  }

  #open(): Connection {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  #connect(): Connection {
    const { file, statements, readsOnly } = this.#setup;
    const connection = new Database(file, { timeout: LOCK_WAIT_MS });
    try {
      useWriteAheadLog(connection);
      // What was acknowledged survives a loss of power.
      connection.pragma('synchronous = FULL');
      connection.pragma('foreign_keys = ON');
      for (const sql of statements) runSetup(connection, sql);
      if (readsOnly) connection.pragma('query_only = ON');
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #prepare(plan: Plan): Run {
    const known = this.#runs.get(plan.text);
    // The same text may be wanted in another form.
    if (known && sameColumns(known.format.columns, plan.columns)) return known;
    const run = {
      prepared: known?.prepared ?? prepare(this.#open(), plan.text),
      format: new RowFormat(plan.columns),
    };
    this.#runs.set(plan.text, run);
    return run;
  }

  #command(text: string): void {
    this.#prepare({ text, columns: [] }).prepared.run({});
  }

  #rollback(): void {
    if (this.#connection?.inTransaction) this.#command('rollback');
  }

  #waitForLocks(milliseconds: number): void {
    this.#open().pragma(`busy_timeout = ${Math.max(0, Math.trunc(milliseconds))}`);
  }
}

/** A database that may only be read, or lies where no shared memory is, goes on with the journal it has. */
function useWriteAheadLog(connection: Connection): void {
  try {
    connection.pragma('journal_mode = WAL');
  } catch (error) {
    const code = failure(error).code;
    if (!code.startsWith('SQLITE_READONLY') && !code.startsWith('SQLITE_BUSY') && !code.startsWith('SQLITE_IOERR')) {
      throw error;
    }
  }
}

function runSetup(connection: Connection, sql: string): void {
  try {
    connection.exec(sql);
  } catch (error) {
    throw new SetupError(error instanceof Error ? error.message : String(error));
  }
}

function prepare(connection: Connection, text: string): Prepared {
  const prepared = connection.prepare<[Record<number, unknown>], DriverValue[]>(text);
  return prepared.reader ? prepared.raw(true).safeIntegers(true) : prepared;
}

function runOnce({ prepared, format }: Run, params: readonly Param[]): Rows {
  const values = bindings(params);
  const writer = new RowWriter(format);
  if (!prepared.reader) return writer.finish(prepared.run(values).changes);
  const rows = prepared.all(values);
  for (const row of rows) writer.append(row);
  return writer.finish(prepared.readonly ? 0 : rows.length);
}

/** `?1` is bound by the name `1`. Whole numbers go as INTEGER, which a column without a type keeps apart from REAL. */
function bindings(params: readonly Param[]): Record<number, unknown> {
  const values: Record<number, unknown> = {};
  for (let i = 0; i < params.length; i++) {
    const value = params[i];
    if (typeof value === 'boolean') values[i + 1] = value ? 1n : 0n;
    else values[i + 1] = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  }
  return values;
}

function failure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SetupError) return { code: 'SETUP', message };
  if (error instanceof MillraceError) return { code: 'TOO_LARGE', message };
  if (error instanceof Database.SqliteError) return { code: error.code, message };
  // The driver looks for the folder itself before it opens a file.
  return { code: /directory does not exist/.test(message) ? 'SQLITE_CANTOPEN' : 'DRIVER', message };
}
