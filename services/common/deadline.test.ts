import { describe, expect, test } from 'vitest';
import { callerGone, Deadline, sweepDeadlines } from './deadline.ts';

describe('aborting', () => {
  test('says why to all who listen, once, and the first reason stays', () => {
    const deadline = Deadline.after(1000);
    const heard: string[] = [];
    deadline.onAbort(() => heard.push('a'));
    deadline.onAbort(() => heard.push('b'));
    expect(() => deadline.throwIfAborted()).not.toThrow();
    const reason = callerGone();
    deadline.abort(reason);
    sweepDeadlines([deadline], deadline.at);
    expect(heard).toEqual(['a', 'b']);
    expect(deadline.reason).toBe(reason);
    expect(() => deadline.throwIfAborted()).toThrow(reason);
  });

  test('who comes late hears it at once', () => {
    const deadline = Deadline.after(1000);
    deadline.abort(callerGone());
    let heard = 0;
    const forget = deadline.onAbort(() => heard++);
    forget();
    expect(heard).toBe(1);
  });

  test('who asked to be forgotten hears nothing, also twice', () => {
    const deadline = Deadline.after(1000);
    const heard: string[] = [];
    const forget = deadline.onAbort(() => heard.push('a'));
    deadline.onAbort(() => heard.push('b'));
    forget();
    forget();
    deadline.abort(callerGone());
    expect(heard).toEqual(['b']);
  });

  test('the same listener twice is forgotten one at a time', () => {
    const deadline = Deadline.after(1000);
    let heard = 0;
    const listener = (): void => void heard++;
    const forget = deadline.onAbort(listener);
    deadline.onAbort(listener);
    forget();
    deadline.abort(callerGone());
    expect(heard).toBe(1);
  });

  test('a listener that makes others be forgotten makes nobody else be skipped', () => {
    const deadline = Deadline.after(1000);
    const heard: string[] = [];
    const forget: (() => void)[] = [];
    forget.push(deadline.onAbort(() => heard.push('a') && forget[1]?.()));
    forget.push(deadline.onAbort(() => heard.push('b')));
    forget.push(deadline.onAbort(() => heard.push('c')));
    deadline.abort(callerGone());
    expect(heard).toEqual(['a', 'c']);
  });

  test('who starts to listen while others are told hears it too', () => {
    const deadline = Deadline.after(1000);
    const heard: string[] = [];
    deadline.onAbort(() => deadline.onAbort(() => heard.push('inner')));
    deadline.onAbort(() => heard.push('outer'));
    deadline.abort(callerGone());
    expect(heard.sort()).toEqual(['inner', 'outer']);
  });
});

describe('time', () => {
  const SWEPT = [
    { why: 'a moment before', offset: -1, code: undefined },
    { why: 'at its moment', offset: 0, code: 'deadline' },
    { why: 'later', offset: 500, code: 'deadline' },
  ];
  test.each(SWEPT)('a sweep $why: $code', ({ offset, code }) => {
    const deadline = new Deadline(1_000_000);
    sweepDeadlines([deadline], deadline.at + offset);
    expect(deadline.reason?.code).toBe(code);
  });

  test('what remains counts down to 0 and not below', () => {
    expect(Deadline.after(10_000).remainingMs()).toBeGreaterThan(9000);
    expect(Deadline.after(-10_000).remainingMs()).toBe(0);
  });

  test('one without end never is late', () => {
    const deadline = new Deadline(Number.POSITIVE_INFINITY);
    sweepDeadlines([deadline], Number.MAX_SAFE_INTEGER);
    expect(deadline.reason).toBeUndefined();
  });
});
