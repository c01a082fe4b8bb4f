import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { sumOf } from './sum.ts';

const digits = (text: string) => new JsonNumber(text);
type Numeric = number | JsonNumber;

const CASES: readonly (readonly [a: Numeric, b: Numeric, sum: Numeric])[] = [
  [1, 2, 3],
  [0.1, 0.2, 0.3],
  [-0.5, 0.5, 0],
  [1.5, 1.5, 3],
  [9007199254740991, 1, 9007199254740992],
  [9007199254740991, 2, digits('9007199254740993')],
  [digits('9007199254740993'), -1, 9007199254740992],
  [digits('0.10000000000000000000001'), 0.1, digits('0.20000000000000000000001')],
  [digits('-9007199254740993'), digits('-9007199254740993'), digits('-18014398509481986')],
  [1e300, 1e-300, digits(`1${'0'.repeat(300)}.${'0'.repeat(299)}1`)],
  [digits('1e401'), 1, Number.POSITIVE_INFINITY],
];
test.each(CASES)('%j and %j', (a, b, sum) => {
  expect([sumOf(a, b), sumOf(b, a)]).toEqual([sum, sum]);
});

test('no digit is lost, in any order', () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 6 }));
  const SCALE = 6;
  const scaled = ([mantissa, places]: readonly [bigint, number]) => mantissa * 10n ** BigInt(SCALE - places);
  const exact = (value: Numeric): bigint => {
    const [whole = '', fraction = ''] = String(value).split('.');
    return BigInt(`${whole}${fraction.padEnd(SCALE, '0')}`);
  };
  fc.assert(
    fc.property(fc.array(decimal, { minLength: 1, maxLength: 6 }), (all) => {
      const sum = all.map(([mantissa, places]) => digits(`${mantissa}e-${places}`)).reduce<Numeric>(sumOf, 0);
      expect(exact(sum)).toBe(all.reduce((before, one) => before + scaled(one), 0n));
    }),
    { numRuns: 1000 },
  );
});
