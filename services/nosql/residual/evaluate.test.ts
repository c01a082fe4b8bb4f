import { expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison } from '../engine.ts';
import { predicateOf } from './evaluate.ts';

const big = (text: string) => new JsonNumber(text);
const { EQ, GT, LE, IN, LIKE, CONTAINS, BETWEEN } = Comparator;

/** Whether a value meets the comparison, and its negation. */
const CASES: readonly (readonly [
  why: string,
  value: Wire | undefined,
  by: Comparator,
  operands: readonly Wire[],
  meets: boolean,
  negated: boolean,
])[] = [
  ['equal', 5, EQ, [5], true, false],
  ['another type', '5', EQ, [5], false, true],
  ['NULL', null, EQ, [5], false, false],
  ['absent', undefined, GT, [5], false, false],
  ['digits beyond a double', big('9007199254740993'), GT, [9007199254740992], true, false],
  ['the same digits otherwise written', big('100000000000000000000000'), EQ, [big('1e23')], true, false],
  ['a long fraction', big('0.10000000000000000000001'), GT, [0.1], true, false],
  ['below zero', big('-9007199254740993'), LE, [-9007199254740992], true, false],
  ['a text beyond the first plane comes last', '\u{1f600}', GT, ['\uffff'], true, false],
  ['dates', { $date: '2024-01-02T00:00:00.000Z' }, GT, [{ $date: '2024-01-01T00:00:00.000Z' }], true, false],
  ['a date and a text', { $date: '2024-01-02T00:00:00.000Z' }, GT, ['2024'], false, true],
  ['one of several types', 36, IN, ['36', 36], true, false],
  ['between', 5, BETWEEN, [5, 6], true, false],
  ['a pattern', 'Grüße', LIKE, ['gR_SS%'], false, true],
  ['a pattern in any case', 'Grüße', LIKE, ['gRÜ%E'], true, false],
  ['a pattern on a number', 5, LIKE, ['%'], false, true],
  ['a part', 'abc', CONTAINS, ['B'], true, false],
  ['a list is no value', ['a'], EQ, ['a'], false, true],
];

test.each(CASES)('%s', (_, value, comparator, operands, meets, negated) => {
  const one: BoundComparison = { kind: 'compare', field: 'f', comparator, operands };
  const document = value === undefined ? {} : { f: value };
  expect([predicateOf(one, false)(document), predicateOf({ kind: 'not', of: one }, false)(document)]).toEqual([
    meets,
    negated,
  ]);
});

test('a list meets what one of its elements meets, where the store has it so', () => {
  const one: BoundComparison = { kind: 'compare', field: 'a.b', comparator: EQ, operands: ['x'] };
  const documents = [{ a: { b: ['y', 'x'] } }, { a: [{ b: 'y' }, { b: 'x' }] }, { a: { b: ['y'] } }, { 'a.b': 'x' }];
  expect(documents.map(predicateOf(one, true))).toEqual([true, true, false, true]);
});

test('a pattern of many wildcards takes no longer for a long text', () => {
  const pattern = `${'%a'.repeat(200)}%b`;
  const one: BoundComparison = { kind: 'compare', field: 'f', comparator: LIKE, operands: [pattern] };
  const before = performance.now();
  expect(predicateOf(one, false)({ f: 'a'.repeat(100_000) })).toBe(false);
  expect(performance.now() - before).toBeLessThan(500);
});
