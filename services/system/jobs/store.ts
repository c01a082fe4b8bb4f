/** Jobs as rows: stored, leased, settled, put back. Every step is safe while other processes take the same one. */
import type { Kysely, Selectable, Transaction } from 'kysely';
import { JOBS_DEAD_MAX, JOBS_DONE_MAX } from '#common/bounds.ts';
import type { Db, EngineName } from '../database/open.ts';
import type { JobTable, JobWorkTable, Tables } from '../database/tables.ts';
import { transact } from '../database/transact.ts';
import { timestamp } from '../records/timestamp.ts';
import { noteOutcome } from '../scheduler/task-log.ts';
import { backOffMs } from './back-off.ts';

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'dead';

/** What somebody may still do; only these can be claimed. */
const CLAIMABLE: readonly JobState[] = ['waiting', 'failed'];
/** Not over. */
export const OPEN: readonly JobState[] = ['waiting', 'failed', 'running'];
export const LOST = 'The worker was lost.';
/** Leases that one call of `putBackLost` looks at: those of a whole tier that went down. */
const LOST_AT_ONCE = 500;

export interface NewJob {
  readonly kind: string;
  readonly name: string;
  readonly work: Buffer;
  readonly userId: number | null;
  readonly appId: number | null;
  readonly roleId: number | null;
  readonly taskId?: number;
  readonly delayMs: number;
  readonly attemptsMax: number;
}

export interface Claim {
  readonly max: number;
  readonly leaseMs: number;
  readonly holder: string;
}

export type ClaimedJob = Selectable<JobTable> & Pick<JobWorkTable, 'work'>;

/** Whose job is settled. */
export interface Held {
  readonly id: number;
  readonly holder: string;
  /** 0: whichever the holder has. */
  readonly attempt: number;
}

export type Outcome =
  | { readonly kind: 'done'; readonly statusCode: number; readonly result: string | null }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly isFinal: boolean;
      /** 0: there was no answer. */
      readonly statusCode: number;
    };

/** No longer anybody's. */
export interface Released {
  readonly id: number;
  readonly ticket: string | null;
  /** When it is due again, milliseconds since 1970; undefined: it is over. */
  readonly dueAt: number | undefined;
}

/** For how long what is over can still be looked at. */
export interface Keep {
  readonly doneMs: number;
  readonly deadMs: number;
}

/** A running job as it was seen. */
type Running = Pick<ClaimedJob, 'id' | 'attempts' | 'attempts_max' | 'task_id' | 'ticket' | 'next_attempt_date'>;
const RUNNING = ['id', 'attempts', 'attempts_max', 'task_id', 'ticket', 'next_attempt_date'] as const;

const moment = (milliseconds: number): string => timestamp(new Date(milliseconds));

export class JobStore {
  readonly #db: Kysely<Tables>;
  readonly #engine: EngineName;

  constructor(db: Kysely<Tables>, engine: EngineName) {
    this.#db = db;
    this.#engine = engine;
  }

  /** @returns its id  @throws MillraceError */
  insert(job: NewJob): Promise<number> {
    return transact(this.#db, (trx) => this.insertInto(trx, job));
  }

  /** In a transaction that also writes something else. */
  async insertInto(trx: Transaction<Tables>, job: NewJob): Promise<number> {
    const now = Date.now();
    const inserted = trx.insertInto('job').values({
      ...{ kind: job.kind, name: job.name, state: 'waiting' satisfies JobState, attempts: 0 },
      ...{ attempts_max: job.attemptsMax, next_attempt_date: moment(now + job.delayMs), created_date: moment(now) },
      ...{ user_id: job.userId, app_id: job.appId, role_id: job.roleId, task_id: job.taskId ?? null },
    });
    const id =
      this.#engine === 'mysql'
        ? Number((await inserted.executeTakeFirstOrThrow()).insertId)
        : (await inserted.returning('id').executeTakeFirstOrThrow()).id;
    await trx.insertInto('job_work').values({ job_id: id, work: job.work }).execute();
    return id;
  }

  /** When the next job is due, milliseconds since 1970. */
  async nextDue(): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('job')
      .select('next_attempt_date')
      .where('next_attempt_date', 'is not', null)
      .where('state', 'in', CLAIMABLE)
      .orderBy('next_attempt_date')
      .limit(1)
      .executeTakeFirst();
    return row?.next_attempt_date ? Date.parse(row.next_attempt_date) : undefined;
  }

