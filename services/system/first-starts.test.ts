/** Several processes that make the first start of one installation at the same moment. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Selection_Kind, Target } from '#proto/data/v1/data_pb.ts';
import { type RunningPostgres, startPostgres } from '../../deploy/testing/postgres.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { type Action, TestSystem } from './testing/system.ts';

/** Enough that some of them lose more than one of the races. */
const STARTS = 8;

const read = (table: string, field = 'name'): Action => ({
  case: 'read',
  value: { table, target: Target.FILTER, selection: { kind: Selection_Kind.LISTED, names: [field] } },
});

suiteWith('postgres', 'first starts on one PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());

  test('all of them start, and what they begin with is there once', async () => {
    const env = {
      MILLRACE_SYSTEM_DB: postgres!.url,
      MILLRACE_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      MILLRACE_ADMIN_PASSWORD: '',
    };
    const starts = await Promise.allSettled(Array.from({ length: STARTS }, () => TestSystem.start(env)));
    const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    try {
      expect(starts.filter((start) => start.status === 'rejected')).toEqual([]);
      expect(started.filter(({ service }) => service.firstAdmin !== undefined)).toHaveLength(1);
      for (const system of started) {
        const names = (await system.json(read('service'))).map(({ name }: { name: string }) => name);
        expect(names.sort()).toEqual(['api_docs', 'email', 'files', 'logs', 'system', 'user']);
        expect(await system.json(read('admin'))).toHaveLength(1);
        expect(await system.json(read('cors', 'path'))).toHaveLength(1);
      }
    } finally {
      await Promise.all(started.map((system) => system.stop()));
    }
  });
});
