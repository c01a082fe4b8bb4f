/**
 * Keeps the workers of a replica running: none as long as there is no script, else as many as were asked for. One that
 * dies is started again; one that asks for it is replaced by a new one, which is there before it goes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Environment } from '#common/config/env.ts';
import type { Logger } from '#common/observe/log.ts';
import type { WorkerMessage, WorkerPlace } from './worker-place.ts';

export interface SupervisorOptions {
  /** The worker's program. */
  readonly program: string;
  readonly execArgv: readonly string[];
  readonly env: Environment;
  readonly places: readonly WorkerPlace[];
  readonly log: Logger;
}

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 5_000;
/** A worker that lived this long was well: the next restart is at once again. */
const WELL_AFTER_MS = 30_000;
/** What a worker that was replaced still has to finish: it ends by itself before, unless a thread of it is lost. */
const LEAVE_MS = 20_000;

export class Supervisor {
  readonly #seats: readonly Seat[];
  #started = false;

  constructor(options: SupervisorOptions) {
    this.#seats = options.places.map((place) => new Seat(place, options));
  }

  /** Starts what is not started yet. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const seat of this.#seats) seat.start();
  }

  /** Workers finish what they have, and end; what still runs at the deadline is killed. */
  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.stop('SIGTERM', deadline)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.stop('SIGKILL')));
  }
}

/** One place, whoever sits on it. */
class Seat {
  readonly #place: WorkerPlace;
  readonly #options: SupervisorOptions;
  readonly #all = new Set<ChildProcess>();
  /** Those that end as soon as another one is ready. */
  readonly #leaving = new Set<ChildProcess>();
  #current: ChildProcess | undefined;
  #startedAtMs = 0;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(place: WorkerPlace, options: SupervisorOptions) {
    this.#place = place;
    this.#options = options;
  }

  start(): void {
    const { program, execArgv, env, log } = this.#options;
    this.#startedAtMs = Date.now();
    const child = fork(program, [], {
      env: { ...env, MILLRACE_SCRIPT_PLACE: JSON.stringify(this.#place) } as NodeJS.ProcessEnv,
      execArgv: [...execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    this.#all.add(child);
    this.#current = child;
    child.on('message', (message: WorkerMessage) => this.#told(child, message));
    child.once('error', (error) => log.error({ err: error }, 'a script worker cannot be started'));
    child.once('exit', (code, signal) => {
      this.#all.delete(child);
      this.#leaving.delete(child);
      if (this.#current === child) this.#died(code, signal);
    });
  }

  async stop(signal: NodeJS.Signals, deadline?: AbortSignal): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    await Promise.all([...this.#all].map((child) => end(child, signal, deadline)));
  }

  #told(child: ChildProcess, message: WorkerMessage): void {
    const { log } = this.#options;
    if ('failed' in message) log.error({ reason: message.failed }, 'a script worker could not start');
    if (this.#current !== child || this.#stopped) return;
    if ('ready' in message) this.#relieve();
    if (!('replace' in message)) return;
    log.warn({ reason: message.replace, lane: this.#place.lane }, 'a script worker is replaced');
    this.#leaving.add(child);
    this.start();
  }

  /** The new one is the one that is reached from the moment it is ready; the old one ends what it has begun. */
  #relieve(): void {
    for (const child of this.#leaving) void end(child, 'SIGTERM', AbortSignal.timeout(LEAVE_MS));
    this.#leaving.clear();
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    this.#current = undefined;
    if (this.#stopped) return;
    if (Date.now() - this.#startedAtMs > WELL_AFTER_MS) this.#deaths = 0;
    const delayMs = this.#deaths === 0 ? 0 : Math.min(RESTART_DELAY_MS_MAX, RESTART_DELAY_MS * 2 ** this.#deaths);
    this.#deaths += 1;
    this.#options.log.error({ code, signal, delayMs, lane: this.#place.lane }, 'a script worker died');
    this.#restart = setTimeout(() => this.start(), delayMs);
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals, deadline?: AbortSignal): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const kill = (): void => void child.kill('SIGKILL');
    if (deadline?.aborted) kill();
    deadline?.addEventListener('abort', kill, { once: true });
    child.once('exit', () => {
      deadline?.removeEventListener('abort', kill);
      resolve();
    });
    child.kill(signal);
  });
}
