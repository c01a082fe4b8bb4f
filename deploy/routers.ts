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
  /** Where all of them listen. */
  readonly port: number;
}

/** What a router tells whoever forked it, once it listens or cannot. */
type RouterMessage = { readonly ready: true; readonly port: number } | { readonly failed: string };

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 10_000;
/** A router that lived this long was well: the next restart is quick again. */
const WELL_AFTER_MS = 60_000;

/** @throws MillraceError unavailable, in the router's words, when it cannot start (a taken port) */
export async function startRouters(options: RoutersOptions): Promise<Routers> {
  const first = new Router(options);
  const routers = [first];
  const close = async (): Promise<void> => {
    await Promise.all(routers.map((router) => router.kill()));
  };
  try {
    const port = await first.start();
    // All share the port that the first one got, also after a restart.
    const env = { ...options.env, MILLRACE_HTTP_PORT: String(port) };
    first.settle(env);
    for (let i = 1; i < options.count; i++) routers.push(new Router({ ...options, env }));
    await Promise.all(routers.slice(1).map((router) => router.start()));
    for (const router of routers.slice(1)) router.settle(env);
    const drain = async (deadline: AbortSignal): Promise<void> => {
      await Promise.all(routers.map((router) => router.drain(deadline)));
    };
    return { name: 'routers', port, drain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

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

  constructor(options: RoutersOptions) {
    this.#options = options;
    this.#env = options.env;
  }

  /** @returns the port it listens on */
  start(): Promise<number> {
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
        if ('ready' in message) resolve(message.port);
        else fail(message.failed);
      });
      child.once('error', (error) => fail('The router cannot be started.', error));
      child.once('exit', (code, signal) => {
        fail(`The router ended before it was ready (${signal ?? `status ${code}`}).`);
        this.#onExit(code, signal);
      });
    });
  }

  /** From now on it is restarted, with these variables, when it dies. */
  settle(env: Environment): void {
    this.#env = env;
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
