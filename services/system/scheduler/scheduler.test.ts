/** Several processes, and times that passed while none was there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../../../deploy/testing/postgres.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { engineOf, openDatabase } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { DatabaseQueue } from '../jobs/database-queue.ts';
import { JobStore } from '../jobs/store.ts';
import { timestamp } from '../records/timestamp.ts';
import { Scheduler } from './scheduler.ts';

const SILENT = pino({ level: 'silent' });
const HOURS_AGO = timestamp(new Date(Date.now() - 5 * 3_600_000));
const TRACE = { created_date: HOURS_AGO, last_modified_date: HOURS_AGO };

/** @param together  at the same time: where waiting for a lock does not block those who have it */
function cases(databaseUrl: () => string, together = true): void {
  const databases: Kysely<Tables>[] = [];
  let schedulers: Scheduler[];
  let db: Kysely<Tables>;
  beforeAll(async () => {
    for (let count = 0; count < 3; count++) databases.push(await openDatabase(databaseUrl()));
    db = databases[0]!;
    schedulers = databases.map((each) => {
      const store = new JobStore(each, engineOf(databaseUrl()));
      return new Scheduler(each, store, new DatabaseQueue(store, SILENT), SILENT);
    });
    const service = { name: 's', label: 's', type: 't', is_active: 1, mutable: 1, deletable: 1, config: '' };
    await db
      .insertInto('service')
      .values({ id: 1, description: null, ...service, ...TRACE })
      .execute();
    const tasks = Array.from({ length: 10 }, (_, at) => ({
      ...{ id: at + 1, name: `task ${at}`, is_active: 1, service_id: 1, verb_mask: 1, frequency: 5, time_zone: 'UTC' },
      ...{ cron: '*/5 * * * *', component: null, next_run_date: HOURS_AGO, ...TRACE },
    }));
    await db.insertInto('scheduler').values(tasks).execute();
  });
  afterAll(async () => {
    for (const each of databases) await each.destroy();
  });

  const tick = async (): Promise<void> => {
    if (together) await Promise.all(schedulers.map((scheduler) => scheduler.tick()));
    else for (const scheduler of schedulers) await scheduler.tick();
  };
  const jobs = () => db.selectFrom('job').select(['id', 'task_id', 'state']).execute();
  const tasks = () => db.selectFrom('scheduler').select(['next_run_date', 'skipped_date']).execute();
  const setDue = () => db.updateTable('scheduler').set({ next_run_date: HOURS_AGO, skipped_date: null }).execute();

  test('one job for each task, however many processes look and however many times were missed', async () => {
    await tick();
    const made = await jobs();
    expect(made.map(({ task_id }) => task_id).toSorted((a, b) => a! - b!)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const { next_run_date, skipped_date } of await tasks()) {
      expect(Date.parse(next_run_date!)).toBeGreaterThan(Date.now() - 60_000);
      expect(skipped_date).toBe(null);
    }
    for (const scheduler of schedulers) await scheduler.tick();
    expect(await jobs()).toHaveLength(10);
  });

  test('a task that cannot be run holds up none of the others', async () => {
    await db.deleteFrom('job').execute();
    await setDue();
    const first = { next_run_date: '2000-01-01T00:00:00.000000Z', time_zone: 'Gone/Away' };
    await db.updateTable('scheduler').set(first).where('id', '=', 1).execute();
    await tick();
    expect(await jobs()).toHaveLength(9);
    await db.updateTable('scheduler').set({ time_zone: 'UTC' }).execute();
    await tick();
    expect(await jobs()).toHaveLength(10);
  });

  test.each([
    ['waits', 'waiting', false],
    ['runs', 'running', false],
    ['will be tried again', 'failed', false],
    ['is done', 'done', true],
    ['is dead', 'dead', true],
  ])('where the last run %s', async (_why, state, isMade) => {
    const [last] = (await jobs())
      .map(({ id }) => id)
      .toSorted((a, b) => a - b)
      .slice(9);
    await db.deleteFrom('job').where('id', '>', last!).execute();
    await db.updateTable('job').set({ state }).execute();
    await setDue();
    await tick();
    const before = (await jobs()).filter((job) => job.state === state);
    expect((await jobs()).length - before.length).toBe(isMade ? 10 : 0);
    for (const { skipped_date } of await tasks()) expect(skipped_date).toBe(isMade ? null : HOURS_AGO);
  });
}

describe('tasks in SQLite', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-tasks-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  cases(() => `sqlite:${join(folder, 'system.sqlite')}`, false);
});

suiteWith('postgres', 'tasks in PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());
  cases(() => postgres.url);
});

suiteWith('mariadb', 'tasks in MariaDB', () => {
  let mariadb: RunningMariadb;
  beforeAll(async () => {
    mariadb = await startMariadb();
  });
  afterAll(() => mariadb?.stop());
  cases(() => mariadb.url);
});
