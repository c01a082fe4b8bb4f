/**
 * Keeps the workers of a replica running: none as long as there is no script, else as many as were asked for. The place
 * of one that dies is taken by a spare one, which stands ready; one that asks for it is replaced before it goes.
 */
import type { ChildProcess } from 'node:child_process';
import type { Logger } from '#common/observe/log.ts';
import { Spare } from './spare.ts';
import type { SupervisorMessage, WorkerMessage, WorkerPlace } from './worker-place.ts';
import { type ConfinedProgram, endWorker, forkWorker, restartDelayMs } from './worker-process.ts';

export interface SupervisorOptions extends ConfinedProgram {
  readonly places: readonly WorkerPlace[];
  /** Whether one more stands ready. */
  readonly hasSpare: boolean;
  readonly log: Logger;
}

/** A worker that lived this long, or that was given work, was well: the next restart is at once again. */
const WELL_AFTER_MS = 30_000;
/** What a worker that was replaced still has to finish: it ends by itself before, unless a thread of it is lost. */
const LEAVE_MS = 20_000;

export class Supervisor {
  readonly #seats: readonly Seat[];
  readonly #spare: Spare | undefined;
  #started = false;

  constructor(options: SupervisorOptions) {
    const spare = options.hasSpare ? new Spare(() => forkWorker(options), options.confine) : undefined;
    this.#spare = spare;
    this.#seats = options.places.map((place) => new Seat(place, () => spare?.take(place), options));
  }

  /** Starts what is not started yet. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const seat of this.#seats) seat.start();
    this.#spare?.prepare();
  }

  /** Workers finish what they have, and end; what still runs at the deadline is killed. */
  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all([this.#spare?.stop('SIGKILL'), ...this.#seats.map((seat) => seat.stop('SIGTERM', deadline))]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#spare, ...this.#seats].map((one) => one?.stop('SIGKILL')));
  }
}

/** One place, whoever sits on it. */
class Seat {
  readonly #place: WorkerPlace;
  readonly #takeSpare: () => ChildProcess | undefined;
  readonly #options: SupervisorOptions;
  readonly #all = new Set<ChildProcess>();
  /** Those that end as soon as another one is ready. */
  readonly #leaving = new Set<ChildProcess>();
  #current: ChildProcess | undefined;
  #startedAtMs = 0;
  /** The current one was. */
  #wasReady = false;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(place: WorkerPlace, takeSpare: () => ChildProcess | undefined, options: SupervisorOptions) {
    this.#place = place;
    this.#takeSpare = takeSpare;
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#startedAtMs = Date.now();
    this.#wasReady = false;
    const child = this.#seated() ?? forkWorker(this.#options, this.#place);
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

  #seated(): ChildProcess | undefined {
    const spare = this.#takeSpare();
    const message: SupervisorMessage = { take: this.#place };
    // One that has just died is heard of as any other.
    spare?.send(message, () => {});
    return spare;
  }

  async stop(signal: NodeJS.Signals, deadline?: AbortSignal): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    await Promise.all([...this.#all].map((child) => endWorker(child, signal, deadline)));
  }

  #told(child: ChildProcess, message: WorkerMessage): void {
    const { log } = this.#options;
    if ('failed' in message) log.error({ reason: message.failed }, 'a script worker could not start');
    if (this.#current !== child || this.#stopped) return;
    if ('ran' in message) this.#deaths = 0;
    if ('ready' in message) {
      this.#wasReady = true;
      this.#relieve();
    }
    if (!('replace' in message)) return;
    log.warn({ reason: message.replace, lane: this.#place.lane }, 'a script worker is replaced');
    this.#leaving.add(child);
    this.start();
  }

  /** The new one is the one that is reached from the moment it is ready; the old one ends what it has begun. */
  #relieve(): void {
    for (const child of this.#leaving) void endWorker(child, 'SIGTERM', AbortSignal.timeout(LEAVE_MS));
    this.#leaving.clear();
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    this.#current = undefined;
    if (this.#stopped) return;
    if (Date.now() - this.#startedAtMs > WELL_AFTER_MS) this.#deaths = 0;
    const delayMs = restartDelayMs(this.#deaths, this.#wasReady);
    this.#deaths += 1;
    this.#options.log.error({ code, signal, delayMs, lane: this.#place.lane }, 'a script worker died');
    this.#restart = setTimeout(() => this.start(), delayMs);
  }
}
