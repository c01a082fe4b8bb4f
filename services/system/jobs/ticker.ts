/** Does something every so often, one time after the other, and goes on where it fails. */
import type { Logger } from '#common/observe/log.ts';

export class Ticker {
  readonly #steps: readonly (() => Promise<void>)[];
  readonly #intervalMs: number;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(steps: readonly (() => Promise<void>)[], intervalMs: number, log: Logger) {
    this.#steps = steps;
    this.#intervalMs = intervalMs;
    this.#log = log;
    this.#plan(0);
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Not all processes at the same moment. */
  #plan(milliseconds: number): void {
    this.#timer = setTimeout(
      () => {
        this.#running = this.#tick();
      },
      milliseconds * (0.9 + Math.random() / 5),
    );
  }

  async #tick(): Promise<void> {
    for (const step of this.#steps) {
      if (this.#isClosed) return;
      await step().catch((error: unknown) => this.#log.warn({ err: error }, 'jobs are not looked after'));
    }
    if (!this.#isClosed) this.#plan(this.#intervalMs);
  }
}
