/** The queue where the system database is all there is: claims that wait are answered out of one look at the rows. */
import { JOB_POLL_MS } from '#common/bounds.ts';
import type { Logger } from '#common/observe/log.ts';
import type { JobQueue } from './queue.ts';
import type { Claim, ClaimedJob, JobStore, Released } from './store.ts';

interface Waiter {
  readonly claim: Claim;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly signal: AbortSignal;
  answer(jobs: ClaimedJob[]): void;
}

/** Rows that are due and that we did not get: another process has them in a moment. */
const LOCKED_PAUSE_MS = 20;

/** However many wait in this process, only one of them looks: the one that has waited longest gets what is found. */
export class DatabaseQueue implements JobQueue {
  readonly #store: JobStore;
  readonly #log: Logger;
  readonly #waiters = new Set<Waiter>();
  #serving: Waiter | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;
  #isWoken = false;
  #wake = (): void => {};

  constructor(store: JobStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  added(): void {
    this.#isWoken = true;
    this.#wake();
  }

  released(jobs: readonly Released[]): void {
    if (jobs.some(({ dueAt }) => dueAt !== undefined)) this.added();
  }

  prolonged(): void {}

  claim(claim: Claim, waitMs: number, signal: AbortSignal): Promise<ClaimedJob[]> {
    if (this.#isClosed || signal.aborted) return Promise.resolve([]);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        claim,
        until: Date.now() + waitMs,
        signal,
        answer: (jobs) => {
          signal.removeEventListener('abort', giveUp);
          this.#waiters.delete(waiter);
          resolve(jobs);
        },
      };
      // Whoever is being served at that moment is answered by that.
      const giveUp = (): void => {
        if (this.#serving !== waiter) waiter.answer([]);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiters.add(waiter);
      this.added();
      this.#looking ??= this.#look();
    });
  }

  /** What others have stored is seen by looking, as long as somebody waits for it. */
  async sweep(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiter of [...this.#waiters]) if (this.#serving !== waiter) waiter.answer([]);
    this.added();
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (this.#waiters.size > 0) {
      this.#isWoken = false;
      const pauseMs = await this.#serve().catch((error: unknown) => {
        this.#log.warn({ err: error }, 'jobs cannot be claimed');
        return JOB_POLL_MS;
      });
      this.#serving = undefined;
      const now = Date.now();
      let first = now + pauseMs;
      for (const waiter of [...this.#waiters]) {
        const isOver = this.#isClosed || waiter.signal.aborted || (pauseMs > 0 && waiter.until <= now);
        if (isOver) waiter.answer([]);
        else first = Math.min(first, waiter.until);
      }
      if (this.#waiters.size > 0 && pauseMs > 0 && !this.#isWoken) await this.#sleep(first - now);
    }
    // At once: whoever comes next has to begin anew.
    this.#looking = undefined;
  }

  /** @returns when to look again, milliseconds from now */
  async #serve(): Promise<number> {
    const due = await this.#store.nextDue();
    const untilDue = due === undefined ? JOB_POLL_MS : Math.min(JOB_POLL_MS, due - Date.now());
    const [waiter] = this.#waiters;
    if (untilDue > 0 || !waiter || this.#isClosed) return Math.max(untilDue, 0);
    this.#serving = waiter;
    const jobs = await this.#store.claimDue(waiter.claim);
    if (jobs.length === 0) return LOCKED_PAUSE_MS;
    waiter.answer(jobs);
    return 0;
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#wake = done;
    });
  }
}