  /** Jobs that are due, the oldest first; none that another process is claiming at this moment. */
  claimDue(claim: Claim): Promise<ClaimedJob[]> {
    return this.#transact(async (trx) => {
      const due = trx
        .selectFrom('job')
        .select('id')
        .where('next_attempt_date', '<=', timestamp())
        .where('state', 'in', CLAIMABLE)
        .orderBy('next_attempt_date')
        .orderBy('id')
        .limit(claim.max);
      const rows = await (this.#engine === 'sqlite' ? due : due.forUpdate().skipLocked()).execute();
      const ids = rows.map(({ id }) => id);
      if (ids.length === 0) return [];
      await lease(trx, ids, claim, null);
      // Only what was leased: a clock that was set back in between has made the others wait again.
      const jobs = await withWork(trx).where('id', 'in', ids).where('state', '=', 'running').execute();
      return jobs.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
    });
  }

  /**
   * @param ticket  where word about it goes
   * @returns when it might be due where it is not now, milliseconds since 1970; undefined: it is over, or gone
   */
  claimOne(id: number, claim: Claim, ticket: string): Promise<ClaimedJob | number | undefined> {
    return this.#transact(async (trx) => {
      const taken = await lease(trx, [id], claim, ticket);
      if (taken > 0) return withWork(trx).where('id', '=', id).executeTakeFirst();
      const row = await trx.selectFrom('job').select('next_attempt_date').where('id', '=', id).executeTakeFirst();
      return row?.next_attempt_date ? Date.parse(row.next_attempt_date) : undefined;
    });
  }

  /** Nobody took what was claimed: as if it had not been. */
  giveBack(jobs: readonly ClaimedJob[]): Promise<Released[]> {
    const now = Date.now();
    return this.#transact(async (trx) => {
      for (const { id, attempts } of jobs) {
        const state: JobState = attempts > 1 ? 'failed' : 'waiting';
        await trx
          .updateTable('job')
          .set({ state, attempts: attempts - 1, next_attempt_date: moment(now), holder: null, ticket: null })
          .where('id', '=', id)
          .where('state', '=', 'running')
          .where('attempts', '=', attempts)
          .execute();
      }
      return jobs.map(({ id, ticket }) => ({ id, ticket, dueAt: now }));
    });
  }

  /** @returns its ticket; undefined: it is not the holder's any more */
  async prolong(held: Held, leaseMs: number, logs: string | null): Promise<{ ticket: string | null } | undefined> {
    return this.#transact(async (trx) => {
      const row = await runningOf(trx, held);
      if (!row) return undefined;
      const values = { next_attempt_date: moment(Date.now() + leaseMs), ...(logs !== null && { logs }) };
      const changed = await changeRunning(trx, row, values, held.holder);
      return changed ? { ticket: row.ticket } : undefined;
    });
  }

  /** @returns undefined: it is not the holder's any more */
  async settle(held: Held, outcome: Outcome, logs: string | null): Promise<Released | undefined> {
    return this.#transact(async (trx) => {
      const row = await runningOf(trx, held);
      return row && end(trx, row, outcome, logs, held.holder);
    });
  }

  /** Jobs whose lease has ended are due again, at once; or dead, where that was the last attempt. */
  async putBackLost(): Promise<Released[]> {
    const rows = await this.#db
      .selectFrom('job')
      .select(RUNNING)
      .where('next_attempt_date', '<=', timestamp())
      .where('state', '=', 'running')
      .limit(LOST_AT_ONCE)
      .execute();
    const released: Released[] = [];
    for (const row of rows) {
      const outcome: Outcome = { kind: 'failed', message: LOST, isFinal: false, statusCode: 0 };
      const ended = await this.#transact((trx) => end(trx, row, outcome, null));
      if (ended) released.push(ended);
    }
    return released;
  }

  /** Those that are due since before a moment, in the order of their ids. @param after  the last one that is known */
  overdue(before: number, after: number, limit: number): Promise<Pick<ClaimedJob, 'id' | 'ticket'>[]> {
    return this.#db
      .selectFrom('job')
      .select(['id', 'ticket'])
      .where('next_attempt_date', '<=', moment(before))
      .where('state', 'in', CLAIMABLE)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .execute();
  }

  /** Forgets what is over since longer than that, and the oldest of too many. */
  async forget({ doneMs, deadMs }: Keep): Promise<void> {
    await this.#forgetOver('done', doneMs, JOBS_DONE_MAX);
    await this.#forgetOver('dead', deadMs, JOBS_DEAD_MAX);
  }

  async #forgetOver(state: JobState, keepMs: number, countMax: number): Promise<void> {
    await this.#forgetBefore(state, moment(Date.now() - keepMs));
    const tooMany = await this.#db
      .selectFrom('job')
      .select('finished_date')
      .where('state', '=', state)
      .orderBy('finished_date', 'desc')
      .limit(1)
      .offset(countMax)
      .executeTakeFirst();
    if (tooMany?.finished_date) await this.#forgetBefore(state, tooMany.finished_date);
  }

  async #forgetBefore(state: JobState, date: string): Promise<void> {
    await this.#db.deleteFrom('job').where('state', '=', state).where('finished_date', '<=', date).execute();
  }

  /** What is locked by others is passed over, and what lies between two rows is nobody's: MySQL would lock that too. */
  #transact<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return transact(this.#db, work, 'read committed');
  }
}

