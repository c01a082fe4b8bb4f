import pino from 'pino';
import { expect, test } from 'vitest';
import { NO_OUTBOUND } from '#common/outbound/policy.ts';
import { DEFAULT_CAPS } from './sandbox/caps.ts';
import { warmUp } from './warm-up.ts';

const ALL = 60;

test.each([
  { what: 'runs in both lanes, and calls nobody', wantedAfter: Number.POSITIVE_INFINITY, expected: ALL },
  { what: 'ends where it is wanted', wantedAfter: 25, expected: 25 },
])('$what', async ({ wantedAfter, expected }) => {
  let calls = 0;
  let asked = 0;
  const isWanted = (): boolean => ++asked > wantedAfter;
  const done = await warmUp(isWanted, {
    api: {
      call: () => {
        calls++;
        return Promise.reject(new Error('called'));
      },
    },
    ...{ caps: DEFAULT_CAPS, fetch: NO_OUTBOUND, platformConfig: () => ({}), threads: { nice: 0 } },
    log: pino({ level: 'silent' }),
  });
  expect([done, calls]).toEqual([expected, 0]);
});
