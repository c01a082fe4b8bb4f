/** What holds for applications (system-api §5.1). */
import { randomBytes } from 'node:crypto';
import type { Row, Rules, Tools } from '../records/model.ts';
import { assertFreesNoAdmin, assertMayGive } from '../roles/rights.ts';

export const generateApiKey = (): string => randomBytes(32).toString('hex');

const STRONG_KEY = /^[A-Za-z0-9]{64,}$/;

export const APP_RULES: Rules = {
  prepare: async (values, { current, context }) => {
    if ('role_id' in values && values['role_id'] !== current?.['role_id']) {
      await assertMayGive(values['role_id'], context);
    }
    const key = values['api_key'];
    if (typeof key === 'string' && STRONG_KEY.test(key)) return;
    // A weak key is never taken over; null asks for a new one.
    if (!current || key === null) values['api_key'] = generateApiKey();
    else delete values['api_key'];
  },
  beforeDelete: async (row, context) => {
    const id = Number(row['id']);
    await assertFreesNoAdmin('app_id', id, context);
    await context.db.updateTable('user').set({ default_app_id: null }).where('default_app_id', '=', id).execute();
  },
};

/** Where the application opens: type 2 by its URL, type 3 on this server; one that is stored in a service needs its name. */
export function launchUrl(row: Row, { config }: Tools): string {
  const path = String(row['path'] ?? '').replace(/^\/+/, '');
  if (row['type'] === 2) return String(row['url'] ?? '');
  return row['type'] === 3 ? `${config.publicUrl}/${path}` : '';
}
