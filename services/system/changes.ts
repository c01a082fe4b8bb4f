/**
 * The one way to write: a transaction that also moves the version of everything, and a word to whoever publishes it.
 * The version is stored, so it never goes back, and other processes on the same database see that it moved.
 */
import type { Kysely, Transaction } from 'kysely';
import { fromDatabase } from './database/errors.ts';
import type { Tables } from './database/tables.ts';

/** What the access snapshot consists of. */
export const KINDS = [
  'services',
  'roles',
  'apps',
  'users',
  'lookups',
  'corsRules',
  'revocations',
  'schemaExtras',
  'serviceTypes',
  'settings',
] as const;
export type Kind = (typeof KINDS)[number];

export class Changes {
  readonly db: Kysely<Tables>;
  #listener: (kinds: readonly Kind[]) => void = () => {};

  constructor(db: Kysely<Tables>) {
    this.db = db;
  }

  /** @param listener  called behind every commit of this process */
  listen(listener: (kinds: readonly Kind[]) => void): void {
    this.#listener = listener;
  }

  /**
   * Inside of `work` only its transaction may be used: SQLite has one connection.
   *
   * @param kinds what may have changed
   * @throws MillraceError; nothing was written then
   */
  async commit<T>(kinds: readonly Kind[], work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await this.db.transaction().execute(async (trx) => {
        const done = await work(trx);
        // Last, so that writers of several processes wait for each other as shortly as possible.
        await trx
          .updateTable('change_counter')
          .set((eb) => ({ version: eb('version', '+', 1) }))
          .execute();
        return done;
      });
    } catch (error) {
      throw fromDatabase(error);
    }
    this.#listener(kinds);
    return result;
  }

  async version(): Promise<number> {
    const row = await this.db.selectFrom('change_counter').select('version').executeTakeFirstOrThrow();
    return Number(row.version);
  }
}
