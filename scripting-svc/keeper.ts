/**
 * The process that keeps the workers, and does nothing else. To start a process costs its parent a pause that grows with
 * the parent's memory: where other tiers share this process, each worker that is replaced would hold up all of them.
 */
import type { ChildProcess } from 'node:child_process';
import type { Logger } from '#common/observe/log.ts';
import { endWorker, forkProgram, restartDelayMs, type WorkerProgram } from './worker-process.ts';

export interface KeeperOptions extends WorkerProgram {
  readonly log: Logger;
}

/** End the workers at once, and yourself. */
export interface KeeperMessage {
  readonly close: true;
}

/** One that lived this long was well. */
const WELL_AFTER_MS = 30_000;
/** To end workers that are killed. */
const CLOSE_MS = 2_000;

export class Keeper {
  readonly #options: KeeperOptions;
  #child: ChildProcess | undefined;
  #startedAtMs = 0;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isStopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Starts what is not started yet. */
  start(): void {
    if (this.#isStarted || this.#isStopped) return;
    this.#isStarted = true;
    this.#fork();
  }

  /** Workers finish what they have, and end; what still runs at the deadline is killed, by the keeper. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stop();
    const child = this.#child;
    if (!child) return;
    const ended = endWorker(child, 'SIGTERM');
    const close = (): void => void this.close();
    if (deadline.aborted) close();
    deadline.addEventListener('abort', close, { once: true });
    await ended;
    deadline.removeEventListener('abort', close);
  }

  async close(): Promise<void> {
    this.#stop();
    const child = this.#child;
    if (!child) return;
    const message: KeeperMessage = { close: true };
    // One that is gone already is not told.
    child.send(message, () => {});
    await endWorker(child, undefined, AbortSignal.timeout(CLOSE_MS));
  }

  #stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#restart);
  }

  #fork(): void {
    const { log } = this.#options;
    this.#startedAtMs = Date.now();
    const child = forkProgram(this.#options);
    this.#child = child;
    child.on('message', (message: { readonly failed?: string }) => {
      if (message.failed) log.error({ reason: message.failed }, 'the keeper of script workers could not start');
    });
    child.once('error', (error) => {
      log.error({ err: error }, 'the keeper of script workers cannot be started');
      // Nothing ends that has never begun.
      if (child.pid === undefined) this.#died(null, null);
    });
    child.once('exit', (code, signal) => this.#died(code, signal));
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopped) return;
    if (Date.now() - this.#startedAtMs > WELL_AFTER_MS) this.#deaths = 0;
    const delayMs = restartDelayMs(this.#deaths, false);
    this.#deaths += 1;
    this.#options.log.error({ code, signal, delayMs }, 'the keeper of script workers died');
    this.#restart = setTimeout(() => this.#fork(), delayMs);
  }
}
