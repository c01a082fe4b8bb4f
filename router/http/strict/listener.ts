/** The REST door on Node's own sockets. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import {
  ANSWER_BUFFERED_BYTES_MAX,
  ANSWER_TIMEOUT_MS,
  BODY_TIMEOUT_MS,
  HEAD_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  LINGER_MS,
} from '#common/bounds.ts';
import type { Component } from '#common/component.ts';
import { BodyBudget } from '../body.ts';
import { type Handler, type ListenerOptions, portUnavailable, type Timeouts } from '../door.ts';
import { type Refusal, refusalBody, refusalHeaders } from '../refusal.ts';
import { Connection, type Shared } from './connection.ts';
import { Exchange } from './exchange.ts';
import { open } from './socket.ts';

const TIMEOUTS: Timeouts = {
  idleMs: IDLE_TIMEOUT_MS,
  headMs: HEAD_TIMEOUT_MS,
  bodyMs: BODY_TIMEOUT_MS,
  writeMs: ANSWER_TIMEOUT_MS,
  lingerMs: LINGER_MS,
};
const CROWDED: Refusal = {
  status: 503,
  message: 'The server has as many connections as it can.',
  retryAfterSeconds: 1,
};
const SWEEP_MS_MAX = 1000;

class Listener implements Component {
  readonly name = 'http';
  port = 0;
  readonly #server: Server;
  readonly #shared: Shared;
  readonly #connections = new Set<Connection>();
  readonly #closed: Promise<unknown>;
  #sweeper: NodeJS.Timeout | undefined;
  /** Called when the last connection ends. */
  #empty: (() => void) | undefined;

  constructor(options: ListenerOptions, handler: Handler) {
    this.#shared = {
      options,
      handler,
      budget: new BodyBudget(options.bufferedBytesMax),
      timeouts: { ...TIMEOUTS, ...options.timeouts },
      draining: false,
    };
    const sockets = { noDelay: true, pauseOnConnect: true, highWaterMark: ANSWER_BUFFERED_BYTES_MAX };
    this.#server = createServer(sockets, (socket) => this.#accept(socket));
    this.#closed = new Promise((resolve) => this.#server.once('close', resolve));
  }

  async listen(): Promise<void> {
    const { options, timeouts } = this.#shared;
    const { host, port, shared = false } = options;
    const where: ListenOptions & { reusePort: boolean } = { host, port, reusePort: shared };
    this.#server.listen(where);
    await once(this.#server, 'listening').catch((error: unknown) => {
      throw portUnavailable(options, error);
    });
    this.port = (this.#server.address() as AddressInfo).port;
    const sweepMs = Math.min(SWEEP_MS_MAX, ...Object.values(timeouts).map((timeoutMs) => timeoutMs / 4));
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref();
  }

  async drain(deadline: AbortSignal): Promise<void> {
    this.#shared.draining = true;
    this.#server.close();
    for (const connection of this.#connections) if (connection.idle) connection.destroy();
    if (this.#connections.size > 0 && !deadline.aborted) {
      await new Promise<void>((resolve) => {
        this.#empty = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    await this.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    if (this.#server.listening) this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    await this.#closed;
  }

  #accept(accepted: Socket): void {
    if (this.#connections.size >= this.#shared.options.connectionsMax) return turnAway(accepted);
    const socket = open(accepted, (data) => connection.receive(data));
    const connection = new Connection(this.#shared, socket);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#empty?.();
    });
  }

  #sweep(): void {
    const now = Date.now();
    for (const connection of this.#connections) connection.sweep(now);
  }
}

function turnAway(socket: Socket): void {
  socket.on('error', () => {}); // it is gone either way
  const answer = new Exchange(socket, { answered: () => socket.destroySoon() }, '', true, true);
  answer.send(CROWDED.status, refusalHeaders(CROWDED), refusalBody(CROWDED));
}

/** @throws MillraceError `unavailable` naming MILLRACE_HTTP_PORT for a port that cannot be had */
export async function listen(options: ListenerOptions, handler: Handler): Promise<Component & { port: number }> {
  const listener = new Listener(options, handler);
  await listener.listen();
  return listener;
}
