import { expect, test } from 'vitest';
import { parseTiming } from './psql.ts';

test.each([
  { why: 'a short time', output: 'Timing is on.\nCOPY 100000\nTime: 250.500 ms\n', seconds: 0.2505 },
  { why: 'a long one, told twice', output: 'COPY 1000000\nTime: 61234.5 ms (01:01.235)\n', seconds: 61.2345 },
])('psql tells $why', ({ output, seconds }) => {
  expect(parseTiming(output)).toBeCloseTo(seconds, 6);
});

test.each(['COPY 5\n', 'Time: 0.000 ms\n', ''])('no time in %j', (output) => {
  expect(() => parseTiming(output)).toThrow(/psql/);
});
