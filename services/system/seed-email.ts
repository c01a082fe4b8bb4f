/** The e-mail service that an installation begins with: it writes files. */
import type { Changes } from './changes.ts';
import type { Db } from './database/open.ts';
import { LOCAL_EMAIL } from './email/types.ts';
import type { JsonObject, Tools } from './records/model.ts';
import { seedOnce, seedService } from './seed-once.ts';
import { storedSettings } from './services/rules.ts';

/** Id and name are those that programs written for the original know. */
const EMAIL = {
  id: 6,
  name: 'email',
  label: 'Local Email Service',
  description: 'Email service that writes files.',
  type: LOCAL_EMAIL,
  config: {},
};

export const seedEmail = (changes: Changes, tools: Tools): Promise<void> =>
  seedOnce(changes, 'email_seeded', async (trx) => {
    const id = await seedService(EMAIL, trx, tools);
    if (id !== undefined) await pointTo(id, trx, tools);
  });

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
