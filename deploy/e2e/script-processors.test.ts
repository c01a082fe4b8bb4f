/** Where all tiers share a machine, workers that are hard on others leave them a processor. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from './client.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';
import { type Lane, told, workersOf } from './script-workers.ts';

const WAIT_MS = 10_000;
const HELD = new URL('../../scripting-svc/sandbox/hostile/uninterruptible.script', import.meta.url);
/** Short and harmless until it has moved to the quick lane, and is called in another way. */
const SLEEPER = `Math.random();
  if (event.request.uri.indexOf('awake=1') < 0) return 1;
  ${readFileSync(HELD, 'utf8')}`;
/** More than a script needs to prove itself. */
const HARMLESS_CALLS = 30;

const allowed = (pid: number): string | undefined =>
  /^Cpus_allowed_list:\s+(.+)$/m.exec(told(String(pid), 'status'))?.[1];

describe.skipIf(process.platform !== 'linux' || availableParallelism() < 2)(
  'a worker leaves a processor to others',
  () => {
    let product: Product;
    let admin: Client;
    let all: string | undefined;
    beforeAll(async () => {
      product = await startProduct();
      admin = product.admin;
      all = allowed(product.running.pid);
      const config = { content: SLEEPER };
      await admin.create('system/service', { name: 'sleeper', label: 's', type: 'nodejs', is_active: true, config });
      await until('it is served', async () => (await admin.send('OPTIONS', 'sleeper')).status !== 404);
    });
    afterAll(() => product?.stop());

    /** Of those that have not ended meanwhile. */
    const ofLane = (lane: Lane): string[] => workersOf(product.running.pid, lane).flatMap((pid) => allowed(pid) ?? []);
    const areFree = (found: readonly string[]): boolean => found.length > 0 && found.every((one) => one === all);
    const untilFree = (lane: Lane): Promise<boolean> =>
      until('all of them may use all', async () => areFree(ofLane(lane)), WAIT_MS);
    const untilConfined = (lane: Lane): Promise<boolean> =>
      until('one of them keeps off one', async () => ofLane(lane).some((one) => one !== all), WAIT_MS);

    test('that may be kept busy, at all times, as does the one that takes its place', async () => {
      await untilFree('quick');
      await untilConfined('patient');
      const [first] = workersOf(product.running.pid, 'patient') as [number];
      process.kill(first, 'SIGKILL');
      await until('it has gone', async () => !workersOf(product.running.pid, 'patient').includes(first), WAIT_MS);
      await untilConfined('patient');
      await untilFree('quick');
    });

    test('whose thread a short script holds, until it is replaced', async () => {
      for (let call = 0; call < HARMLESS_CALLS; call++) expect((await admin.send('GET', 'sleeper')).status).toBe(200);
      const answer = admin.send('GET', 'sleeper?awake=1');
      await untilConfined('quick');
      expect((await answer).status).toBe(500);
      await untilFree('quick');
    });
  },
);
