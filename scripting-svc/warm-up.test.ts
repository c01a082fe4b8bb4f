import pino from 'pino';
import { expect, test } from 'vitest';
import { NO_OUTBOUND } from '#common/outbound/policy.ts';
import { DEFAULT_CAPS } from './sandbox/caps.ts';
import { warmUp } from './warm-up.ts';

test('runs in both lanes, and calls nobody', async () => {
  let calls = 0;
  const done = await warmUp({
    api: {
      call: () => {
        calls++;
        return Promise.reject(new Error('called'));
      },
    },
    ...{ caps: DEFAULT_CAPS, fetch: NO_OUTBOUND, platformConfig: () => ({}), threads: { nice: 0 } },
    log: pino({ level: 'silent' }),
  });
  expect([done, calls]).toEqual([60, 0]);
});
