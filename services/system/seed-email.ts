/** The e-mail service that an installation begins with, also one from before there were any: it writes files. */
import { MillraceError } from '#common/errors.ts';
import { type Changes, dirtyKinds } from './changes.ts';
import { type Db, followGivenIds } from './database/open.ts';
import { LOCAL_EMAIL } from './email/types.ts';
import type { JsonObject, Tools } from './records/model.ts';
import { timestamp } from './records/timestamp.ts';
import { storedSettings } from './services/rules.ts';

/** Id and name that programs written for the original know. */
const EMAIL_ID = 6;
const EMAIL_NAME = 'email';
const DONE = 'email_seeded';

/** Once only, so what an administrator has deleted or changed stays so. */
export async function seedEmail(changes: Changes, tools: Tools): Promise<void> {
  if (await isDone(changes.db)) return;
  try {
    await changes.commit(dirtyKinds('services'), async (trx) => {
      await trx.insertInto('setting').values({ name: DONE, value: '1' }).execute();
      const named = await trx.selectFrom('service').select('id').where('name', '=', EMAIL_NAME).executeTakeFirst();
      if (named) return;
      await pointTo(await createService(trx, tools), trx, tools);
    });
  } catch (error) {
    // Another process is making the same first start.
    if (!(error instanceof MillraceError) || error.code !== 'invalid' || !(await isDone(changes.db))) throw error;
  }
}

async function isDone(db: Db): Promise<boolean> {
  return (await db.selectFrom('setting').select('name').where('name', '=', DONE).executeTakeFirst()) !== undefined;
}

async function createService(db: Db, tools: Tools): Promise<number> {
  const now = timestamp();
  const taken = await db.selectFrom('service').select('id').where('id', '=', EMAIL_ID).executeTakeFirst();
  await db
    .insertInto('service')
    .values({
      ...(taken ? {} : { id: EMAIL_ID }),
      name: EMAIL_NAME,
      label: 'Local Email Service',
      description: 'Email service that writes files.',
      is_active: 1,
      type: LOCAL_EMAIL,
      mutable: 1,
      deletable: 1,
      config: tools.secrets.seal('{}'),
      ...{ created_date: now, last_modified_date: now, created_by_id: null, last_modified_by_id: null },
    })
    .execute();
  await followGivenIds(db, tools.engine, 'service');
  const query = db.selectFrom('service').select('id').where('name', '=', EMAIL_NAME);
  return (await query.executeTakeFirstOrThrow()).id;
}

/** Settings that are there already stay. */
async function pointTo(serviceId: number, db: Db, tools: Tools): Promise<void> {
  const templates = await db.selectFrom('email_template').select(['id', 'name']).execute();
  const template = (name: string) => templates.find((one) => one.name === name)?.id;
  const common: JsonObject = {
    invite_email_service_id: serviceId,
    invite_email_template_id: template('User Invite Default'),
    password_email_service_id: serviceId,
    password_email_template_id: template('Password Reset Default'),
  };
  const registration = {
    open_reg_email_service_id: serviceId,
    open_reg_email_template_id: template('User Registration Default'),
  };
  const rows = await db.selectFrom('service').selectAll().where('type', 'in', ['system', 'user']).execute();
  for (const row of rows) {
    const seeded = row.type === 'user' ? { ...common, ...registration } : common;
    const config = tools.secrets.seal(JSON.stringify({ ...seeded, ...storedSettings({ ...row }, tools) }));
    await db.updateTable('service').set({ config }).where('id', '=', row.id).execute();
  }
}
