import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import type { Wire } from '../document.ts';
import { compareNumbers, compareTexts, compareValues, isSame, orderValues, tagOf } from './compare.ts';

const digits = (text: string) => new JsonNumber(text);
const date = (day: string) => ({ $date: `2024-01-${day}T00:00:00.000Z` });

/** How the first stands to the second; undefined: not at all. */
const VALUES: readonly (readonly [a: Wire, b: Wire, sign: number | undefined])[] = [
  [1, 2, -1],
  [2, 2, 0],
  [-0, 0, 0],
  [1, '1', undefined],
  [1, true, undefined],
  [1, null, undefined],
  ['a', 'b', -1],
  ['B', 'a', -1],
  ['', 'a', -1],
  ['ab', 'a', 1],
  ['\u{1f600}', '\uffff', 1],
  ['\ud7ff', '\u{10000}', -1],
  ['\u{1f600}', '\u{1f601}', -1],
  [false, true, -1],
  [null, null, 0],
  [null, false, undefined],
  [digits('9007199254740993'), 9007199254740992, 1],
  [digits('1.0'), 1, 0],
  [digits('1e400'), digits('2e400'), -1],
  [digits('-1e400'), digits('1e400'), -1],
  [digits('-1e400'), 0, -1],
  [digits('1e-400'), 0, 1],
  [digits('0e400'), 0, 0],
  [digits('0.00010'), 0.0001, 0],
  [digits('100'), 99.5, 1],
  [date('01'), date('02'), -1],
  [date('01'), date('01'), 0],
  [date('01'), { $oid: '65' }, undefined],
  [date('01'), '2024', undefined],
  [{ a: 1 }, { a: 1 }, 0],
  [{ a: 1 }, { a: 2 }, undefined],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, 0],
  [[1, 'x'], [1, 'x'], 0],
  [[1], [1, 2], undefined],
  [[1], 1, undefined],
];
test.each(VALUES)('%j and %j', (a, b, sign) => {
  const signOf = (compared: number | undefined) => (compared === undefined ? undefined : Math.sign(compared) + 0);
  expect(signOf(compareValues(a, b))).toBe(sign);
  expect(signOf(compareValues(b, a))).toBe(sign === undefined ? undefined : 0 - sign);
});

test.each<readonly [Wire, Wire, boolean]>([
  [{ a: [1, { b: null }] }, { a: [1, { b: null }] }, true],
  [{ a: digits('1.0') }, { a: 1 }, true],
  [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}'), true],
  [JSON.parse('{"__proto__":1}'), { x: 1 }, false],
  [{ constructor: 1 }, {}, false],
  [{}, [], false],
  [null, {}, false],
])('%j is the same as %j: %j', (a, b, same) => {
  expect([isSame(a, b), isSame(b, a)]).toEqual([same, same]);
});

test.each<readonly [Wire, string | undefined]>([
  [date('01'), '$date'],
  [{ $date: 1, $oid: 2 }, undefined],
  [{ a: 1 }, undefined],
  [{}, undefined],
  [[], undefined],
  [null, undefined],
  [digits('1'), undefined],
])('the tag of %j is %j', (value, tag) => {
  expect(tagOf(value)).toBe(tag);
});

test('values of all types have an order', () => {
  const inOrder: Wire[] = [null, -1, 0, digits('1e400'), '', 'a', { a: 1 }, [1], { $oid: 'a' }, true, date('01')];
  expect(inOrder.toReversed().sort(orderValues)).toEqual(inOrder);
});

const wire = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('1e400', '-1e400', '9007199254740993', '0.10000000000000000000001').map(digits),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
  fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 2 }),
  fc.constantFrom(date('01'), date('02'), { $oid: 'a' }, { a: 1 }, { b: 1 }),
) as fc.Arbitrary<Wire>;

test('the order is one: it turns around, and what is between stays between', () => {
  const sign = (a: Wire, b: Wire) => Math.sign(orderValues(a, b)) + 0;
  fc.assert(
    fc.property(wire, wire, (a, b) => sign(a, b) === 0 - sign(b, a)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(wire, wire, wire, (a, b, c) => !(sign(a, b) <= 0 && sign(b, c) <= 0) || sign(a, c) <= 0),
    { numRuns: 5000 },
  );
});

test('texts are ordered as their UTF-8 is', () => {
  const text = fc.string({ unit: 'binary', maxLength: 4 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareTexts(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 3000 },
  );
});

test('numbers are ordered as exact fractions are', () => {
  const decimal = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: -5, max: 25 }));
  const scaled = ([mantissa, exponent]: readonly [number, number]) => BigInt(mantissa) * 10n ** BigInt(exponent + 5);
  const written = ([mantissa, exponent]: readonly [number, number]) => digits(`${mantissa}e${exponent}`);
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const [x, y] = [scaled(a), scaled(b)];
      expect(Math.sign(compareNumbers(written(a), written(b)))).toBe(x < y ? -1 : x > y ? 1 : 0);
    }),
    {
      numRuns: 3000,
      examples: [
        [
          [-9989, 17],
          [-9989, 17],
        ],
      ],
    },
  );
});
