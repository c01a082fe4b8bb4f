/**
 * One connection to MySQL or MariaDB: `mysql2` speaks the protocol, rows go from its parser straight to JSON bytes. One
 * statement at a time.
 */

import mysql, { type Connection, type ConnectionOptions } from 'mysql2';
import { EXPORT_CHUNK_BYTES } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { type DriverValue, RowFormat, RowWriter } from '../encode/row-writer.ts';
import type { Param, ResultColumn, Rows, Statement } from '../statement.ts';
import { type Decoder, decode, decodersOf, type WireField } from './decode.ts';
import { quoteIdentifier } from './quote.ts';
import { RowSets } from './row-sets.ts';

/** What bringing a session back may take; then it is as good as gone. */
const RESET_MS = 3000;

/** What the server said when it refused something. */
export class ServerError extends Error {
  readonly errno: number;
  readonly sqlState: string | undefined;
  constructor(errno: number, sqlState: string | undefined, message: string) {
    super(message);
    this.errno = errno;
    this.sqlState = sqlState;
  }
}

/** The part of the driver's commands that is used here; its own types leave the events out. */
interface Command {
  on(event: 'fields', listener: (fields: WireField[] | undefined) => void): Command;
  on(event: 'result', listener: (row: DriverValue[] | { affectedRows: number }) => void): Command;
  on(event: 'error', listener: (error: Error) => void): Command;
  on(event: 'end', listener: () => void): Command;
}

interface Receiver {
  fields(fields: WireField[]): void;
  row(row: DriverValue[]): void;
}

export class MysqlConnection {
  readonly #driver: Connection;
  readonly #options: ConnectionOptions;
  readonly #setup: readonly string[];
  /** By the list of columns, which a plan shares among its statements. */
  readonly #formats = new WeakMap<readonly ResultColumn[], RowFormat>();
  /** What the server said of the columns last time: it prepares anew by itself when a table changes, and does not tell. */
  readonly #types = new WeakMap<readonly ResultColumn[], readonly number[]>();
  onSchemaChange: (() => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #failure: Error | undefined;
  /** The server said something about what is under way. */
  #heard = false;
  #unheard = false;

  private constructor(driver: Connection, options: ConnectionOptions, setup: readonly string[]) {
    this.#driver = driver;
    this.#options = options;
    this.#setup = setup;
    driver.on('error', (error) => this.#fail(error));
  }

  /** @param setup statements that prepare the session */
  static async open(options: ConnectionOptions, setup: readonly string[]): Promise<MysqlConnection> {
    const driver = mysql.createConnection(options);
    // Heard again below: an event without a listener would end the process.
    driver.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      driver.connect((error) => (error ? reject(serverError(error)) : resolve()));
    }).catch((error: unknown) => {
      driver.destroy();
      throw error;
    });
    const connection = new MysqlConnection(driver, options, setup);
    try {
      await connection.#prepare();
    } catch (error) {
      connection.close();
      throw error instanceof ServerError ? badSettings(error) : error;
    }
    return connection;
  }

  /** Why it can be used no more; undefined while it can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** It was lost while something was under way, of which the server had not said a word. */
  get unheard(): boolean {
    return this.#unheard;
  }

  get busy(): boolean {
    return this.#reject !== undefined;
  }

  /**
   * @param onPortion  gets the rows in portions; the result holds what is left
   * @throws ServerError, or the failure of the connection
   */
  async run(statement: Statement, onPortion?: (rows: Rows) => void): Promise<Rows> {
    const { text, params, columns } = statement;
    const format = this.#formatOf(columns);
    let writer = new RowWriter(format);
    let decoders: readonly Decoder[] = [];
    let count = 0;
    const receiver: Receiver = {
      fields: (fields) => {
        this.#compare(columns, fields);
        decoders = decodersOf(fields);
      },
      row: (row) => {
        decode(row, decoders);
        writer.append(row);
        count += 1;
        if (!onPortion || writer.bytes < EXPORT_CHUNK_BYTES) return;
        onPortion(writer.finish(0));
        writer = new RowWriter(format);
      },
    };
    const isCommand = params.length === 0 && columns.length === 0;
    const changed = await this.#send(text, isCommand ? undefined : params, receiver);
    // Rows that a write returned are those that it changed.
    return writer.finish(changed ?? (text.startsWith('select') ? 0 : count));
  }

  async command(text: string): Promise<void> {
    await this.#send(text, undefined, { fields: () => {}, row: () => {} });
  }

