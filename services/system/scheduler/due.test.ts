import { expect, test } from 'vitest';
import { faultOfCron, isTimeZone, nextRun } from './due.ts';

const times = (timing: { cron?: string; frequency?: number; zone?: string }, from: string, count: number): string[] => {
  const { cron = null, frequency = 5, zone = 'UTC' } = timing;
  const found: string[] = [];
  for (let at = new Date(from); found.length < count; ) {
    at = nextRun({ cron, frequency, time_zone: zone }, at)!;
    found.push(at.toISOString().replace('.000Z', 'Z'));
  }
  return found;
};

test.each([
  {
    why: 'every five minutes, on the clock',
    timing: {},
    from: '2026-01-01T10:02:30Z',
    expected: ['2026-01-01T10:05:00Z', '2026-01-01T10:10:00Z'],
  },
  {
    why: 'a time that is now is over',
    timing: {},
    from: '2026-01-01T10:05:00Z',
    expected: ['2026-01-01T10:10:00Z'],
  },
  {
    why: 'minutes that do not divide the hour begin anew with it',
    timing: { frequency: 25 },
    from: '2026-01-01T10:26:00Z',
    expected: ['2026-01-01T10:50:00Z', '2026-01-01T11:00:00Z'],
  },
  {
    why: 'more than an hour goes on over the days',
    timing: { frequency: 90 },
    from: '2026-01-01T21:00:00Z',
    expected: ['2026-01-01T22:30:00Z', '2026-01-02T00:00:00Z', '2026-01-02T01:30:00Z'],
  },
  {
    why: 'cron wins over the frequency',
    timing: { cron: '0 9 * * MON-FRI' },
    from: '2026-01-02T09:30:00Z',
    expected: ['2026-01-05T09:00:00Z', '2026-01-06T09:00:00Z'],
  },
  {
    why: 'six fields begin with seconds',
    timing: { cron: '*/20 59 23 * * *' },
    from: '2026-01-01T23:59:30Z',
    expected: ['2026-01-01T23:59:40Z', '2026-01-02T23:59:00Z'],
  },
  {
    why: 'in a time zone',
    timing: { cron: '0 9 * * *', zone: 'America/New_York' },
    from: '2026-01-01T00:00:00Z',
    expected: ['2026-01-01T14:00:00Z'],
  },
  {
    why: 'clocks go forward: the same time of the day, an hour earlier in UTC',
    timing: { cron: '0 9 * * *', zone: 'Europe/Berlin' },
    from: '2026-03-28T00:00:00Z',
    expected: ['2026-03-28T08:00:00Z', '2026-03-29T07:00:00Z'],
  },
  {
    why: 'clocks go forward: a time that is left out runs when they have',
    timing: { cron: '30 2 * * *', zone: 'Europe/Berlin' },
    from: '2026-03-28T12:00:00Z',
    expected: ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
  },
  {
    why: 'clocks go back: a time that is there twice runs once',
    timing: { cron: '30 2 * * *', zone: 'Europe/Berlin' },
    from: '2026-10-24T12:00:00Z',
    expected: ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  },
  {
    why: 'clocks go back: what recurs goes on through the hour that is there twice',
    timing: { frequency: 30, zone: 'Europe/Berlin' },
    from: '2026-10-25T00:00:00Z',
    expected: ['2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'],
  },
  {
    why: 'leap years',
    timing: { cron: '0 0 29 2 *' },
    from: '2026-01-01T00:00:00Z',
    expected: ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z'],
  },
])('$why', ({ timing, from, expected }) => {
  expect(times(timing, from, expected.length)).toEqual(expected);
});

test.each([
  ['*/5 * * * *', true],
  ['  0  9 * * 1 ', true],
  ['0 0 12 L * *', true],
  ['0 0 30 2 *', false],
  ['* * * *', false],
  ['* * * * * * *', false],
  ['61 * * * *', false],
  ['a b c d e', false],
  ['@daily', false],
  ['2026-05-05T00:00:00', false],
  ['', false],
])("'%s' is a cron expression: %s", (cron, expected) => {
  expect(faultOfCron(cron) === undefined).toBe(expected);
});

test.each([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['Mars/Olympus', false],
  ['+02:00', false],
  ['', false],
])("'%s' is a time zone: %s", (name, expected) => {
  expect(isTimeZone(name)).toBe(expected);
});
