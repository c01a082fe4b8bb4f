import { describe, expect, test } from 'vitest';
import { Counters } from './counters.ts';

const MINUTE = 60_000;
/** How many of so many tries are let through. */
const passed = (counters: Counters, tries: number, rate: number, now: number): number =>
  Array.from({ length: tries }, () => counters.hit('k', rate, MINUTE, now)).filter((until) => until === undefined)
    .length;

describe('one process', () => {
  test('as many as the rate says, and then none for a whole period from the first refusal', () => {
    const counters = new Counters();
    expect(passed(counters, 3, 3, 0)).toBe(3);
    expect(counters.standing('k', 10_000)).toEqual({ hits: 3, lockedUntil: 0 });
    expect(counters.hit('k', 3, MINUTE, 30_000)).toBe(90_000);
    expect(counters.hit('k', 3, MINUTE, 89_999)).toBe(90_000);
    expect(passed(counters, 5, 3, 90_000)).toBe(3);
  });

  test('a period begins with the first one', () => {
    const counters = new Counters();
    expect(passed(counters, 2, 3, 50_000)).toBe(2);
    expect(passed(counters, 2, 3, 109_999)).toBe(1);
    const other = new Counters();
    expect(passed(other, 3, 3, 50_000)).toBe(3);
    expect(passed(other, 3, 3, 110_000)).toBe(3);
  });

  test('keys are counted apart, and begin anew when they are reset', () => {
    const counters = new Counters();
    expect(passed(counters, 4, 3, 0)).toBe(3);
    expect(counters.hit('other', 3, MINUTE, 0)).toBeUndefined();
    counters.reset('k');
    expect(passed(counters, 4, 3, 0)).toBe(3);
  });
});

describe('several processes', () => {
  /** Each is told what the others counted. */
  function exchange(now: number, ...all: Counters[]): void {
    const news = all.map((one) => one.takeNews());
    all.forEach((one, i) => {
      news.forEach((counts, j) => {
        if (i !== j) one.merge(counts, now);
      });
    });
  }

  test('what one counts is counted by all, once', () => {
    const [a, b, c] = [new Counters(), new Counters(), new Counters()];
    expect(passed(a, 2, 10, 0) + passed(b, 3, 10, 5)).toBe(5);
    exchange(10, a, b, c);
    exchange(10, a, b, c);
    for (const one of [a, b, c]) expect(one.standing('k', 20).hits).toBe(5);
    expect(passed(c, 9, 10, 20)).toBe(5);
  });

  test('the period is that of the first of them', () => {
    const [a, b] = [new Counters(), new Counters()];
    passed(a, 1, 10, 0);
    passed(b, 1, 10, 40_000);
    exchange(40_000, a, b);
    expect(b.standing('k', 59_999).hits).toBe(2);
    expect(b.standing('k', 60_000).hits).toBe(0);
  });

  test('a lock is one for all, and a reset too', () => {
    const [a, b] = [new Counters(), new Counters()];
    expect(passed(a, 4, 3, 0)).toBe(3);
    exchange(0, a, b);
    expect(b.hit('k', 3, MINUTE, 10)).toBe(MINUTE);
    b.reset('k');
    exchange(20, a, b);
    expect(a.hit('k', 3, MINUTE, 30)).toBeUndefined();
  });

  test('what is over is not taken over', () => {
    const [a, b] = [new Counters(), new Counters()];
    passed(a, 3, 3, 0);
    const news = a.takeNews();
    b.merge(news, MINUTE);
    expect(b.all(MINUTE)).toEqual([]);
  });

  test('who comes later hears all that counts', () => {
    const [a, b] = [new Counters(), new Counters()];
    passed(a, 2, 3, 0);
    b.merge(a.all(10), 10);
    expect(passed(b, 3, 3, 10)).toBe(1);
  });
});
