import { expect, test } from 'vitest';
import { backOffMs } from './back-off.ts';

test.each([
  { attempts: 1, least: 500, most: 1_000 },
  { attempts: 2, least: 1_000, most: 2_000 },
  { attempts: 5, least: 8_000, most: 16_000 },
  { attempts: 10, least: 256_000, most: 512_000 },
  { attempts: 11, least: 300_000, most: 600_000 },
  { attempts: 100, least: 300_000, most: 600_000 },
])('behind attempt $attempts: from $least to $most ms', ({ attempts, least, most }) => {
  expect(backOffMs(attempts, 0)).toBe(least);
  expect(backOffMs(attempts, 1)).toBe(most);
  const pauses = Array.from({ length: 100 }, () => backOffMs(attempts));
  expect(new Set(pauses).size).toBeGreaterThan(10);
  for (const pause of pauses) expect(pause >= least && pause <= most).toBe(true);
});
