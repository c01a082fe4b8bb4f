import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Lane } from '#proto/script/v1/script_pb.ts';
import { DEFAULT_CAPS } from './caps.ts';
import { Starved } from './starved.ts';
import { Bench, read } from './testing/fakes.ts';

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

describe('where the process has had no processor time', () => {
  beforeEach(() => void vi.spyOn(process, 'cpuUsage').mockReturnValue({ user: 0, system: 0 }));
  afterEach(() => void vi.restoreAllMocks());

  test.each([
    ['a run whose time was over is done again', 1, { returned: 1 }, 2],
    ['one that always takes too long is done elsewhere', 100, { elsewhere: Lane.PATIENT }, 3],
  ])('%s', async (_, slow, outcome, runs) => {
    let begun = 0;
    const toJSON = (): object => ({ isSlow: begun++ < slow });
    const caps = { ...DEFAULT_CAPS, quickMillis: 50 };
    const bench = new Bench({ lane: 'quick', caps, platformConfig: () => ({ toJSON }) });
    const script = bench.store({ content: 'if (platform.config.isSlow) for (;;); return 1;' });
    expect(read(await bench.run(script))).toMatchObject(outcome);
    expect(begun).toBe(runs);
    await bench.sandbox.close();
  });
});
