/** Two installations on one system database: what happens to an account at one of them counts at the other. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { login, withToken } from './client.ts';
import { codeTo } from './mailbox.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const PASSWORD = 'Long-enough-pw-16';
const OTHER = 'Other-long-pw-1616';
const SOON_MS = 1000;

suiteWith('postgres', 'accounts in a system database in PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  let here: Product;
  let there: Product;
  beforeAll(async () => {
    postgres = await startPostgres();
    const env = { MILLRACE_SYSTEM_DB: postgres.url, MILLRACE_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    [here, there] = await Promise.all([startProduct(env), startProduct(env)]);
  });
  afterAll(async () => {
    await there?.stop();
    await here?.stop();
    await postgres?.stop();
  });

  test('of two first starts at once, one seeds', async () => {
    const services = await here.admin.json<{ resource: { name: string }[] }>('GET', 'system/service?fields=name');
    expect(services.resource).toEqual(
      ['system', 'api_docs', 'files', 'logs', 'email', 'user'].map((name) => ({ name })),
    );
    const templates = await there.admin.json<{ resource: unknown[] }>('GET', 'system/email_template?fields=id');
    expect(templates.resource).toHaveLength(3);
  });

  test('a password that is changed here ends the session there', async () => {
    const account = { email: 'both@example.com', password: PASSWORD };
    await here.admin.create('system/user', account);
    const visitor = there.anyone.as(withToken(await login(there.anyone, account, 'user/session')));
    await until('signed in there', async () => (await visitor.send('GET', 'user/profile')).status === 200);
    const owner = here.anyone.as(withToken(await login(here.anyone, account, 'user/session')));
    await owner.json('POST', 'user/password', { old_password: PASSWORD, new_password: OTHER });
    await until('dead there', async () => (await visitor.send('GET', 'user/profile')).status === 403, SOON_MS);
    await login(there.anyone, { ...account, password: OTHER }, 'user/session');
  });

  test('a code that was sent here is taken there, once', async () => {
    const account = { email: 'code@example.com', password: PASSWORD };
    await here.admin.create('system/user', account);
    await here.anyone.json('POST', 'user/password?reset=true', { email: account.email });
    const sent = { email: account.email, code: await codeTo(here.folder, account.email), new_password: OTHER };
    expect(await there.anyone.json('POST', 'user/password', sent)).toEqual({ success: true });
    expect((await here.anyone.send('POST', 'user/password', sent)).status).toBe(400);
    await login(here.anyone, { email: account.email, password: OTHER }, 'user/session');
  });

  test('who registers here signs in there', async () => {
    const config = { allow_open_registration: true, open_reg_email_service_id: null };
    await there.admin.json('PATCH', 'system/service/7', { config });
    const account = { email: 'fresh@example.com', password: PASSWORD };
    await here.anyone.json('POST', 'user/register', account);
    await login(there.anyone, account, 'user/session');
  });
});
