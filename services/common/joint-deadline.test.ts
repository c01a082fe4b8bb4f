import { expect, test } from 'vitest';
import { callerGone, Deadline, deadlinePassed } from './deadline.ts';
import { jointDeadline } from './joint-deadline.ts';

const deadlines = (...at: number[]): Deadline[] => at.map((one) => new Deadline(one));

test('of one it is that one', () => {
  const [only] = deadlines(5) as [Deadline];
  expect(jointDeadline([only])).toBe(only);
});

test('lasts as long as the longest', () => {
  expect(jointDeadline(deadlines(3, 9, 5)).at).toBe(9);
});

const CASES: readonly (readonly [
  why: string,
  ends: readonly [number, 'late' | 'gone'][],
  reason: string | undefined,
])[] = [
  ['one leaves', [[0, 'gone']], undefined],
  ['the latest leaves, others stay', [[2, 'gone']], undefined],
  [
    'two leave',
    [
      [2, 'gone'],
      [0, 'gone'],
    ],
    undefined,
  ],
  [
    'all leave',
    [
      [0, 'gone'],
      [1, 'gone'],
      [2, 'gone'],
    ],
    'cancelled',
  ],
  [
    'all leave, the latest first',
    [
      [2, 'gone'],
      [1, 'gone'],
      [0, 'gone'],
    ],
    'cancelled',
  ],
  [
    'all are late',
    [
      [0, 'late'],
      [1, 'late'],
      [2, 'late'],
    ],
    'deadline',
  ],
  [
    'some leave, some are late',
    [
      [2, 'gone'],
      [0, 'late'],
      [1, 'gone'],
    ],
    'deadline',
  ],
];
test.each(CASES)('%s', (_, ends, reason) => {
  const three = deadlines(1, 2, 3);
  const joint = jointDeadline(three);
  for (const [index, how] of ends) three[index]?.abort(how === 'late' ? deadlinePassed() : callerGone());
  expect(joint.reason?.code).toBe(reason);
});

test('of some who left already', () => {
  const three = deadlines(1, 2, 3);
  three[2]?.abort(callerGone());
  const joint = jointDeadline(three);
  expect(joint.reason).toBeUndefined();
  three[0]?.abort(callerGone());
  three[1]?.abort(callerGone());
  expect(joint.reason?.code).toBe('cancelled');
});

test('of all who left already', () => {
  const two = deadlines(1, 2);
  for (const one of two) one.abort(callerGone());
  expect(jointDeadline(two).reason?.code).toBe('cancelled');
});
