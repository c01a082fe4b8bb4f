/** Tasks whose time has come become jobs: one for each time, whichever process gets there first. */
import type { Kysely, Transaction } from 'kysely';
import { JOB_ATTEMPTS_DEFAULT } from '#common/bounds.ts';
import type { Logger } from '#common/observe/log.ts';
import { verbNames } from '#common/verbs.ts';
import type { Tables } from '../database/tables.ts';
import { transact } from '../database/transact.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { type JobStore, OPEN } from '../jobs/store.ts';
import { timestamp } from '../records/timestamp.ts';
import { nextRun, type Timing } from './due.ts';

/** Tasks that one look takes; more of them are seen at the next. */
const DUE_AT_ONCE = 200;

type Due = Timing & { readonly id: number; readonly name: string; readonly next_run_date: string | null };

export class Scheduler {
  readonly #db: Kysely<Tables>;
  readonly #store: JobStore;
  readonly #queue: JobQueue;
  readonly #log: Logger;

  constructor(db: Kysely<Tables>, store: JobStore, queue: JobQueue, log: Logger) {
    this.#db = db;
    this.#store = store;
    this.#queue = queue;
    this.#log = log;
  }

  /** Called every second. Times that were missed while nobody was here count as one. */
  async tick(): Promise<void> {
    const tasks = await this.#db
      .selectFrom('scheduler')
      .select(['id', 'name', 'cron', 'frequency', 'time_zone', 'next_run_date'])
      .where('is_active', '=', 1)
      .where('next_run_date', '<=', timestamp())
      .orderBy('next_run_date')
      .limit(DUE_AT_ONCE)
      .execute();
    for (const task of tasks) {
      // One that cannot be run holds up none of the others.
      try {
        const id = await transact(this.#db, (trx) => this.#run(trx, task), 'read committed');
        if (id !== undefined) this.#queue.added([id]);
      } catch (error) {
        this.#log.warn({ err: error, task: task.name }, 'a task cannot be run');
      }
    }
  }

  /** @returns the job; undefined: another process has made it, or the one before is not over */
  async #run(trx: Transaction<Tables>, task: Due): Promise<number | undefined> {
    const next = nextRun(task, new Date());
    const { numUpdatedRows } = await trx
      .updateTable('scheduler')
      .set({ next_run_date: next ? timestamp(next) : null })
      .where('id', '=', task.id)
      .where('is_active', '=', 1)
      .where('next_run_date', '=', task.next_run_date)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return undefined;
    const before = await trx
      .selectFrom('job')
      .select('id')
      .where('task_id', '=', task.id)
      .where('state', 'in', OPEN)
      .executeTakeFirst();
    if (before) {
      this.#log.info({ task: task.name, job: before.id }, 'a task is left out: its last run is not over');
      const skipped = { skipped_date: task.next_run_date };
      await trx.updateTable('scheduler').set(skipped).where('id', '=', task.id).execute();
      return undefined;
    }
    return this.#makeJob(trx, task.id);
  }

  /** As the task is now: it may have been changed since it was seen. */
  async #makeJob(trx: Transaction<Tables>, taskId: number): Promise<number> {
    const task = await trx
      .selectFrom('scheduler')
      .innerJoin('service', 'service.id', 'scheduler.service_id')
      .select(['scheduler.name', 'component', 'verb_mask', 'payload', 'user_id', 'app_id', 'service.name as service'])
      .where('scheduler.id', '=', taskId)
      .executeTakeFirstOrThrow();
    const call = { service: task.service, component: task.component ?? '', verb: verbNames(task.verb_mask)[0] };
    // As it was written: a number may have more digits than ours.
    const work = `${JSON.stringify(call).slice(0, -1)},"payload":${task.payload ?? 'null'}}`;
    return this.#store.insertInto(trx, {
      ...{ kind: 'schedule', name: task.name, work: Buffer.from(work), taskId, delayMs: 0 },
      ...{ userId: task.user_id, appId: task.app_id, roleId: null, attemptsMax: JOB_ATTEMPTS_DEFAULT },
    });
  }
}
