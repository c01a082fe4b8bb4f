/** A bounded set of connections to one database, lent to one piece of work at a time. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';

/** Work that may wait for a connection: beyond it the database is far behind, and refusing is kinder. */
const WAITING_MAX = 10_000;
/** A connection that nobody used for this long is given back to the server. */
const IDLE_MS = 60_000;

/** What is under way when the pool is closed may take so long to end. */
const CLOSE_MS = 5_000;

const closing = (): MillraceError =>
  new MillraceError('unavailable', 'The service is being closed.', { retryable: true });

export interface Connection {
  /** Why it can be used no more; undefined while it can. */
  readonly failure: Error | undefined;
  close(): void;
}

export interface PoolOptions<C> {
  readonly open: () => Promise<C>;
  readonly connectionsMax: number;
}

interface Waiting<C> {
  readonly resolve: (connection: C) => void;
  readonly reject: (error: unknown) => void;
}

export class Pool<C extends Connection> {
  readonly #options: PoolOptions<C>;
  readonly #idle: { connection: C; since: number }[] = [];
  readonly #waiting: Waiting<C>[] = [];
  readonly #reaper: NodeJS.Timeout;
  readonly #open = new Set<C>();
  #opening = 0;
  #closed = false;
  #emptied = (): void => {};

  constructor(options: PoolOptions<C>) {
    this.#options = options;
    this.#reaper = setInterval(() => this.#reap(), IDLE_MS / 4);
    this.#reaper.unref();
  }

  /** @throws what the driver threw when no connection can be opened; MillraceError overloaded, deadline, cancelled */
  async acquire(deadline: Deadline): Promise<C> {
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

  release(connection: C): void {
    if (connection.failure || this.#closed) {
      this.#open.delete(connection);
      if (connection.failure) this.#closeIdle();
      else connection.close();
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

  #wait(deadline: Deadline): Promise<C> {
    return new Promise((resolve, reject) => {
      const forget = deadline.onAbort(() => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(deadline.reason);
      });
      const waiting: Waiting<C> = {
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
      const connection = await this.#options.open();
      this.#open.add(connection);
      this.#opening -= 1;
      this.release(connection);
    } catch (error) {
      this.#opening -= 1;
      // Nobody else will serve them when there is no connection at all.
      if (this.#open.size + this.#opening === 0) for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    }
  }

  /** What one died of, those that rest may have died of unnoticed. */
  #closeIdle(): void {
    for (const { connection } of this.#idle.splice(0)) {
      this.#open.delete(connection);
      if (!connection.failure) connection.close();
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

/**
 * Opens with TLS where the server has it. A server that was found to have none is spoken to in plain text from then on.
 * @param open  throws what `hasNone` recognizes
 */
export function preferTls<C>(
  open: (tls: boolean) => Promise<C>,
  hasNone: (error: unknown) => boolean,
): () => Promise<C> {
  let isPlain = false;
  return async () => {
    if (isPlain) return open(false);
    try {
      return await open(true);
    } catch (error) {
      if (!hasNone(error)) throw error;
      isPlain = true;
      return open(false);
    }
  };
}
