/** What an installation begins with, also one from before there was such a thing: made once, and never again. */
import { besideOthers } from './beside-others.ts';
import { type Changes, dirtyKinds } from './changes.ts';
import { type Db, followGivenIds } from './database/open.ts';
import type { JsonObject, Tools } from './records/model.ts';
import { timestamp } from './records/timestamp.ts';

/**
 * Once only, so what an administrator has deleted or changed stays so.
 * @param mark  of the setting that says that it was done
 */
export async function seedOnce(changes: Changes, mark: string, work: (trx: Db) => Promise<void>): Promise<void> {
  await besideOthers(async () => {
    if (await isDone(changes.db, mark)) return;
    await changes.commit(dirtyKinds('services'), async (trx) => {
      await trx.insertInto('setting').values({ name: mark, value: '1' }).execute();
      await work(trx);
    });
  });
}

export interface SeededService {
  /** Given where it is free. */
  readonly id: number;
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: string;
  readonly config: JsonObject;
}

/** @returns its id; undefined: there is one of this name already, which stays as it is */
export async function seedService(service: SeededService, db: Db, tools: Tools): Promise<number | undefined> {
  const { id, name, label, description, type, config } = service;
  if (await idOf(name, db)) return undefined;
  const now = timestamp();
  const taken = await db.selectFrom('service').select('id').where('id', '=', id).executeTakeFirst();
  await db
    .insertInto('service')
    .values({
      ...(taken ? {} : { id }),
      ...{ name, label, description, type, is_active: 1, mutable: 1, deletable: 1 },
      config: tools.secrets.seal(JSON.stringify(config)),
      ...{ created_date: now, last_modified_date: now, created_by_id: null, last_modified_by_id: null },
    })
    .execute();
  await followGivenIds(db, tools.engine, 'service');
  return idOf(name, db);
}

async function idOf(name: string, db: Db): Promise<number | undefined> {
  return (await db.selectFrom('service').select('id').where('name', '=', name).executeTakeFirst())?.id;
}

async function isDone(db: Db, mark: string): Promise<boolean> {
  return (await db.selectFrom('setting').select('name').where('name', '=', mark).executeTakeFirst()) !== undefined;
}
