/** The router processes of an all-in-one start: started, restarted when they die, drained. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Component } from '#common/component.ts';
import type { Environment } from '#common/config/env.ts';
import { MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';

export interface RoutersOptions {
  /** The router's program. */
  readonly program: string;
  readonly count: number;
  readonly env: Environment;
  readonly log: Logger;
  /** Wait before the first restart; doubles with each one that follows soon. */
  readonly restartDelayMs?: number;
}

export interface Routers extends Component {
  /** Where all of them listen for HTTP. */
  readonly port: number;
  /** Where each of them listens for gRPC, which no port can be shared for; empty where that is off. */
  readonly grpcPorts: readonly number[];
}

/** Where one router listens. */
interface Ports {
  readonly port: number;
  readonly grpcPort?: number | undefined;
}

/** What a router tells whoever forked it, once it listens or cannot. */
type RouterMessage = ({ readonly ready: true } & Ports) | { readonly failed: string };

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 10_000;
/** A router that lived this long was well: the next restart is quick again. */
const WELL_AFTER_MS = 60_000;

/** @throws MillraceError unavailable, in the router's words, when it cannot start (a taken port) */
export async function startRouters(options: RoutersOptions): Promise<Routers> {
  const first = new Router(options, options.env);
  const routers = [first];
  const close = async (): Promise<void> => {
    await Promise.all(routers.map((router) => router.kill()));
  };
  try {
    const ports = await first.start();
    first.settle(ports);
    // All share the port that the first one got.
    const env = { ...options.env, MILLRACE_HTTP_PORT: String(ports.port) };
    for (let i = 1; i < options.count; i++) routers.push(new Router(options, { ...env, ...ownAddresses(env, i) }));
    const others = routers.slice(1);
    const theirs = await Promise.all(others.map((router) => router.start()));
    for (const [i, own] of theirs.entries()) others[i]?.settle(own);
    const { port } = ports;
    const grpcPorts = [ports, ...theirs].flatMap(({ grpcPort }) => grpcPort ?? []);
    const drain = async (deadline: AbortSignal): Promise<void> => {
      await Promise.all(routers.map((router) => router.drain(deadline)));
    };
    return { name: 'routers', port, grpcPorts, drain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What no two routers can share: the n-th one (from 0) has the n-th gRPC port behind the first, and the internal address
 * of the first with its number behind it.
 */
function ownAddresses(env: Environment, n: number): Environment {
  const { MILLRACE_GRPC_PORT: port = '', MILLRACE_GATEWAY_ADDRESS: address } = env;
  return {
    MILLRACE_GRPC_PORT: nthPort(port, n),
    ...(address && { MILLRACE_GATEWAY_ADDRESS: nthGatewayAddress(address, n) }),
  };
}

/** @param address  of the first router, as MILLRACE_GATEWAY_ADDRESS */
export function nthGatewayAddress(address: string, n: number): string {
  if (n === 0) return address;
  if (address.startsWith('unix:')) return `${address}-${n}`;
  return address.replace(/\d+$/, (port) => nthPort(port, n));
}

/** 0 stays: any free one. */
const nthPort = (port: string, n: number): string => (Number(port) > 0 ? String(Number(port) + n) : port);

/** One router, whichever process it currently is. */
class Router {
  readonly #options: RoutersOptions;
  #env: Environment;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #startedAtMs = 0;
  #restarts = 0;
  #restart: NodeJS.Timeout | undefined;
  /** True between the end of a good start and the beginning of the end. */
  #watched = false;

  constructor(options: RoutersOptions, env: Environment) {
    this.#options = options;
    this.#env = env;
  }

  start(): Promise<Ports> {
    this.#startedAtMs = Date.now();
    const child = fork(this.#options.program, [], {
      env: { ...this.#env } as NodeJS.ProcessEnv,
      execArgv: [...process.execArgv, '--enable-source-maps'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A group of its own: Ctrl-C reaches this process alone, which then ends the routers in order.
      detached: true,
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    return new Promise((resolve, reject) => {
      const fail = (message: string, cause?: unknown): void =>
        reject(new MillraceError('unavailable', message, undefined, cause));
      child.once('message', (message: RouterMessage) => {
        if ('ready' in message) resolve(message);
        else fail(message.failed);
      });
      child.once('error', (error) => fail('The router cannot be started.', error));
      child.once('exit', (code, signal) => {
        fail(`The router ended before it was ready (${signal ?? `status ${code}`}).`);
        this.#onExit(code, signal);
      });
    });
  }

  /** From now on it is restarted, on the same ports, when it dies. */
  settle({ port, grpcPort }: Ports): void {
    const grpc = grpcPort === undefined ? {} : { MILLRACE_GRPC_PORT: String(grpcPort) };
    this.#env = { ...this.#env, MILLRACE_HTTP_PORT: String(port), ...grpc };
    this.#watched = true;
    if (this.#child && hasExited(this.#child)) this.#onExit(this.#child.exitCode, this.#child.signalCode);
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#watched) return;
    if (Date.now() - this.#startedAtMs > WELL_AFTER_MS) this.#restarts = 0;
    const first = this.#options.restartDelayMs ?? RESTART_DELAY_MS;
    const delayMs = Math.min(RESTART_DELAY_MS_MAX, first * 2 ** this.#restarts++);
    this.#options.log.error({ code, signal, delayMs }, 'a router died and is restarted');
    this.#restart = setTimeout(() => {
      this.start().catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'a router could not be restarted'),
      );
    }, delayMs);
  }

  /** SIGTERM, and SIGKILL for one that has not ended at the deadline. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#unwatch();
    const kill = (): void => void this.#child?.kill('SIGKILL');
    deadline.addEventListener('abort', kill, { once: true });
    this.#child?.kill('SIGTERM');
    await this.#exited;
    deadline.removeEventListener('abort', kill);
  }

  async kill(): Promise<void> {
    this.#unwatch();
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  #unwatch(): void {
    this.#watched = false;
    clearTimeout(this.#restart);
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
