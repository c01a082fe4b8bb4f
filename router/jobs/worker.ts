/** Carries out the jobs that are due: every router takes some, as many as it has hands for. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import type { Channel } from '#common/grpc/channel.ts';
import type { Logger } from '#common/observe/log.ts';
import { ClaimJobsRequestSchema, type Job, type Jobs, SettleRequestSchema } from '#proto/system/v1/system_pb.ts';

/** What became of a job. */
export type JobOutcome =
  | { readonly done: { readonly statusCode: number; readonly resultJson: Uint8Array }; readonly logs?: string }
  | {
      readonly failed: { readonly message: string; readonly isFinal: boolean; readonly statusCode: number };
      readonly logs?: string;
    };

/** Never rejects. */
export type CarryOut = (job: Job) => Promise<JobOutcome>;

const HANDS = 4;
const WAIT_MS = 15_000;
const CALL_MS = 5_000;
const LEASE_MS = 60_000;
/** While a job runs its lease is made longer in time. */
const WORKING_MS = 20_000;
const PAUSE_MS = 1_000;

export class JobWorker {
  readonly #jobs: Channel<typeof Jobs>;
  readonly #carryOut: CarryOut;
  readonly #log: Logger;
  readonly #holder = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(jobs: Channel<typeof Jobs>, carryOut: CarryOut, log: Logger) {
    this.#jobs = jobs;
    this.#carryOut = carryOut;
    this.#log = log;
  }

  start(): void {
    this.#loop ??= this.#take();
  }

  /** Takes nothing new, finishes what was begun. */
  async drain(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  close(): void {
    this.#stop.abort();
  }

  async #take(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      while (this.#running.size >= HANDS) await Promise.race(this.#running);
      const max = HANDS - this.#running.size;
      const claim = create(ClaimJobsRequestSchema, { max, leaseMs: LEASE_MS, waitMs: WAIT_MS, holder: this.#holder });
      const askedAt = performance.now();
      let isAway = false;
      try {
        const { jobs } = await this.#jobs.call('claim', claim, WAIT_MS + CALL_MS);
        // What comes when the end has begun is left to others, when its lease ends.
        if (!signal.aborted) for (const job of jobs) this.#begin(job);
        isAway = jobs.length === 0 && performance.now() - askedAt < PAUSE_MS;
      } catch {
        isAway = true;
      }
      // The system service is away, or restarts: jobs wait there.
      if (isAway) await sleep(PAUSE_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  #begin(job: Job): void {
    const running = this.#work(job).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #work(job: Job): Promise<void> {
    const stillAt = setInterval(() => {
      void this.#settle(job, { outcome: { case: 'working', value: { leaseMs: LEASE_MS } } });
    }, WORKING_MS);
    try {
      const outcome = await this.#carryOut(job);
      const logs = Buffer.from(outcome.logs ?? '');
      if ('done' in outcome) await this.#settle(job, { outcome: { case: 'done', value: outcome.done }, logs });
      else await this.#settle(job, { outcome: { case: 'failed', value: outcome.failed }, logs });
    } finally {
      clearInterval(stillAt);
    }
  }

  /** What cannot be told is done again when the lease ends: at least once. */
  async #settle(job: Job, more: object): Promise<void> {
    const request = create(SettleRequestSchema, { id: job.id, holder: this.#holder, attempt: job.attempt, ...more });
    try {
      const { ok } = await this.#jobs.call('settle', request, CALL_MS);
      if (!ok) this.#log.warn({ job: job.id }, 'a job is not ours any more');
    } catch (error) {
      this.#log.warn({ err: error, job: job.id }, 'the outcome of a job could not be told');
    }
  }
}
