import { expect, test } from 'vitest';
import { RollCall } from './roll-call.ts';

const CASES: readonly { why: string; settled: number; happens: (roll: RollCall) => void }[] = [
  { why: 'nobody is known', settled: 0, happens: () => {} },
  { why: 'all have answered the last', settled: 2, happens: (roll) => answer(roll, 2, 'a', 'b') },
  { why: 'one is behind', settled: 1, happens: (roll) => answer(answer(roll, 1, 'a', 'b'), 2, 'a') },
  {
    why: 'the one that was behind is dead',
    settled: 2,
    happens: (roll) => answer(answer(roll, 1, 'a', 'b'), 2, 'a').gone('b'),
  },
  { why: 'a late answer takes nothing back', settled: 2, happens: (roll) => answer(answer(roll, 2, 'a'), 1, 'a') },
  { why: 'a new one has answered none yet', settled: 0, happens: (roll) => answer(roll, 2, 'a').heard('b') },
  {
    why: 'one that is heard again has answered what it had',
    settled: 2,
    happens: (roll) => answer(roll, 2, 'a').heard('a'),
  },
];

test.each(CASES)('$why: settled is $settled', ({ settled, happens }) => {
  const roll = new RollCall();
  roll.begin();
  roll.begin();
  happens(roll);
  expect(roll.settled).toBe(settled);
});

function answer(roll: RollCall, call: number, ...workers: string[]): RollCall {
  for (const worker of workers) roll.answered(worker, call);
  return roll;
}
