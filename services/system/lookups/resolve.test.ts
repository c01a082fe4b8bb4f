import { expect, test } from 'vitest';
import { resolveLookups } from './resolve.ts';

const LOOKUPS = new Map([
  ['city', 'Riga'],
  ['db.host', 'a b'],
  ['self', '{city}'],
]);

test.each([
  ['a name', '{city}', 'Riga'],
  ['names inside of a text', 'x{city}-{db.host}y', 'xRiga-a by'],
  ['an unknown name stays', '{nosuch}', '{nosuch}'],
  ['a modifier', '{strtoupper(city)}', 'RIGA'],
  ['modifiers, the inner one first', '{urlencode(strtoupper(db.host))}', 'A+B'],
  ['an unknown modifier stays', '{system(city)}', '{system(city)}'],
  ['a value is not looked into again', '{self}', '{city}'],
  ['a name of every object', '{constructor}', '{constructor}'],
  ['a modifier of every object', '{constructor(city)}', '{constructor(city)}'],
  ['JSON stays', '{"a": 1}', '{"a": 1}'],
  ['deep inside', { a: ['{city}', 1, null, { b: '{city}' }] }, { a: ['Riga', 1, null, { b: 'Riga' }] }],
])('%s', (_why, value, expected) => {
  expect(resolveLookups(value, LOOKUPS)).toEqual(expected);
});

test('a hostile text takes no time', () => {
  const text = '{'.repeat(50_000) + 'a('.repeat(50_000);
  expect(resolveLookups(text, LOOKUPS)).toBe(text);
});
