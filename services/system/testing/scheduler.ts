/** Tasks: what they are made of, what they become, and what is said of how they went. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Target } from '#proto/data/v1/data_pb.ts';
import { ALL, list, one, patch, post, related, remove } from './actions.ts';
import { claim, done, failed, settle } from './job-calls.ts';
import type { Suite } from './suite.ts';

export function schedulerCases(suite: Suite): void {
  describe('tasks', () => {
    let serviceId: number;
    const make = async (record: object) =>
      (await suite.system.json(post('scheduler', { selection: ALL }), { records: [record] }))[0];
    const read = (id: number) =>
      suite.system.json(one('scheduler', { related: related('task_log_by_task_id') }), { keys: [id] });
    const change = (id: number, records: object) =>
      suite.system.json(patch('scheduler', Target.ONE, { selection: ALL }), { keys: [id], records });

    beforeAll(async () => {
      const record = { name: 'called', type: 'nodejs', is_active: true, config: { content: '' } };
      serviceId = (await suite.system.json(post('service'), { records: [record] }))[0].id;
    });
    afterAll(() => suite.system.json(remove('service', Target.ONE), { keys: [serviceId] }));

    test('what is not said is usual; a task that is not active has no next time', async () => {
      const task = await make({ name: 'usual', service_id: serviceId });
      expect(task).toMatchObject({
        ...{ name: 'usual', description: null, is_active: false, service_id: serviceId, component: null },
        ...{ verb_mask: 1, verb: 'GET', frequency: 5, cron: null, time_zone: 'UTC', payload: null },
        ...{ app_id: null, user_id: null, next_run_date: null, skipped_date: null, created_by_id: 1 },
      });
      expect((await read(task.id)).task_log_by_task_id).toBe(null);
      const active = await change(task.id, { is_active: true });
      expect(active.next_run_date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d[05]:00\.000000Z$/);
      const cron = await change(task.id, { cron: '0 9 1 1 *', time_zone: 'Asia/Tokyo' });
      expect(cron.next_run_date).toMatch(/^\d{4}-01-01T00:00:00\.000000Z$/);
      expect((await change(task.id, { description: 'same' })).next_run_date).toBe(cron.next_run_date);
      expect((await change(task.id, { is_active: false })).next_run_date).toBe(null);
      await suite.system.json(remove('scheduler', Target.ONE), { keys: [task.id] });
    });

    test.each([
      ['no name', 'name', { name: null }],
      ['no service', 'service_id', { service_id: null }],
      ['a service that is not there', 'service_id', { service_id: 999_999 }],
      ['a user who is not there', 'user_id', { user_id: 999_999 }],
      ['a cron expression of four fields', 'cron', { cron: '* * * *' }],
      ['one of seven', 'cron', { cron: '* * * * * * *' }],
      ['one that never comes', 'cron', { cron: '0 0 30 2 *' }],
      ['an hour that there is not', 'cron', { cron: '0 25 * * *' }],
      ['an unknown time zone', 'time_zone', { time_zone: 'Mars/Olympus' }],
      ['no minutes', 'frequency', { frequency: 0 }],
      ['two verbs', 'verb_mask', { verb_mask: 3 }],
      ['a verb that there is not', 'verb_mask', { verb_mask: 64 }],
      ['a way out of the service', 'component', { component: '_table/../../system/user' }],
      ['a component with a line break', 'component', { component: 'a\nb' }],
      ['a payload that is no JSON', 'payload', { payload: '{a:1}' }],
    ])('%s is refused', async (_why, field, wrong) => {
      await expect(make({ name: 'refused', service_id: serviceId, ...wrong })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: [expect.any(String)] } } }] },
      });
    });

    test('the name is taken once; what went wrong is nobody else to write', async () => {
      const task = await make({ name: 'once', service_id: serviceId, task_log_by_task_id: { status_code: 1 } });
      expect((await read(task.id)).task_log_by_task_id).toBe(null);
      await expect(make({ name: 'Once', service_id: serviceId })).rejects.toThrow();
      await suite.system.json(remove('scheduler', Target.ONE), { keys: [task.id] });
    });

    test('who may not do everything makes no tasks: they act as somebody else', async () => {
      const roleId = await suite.makeRole('task writer');
      const caller = { userId: 2, roleId };
      const records = [{ name: 'as admin', service_id: serviceId, user_id: 1 }];
      await expect(suite.system.json(post('scheduler'), { records, caller })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'denied' } }] },
      });
    });

    test('become jobs at their times, one at a time; a failure stays with them until all is well', async () => {
      const task = await make({
        ...{ name: 'every second', service_id: serviceId, cron: '* * * * * *', is_active: true, user_id: 1 },
        ...{ component: '/_table/x?limit=1', verb_mask: 2, payload: '{"n": 12345678901234567890}' },
      });
      const [job] = await claim(suite.system);
      expect(job).toMatchObject({ kind: 'schedule', name: 'every second', userId: 1, appId: 0, attempt: 1 });
      expect(Buffer.from(job!.work).toString()).toBe(
        '{"service":"called","component":"_table/x?limit=1","verb":"POST","payload":{"n": 12345678901234567890}}',
      );
      await expect.poll(async () => (await read(task.id)).skipped_date, { timeout: 10_000 }).not.toBe(null);
      expect(await claim(suite.system, 0)).toEqual([]);
      await settle(suite.system, job!.id, failed('It broke.', true, 503));
      expect((await read(task.id)).task_log_by_task_id).toMatchObject({
        ...{ task_id: task.id, status_code: 503, content: 'It broke.', created_date: expect.any(String) },
      });
      const [next] = await claim(suite.system);
      expect(next?.id).not.toBe(job!.id);
      await change(task.id, { is_active: false });
      await settle(suite.system, next!.id, done(200));
      expect((await read(task.id)).task_log_by_task_id).toBe(null);
      await suite.system.json(remove('scheduler', Target.ONE), { keys: [task.id] });
      const left = await suite.system.json(list('job'));
      expect(left.some(({ id }: { id: number }) => id === job!.id)).toBe(true);
    });

    test('go with whomever they act as, and never act as somebody else', async () => {
      const user = { name: 'Leaving', email: 'leaving@example.com' };
      const userId = (await suite.system.json(post('user'), { records: [user] }))[0].id;
      const appId = (await suite.system.json(post('app'), { records: [{ name: 'leaving' }] }))[0].id;
      const ofUser = await make({ name: 'of a user', service_id: serviceId, user_id: userId });
      const ofApp = await make({ name: 'of an app', service_id: serviceId, app_id: appId, user_id: 1 });
      await suite.system.json(remove('user', Target.ONE), { keys: [userId] });
      await suite.system.json(remove('app', Target.ONE), { keys: [appId] });
      await expect(read(ofUser.id)).rejects.toMatchObject({ code: 'not_found' });
      await expect(read(ofApp.id)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('go with their service', async () => {
      const record = { name: 'going', type: 'nodejs', is_active: true, config: { content: '' } };
      const id = (await suite.system.json(post('service'), { records: [record] }))[0].id;
      const task = await make({ name: 'going too', service_id: id });
      await suite.system.json(remove('service', Target.ONE), { keys: [id] });
      await expect(read(task.id)).rejects.toMatchObject({ code: 'not_found' });
    });
  });
}