const withWork = (db: Db) =>
  db.selectFrom('job').innerJoin('job_work', 'job_work.job_id', 'job.id').selectAll('job').select('work');

/** @returns how many were there to be taken */
async function lease(db: Db, ids: readonly number[], { leaseMs, holder }: Claim, ticket: string | null) {
  const now = Date.now();
  const { numUpdatedRows } = await db
    .updateTable('job')
    .set((eb) => ({
      ...{ state: 'running' satisfies JobState, holder, ticket, attempts: eb('attempts', '+', 1) },
      ...{ next_attempt_date: moment(now + leaseMs), started_date: moment(now) },
    }))
    .where('id', 'in', ids)
    .where('state', 'in', CLAIMABLE)
    .where('next_attempt_date', '<=', moment(now))
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

function runningOf(db: Db, { id, holder, attempt }: Held): Promise<Running | undefined> {
  let running = db.selectFrom('job').select(RUNNING).where('id', '=', id).where('state', '=', 'running');
  running = running.where('holder', '=', holder);
  if (attempt > 0) running = running.where('attempts', '=', attempt);
  return running.executeTakeFirst();
}

/** @param holder  who has it still; without one, its lease is what it was. @returns false: it is not so any more */
async function changeRunning(db: Db, row: Running, values: Partial<Selectable<JobTable>>, holder?: string) {
  let update = db.updateTable('job').set(values).where('id', '=', row.id).where('state', '=', 'running');
  update = update.where('attempts', '=', row.attempts);
  update =
    holder === undefined
      ? update.where('next_attempt_date', '=', row.next_attempt_date)
      : update.where('holder', '=', holder);
  return (await update.executeTakeFirst()).numUpdatedRows > 0n;
}

/** @param holder  as `changeRunning` takes it. @returns undefined: somebody else was faster */
async function end(
  db: Db,
  row: Running,
  outcome: Outcome,
  logs: string | null,
  holder?: string,
): Promise<Released | undefined> {
  const now = Date.now();
  const isLost = holder === undefined;
  const isOver = outcome.kind === 'done' || outcome.isFinal || row.attempts >= row.attempts_max;
  const dueAt = isOver ? undefined : now + (isLost ? 0 : backOffMs(row.attempts));
  const state: JobState = outcome.kind === 'done' ? 'done' : isOver ? 'dead' : 'failed';
  const values = {
    // Where it is put off, word about its message may still be needed.
    ...{ state, holder: null, ticket: isOver ? null : row.ticket },
    next_attempt_date: dueAt === undefined ? null : moment(dueAt),
    finished_date: isOver ? moment(now) : null,
    status_code: outcome.statusCode || null,
    ...(outcome.kind === 'done' ? { result: outcome.result } : { last_error: outcome.message }),
    ...(logs !== null && { logs }),
  };
  if (!(await changeRunning(db, row, values, holder))) return undefined;
  // Nobody needs it any more, and it may hold what was sent.
  if (state === 'done') await db.deleteFrom('job_work').where('job_id', '=', row.id).execute();
  if (row.task_id !== null) await noteOutcome(db, row.task_id, outcome);
  return { id: row.id, ticket: row.ticket, dueAt };
}
