import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningNats, startNats } from '../../../deploy/testing/nats.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { DONE, type Place, Service } from './conformance/bench.ts';
import { queueCases } from './conformance/suite.ts';

const TIMEOUT = { timeout: 20_000 };

suiteWith('nats', 'jobs over JetStream', () => {
  let folder: string;
  let nats: RunningNats;
  let places = 0;
  const place = (): Place => {
    places += 1;
    const databaseUrl = `sqlite:${join(folder, `${places}.sqlite`)}`;
    return { databaseUrl, natsUrl: nats.url, stream: `jobs_${places}` };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-jetstream-'));
    nats = await startNats();
  });
  afterAll(async () => {
    await nats?.stop();
    await rm(folder, { recursive: true });
  });

  describe('as over the database', () => {
    let one: Place;
    queueCases(() => {
      one ??= place();
      return one;
    });
  });

  describe('what only a broker has', () => {
    let where: Place;
    let service: Service;
    beforeEach(async () => {
      where = place();
      service = await Service.start(where);
      await ready();
    });
    afterEach(() => service.stop());

    const manager = () => service.link!.connection!.jetstreamManager();
    const messages = async (): Promise<number> => (await (await manager()).streams.info(where.stream)).state.messages;
    const ready = () => expect.poll(() => messages().catch(() => -1), TIMEOUT).toBeGreaterThanOrEqual(0);

    test('one message for each job that is not over, and none for what is', async () => {
      const id = await service.enqueue();
      await service.enqueue({ delayMs: 60_000 });
      await expect.poll(messages).toBe(2);
      await service.claim();
      expect(await messages()).toBe(2);
      service.queue.added([id]);
      await service.settle(id, DONE);
      await expect.poll(messages).toBe(1);
      expect(await service.claim({ waitMs: 200 })).toEqual([]);
    });

    test('a stream that was removed is made again, and what was in it is found', async () => {
      const id = await service.enqueue();
      await expect.poll(messages).toBe(1);
      await (await manager()).streams.delete(where.stream);
      expect(await service.claim({ waitMs: 20_000 })).toMatchObject([{ id, attempts: 1 }]);
    });

    test('NATS away: jobs are stored and given out all the same; NATS there again: none is lost, or left over', async () => {
      const before = await service.enqueue();
      const running = await service.enqueue();
      expect(await service.claim({ waitMs: 20_000 })).toMatchObject([{ id: before }]);
      expect(await service.claim({ waitMs: 20_000 })).toMatchObject([{ id: running }]);
      await nats.kill();
      await expect.poll(() => service.link?.connection, TIMEOUT).toBe(undefined);
      const begun = Date.now();
      const meanwhile = await service.enqueue();
      expect(Date.now() - begun).toBeLessThan(1_000);
      expect(await service.claim()).toMatchObject([{ id: meanwhile, attempts: 1 }]);
      expect(await service.claim({ waitMs: 200 })).toEqual([]);
      expect(await service.settle(running, DONE)).toBe(true);
      const later = await service.enqueue();
      await nats.restart();
      await expect.poll(() => service.link?.connection, TIMEOUT).toBeDefined();
      expect(await service.claim({ waitMs: 30_000 })).toMatchObject([{ id: later, attempts: 1 }]);
      expect(await service.settle(later, DONE)).toBe(true);
      expect(await service.settle(before, { case: 'failed', value: { message: 'x' } })).toBe(true);
      expect(await service.claim({ waitMs: 20_000 })).toMatchObject([{ id: before, attempts: 2 }]);
      expect(await service.settle(before, DONE)).toBe(true);
      expect(await service.settle(meanwhile, DONE)).toBe(true);
      expect(await service.claim({ waitMs: 500 })).toEqual([]);
    });

    test('a stream that is not to be had: the rows are enough', async () => {
      const stream = `${where.stream}_taken`;
      await (await manager()).streams.add({ name: 'others', subjects: [`${stream}.>`] });
      const apart = await Service.start({ ...place(), stream });
      const id = await apart.enqueue();
      expect(await apart.claim({ waitMs: 20_000 })).toMatchObject([{ id, attempts: 1, ticket: null }]);
      expect(await apart.settle(id, DONE)).toBe(true);
      await apart.stop();
    });

    test('jobs of before, when the database was all there was', async () => {
      const { natsUrl: _, ...alone } = where;
      const first = await Service.start(alone);
      const id = await first.enqueue();
      const [lost] = await first.enqueue().then(() => first.claim({ leaseMs: 300 }));
      await first.stop();
      const ids = [await service.claim({ waitMs: 20_000 }), await service.claim({ waitMs: 20_000 })].flat();
      expect(ids.map((job) => job.id).toSorted()).toEqual([id, id + 1]);
      expect(ids.find((job) => job.id === lost?.id)?.attempts).toBe(2);
    });
  });
});
