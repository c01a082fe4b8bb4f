import { expect, test } from 'vitest';
import { parsePgbench } from './pgbench.ts';

const output = (failed: string, rate: string) => `pgbench (15.18)
transaction type: get.pgbench.sql
query mode: prepared
number of clients: 64
number of transactions actually processed: 183726
number of failed transactions: ${failed}
latency average = 2.089 ms
initial connection time = 212.303 ms
${rate}
`;

test('the rate leaves connecting out', () => {
  expect(parsePgbench(output('0 (0.000%)', 'tps = 30629.212345 (without initial connection time)'))).toBe(30629.212345);
});

test.each([
  { why: 'a transaction failed', text: output('3 (0.002%)', 'tps = 30629.2 (without initial connection time)') },
  { why: 'nothing was done in time', text: output('0 (NaN%)', '') },
  { why: 'the rate is zero', text: output('0 (0.000%)', 'tps = 0.000000 (without initial connection time)') },
])('no figure where $why', ({ text }) => {
  expect(() => parsePgbench(text)).toThrow(/pgbench/);
});