  /** Rows as text, whatever their columns are. */
  async table(text: string, params: readonly Param[]): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = [];
    const row = (values: DriverValue[]): void => {
      rows.push(values.map((value) => (value === null ? null : value.toString())));
    };
    await this.#send(text, params, { fields: () => {}, row });
    return rows;
  }

  /** All sets of rows that a call gives, but for those without any. */
  async sets(text: string, params: readonly Param[]): Promise<Rows[]> {
    const sets = new RowSets();
    await this.#send(text, params, sets);
    return sets.finish();
  }

  /** The last row, each value as what it is now: a prepared statement keeps the types that variables had before. */
  async values(text: string): Promise<readonly DriverValue[]> {
    let values: readonly DriverValue[] = [];
    const row = (found: DriverValue[]): void => {
      values = found;
    };
    await this.#send(text, undefined, { fields: decodersOf, row });
    return values;
  }

  /**
   * Takes back whatever was done to the session: open transactions, variables, temporary tables, locks. It is closed
   * where that fails.
   */
  async reset(): Promise<void> {
    const giveUp = setTimeout(() => this.close(), RESET_MS);
    try {
      await this.#forget();
      // MariaDB keeps the database, and forgets its collation.
      await this.command(`use ${quoteIdentifier(this.#options.database ?? '')}`);
      await this.#prepare();
    } catch {
      this.close();
    } finally {
      clearTimeout(giveUp);
    }
  }

  /** The server's rows wait in its own memory and the kernel's. */
  pause(): void {
    this.#driver.pause();
  }

  resume(): void {
    this.#driver.resume();
  }

  /** Ends what this connection runs, and with it the connection, on the server; resolves when that was told. */
  async cancel(): Promise<void> {
    const id = this.#driver.threadId;
    try {
      const other = await MysqlConnection.open(this.#options, []);
      await other.command(`kill ${id}`).finally(() => other.close());
    } catch {
      // It ends all the same when it notices that nobody listens.
    }
    this.close();
  }

  close(): void {
    const wasBusy = this.busy;
    this.#fail(new Error('The connection is closed.'));
    if (wasBusy) this.#driver.destroy();
    else this.#driver.end(() => {});
  }

  async #prepare(): Promise<void> {
    for (const text of this.#setup) await this.command(text);
  }

  /** The session becomes a new one, whose prepared statements are gone. */
  #forget(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#driver.reset((error) => {
        if (this.#reject === reject) this.#reject = undefined;
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** @param params undefined: as text, for what cannot be prepared  @returns rows that a write changed */
  #send(text: string, params: readonly Param[] | undefined, receiver: Receiver): Promise<number | undefined> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      let changed: number | undefined;
      let failure: Error | undefined;
      this.#reject = reject;
      this.#heard = false;
      const guarded = (work: () => void): void => {
        if (failure) return; // what still comes is not kept
        try {
          work();
        } catch (error) {
          failure ??= error as Error;
        }
      };
      const command = (params
        ? this.#driver.execute({ sql: text, values: params.map(wireParam) })
        : this.#driver.query({ sql: text })) as unknown as Command;
      command
        .on('fields', (fields) => {
          this.#heard = true;
          if (fields) guarded(() => receiver.fields(fields));
        })
        .on('result', (row) => {
          this.#heard = true;
          if (Array.isArray(row)) guarded(() => receiver.row(row));
          else changed = row.affectedRows;
        })
        .on('error', (error) => {
          const told = serverError(error);
          failure ??= told;
          // The driver tells the command first, and then everybody.
          if (!(told instanceof ServerError)) this.#fail(told);
        })
        .on('end', () => {
          if (this.#reject === reject) this.#reject = undefined;
          if (failure) reject(failure);
          else resolve(changed);
        });
    });
  }

  #compare(columns: readonly ResultColumn[], fields: readonly WireField[]): void {
    const known = this.#types.get(columns);
    if (known?.length === fields.length && known.every((type, i) => type === fields[i]?.columnType)) return;
    this.#types.set(
      columns,
      fields.map(({ columnType }) => columnType),
    );
    if (known) this.onSchemaChange?.();
  }

  #formatOf(columns: readonly ResultColumn[]): RowFormat {
    let format = this.#formats.get(columns);
    if (!format) {
      format = new RowFormat(columns);
      this.#formats.set(columns, format);
    }
    return format;
  }

  #fail(error: Error): void {
    if (!this.#failure) this.#unheard = this.busy && !this.#heard;
    this.#failure ??= error;
    this.#reject?.(this.#failure);
    this.#reject = undefined;
  }
}

const badSettings = (error: ServerError): MillraceError =>
  new MillraceError(
    'unavailable',
    "The database refuses a setting of this service: 'timezone', 'collation', 'modes', 'options' or 'statements'.",
    undefined,
    error,
  );

/** Whole numbers go as such: as doubles they would not do for a limit, and not hold the digits of a big key. */
function wireParam(value: Param): unknown {
  if (typeof value === 'bigint') return wholeNumber(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? wholeNumber(BigInt(value)) : value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value;
}

const SIGNED_MAX = 2n ** 63n - 1n;
const UNSIGNED_MAX = 2n ** 64n - 1n;

function wholeNumber(value: bigint): unknown {
  if (value > UNSIGNED_MAX || value < -SIGNED_MAX - 1n) return value.toString();
  return value > SIGNED_MAX ? mysql.TypedParameter.LONGLONG.unsigned(value) : mysql.TypedParameter.LONGLONG(value);
}

function serverError(error: Error & { errno?: number | undefined; sqlState?: string | undefined }): Error {
  const { errno, sqlState } = error;
  return errno !== undefined && errno > 0 ? new ServerError(errno, sqlState, error.message) : error;
}
