/** A transaction that is done again where another one has ended it. */
import { setTimeout } from 'node:timers/promises';
import type { IsolationLevel, Kysely, Transaction } from 'kysely';
import { fromDatabase, isConflict } from './errors.ts';
import type { Tables } from './tables.ts';

/** Ends of a transaction that another one has caused: doing it again is all there is to do. */
const RETRIES_MAX = 5;
/** Longer with each retry, and not the same for all that got into each other's way. */
const PAUSE_MS = 10;

/**
 * @param work  may be called several times
 * @param isolation  where the engine's own is not meant; SQLite knows one only
 * @throws MillraceError; nothing was written then
 */
export async function transact<T>(
  db: Kysely<Tables>,
  work: (trx: Transaction<Tables>) => Promise<T>,
  isolation?: IsolationLevel,
): Promise<T> {
  const begun = db.transaction();
  const transaction = isolation ? begun.setIsolationLevel(isolation) : begun;
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction.execute(work);
    } catch (error) {
      if (attempt >= RETRIES_MAX || !isConflict(error)) throw fromDatabase(error);
      await setTimeout(Math.random() * PAUSE_MS * attempt);
    }
  }
}
