/** A bounded set of connections to one server of files, opened when they are needed, closed when nobody uses them. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';

/** Work that may wait for a connection: beyond it the storage is far behind, and refusing is kinder. */
const WAITING_MAX = 10_000;
/** A connection that nobody used for this long is given back to the server. */
const IDLE_MS = 60_000;
/** What is under way when the pool is closed may take so long to end. */
const CLOSE_MS = 5_000;

export interface Connection {
  /** Why it can be used no more; undefined while it can. */
  readonly failure: unknown;
  close(): void;
}

export interface PoolOptions<C> {
  readonly open: () => Promise<C>;
  readonly connectionsMax: number;
  /** Those who may use one connection at the same time. */
  readonly usersMax: number;
  /** Called with each new connection. */
  readonly onOpen?: () => void;
}

/** A call is over soon. Contents take as long as somebody takes, or is given, them; what is read may be written here. */
export type Purpose = 'call' | 'read' | 'write';

export interface Lease<C> {
  readonly connection: C;
  /** Once; more do nothing. */
  release(): void;
}

interface Slot<C> {
  readonly connection: C;
  users: number;
  idleSince: number;
}

interface Waiting<C> {
  readonly purpose: Purpose;
  readonly resolve: (lease: Lease<C>) => void;
  readonly reject: (error: unknown) => void;
}

export class Pool<C extends Connection> {
  readonly #options: PoolOptions<C>;
  readonly #slots: Slot<C>[] = [];
  readonly #waiting: Waiting<C>[] = [];
  readonly #reaper: NodeJS.Timeout;
  #opening = 0;
  #closed = false;
  #emptied = (): void => {};

  constructor(options: PoolOptions<C>) {
    this.#options = options;
    this.#reaper = setInterval(() => this.#reap(Date.now() - IDLE_MS), IDLE_MS / 4);
    this.#reaper.unref();
  }

  /** @throws what `open` threw when there is no connection to be had; MillraceError overloaded, deadline, cancelled */
  async acquire(purpose: Purpose, deadline: Deadline): Promise<Lease<C>> {
    deadline.throwIfAborted();
    if (this.#closed) throw closing();
    if (this.#waiting.length >= WAITING_MAX) throw new MillraceError('overloaded', 'The storage is busy.');
    const waiting = this.#wait(purpose, deadline);
    this.#serve();
    return waiting;
  }

  /** What is under way is finished; what still waits is refused. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#reaper);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closing());
    this.#reap(Number.POSITIVE_INFINITY);
    if (this.#slots.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
      timer = setTimeout(resolve, CLOSE_MS);
    });
    clearTimeout(timer);
    for (const { connection } of this.#slots.splice(0)) connection.close();
  }

  #wait(purpose: Purpose, deadline: Deadline): Promise<Lease<C>> {
    return new Promise((resolve, reject) => {
      let forget = (): void => {};
      const waiting: Waiting<C> = {
        purpose,
        resolve: (lease) => {
          forget();
          resolve(lease);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      this.#waiting.push(waiting);
      forget = deadline.onAbort(() => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(deadline.reason);
      });
    });
  }

  #serve(): void {
    for (let index = 0; index < this.#waiting.length; ) {
      const waiting = this.#waiting[index] as Waiting<C>;
      const slot = this.#isTakeable(waiting.purpose) ? this.#choose() : undefined;
      if (!slot) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      waiting.resolve(this.#lend(slot));
    }
    const { connectionsMax } = this.#options;
    const wanted = Math.min(this.#waiting.length, connectionsMax - this.#slots.length);
    while (this.#opening < wanted && !this.#closed) void this.#connect();
  }

  /**
   * Not all places are for contents, so that slow ones do not hold up calls; and one more is not for readers: where what
   * is read is written to the same storage all of them would wait for a writer, and no writer could begin.
   */
  #isTakeable(purpose: Purpose): boolean {
    const places = this.#options.connectionsMax * this.#options.usersMax;
    const forCalls = places > 2 ? 1 : 0;
    const kept = { call: 0, write: forCalls, read: forCalls + 1 }[purpose];
    const users = this.#slots.reduce((sum, slot) => sum + slot.users, 0);
    return users < places - kept;
  }

  /** The one with the fewest users, the latest used of those; one in use only where no other can be opened. */
  #choose(): Slot<C> | undefined {
    for (const slot of this.#slots.filter(({ connection }) => connection.failure !== undefined)) this.#drop(slot);
    const [best] = this.#slots.toSorted((a, b) => a.users - b.users || b.idleSince - a.idleSince);
    if (!best || best.users === 0) return best;
    return best.users < this.#options.usersMax && this.#slots.length >= this.#options.connectionsMax ? best : undefined;
  }

  #lend(slot: Slot<C>): Lease<C> {
    slot.users += 1;
    let isReleased = false;
    return {
      connection: slot.connection,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        slot.users -= 1;
        slot.idleSince = Date.now();
        this.#released(slot);
      },
    };
  }

  #released(slot: Slot<C>): void {
    if (slot.connection.failure !== undefined) {
      this.#drop(slot);
      // What one died of, those that rest may have died of unnoticed.
      this.#reap(Number.POSITIVE_INFINITY);
    } else if (this.#closed && slot.users === 0) this.#drop(slot);
    if (this.#slots.length === 0) this.#emptied();
    this.#serve();
  }

  #drop(slot: Slot<C>): void {
    const index = this.#slots.indexOf(slot);
    if (index < 0) return;
    this.#slots.splice(index, 1);
    slot.connection.close();
  }

  async #connect(): Promise<void> {
    this.#opening += 1;
    try {
      const connection = await this.#options.open();
      this.#opening -= 1;
      if (this.#closed) return connection.close();
      this.#slots.push({ connection, users: 0, idleSince: Date.now() });
      this.#serve();
      this.#options.onOpen?.();
    } catch (error) {
      this.#opening -= 1;
      // Nobody else will serve them when there is no connection at all.
      if (this.#slots.length + this.#opening === 0)
        for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    }
  }

  #reap(before: number): void {
    for (const slot of this.#slots.filter(({ users, idleSince }) => users === 0 && idleSince < before))
      this.#drop(slot);
  }
}

const closing = (): MillraceError =>
  new MillraceError('unavailable', 'The service is being closed.', { retryable: true });
