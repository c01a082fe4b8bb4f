import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition } from '../engine.ts';
import { canPush, rechecked, selectorOf } from './request.ts';

const is = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  kind: 'compare',
  field,
  comparator,
  operands,
});
const BIG = new JsonNumber('9007199254740993');

describe('what is left to the store', () => {
  test.each([
    { why: 'equal texts', comparison: is('a', Comparator.EQ, 'x'), pushed: true },
    { why: 'equal numbers of any length', comparison: is('a', Comparator.EQ, BIG), pushed: true },
    { why: 'an order of numbers', comparison: is('a', Comparator.GT, 1), pushed: true },
    { why: 'an order of texts', comparison: is('a', Comparator.GT, 'x'), pushed: false },
    { why: 'between texts', comparison: is('a', Comparator.BETWEEN, 'x', 'y'), pushed: false },
    { why: 'parts of texts', comparison: is('a', Comparator.CONTAINS, 'x'), pushed: false },
    { why: 'unequal', comparison: is('a', Comparator.NE, 1), pushed: false },
    { why: 'null as a value', comparison: is('a', Comparator.EQ, null), pushed: false },
    { why: 'an object as a value', comparison: is('a', Comparator.EQ, { $gt: 1 }), pushed: false },
    { why: 'no value', comparison: is('a', Comparator.IS_NULL), pushed: true },
    { why: 'a name that is a word of the store', comparison: is('$or', Comparator.EQ, 1), pushed: false },
    { why: 'a path, or a name with a dot', comparison: is('a.b', Comparator.EQ, 1), pushed: false },
    { why: 'a name with a backslash', comparison: is('a\\', Comparator.EQ, 1), pushed: false },
    { why: 'a name without a character', comparison: is('', Comparator.EQ, 1), pushed: false },
    { why: 'a prototype name', comparison: is('__proto__', Comparator.EQ, 1), pushed: true },
  ])('$why', ({ comparison, pushed }) => {
    expect(canPush(comparison)).toBe(pushed);
  });
});

describe('selectors', () => {
  test.each([
    { why: 'equal', condition: is('a', Comparator.EQ, '$x'), selector: '{"a":{"$eq":"$x"}}' },
    { why: 'one of', condition: is('a', Comparator.IN, 1, 'x'), selector: '{"a":{"$in":[1,"x"]}}' },
    { why: 'below', condition: is('a', Comparator.LT, 2), selector: '{"a":{"$type":"number","$lt":2}}' },
    {
      why: 'between',
      condition: is('a', Comparator.BETWEEN, 1, 2),
      selector: '{"a":{"$type":"number","$gte":1,"$lte":2}}',
    },
    {
      why: 'no value',
      condition: is('a', Comparator.IS_NULL),
      selector: '{"$or":[{"a":{"$exists":false}},{"a":{"$eq":null}}]}',
    },
    {
      why: 'not a text',
      condition: { kind: 'not', of: is('a', Comparator.EQ, 'x') },
      selector: '{"a":{"$gt":null}}',
    },
    {
      why: 'not a number',
      condition: { kind: 'not', of: is('a', Comparator.EQ, 1) },
      selector: '{"a":{"$gt":null}}',
    },
    { why: 'a prototype name', condition: is('__proto__', Comparator.EQ, 1), selector: '{"__proto__":{"$eq":1}}' },
    {
      why: 'one choice of two',
      condition: {
        kind: 'all',
        of: [is('a', Comparator.IS_NULL), is('b', Comparator.EQ, 1), is('c', Comparator.IS_NULL)],
      },
      selector: '{"$and":[{"$or":[{"a":{"$exists":false}},{"a":{"$eq":null}}]},{"b":{"$eq":1}}]}',
    },
    {
      why: 'the words of the store',
      condition: { kind: 'native', query: { $or: [{ a: 1 }, { b: { $elemMatch: { c: { $gt: 2 } } } }] } },
      selector: '{"$and":[{"$or":[{"a":1},{"b":{"$elemMatch":{"c":{"$gt":2}}}}]}]}',
    },
  ] as { why: string; condition: Condition; selector: string }[])('$why', ({ condition, selector }) => {
    expect(JSON.stringify(selectorOf(condition))).toBe(selector);
  });

  test.each([
    { why: 'a program', query: { $where: '1' } },
    { why: 'deep inside', query: { $and: [{ a: { $not: { $function: {} } } }] } },
    { why: 'a pattern without end', query: { a: { $regex: 'x'.repeat(1000) } } },
    { why: 'a pattern that is none', query: { a: { $regex: {} } } },
    { why: 'without bottom', query: JSON.parse(`${'{"a":'.repeat(99)}1${'}'.repeat(99)}`) as Document },
  ])('refused: $why', ({ query }) => {
    expect(() => selectorOf({ kind: 'native', query })).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

describe('looked at again', () => {
  test.each([
    { why: 'the same text', condition: is('a', Comparator.EQ, 'x'), a: 'x', is: true },
    { why: 'another text of the same meaning', condition: is('a', Comparator.EQ, 'é'), a: 'e\u0301', is: false },
    { why: 'a number that looks like the text', condition: is('a', Comparator.EQ, '1'), a: 1, is: false },
    { why: 'a list that has it', condition: is('a', Comparator.IN, 'x'), a: ['x'], is: false },
    { why: 'all digits', condition: is('a', Comparator.EQ, BIG), a: 9007199254740992, is: false },
    { why: 'all digits in order', condition: is('a', Comparator.LT, BIG), a: 9007199254740992, is: true },
    {
      why: 'another spelling',
      condition: is('a', Comparator.EQ, 1),
      a: new JsonNumber('1.00000000000000000'),
      is: true,
    },
    { why: 'a text among numbers', condition: is('a', Comparator.GT, 1), a: 'x', is: false },
    { why: 'nothing', condition: is('a', Comparator.IS_NULL), a: null, is: true },
    { why: 'nothing is not below', condition: is('a', Comparator.LT, 1), a: null, is: false },
    { why: 'something', condition: is('a', Comparator.IS_NULL), a: 0, is: false },
    { why: 'not', condition: { kind: 'not', of: is('a', Comparator.EQ, 'x') }, a: 'y', is: true },
    { why: 'nothing is not unequal', condition: { kind: 'not', of: is('a', Comparator.EQ, 'x') }, a: null, is: false },
  ] as { why: string; condition: Condition; a: Wire; is: boolean }[])('$why', ({ condition, a, is }) => {
    expect(rechecked(condition)({ a })).toBe(is);
  });
});
