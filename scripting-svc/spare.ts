/** A worker without a place, for the moment at which another one dies: starting one takes far longer than seating it. */
import type { ChildProcess } from 'node:child_process';
import { NICE_BEHIND } from './priority.ts';
import type { Confine } from './processors.ts';
import { setSessionNice } from './session-nice.ts';
import type { WorkerMessage, WorkerPlace } from './worker-place.ts';
import { confineFor, endWorker, restartDelayMs } from './worker-process.ts';

/** A new one is started when those who waited for the last one have been served: starting takes processor time. */
const REST_MS = 200;

export class Spare {
  readonly #fork: () => ChildProcess;
  readonly #confine: Confine;
  #child: ChildProcess | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(fork: () => ChildProcess, confine: Confine) {
    this.#fork = fork;
    this.#confine = confine;
  }

  /** Starts one, a moment later. */
  prepare(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), REST_MS + restartDelayMs(this.#failures, false));
  }

  /**
   * It is no longer the spare, and another one will be. Also one that is on its way is there sooner than one that is not.
   * @param place  which it will be given. @returns undefined: there is none
   */
  take(place: WorkerPlace): ChildProcess | undefined {
    const child = this.#child;
    if (!child?.connected) return undefined;
    this.#leave(child);
    if (child.pid !== undefined) setSessionNice(child.pid, 0);
    confineFor(place, child, this.#confine);
    return child;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (this.#child) await endWorker(this.#child, signal);
  }

  #start(): void {
    const child = this.#fork();
    this.#child = child;
    // What it does to be ready hurries nobody.
    const { pid } = child;
    if (pid !== undefined) {
      setSessionNice(pid, NICE_BEHIND);
      this.#confine(pid, true);
    }
    child.on('message', (message: WorkerMessage) => {
      if (this.#child !== child) return;
      if ('standing' in message) {
        this.#failures = 0;
        if (pid !== undefined) this.#confine(pid, false);
      }
      if ('replace' in message) child.kill('SIGKILL');
    });
    const gone = (): void => {
      if (this.#child !== child) return;
      this.#failures++;
      this.#leave(child);
    };
    child.once('error', gone);
    child.once('exit', gone);
  }

  #leave(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    this.prepare();
  }
}
