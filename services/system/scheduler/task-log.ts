/** What went wrong with a task the last time; nothing, where nothing did (files-and-scripting-api §3.11). */
import type { Db } from '../database/open.ts';
import type { Outcome } from '../jobs/store.ts';
import { timestamp } from '../records/timestamp.ts';

/** Of what failed without an answer. */
const NO_ANSWER = 500;
const FAILURE_MIN = 400;

/** @param db  the transaction that the outcome is written in */
export async function noteOutcome(db: Db, taskId: number, outcome: Outcome): Promise<void> {
  const isFailure = outcome.kind === 'failed' || outcome.statusCode >= FAILURE_MIN;
  if (!isFailure) {
    await db.deleteFrom('task_log').where('task_id', '=', taskId).execute();
    return;
  }
  const now = timestamp();
  const content = outcome.kind === 'failed' ? outcome.message : outcome.result;
  const values = { status_code: outcome.statusCode || NO_ANSWER, content, last_modified_date: now };
  const known = await db.updateTable('task_log').set(values).where('task_id', '=', taskId).executeTakeFirst();
  if (known.numUpdatedRows > 0n) return;
  await db
    .insertInto('task_log')
    .values({ task_id: taskId, ...values, created_date: now })
    .execute();
}
