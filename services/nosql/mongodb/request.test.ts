import { BSONRegExp } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { Condition } from '../engine.ts';
import { isSayable, nativeQuery, queryOf, sortOf } from './request.ts';

const compare = (field: string, comparator: Comparator, ...operands: Wire[]): Condition => ({
  kind: 'compare',
  field,
  comparator,
  operands,
});
const not = (of: Condition): Condition => ({ kind: 'not', of });
/** As it is shown: numbers and identifiers without their classes. */
const shown = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one: unknown) => (one instanceof BSONRegExp ? `/${one.pattern}/${one.options}` : one)),
  );

describe('conditions', () => {
  const CASES: readonly (readonly [string, Condition | undefined, unknown])[] = [
    ['none', undefined, {}],
    ['equal', compare('a', Comparator.EQ, 'x'), { a: { $eq: 'x' } }],
    ['not equal', not(compare('a', Comparator.EQ, 5)), { a: { $nin: [null, 5] } }],
    ['among', compare('a', Comparator.IN, 'x', 5), { a: { $in: ['x', 5] } }],
    ['not among', not(compare('a', Comparator.IN, 'x')), { a: { $nin: [null, 'x'] } }],
    ['greater', compare('a.b', Comparator.GT, 5), { 'a.b': { $gt: 5 } }],
    ['not greater', not(compare('a', Comparator.GT, 5)), { a: { $ne: null, $not: { $gt: 5 } } }],
    ['between', compare('a', Comparator.BETWEEN, 1, 2), { a: { $gte: 1, $lte: 2 } }],
    ['null', compare('a', Comparator.IS_NULL), { a: null }],
    ['not null', not(compare('a', Comparator.IS_NULL)), { a: { $ne: null } }],
    ['like', compare('a', Comparator.LIKE, 'x%y_.z'), { a: '/^x.*y.\\.z\\z/is' }],
    ['not like', not(compare('a', Comparator.LIKE, 'x')), { a: { $ne: null, $not: '/^x\\z/is' } }],
    ['contains', compare('a', Comparator.CONTAINS, 'a.b(c'), { a: '/a\\.b\\(c/is' }],
    ['starts with', compare('a', Comparator.STARTS_WITH, '^x'), { a: '/^\\^x/is' }],
    ['ends with', compare('a', Comparator.ENDS_WITH, 'x$'), { a: '/x\\$\\z/is' }],
    [
      'an identifier',
      compare('r', Comparator.EQ, { $oid: '5f0000000000000000000001' }),
      { r: { $eq: '5f0000000000000000000001' } },
    ],
    [
      'all and any',
      { kind: 'all', of: [compare('a', Comparator.EQ, 1), { kind: 'any', of: [compare('b', Comparator.EQ, 2)] }] },
      { $and: [{ a: { $eq: 1 } }, { $or: [{ b: { $eq: 2 } }] }] },
    ],
    ['always', { kind: 'all', of: [] }, {}],
    ['never', { kind: 'any', of: [] }, { _id: { $in: [] } }],
  ];
  test.each(CASES)('%s', (_, condition, expected) => expect(shown(queryOf(condition))).toEqual(expected));

  test('what it has no words for is left to the tier', () => {
    const sayable = (comparator: Comparator, operand: Wire) =>
      isSayable({ kind: 'compare', field: 'a', comparator, operands: [operand] });
    expect(sayable(Comparator.LIKE, 'x%')).toBe(true);
    expect(sayable(Comparator.LIKE, 'nul\0')).toBe(false);
    expect(sayable(Comparator.EQ, 'nul\0')).toBe(true);
    expect(sayable(Comparator.EQ, new JsonNumber('9007199254740993'))).toBe(true);
    expect(sayable(Comparator.EQ, new JsonNumber('9'.repeat(50)))).toBe(false);
  });

  test.each(['$where', 'a.$where', '$expr', '', 'a\0'])('no name of a field: %j', (field) => {
    expect(() => queryOf(compare(field, Comparator.EQ, 'x'))).toThrow(expect.objectContaining({ code: 'invalid' }));
    expect(() => sortOf([{ field, descending: false }])).toThrow(expect.objectContaining({ code: 'invalid' }));
  });

  test('operators in values are refused', () => {
    expect(() => queryOf(compare('a', Comparator.EQ, { $gt: '' }))).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });
});

describe("queries in the store's words", () => {
  const ALLOWED: readonly (readonly [Document, unknown])[] = [
    [{ age: { $gt: 3 } }, { age: { $gt: 3 } }],
    [{ $or: [{ a: 1 }, { b: { $in: ['x'] } }] }, { $or: [{ a: 1 }, { b: { $in: ['x'] } }] }],
    [{ _id: '5f0000000000000000000001' }, { _id: '5f0000000000000000000001' }],
    [
      { _id: { $in: ['5f0000000000000000000001', '7'] } },
      { _id: { $in: ['5f0000000000000000000001', '5f0000000000000000000001', '7', 7] } },
    ],
    [{ at: { $gte: { $date: '2024-01-31' } } }, { at: { $gte: '2024-01-31T00:00:00.000Z' } }],
    [{ tags: { $elemMatch: { $eq: 'x' } } }, { tags: { $elemMatch: { $eq: 'x' } } }],
    [{ rows: { $elemMatch: { a: 1, b: { $lt: 2 } } } }, { rows: { $elemMatch: { a: 1, b: { $lt: 2 } } } }],
    [{ a: { $not: { $regex: '^x', $options: 'i' } } }, { a: { $not: { $regex: '^x', $options: 'i' } } }],
    [{ a: { $exists: false } }, { a: { $exists: false } }],
    [{ a: { b: 1 } }, { a: { b: 1 } }],
  ];
  test.each(ALLOWED)('%j', (query, expected) => expect(shown(nativeQuery(query))).toEqual(expected));

  const REFUSED: readonly Document[] = [
    { $where: 'sleep(1000)' },
    { a: { $where: '1' } },
    { $expr: { $eq: ['$a', '$b'] } },
    { $and: [{ $where: '1' }] },
    { a: { $elemMatch: { $where: '1' } } },
    { a: { $not: { $function: {} } } },
    { $jsonSchema: {} },
    { $text: { $search: 'x' } },
    { a: { $geoNear: 1 } },
    { $comment: 'x' },
    { a: { $accumulator: {} } },
    { a: { $gt: { $where: '1' } } },
    { 'a.$where': 1 },
    { $or: 'x' },
    { $or: ['x'] },
    { a: { $in: 'x' } },
    { a: { $regex: [] } },
    { a: { $regex: 'x', $options: {} } },
    JSON.parse('{"a":{"__proto__":{"$gt":1},"$where":"1"}}'),
  ];
  test.each(REFUSED)('refused: %j', (query) => {
    expect(() => nativeQuery(query)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });

  test('__proto__ is a name like any other', () => {
    const query = JSON.parse('{"__proto__":{"$gt":1}}') as Document;
    expect(Object.entries(nativeQuery(query))).toHaveLength(1);
    expect(Object.keys(nativeQuery({ $and: [query] })['$and'][0])).toEqual(['__proto__']);
  });

  test('nor is one without an end in sight', () => {
    let query: Document = { a: 1 };
    for (let depth = 0; depth < 50; depth++) query = { $and: [query] };
    expect(() => nativeQuery(query)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});
