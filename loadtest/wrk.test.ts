import { expect, test } from 'vitest';
import { parseWrk } from './wrk.ts';

const NO_ERRORS = { connect: 0, read: 0, write: 0, status: 0, timeout: 0 };
const result = (requests: number, errors: object = {}) =>
  'Running 2s test @ http://127.0.0.1:1\n  1 threads and 64 connections\n' +
  `RESULT ${JSON.stringify({ requests, duration_us: 2_000_000, p50_us: 1500, p99_us: 9000, errors: { ...NO_ERRORS, ...errors } })}\n`;

test('rate and times come in requests per second and milliseconds', () => {
  expect(parseWrk(result(5000))).toEqual({ requests: 5000, requestsPerSecond: 2500, p50Ms: 1.5, p99Ms: 9 });
});

test.each([
  { why: 'one answer was refused', output: result(5000, { status: 1 }), names: /1 status/ },
  { why: 'an answer was late', output: result(5000, { timeout: 2, read: 3 }), names: /3 read, 2 timeout/ },
  { why: 'there was no answer', output: result(0), names: /no answer/ },
  { why: 'the script did not report', output: 'unable to connect to 127.0.0.1:1', names: /unable to connect/ },
])('no figure where $why', ({ output, names }) => {
  expect(() => parseWrk(output)).toThrow(names);
});
