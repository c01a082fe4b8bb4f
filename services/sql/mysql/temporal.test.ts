import { expect, test } from 'vitest';
import { spellingOf } from './temporal.ts';

const temporalText = (value: string) => spellingOf('datetime')?.(value);

test.each([
  ['2024-02-29T10:00:00Z', '2024-02-29 10:00:00'],
  ['2024-02-29T10:00:00.123456Z', '2024-02-29 10:00:00.123456'],
  ['2024-02-29 10:00z', '2024-02-29 10:00:00'],
  ['2024-02-29T23:30:00-02:00', '2024-03-01 01:30:00'],
  ['2024-03-01T00:30:00+0130', '2024-02-29 23:00:00'],
  ['2024-03-01T00:30:00+01', '2024-02-29 23:30:00'],
])('%s', (given, taken) => expect(temporalText(given)).toBe(taken));

test.each([
  '2024-02-29 10:00:00',
  '2024-02-29T10:00:00',
  '2024-02-29',
  '2024-02-30T10:00:00Z',
  '2024-13-01T10:00:00Z',
  '2024-02-29T24:00:00Z',
  'soon',
  '',
])('%s is left to the server', (given) => expect(temporalText(given)).toBe(given));

test.each([
  ['date', '2024-02-29T23:30:00-02:00', '2024-02-29'],
  ['date', '2024-02-29', '2024-02-29'],
  ['time', '10:00Z', undefined],
  ['varchar', '2024-02-29T10:00:00Z', undefined],
])('%s: %s', (nativeType, given, taken) => expect(spellingOf(nativeType)?.(given)).toBe(taken));
