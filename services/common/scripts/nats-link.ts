/** A process's connection to NATS: made again for ever, and never given more than it can take. */
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect, credsAuthenticator, Events, type NatsConnection } from 'nats';
import { KEEPALIVE_INTERVAL_MS, NATS_UNCONFIRMED_BYTES_MAX } from '../bounds.ts';
import type { Component } from '../component.ts';
import type { Logger } from '../observe/log.ts';
import type { NatsSettings } from './nats-settings.ts';

/** Who speaks over a link. */
export interface LinkUser {
  /** A new connection: nothing is subscribed on it. */
  up(connection: NatsConnection): void;
  /** The connection is lost, with all that was on its way. */
  down(cause: unknown): void;
  /** There is room again. */
  free(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const BACKOFF_MS = 50;
const BACKOFF_MAX_MS = 2_000;

export class NatsLink implements Component {
  readonly name = 'nats';
  readonly #settings: NatsSettings;
  readonly #log: Logger;
  readonly #users = new Set<LinkUser>();
  readonly #running: Promise<void>;
  readonly #ready: Promise<void>;
  #connection: NatsConnection | undefined;
  #unconfirmed = 0;
  #isBlocked = false;
  #isClosed = false;
  #wake = (): void => {};
  #isReady = (): void => {};

  /** Begins to connect; `ready` tells when it has. */
  constructor(settings: NatsSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.#ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.#running = this.#run();
  }

  /** undefined: NATS cannot be reached at the moment. Also for what is not a script, such as JetStream. */
  get connection(): NatsConnection | undefined {
    return this.#connection;
  }

  /** Whoever publishes much waits for `free`. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Bytes of one message: the server's setting. */
  get payloadMax(): number {
    return this.#connection?.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  /** Resolves when it was connected for the first time, or was closed before. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** @returns what makes it leave */
  join(user: LinkUser): () => void {
    this.#users.add(user);
    if (this.#connection) user.up(this.#connection);
    return () => this.#users.delete(user);
  }

  /** Is lost where there is no connection, as with all that is on its way when there is none any more. */
  publish(subject: string, data: Uint8Array, reply?: string): void {
    const connection = this.#connection;
    if (!connection || connection.isClosed()) return;
    connection.publish(subject, data, reply === undefined ? undefined : { reply });
    this.#unconfirmed += data.length;
    if (this.#unconfirmed <= NATS_UNCONFIRMED_BYTES_MAX || this.#isBlocked) return;
    this.#isBlocked = true;
    connection.flush().then(
      () => this.#unblock(connection),
      () => {}, // it is lost; that has its own way to be told
    );
  }

  async drain(): Promise<void> {
    await this.#connection?.flush().catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    if (!this.#connection) return; // an attempt that is under way ends itself
    await this.#connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isClosed; ) {
      try {
        const connection = await connect(this.#options());
        if (this.#isClosed) {
          await connection.close();
          break;
        }
        if (failures > 0) this.#log.warn('NATS is reached again');
        failures = 0;
        this.#up(connection);
        const cause = await connection.closed();
        this.#down(cause ?? new Error('The connection to NATS has ended.'));
        if (!this.#isClosed) this.#log.warn({ err: cause }, 'the connection to NATS is lost');
      } catch (error) {
        if (this.#connection) this.#down(error);
        if (failures === 0) this.#log.warn({ err: error }, 'NATS cannot be reached');
      }
      failures += 1;
      if (!this.#isClosed) await this.#pause(failures);
    }
    this.#isReady();
  }

  #options(): ConnectionOptions {
    const { servers, tls, user, password, token, credentialsFile } = this.#settings;
    return {
      servers: [...servers],
      // A new connection has new subjects: nobody takes it for the one that was lost.
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: KEEPALIVE_INTERVAL_MS,
      noAsyncTraces: true,
      ...(tls && { tls: {} }),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password }),
      ...(token !== undefined && { token }),
      ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    };
  }

  #up(connection: NatsConnection): void {
    this.#connection = connection;
    this.#unconfirmed = 0;
    this.#isBlocked = false;
    void this.#watch(connection);
    for (const user of this.#users) user.up(connection);
    this.#isReady();
  }

  /** What the server complains of, such as subjects that the account may not use. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type, data } of connection.status()) {
      if (type === Events.Error) this.#log.error({ problem: data }, 'NATS refuses something');
    }
  }

  #down(cause: unknown): void {
    this.#connection = undefined;
    for (const user of this.#users) user.down(cause);
  }

  #unblock(connection: NatsConnection): void {
    if (this.#connection !== connection) return;
    this.#unconfirmed = 0;
    this.#isBlocked = false;
    for (const user of this.#users) user.free();
  }

  #pause(failures: number): Promise<void> {
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(10, failures - 1));
    return new Promise((resolve) => {
      // Not all at the same moment.
      const timer = setTimeout(resolve, longest * (0.5 + Math.random() / 2));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
