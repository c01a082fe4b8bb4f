import { expect, test } from 'vitest';
import { Throttle } from './throttle.ts';

function throttleAt() {
  const clock = { now: 1_000_000 };
  return { clock, throttle: new Throttle(() => clock.now) };
}

const fail = (throttle: Throttle, key: string, times: number) => {
  for (let n = 0; n < times; n++) throttle.failed(key);
};

test.each([
  [4, 0],
  [5, 1],
  [6, 2],
  [8, 8],
  [50, 60],
])('behind %i failures one waits %i seconds', (failures, seconds) => {
  const { clock, throttle } = throttleAt();
  fail(throttle, 'a', failures);
  if (seconds > 0) {
    expect(() => throttle.check('a')).toThrow(
      expect.objectContaining({ code: 'limited', context: { retry_after_seconds: seconds } }),
    );
  }
  clock.now += seconds * 1000;
  expect(() => throttle.check('a')).not.toThrow();
});

test('one account does not hold up another', () => {
  const { throttle } = throttleAt();
  fail(throttle, 'a', 9);
  expect(() => throttle.check('b')).not.toThrow();
});

test('a success forgets the failures', () => {
  const { throttle } = throttleAt();
  fail(throttle, 'a', 9);
  throttle.succeeded('a');
  expect(() => throttle.check('a')).not.toThrow();
});
