/**
 * The one way to write: a transaction that also moves the version of everything, and a word to whoever publishes it.
 * The version is stored, so it never goes back, and other processes on the same database see that it moved.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './database/tables.ts';
import { transact } from './database/transact.ts';

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
  'limits',
  'issuers',
  'eventScripts',
  'settings',
] as const;
export type Kind = (typeof KINDS)[number];

/** Of which there may be many thousands: one of them can be read again by itself. */
export const ROW_KINDS = ['roles', 'apps', 'users'] as const satisfies readonly Kind[];
export type RowKind = (typeof ROW_KINDS)[number];

/** What has to be read again. */
export interface Dirty {
  readonly kinds: ReadonlySet<Kind>;
  /** One by one, by their ids: every sign-in changes one user of perhaps many thousands. They are there still. */
  readonly rows: ReadonlyMap<RowKind, ReadonlySet<number>>;
}

const NO_ROWS: Dirty['rows'] = new Map();

export const dirtyKinds = (...kinds: readonly Kind[]): Dirty => ({ kinds: new Set(kinds), rows: NO_ROWS });
export const dirtyRows = (kind: RowKind, ids: Iterable<number>): Dirty => ({
  kinds: new Set(),
  rows: new Map([[kind, new Set(ids)]]),
});
export const dirtyUser = (id: number): Dirty => dirtyRows('users', [id]);
export const EVERYTHING = dirtyKinds(...KINDS);

export class Changes {
  readonly db: Kysely<Tables>;
  #listener: (dirty: Dirty) => void = () => {};

  constructor(db: Kysely<Tables>) {
    this.db = db;
  }

  /** @param listener  called behind every commit of this process */
  listen(listener: (dirty: Dirty) => void): void {
    this.#listener = listener;
  }

  /**
   * Inside of `work` only its transaction may be used: SQLite has one connection. It may be called again, where another
   * process got in the way.
   *
   * @param dirty what may have changed
   * @throws MillraceError; nothing was written then
   */
  async commit<T>(dirty: Dirty, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    const result = await transact(this.db, (trx) => this.#numbered(trx, work));
    this.#listener(dirty);
    return result;
  }

  async #numbered<T>(trx: Transaction<Tables>, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    const done = await work(trx);
    // Last, so that writers of several processes wait for each other as shortly as possible.
    await trx
      .updateTable('change_counter')
      .set((eb) => ({ version: eb('version', '+', 1) }))
      .execute();
    return done;
  }

  async version(): Promise<number> {
    const row = await this.db.selectFrom('change_counter').select('version').executeTakeFirstOrThrow();
    return Number(row.version);
  }
}
