/** A bounded set of connections to one database, lent to one piece of work at a time. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { type ConnectionOptions, PgConnection } from './connection.ts';

/** Work that may wait for a connection: beyond it the database is far behind, and refusing is kinder. */
const WAITING_MAX = 10_000;
/** A connection that nobody used for this long is given back to the server. */
const IDLE_MS = 60_000;

/** What is under way when the pool is closed may take so long to end. */
const CLOSE_MS = 5_000;

const closing = (): MillraceError =>
  new MillraceError('unavailable', 'The service is being closed.', { retryable: true });

/** What the driver says when the server answers that it has no TLS. */
const NO_TLS = /does not support SSL/i;

export interface PoolOptions {
  readonly connection: ConnectionOptions;
  readonly setup: readonly string[];
  readonly connectionsMax: number;
  /** TLS where the server has it, plain text where it has none. */
  readonly plainFallback: boolean;
}

interface Waiting {
  readonly resolve: (connection: PgConnection) => void;
  readonly reject: (error: unknown) => void;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: { connection: PgConnection; since: number }[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #reaper: NodeJS.Timeout;
  readonly #open = new Set<PgConnection>();
  #opening = 0;
  #closed = false;
  #emptied = (): void => {};
  /** The server was found to have no TLS. */
  #plain = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#reaper = setInterval(() => this.#reap(), IDLE_MS / 4);
    this.#reaper.unref();
  }

  /** @throws what the driver threw when no connection can be opened; MillraceError overloaded, deadline, cancelled */
  async acquire(deadline: Deadline): Promise<PgConnection> {
    deadline.throwIfAborted();
    if (this.#closed) throw closing();
    for (let entry = this.#idle.pop(); entry; entry = this.#idle.pop()) {
      if (!entry.connection.failure) return entry.connection;
      this.#open.delete(entry.connection);
    }
    if (this.#waiting.length >= WAITING_MAX) throw new MillraceError('overloaded', 'The database is busy.');
    const waiting = this.#wait(deadline);
    if (this.#open.size + this.#opening < this.#options.connectionsMax) void this.#connect();
    return waiting;
  }

  release(connection: PgConnection): void {
    if (connection.failure || this.#closed) {
      this.#open.delete(connection);
      if (!connection.failure) connection.close();
      if (this.#open.size === 0) this.#emptied();
      if (this.#waiting.length > 0 && !this.#closed) void this.#connect();
      return;
    }
    const next = this.#waiting.shift();
    if (next) next.resolve(connection);
    else this.#idle.push({ connection, since: Date.now() });
  }

  /** What is under way is finished; what still waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#reaper);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closing());
    for (const { connection } of this.#idle.splice(0)) this.release(connection);
    if (this.#open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
      timer = setTimeout(resolve, CLOSE_MS);
    });
    clearTimeout(timer);
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  #wait(deadline: Deadline): Promise<PgConnection> {
    return new Promise((resolve, reject) => {
      const forget = deadline.onAbort(() => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(deadline.reason);
      });
      const waiting: Waiting = {
        resolve: (connection) => {
          forget();
          resolve(connection);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  async #connect(): Promise<void> {
    this.#opening += 1;
    try {
      const connection = await this.#dial();
      this.#open.add(connection);
      this.#opening -= 1;
      this.release(connection);
    } catch (error) {
      this.#opening -= 1;
      // Nobody else will serve them when there is no connection at all.
      if (this.#open.size + this.#opening === 0) for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    }
  }

  async #dial(): Promise<PgConnection> {
    const { connection, setup, plainFallback } = this.#options;
    if (this.#plain) return PgConnection.open({ ...connection, ssl: false }, setup);
    try {
      return await PgConnection.open(connection, setup);
    } catch (error) {
      if (!plainFallback || !NO_TLS.test((error as Error).message)) throw error;
      this.#plain = true;
      return PgConnection.open({ ...connection, ssl: false }, setup);
    }
  }

  #reap(): void {
    const oldest = Date.now() - IDLE_MS;
    while (this.#idle[0] && (this.#idle[0].since < oldest || this.#idle[0].connection.failure)) {
      const entry = this.#idle.shift();
      if (!entry) return;
      this.#open.delete(entry.connection);
      if (!entry.connection.failure) entry.connection.close();
    }
  }
}
