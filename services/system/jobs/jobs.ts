/** What is to be done later: stored, given out to whoever carries it out, and over when that has said how it went. */
import {
  JOB_ATTEMPTS_DEFAULT,
  JOB_ATTEMPTS_MAX,
  JOB_ERROR_LENGTH_MAX,
  JOB_LEASE_MS_MAX,
  JOB_LEASE_MS_MIN,
  JOB_LOG_BYTES_MAX,
  JOB_RESULT_BYTES_MAX,
  JOB_WAIT_MS_MAX,
  JOB_WORK_BYTES_MAX,
  JOBS_CLAIMED_MAX,
} from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import type { ClaimJobsRequest, EnqueueRequest, SettleRequest } from '#proto/system/v1/system_pb.ts';
import type { JobQueue } from './queue.ts';
import type { ClaimedJob, Held, JobStore, Keep, Outcome } from './store.ts';

export const JOB_KINDS = ['event', 'service', 'schedule'] as const;

const NAME_LENGTH_MAX = 255;
const FORGET_INTERVAL_MS = 60_000;

export class Jobs {
  readonly #store: JobStore;
  readonly #queue: JobQueue;
  readonly #keep: Keep;
  #forgotten = 0;

  constructor(store: JobStore, queue: JobQueue, keep: Keep) {
    this.#store = store;
    this.#queue = queue;
    this.#keep = keep;
  }

  /** @returns its id, once it is stored. @throws MillraceError invalid, unavailable */
  async enqueue(request: EnqueueRequest): Promise<number> {
    const { kind, name, work, userId, appId, roleId, delayMs, attemptsMax } = request;
    if (!JOB_KINDS.some((known) => known === kind)) {
      throw invalid(`The kind of a job must be one of ${JOB_KINDS.join(', ')}.`, { kind: ['unknown'] });
    }
    if (name === '' || name.length > NAME_LENGTH_MAX) {
      throw invalid(`The name of a job must have 1 to ${NAME_LENGTH_MAX} characters.`, { name: ['length'] });
    }
    if (work.length > JOB_WORK_BYTES_MAX) {
      throw invalid(`A job may have ${JOB_WORK_BYTES_MAX} bytes to work on, not ${work.length}.`, { work: ['length'] });
    }
    const id = await this.#store.insert({
      ...{ kind, name, work: Buffer.from(work), delayMs },
      ...{ userId: userId || null, appId: appId || null, roleId: roleId || null },
      attemptsMax: Math.min(attemptsMax || JOB_ATTEMPTS_DEFAULT, JOB_ATTEMPTS_MAX),
    });
    this.#queue.added([id]);
    return id;
  }

  /** @param signal  whoever asked is gone. @returns none: nothing was due for so long */
  async claim({ max, leaseMs, waitMs, holder }: ClaimJobsRequest, signal: AbortSignal): Promise<ClaimedJob[]> {
    if (holder === '' || holder.length > NAME_LENGTH_MAX) {
      throw invalid(`Whoever claims jobs must say who that is, in 1 to ${NAME_LENGTH_MAX} characters.`);
    }
    const claim = { max: Math.min(max || 1, JOBS_CLAIMED_MAX), leaseMs: leaseOf(leaseMs), holder };
    const jobs = await this.#queue.claim(claim, Math.min(waitMs, JOB_WAIT_MS_MAX), signal);
    if (jobs.length === 0 || !signal.aborted) return jobs;
    this.#queue.released(await this.#store.giveBack(jobs));
    return [];
  }

  /** @returns false: it is not the holder's any more */
  async settle({ id, holder, attempt, outcome, logs }: SettleRequest): Promise<boolean> {
    const held: Held = { id, holder, attempt };
    const text = logs.length === 0 ? null : storable(Buffer.from(logs.subarray(-JOB_LOG_BYTES_MAX)).toString());
    if (outcome.case === undefined) throw invalid('A job is settled by an outcome.');
    if (outcome.case === 'working') {
      const prolonged = await this.#store.prolong(held, leaseOf(outcome.value.leaseMs), text);
      if (prolonged) this.#queue.prolonged(prolonged.ticket);
      return prolonged !== undefined;
    }
    const released = await this.#store.settle(held, outcomeOf(outcome), text);
    if (released) this.#queue.released([released]);
    return released !== undefined;
  }

  /** Called every second. */
  async sweep(): Promise<void> {
    const lost = await this.#store.putBackLost();
    if (lost.length > 0) this.#queue.released(lost);
    await this.#queue.sweep();
    if (Date.now() - this.#forgotten < FORGET_INTERVAL_MS) return;
    this.#forgotten = Date.now();
    await this.#store.forget(this.#keep);
  }

  /** Claims that wait are answered; what is stored stays. */
  close(): Promise<void> {
    return this.#queue.close();
  }
}

const leaseOf = (milliseconds: number): number => Math.min(Math.max(milliseconds, JOB_LEASE_MS_MIN), JOB_LEASE_MS_MAX);

function outcomeOf(outcome: Exclude<SettleRequest['outcome'], { case: 'working' | undefined }>): Outcome {
  if (outcome.case === 'done') {
    return { kind: 'done', statusCode: outcome.value.statusCode, result: resultOf(outcome.value.resultJson) };
  }
  const { message, isFinal, statusCode } = outcome.value;
  return { kind: 'failed', message: storable(message.slice(0, JOB_ERROR_LENGTH_MAX)), isFinal, statusCode };
}

/** What is no JSON, or too much of it, is nothing that could be shown. */
function resultOf(json: Uint8Array): string | null {
  if (json.length === 0 || json.length > JOB_RESULT_BYTES_MAX) return null;
  const text = Buffer.from(json).toString();
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return text;
}

/** No database takes a NUL in a text, or half a character. */
const storable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
