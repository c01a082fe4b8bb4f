import { describe, expect, test } from 'vitest';
import { ANSWERS, attemptKey, GUESSES, MAILS, networkOf, type Pace, Throttle } from './throttle.ts';

function throttleAt(pace: Pace = GUESSES) {
  const clock = { now: 1_000_000 };
  return { clock, throttle: new Throttle(pace, () => clock.now) };
}

const fail = (throttle: Throttle, key: string, times: number) => {
  for (let n = 0; n < times; n++) throttle.failed(key);
};

test.each([
  [GUESSES, 4, 0],
  [GUESSES, 5, 1],
  [GUESSES, 6, 2],
  [GUESSES, 8, 8],
  [GUESSES, 50, 60],
  [ANSWERS, 9, 0],
  [ANSWERS, 12, 4],
  [ANSWERS, 50, 900],
])('%j: behind %i failures one waits %i seconds', (pace, failures, seconds) => {
  const { clock, throttle } = throttleAt(pace);
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

test('attempts count before it is known how they end', () => {
  const { throttle } = throttleAt();
  for (let n = 0; n < 5; n++) throttle.attempt('a');
  expect(() => throttle.attempt('a')).toThrow(expect.objectContaining({ code: 'limited' }));
});

test('what nobody is told of goes on after a while', () => {
  const { clock, throttle } = throttleAt(MAILS);
  const sent = () => throttle.mayGoOn('a');
  expect([sent(), sent(), sent(), sent()]).toEqual([true, true, true, false]);
  clock.now += 60_000;
  expect([sent(), sent()]).toEqual([true, false]);
});

describe('networks', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8::ffff:0:0:2', '2001:db8:0:0'],
    ['2001:0db8:0001:0002:a:b:c:d', '2001:db8:1:2'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['', ''],
  ])('%s', (address, expected) => {
    expect(networkOf(address)).toBe(expected);
  });

  test('an account from one network, in any letters', () => {
    expect(attemptKey('Ann@A.example', '2001:db8::1')).toBe(attemptKey('ann@a.example', '2001:db8::2'));
  });
});
