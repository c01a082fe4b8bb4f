/** Jobs over the port: given out and settled, looked at and tried again as records. */
import { describe, expect, test } from 'vitest';
import { JOB_LOG_BYTES_MAX, JOB_RESULT_BYTES_MAX, JOB_WORK_BYTES_MAX } from '#common/bounds.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import { ALL, list, one, patch, post, remove } from './actions.ts';
import { claim, done, enqueue, failed, settle } from './job-calls.ts';
import type { Suite } from './suite.ts';

export function jobCases(suite: Suite): void {
  describe('jobs', () => {
    const read = (id: number) => suite.system.json(one('job'), { keys: [id] });
    const change = (id: number, records: object) =>
      suite.system.json(patch('job', Target.ONE, { selection: ALL }), { keys: [id], records });

    test('are seen from their beginning to their end, without what they work on', async () => {
      const work = Buffer.from('the secret of whoever asked');
      const id = await enqueue(suite.system, { name: 'db._table.x.post.queued', work, userId: 1, appId: 2 });
      expect(await read(id)).toEqual({
        ...{ id, kind: 'event', name: 'db._table.x.post.queued', state: 'waiting', attempts: 0, attempts_max: 5 },
        ...{ next_attempt_date: expect.stringMatching(/^\d{4}-.*Z$/), last_error: null, logs: null, status_code: null },
        ...{ result: null, user_id: 1, app_id: 2, created_date: expect.any(String) },
        ...{ started_date: null, finished_date: null },
      });
      const [job] = await claim(suite.system);
      expect(job).toMatchObject({ id, kind: 'event', attempt: 1, userId: 1, appId: 2, roleId: 0 });
      expect(Buffer.from(job!.work)).toEqual(work);
      expect(await settle(suite.system, id, done(200, { n: 1 }), 'all is well')).toBe(true);
      expect(await read(id)).toMatchObject({
        ...{ state: 'done', attempts: 1, next_attempt_date: null, status_code: 200, result: { n: 1 } },
        ...{ logs: 'all is well', finished_date: expect.any(String) },
      });
      expect(JSON.stringify(await suite.system.json(list('job')))).not.toContain('secret');
    });

    test('what is too much of a result or a log is not kept', async () => {
      const id = await enqueue(suite.system);
      await claim(suite.system);
      const logs = `${'x'.repeat(JOB_LOG_BYTES_MAX)}the end`;
      await settle(suite.system, id, done(200, 'x'.repeat(JOB_RESULT_BYTES_MAX)), logs);
      const job = await read(id);
      expect([job.state, job.result, job.logs.length]).toEqual(['done', null, JOB_LOG_BYTES_MAX]);
      expect(job.logs.endsWith('the end')).toBe(true);
    });

    test.each([
      ['an unknown kind', { kind: 'other' }],
      ['no name', { name: '' }],
      ['more to work on than fits', { work: Buffer.alloc(JOB_WORK_BYTES_MAX + 1) }],
    ])('%s is refused', async (_why, more) => {
      await expect(enqueue(suite.system, more)).rejects.toThrow();
    });

    test('as much as fits is kept', async () => {
      const work = Buffer.alloc(JOB_WORK_BYTES_MAX, 0xfe);
      const id = await enqueue(suite.system, { work });
      const [job] = await claim(suite.system);
      expect(Buffer.from(job!.work).equals(work)).toBe(true);
      await settle(suite.system, id, done(200));
    });

    test('a dead one is tried again from the beginning, and nothing else of it changes', async () => {
      const id = await enqueue(suite.system, { attemptsMax: 1, work: Buffer.from('w') });
      await claim(suite.system);
      await expect(change(id, { state: 'waiting' })).rejects.toMatchObject({ code: 'invalid' });
      await settle(suite.system, id, failed('It broke.'));
      expect(await read(id)).toMatchObject({ state: 'dead', last_error: 'It broke.' });
      await expect(change(id, { state: 'done' })).rejects.toMatchObject({
        code: 'invalid',
        context: { state: ['waiting'] },
      });
      const changed = { state: 'waiting', name: 'other', attempts_max: 99, user_id: 1 };
      expect(await change(id, changed)).toMatchObject({
        ...{ state: 'waiting', name: 'tested', attempts: 0, attempts_max: 1, user_id: null, finished_date: null },
      });
      const [again] = await claim(suite.system);
      expect(again).toMatchObject({ id, attempt: 1 });
      expect(Buffer.from(again!.work).toString()).toBe('w');
      await settle(suite.system, id, done(200));
      await expect(change(id, { state: 'waiting' })).rejects.toMatchObject({ code: 'invalid' });
    });

    test('are removed, and whoever was at one has no say', async () => {
      const id = await enqueue(suite.system);
      await claim(suite.system);
      await suite.system.json(remove('job', Target.ONE), { keys: [id] });
      expect(await settle(suite.system, id, done(200))).toBe(false);
      await expect(read(id)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('are not made as records', async () => {
      await expect(suite.system.json(post('job'), { records: [{ kind: 'event' }] })).rejects.toMatchObject({
        code: 'unsupported',
      });
    });

    test('whoever hangs up while he waits takes none along', async () => {
      await expect(suite.system.jobs.call('claim', WAITING, 100)).rejects.toMatchObject({ code: 'deadline' });
      const id = await enqueue(suite.system);
      expect(await claim(suite.system)).toMatchObject([{ id, attempt: 1 }]);
      await settle(suite.system, id, done(200));
    });
  });
}

const WAITING = {
  $typeName: 'millrace.system.v1.ClaimJobsRequest' as const,
  ...{ max: 1, leaseMs: 30_000, waitMs: 10_000, holder: 'gone' },
};
