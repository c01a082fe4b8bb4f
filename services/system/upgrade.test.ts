/** An installation of the first release is brought up to date, and keeps what it had. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { createConnection } from 'mysql2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserKind } from '#proto/system/v1/system_pb.ts';
import { type RunningPostgres, startPostgres } from '../../deploy/testing/postgres.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { openDatabase } from './database/open.ts';
import type { Tables } from './database/tables.ts';
import { timestamp } from './records/timestamp.ts';
import { Secrets } from './secrets.ts';
import { list, one, post } from './testing/actions.ts';
import { ADMIN, sessionOf, TestSystem } from './testing/system.ts';

const KEY = Buffer.alloc(32, 7);
const ENCRYPTION = { MILLRACE_ENCRYPTION_KEY: KEY.toString('base64') };

/** What the migration and its seeds have added is taken away again. */
async function setBack(db: Kysely<Tables>): Promise<void> {
  const tables = [
    'task_log',
    'job_work',
    'job',
    'scheduler',
    'script_type',
    'event_script',
    'user_custom',
    'system_custom',
    'email_template',
  ];
  for (const table of tables) await db.schema.dropTable(table).execute();
  for (const column of ['is_confirmed', 'code_expires_at']) {
    await db.schema.alterTable('user').dropColumn(column).execute();
  }
  await sql`delete from kysely_migration where name >= '0006-accounts-and-mail'`.execute(db);
  await db.deleteFrom('service').where('name', '=', 'email').execute();
  await db.deleteFrom('setting').where('name', '=', 'email_seeded').execute();
  const config = new Secrets(KEY).seal('{}');
  await db.updateTable('service').set({ config }).where('type', '=', 'system').execute();
  const chosen = { allow_open_registration: true, password_email_template_id: 99 };
  const sealed = new Secrets(KEY).seal(JSON.stringify(chosen));
  await db.updateTable('service').set({ config: sealed }).where('type', '=', 'user').execute();
}

function upgradeCases(databaseUrl: () => string): void {
  test('users stay who they are, and e-mails can be sent', async () => {
    const env = { MILLRACE_SYSTEM_DB: databaseUrl(), ...ENCRYPTION };
    const first = await TestSystem.start(env);
    await first.execute(post('user'), { records: [{ email: 'old@example.com', password: 'Long-enough-pw-16' }] });
    await first.stop();
    const db = await openDatabase(databaseUrl());
    await setBack(db);
    // Somebody has made a service of this id meanwhile.
    const trace = { created_date: timestamp(), last_modified_date: timestamp() };
    const other = { id: 6, name: 'other', label: 'Other', type: 'sqlite', config: new Secrets(KEY).seal('{}') };
    const flags = { is_active: 1, mutable: 1, deletable: 1, description: null };
    await db
      .insertInto('service')
      .values({ ...other, ...flags, ...trace })
      .execute();
    await db.destroy();

    for (let starts = 0; starts < 2; starts++) {
      const system = await TestSystem.start(env);
      const users = await system.json(list('user'));
      expect(users).toMatchObject([{ email: 'old@example.com', confirmed: true, expired: false }]);
      expect(sessionOf(await system.login(UserKind.USER, 'old@example.com', 'Long-enough-pw-16')).id).toBe(users[0].id);
      expect(sessionOf(await system.login(UserKind.ADMIN, ADMIN.email, ADMIN.password)).id).toBe(1);
      const services: { id: number; name: string }[] = await system.json(list('service'));
      const email = services.find(({ name }) => name === 'email');
      expect(services.map(({ name }) => name).sort()).toEqual([
        'api_docs',
        'email',
        'files',
        'logs',
        'other',
        'system',
        'user',
      ]);
      expect(email?.id).not.toBe(6);
      expect((await system.json(one('service'), { keys: [7] })).config).toMatchObject({
        allow_open_registration: true,
        open_reg_email_service_id: email?.id,
        open_reg_email_template_id: 2,
        password_email_service_id: email?.id,
        password_email_template_id: 99,
      });
      expect((await system.json(one('service'), { keys: [1] })).config).toMatchObject({
        invite_email_service_id: email?.id,
        invite_email_template_id: 1,
        password_email_template_id: 3,
      });
      expect(await system.json(list('email_template'))).toHaveLength(3);
      await system.stop();
    }
  });
}

describe('on SQLite', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-upgrade-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  upgradeCases(() => `sqlite:${join(folder, 'system.sqlite')}`);
});

/** An empty database of a MySQL or MariaDB server, where there is one; other suites use it too. */
const mysqlUrl = process.env['MILLRACE_TEST_MYSQL_URL'];
if (mysqlUrl) {
  describe('on MySQL', () => {
    const own = new URL(mysqlUrl);
    own.pathname = `/millrace_upgrade_${process.pid}`;
    const server = createConnection(mysqlUrl).promise();
    beforeAll(() => server.query(`create database ${own.pathname.slice(1)}`));
    afterAll(async () => {
      await server.query(`drop database ${own.pathname.slice(1)}`);
      await server.end();
    });
    upgradeCases(() => own.href);
  });
}

suiteWith('postgres', 'on PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());
  upgradeCases(() => postgres.url);
});
