/** Two installations on one system database are one: accounts, sessions, services and secrets, and every change of them. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { withKey } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const SOON_MS = 1000;
const GET = 1;

suiteWith('postgres', 'a system database in PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  let here: Product;
  let there: Product;
  let roleId: number;
  let key: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    const { url, host, port, database, user: username, password } = postgres;
    const env = { MILLRACE_SYSTEM_DB: url, MILLRACE_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    here = await startProduct(env);
    there = await startProduct(env);
    const config = { host, port, database, username, password, schema: 'shop' };
    const service = { name: 'pg', label: 'pg', type: 'pgsql', is_active: true, config };
    const { id: service_id } = await here.admin.create('system/service', service);
    const access = [{ service_id, component: '*', verb_mask: GET, requestor_mask: 1 }];
    const role = { name: 'reader', is_active: true, role_service_access_by_role_id: access };
    roleId = (await here.admin.create('system/role', role)).id;
    const app = { name: 'app', is_active: true, role_id: roleId };
    key = (await here.admin.create<{ api_key: string }>('system/app?fields=*', app)).api_key;
  });
  afterAll(async () => {
    await there?.stop();
    await here?.stop();
    await postgres?.stop();
  });

  const statusThere = async (): Promise<number> =>
    (await there.anyone.as(withKey(key)).send('GET', 'pg/_table')).status;
  const untilThere = (what: string, status: number) =>
    until(what, async () => (await statusThere()) === status || undefined, SOON_MS);

  test('what is made here is served there, secrets included', () => untilThere('the service answers', 200));

  test('a role that is switched off here is off there in under a second', async () => {
    await here.admin.json('PATCH', `system/role/${roleId}`, { is_active: false });
    await untilThere('off', 403);
    await here.admin.json('PATCH', `system/role/${roleId}`, { is_active: true });
    await untilThere('on', 200);
  });

  test('a session from here is good there, and ends there when it ends here', async () => {
    const visitor = there.anyone.as(here.admin.headers);
    expect((await visitor.send('GET', 'system/role')).status).toBe(200);
    await here.admin.json('DELETE', 'system/admin/session');
    await until('ended', async () => (await visitor.send('GET', 'system/role')).status === 403, SOON_MS);
  });
});
