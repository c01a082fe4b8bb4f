import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { DEFAULT_CAPS } from './caps.ts';
import { Starved } from './starved.ts';
import { Bench, EVENT, read } from './testing/fakes.ts';

const MILLIS = 5;

test.each([
  ['it was in time', false, 0],
  ['it had the processor', true, 4],
])('a run is not done again where %s', (_, isLate, cpuMs) => {
  expect(new Starved().again(isLate, cpuMs, MILLIS)).toBe(false);
});

test('a run that was starved is done again, but not for ever', () => {
  const starved = new Starved();
  const often = (): boolean[] => Array.from({ length: 3 }, () => starved.again(true, 1, MILLIS));
  expect(often()).toEqual([true, true, false]);
  expect(starved.again(false, 1, MILLIS)).toBe(false);
  expect(often()).toEqual([true, true, false]);
});

test('what stops the process stops none of its scripts', async () => {
  const quickMillis = 2000;
  const longerMs = 1.5 * quickMillis;
  let isStopped = false;
  const toJSON = (): object => {
    if (!isStopped) stopThisProcess(longerMs);
    isStopped = true;
    return {};
  };
  const caps = { ...DEFAULT_CAPS, quickMillis };
  const bench = new Bench({ lane: 'quick', caps, platformConfig: () => ({ toJSON }) });
  // Long enough to be stopped in it, and never done where it was.
  const script = bench.store({
    content: `
      if (event.request.method === 'GET') return 2;
      platform.config;
      let last = Date.now();
      for (let now = last, end = now + ${quickMillis / 3}; now < end; now = Date.now()) {
        while (now - last > ${quickMillis});
        last = now;
      }
      while (Date.now() - last > ${quickMillis});
      return 1;`,
  });
  // The first run of a context is given more time.
  expect(read(await bench.run(script, { ...EVENT, request: { method: 'GET' } }))).toMatchObject({ returned: 2 });
  const begin = Date.now();
  expect(read(await bench.run(script))).toMatchObject({ returned: 1 });
  expect(Date.now() - begin).toBeGreaterThan(longerMs);
  await bench.sandbox.close();
});

function stopThisProcess(milliseconds: number): void {
  const { pid } = process;
  spawn('sh', ['-c', `kill -STOP ${pid}; sleep ${milliseconds / 1000}; kill -CONT ${pid}`], { stdio: 'ignore' });
}
