/** What holds for applications (system-api §5.1). */
import { randomBytes } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { AppTable } from '../database/tables.ts';
import type { Row, Rules, Tools } from '../records/model.ts';
import { assertFreesNoAdmin, assertMayGive } from '../roles/rights.ts';

/** Where its launch URL finds the name of the service that it is stored in. */
export const STORAGE_SERVICE_NAME = 'storage_service_name';
export const storageServiceName = sql<
  string | null
>`(select service.name from service where service.id = app.storage_service_id)`;

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

/** Where it opens: type 1 among the public files of its service, type 2 by its URL, type 3 on this server. */
export function launchUrl(row: Row, { config }: Tools): string {
  const path = trimmed(row['path']);
  switch (row['type']) {
    case 1: {
      const service = row[STORAGE_SERVICE_NAME];
      if (typeof service !== 'string') return '';
      const container = trimmed(row['storage_container']).replace(/\/+$/, '');
      return `${config.publicUrl}/${[service, ...(container ? [container] : []), path].join('/')}`;
    }
    case 2:
      return String(row['url'] ?? '');
    case 3:
      return `${config.publicUrl}/${path}`;
    default:
      return '';
  }
}

/** Of type 1: where its files are. */
export function storedAt({ type, storage_service_id, storage_container, path }: Selectable<AppTable>): object {
  if (type !== 1 || storage_service_id === null) return {};
  return { storageServiceId: storage_service_id, storageContainer: storage_container ?? '', path: path ?? '' };
}

const trimmed = (path: unknown): string => String(path ?? '').replace(/^\/+/, '');
