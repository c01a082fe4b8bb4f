/** What holds for jobs, whichever way it is told that they are due. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { JOB_OVERDUE_MS, JOB_POLL_MS, JOBS_DEAD_MAX } from '#common/bounds.ts';
import { timestamp } from '../../records/timestamp.ts';
import { DONE, type Place, Service, ServiceProcess } from './bench.ts';

const failed = (isFinal = false, message = 'It broke.') => ({
  case: 'failed' as const,
  value: { message, isFinal, statusCode: 503 },
});

/** @param place  asked once the suite begins */
export function queueCases(place: () => Place): void {
  let here: Service;
  let there: Service;
  const processes: ServiceProcess[] = [];
  const begin = (what: 'enqueue' | 'claim'): ServiceProcess => {
    const one = new ServiceProcess(place(), what);
    processes.push(one);
    return one;
  };

  beforeAll(async () => {
    here = await Service.start(place());
    there = await Service.start(place());
    await here.link?.ready();
    await there.link?.ready();
  });
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.kill();
    // Nothing is left for the next case.
    await here.db.deleteFrom('job').execute();
  });
  afterAll(async () => {
    await here?.stop();
    await there?.stop();
  });

  test('a job is given out as it was stored, once', async () => {
    const work = Buffer.from([0, 255, 10, 39]);
    const id = await here.enqueue({ kind: 'service', name: 'é', work, userId: 3, appId: 4, roleId: 5 });
    const [job] = await here.claim();
    expect(job).toMatchObject({ id, kind: 'service', name: 'é', attempts: 1, user_id: 3, app_id: 4, role_id: 5 });
    expect(Buffer.from(job!.work)).toEqual(work);
    expect(await here.row(id)).toMatchObject({ state: 'running', started_date: expect.any(String) });
    expect(await there.claim({ waitMs: 100 })).toEqual([]);
    expect(await here.settle(id, DONE, { attempt: 1 })).toBe(true);
    expect(await here.row(id)).toMatchObject({ state: 'done', status_code: 200, next_attempt_date: null });
    expect(await here.settle(id, DONE)).toBe(false);
  });

  test('where there is none, a claim waits for so long', async () => {
    const begun = Date.now();
    expect(await here.claim({ waitMs: 200 })).toEqual([]);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(190);
    expect(await here.claim({ waitMs: 0 })).toEqual([]);
  });

  test('a claim that waits is answered when one is stored, and the first one first', async () => {
    const claims = [here.claim(), here.claim({ waitMs: 300 })];
    const begun = Date.now();
    const id = await here.enqueue();
    const answers = await Promise.race(claims);
    expect(Date.now() - begun).toBeLessThan(JOB_POLL_MS / 2);
    expect(answers.map((job) => job.id)).toEqual([id]);
    expect((await Promise.all(claims)).flat()).toHaveLength(1);
  });

  test('a job that another process has stored comes too', async () => {
    const claim = there.claim();
    const id = await here.enqueue();
    expect((await claim).map((job) => job.id)).toEqual([id]);
  });

  test('several at once, the oldest first', async () => {
    const ids: number[] = [];
    for (let count = 0; count < 5; count++) ids.push(await here.enqueue());
    const jobs = [...(await here.claim({ max: 4 }))];
    while (jobs.length < 4) jobs.push(...(await here.claim({ max: 4 - jobs.length })));
    expect(jobs.map(({ id }) => id)).toEqual(ids.slice(0, 4));
  });

  test('not before its time, and then at once', async () => {
    const begun = Date.now();
    const id = await here.enqueue({ delayMs: 700 });
    const claim = await here.claim();
    expect(claim.map((job) => job.id)).toEqual([id]);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(700);
    expect(Date.now() - begun).toBeLessThan(700 + JOB_POLL_MS / 2);
  });

  test('two processes at the same time: none is given out twice', async () => {
    const ids = new Set(await Promise.all(Array.from({ length: 60 }, () => here.enqueue())));
    const got: number[] = [];
    const worker = async (service: Service): Promise<void> => {
      for (;;) {
        const jobs = await service.claim({ max: 3, waitMs: 500 });
        if (jobs.length === 0) return;
        got.push(...jobs.map(({ id }) => id));
        for (const { id } of jobs) expect(await service.settle(id, DONE)).toBe(true);
      }
    };
    await Promise.all([here, there, here, there].map(worker));
    expect(got.toSorted((a, b) => a - b)).toEqual([...ids].toSorted((a, b) => a - b));
  });

  test('what fails is tried again later, with the next number, until it is dead', async () => {
    const id = await here.enqueue({ attemptsMax: 2 });
    await here.claim();
    expect(await here.settle(id, failed(), { logs: Buffer.from('first\0') })).toBe(true);
    const waiting = await here.row(id);
    expect(waiting).toMatchObject({ state: 'failed', last_error: 'It broke.', status_code: 503, logs: 'first\uFFFD' });
    const [again] = await here.claim();
    expect(again).toMatchObject({ id, attempts: 2 });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(waiting!.next_attempt_date!));
    await here.settle(id, failed());
    expect(await here.row(id)).toMatchObject({ state: 'dead', attempts: 2, next_attempt_date: null });
    expect(await here.claim({ waitMs: 300 })).toEqual([]);
  });

  test('what must fail again is dead at once', async () => {
    const id = await here.enqueue();
    await here.claim();
    await here.settle(id, failed(true));
    expect(await here.row(id)).toMatchObject({ state: 'dead', attempts: 1, finished_date: expect.any(String) });
  });

  test('a lease that ends gives the job to the next, and whoever had it has no say', async () => {
    const id = await here.enqueue();
    const [first] = await here.claim({ leaseMs: 150, holder: 'lost' });
    const [second] = await there.claim();
    expect([first?.id, second?.id]).toEqual([id, id]);
    expect(second).toMatchObject({ attempts: 2, last_error: 'The worker was lost.', holder: 'router' });
    expect(await here.settle(id, DONE, { holder: 'lost' })).toBe(false);
    expect(await here.settle(id, DONE, { attempt: 1 })).toBe(false);
    expect(await here.settle(id, DONE, { attempt: 2 })).toBe(true);
  });

  test('a job that loses all of its workers is dead', async () => {
    const id = await here.enqueue({ attemptsMax: 1 });
    await here.claim({ leaseMs: 50 });
    await expect.poll(async () => (await here.row(id))?.state).toBe('dead');
    expect(await here.row(id)).toMatchObject({ last_error: 'The worker was lost.' });
  });

  test('whoever is still at it keeps it', async () => {
    const id = await here.enqueue();
    await here.claim({ leaseMs: 400 });
    const working = { case: 'working' as const, value: { leaseMs: 2_000 } };
    expect(await here.settle(id, working, { logs: Buffer.from('half') })).toBe(true);
    expect(await there.claim({ waitMs: 900 })).toEqual([]);
    expect(await here.row(id)).toMatchObject({ state: 'running', logs: 'half' });
    expect(await here.settle(id, DONE)).toBe(true);
  });

  test('it can be settled in another process than the one that gave it out', async () => {
    const id = await here.enqueue({ attemptsMax: 2 });
    await here.claim();
    expect(await there.settle(id, failed())).toBe(true);
    const [again] = await here.claim();
    expect(again).toMatchObject({ id, attempts: 2 });
    expect(await there.settle(id, DONE)).toBe(true);
    expect(await here.claim({ waitMs: 300 })).toEqual([]);
  });

  test('who stops to wait takes nothing along', async () => {
    const gone = new AbortController();
    const claims = Array.from({ length: 3 }, () => here.claim({ signal: gone.signal }));
    const stays = here.claim();
    gone.abort();
    expect((await Promise.all(claims)).flat()).toEqual([]);
    const id = await here.enqueue();
    expect(await stays).toMatchObject([{ id, attempts: 1 }]);
  });

  test('a job for somebody who is gone when it comes is given back', async () => {
    const id = await here.enqueue();
    const jobs = await here.claim();
    here.queue.released(await here.store.giveBack(jobs));
    expect(await there.claim()).toMatchObject([{ id, attempts: 1 }]);
  });

  test('a job that was removed is not given out', async () => {
    const id = await here.enqueue({ delayMs: 200 });
    await here.db.deleteFrom('job').where('id', '=', id).execute();
    expect(await here.claim({ waitMs: 500 })).toEqual([]);
  });

  test('one that was set to wait again by hand is found', async () => {
    const id = await here.enqueue();
    await here.claim();
    await here.settle(id, failed(true));
    const values = { state: 'waiting', attempts: 0, next_attempt_date: '2026-01-01T00:00:00.000000Z' };
    await here.db.updateTable('job').set(values).where('id', '=', id).execute();
    expect(await here.claim()).toMatchObject([{ id, attempts: 1 }]);
  });

  test('so is one that was put off for longer', async () => {
    const id = await here.enqueue();
    // The fourth pause is four seconds at least.
    await here.db.updateTable('job').set({ attempts: 3 }).where('id', '=', id).execute();
    await here.claim();
    await here.settle(id, failed());
    const next_attempt_date = timestamp(new Date(Date.now() - JOB_OVERDUE_MS));
    const values = { state: 'waiting', attempts: 0, next_attempt_date };
    const begun = Date.now();
    await there.db.updateTable('job').set(values).where('id', '=', id).execute();
    expect(await here.claim()).toMatchObject([{ id, attempts: 1 }]);
    expect(Date.now() - begun).toBeLessThan(JOB_OVERDUE_MS);
    expect(await here.settle(id, DONE)).toBe(true);
    expect(await here.claim({ waitMs: 200 })).toEqual([]);
  });

  test.each(['done', 'dead'] as const)('what is %s can be looked at for a while', async (state) => {
    const keep = { doneMs: 60_000, deadMs: 60_000, [`${state}Ms`]: 1_000 };
    const ended = async (agoMs: number): Promise<number> => {
      const id = await here.enqueue();
      await here.claim();
      await here.settle(id, state === 'done' ? DONE : failed(true));
      const finished_date = timestamp(new Date(Date.now() - agoMs));
      await here.db.updateTable('job').set({ finished_date }).where('id', '=', id).execute();
      return id;
    };
    const [old, young] = [await ended(2_000), await ended(0)];
    const open = await here.enqueue({ delayMs: 60_000 });
    await here.store.forget({ doneMs: 60_000, deadMs: 60_000 });
    expect((await here.row(old))?.state).toBe(state);
    await here.store.forget(keep);
    const left = await here.db.selectFrom('job').select('id').orderBy('id').execute();
    expect(left.map(({ id }) => id)).toEqual([young, open]);
    const work = await here.db.selectFrom('job_work').select('job_id').orderBy('job_id').execute();
    expect(work.map(({ job_id }) => job_id)).toEqual(state === 'done' ? [open] : [young, open]);
  });

  test('of too many that are dead the oldest are forgotten', async () => {
    const rows = Array.from({ length: JOBS_DEAD_MAX + 2 }, (_, index) => {
      const finished_date = timestamp(new Date(Date.now() - index * 10));
      const dates = { created_date: finished_date, finished_date };
      return { kind: 'event', name: `n${index}`, state: 'dead', attempts: 5, attempts_max: 5, ...dates };
    });
    for (let at = 0; at < rows.length; at += 500) {
      await here.db
        .insertInto('job')
        .values(rows.slice(at, at + 500))
        .execute();
    }
    await here.store.forget({ doneMs: 3_600_000, deadMs: 3_600_000 });
    const left = await here.db.selectFrom('job').select('name').execute();
    const names = new Set(left.map(({ name }) => name));
    expect([names.size, names.has('n0'), names.has(`n${JOBS_DEAD_MAX + 1}`)]).toEqual([JOBS_DEAD_MAX, true, false]);
  });

  test('a process that is killed with a job loses it to another', async () => {
    const victim = begin('claim');
    const told = victim.told();
    const id = await here.enqueue();
    expect(await told).toBe(id);
    await victim.kill();
    expect(await here.claim()).toMatchObject([{ id, attempts: 2, last_error: 'The worker was lost.' }]);
  });

  test('a process that is killed while it stores jobs has stored all that it has answered', async () => {
    const victim = begin('enqueue');
    const stored: number[] = [];
    victim.listen((id) => stored.push(id));
    await expect.poll(() => stored.length, { timeout: 20_000 }).toBeGreaterThan(20);
    await victim.kill();
    const got = new Set<number>();
    while (!stored.every((id) => got.has(id))) {
      const jobs = await there.claim({ max: 12 });
      expect(jobs).not.toEqual([]);
      for (const { id } of jobs) got.add(id);
    }
  });
}
