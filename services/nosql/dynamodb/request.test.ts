import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';
import type { BoundComparison, Condition, StoreTable, Write } from '../engine.ts';
import { canCompare } from './expression.ts';
import { cursorOf, readCursor, readingOf, writeRequestOf } from './request.ts';

const { EQ, NE, GT, GE, LT, LE, IN, BETWEEN, LIKE, CONTAINS, STARTS_WITH, ENDS_WITH, IS_NULL } = Comparator;
const compare = (field: string, comparator: Comparator, ...operands: Wire[]): BoundComparison => ({
  ...{ kind: 'compare', field, comparator, operands },
});
const all = (...of: Condition[]): Condition => ({ kind: 'all', of });
const any = (...of: Condition[]): Condition => ({ kind: 'any', of });
const not = (of: Condition): Condition => ({ kind: 'not', of });

const attribute = (AttributeName: string, AttributeType: string) => ({ AttributeName, AttributeType });
const element = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
const table: StoreTable = {
  name: 'orders',
  key: [
    { name: 'customer', type: 'string', generated: false },
    { name: 'number', type: 'number', generated: false },
  ],
  indexes: [],
  native: {
    AttributeDefinitions: [attribute('customer', 'S'), attribute('number', 'N'), attribute('status', 'S')],
    KeySchema: [element('customer', 'HASH'), element('number', 'RANGE')],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'by_status',
        IndexStatus: 'ACTIVE',
        KeySchema: [element('status', 'HASH')],
        Projection: { ProjectionType: 'ALL' },
      },
      {
        IndexName: 'of_some',
        IndexStatus: 'ACTIVE',
        KeySchema: [element('number', 'HASH')],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  },
};

/** With names and values in their places, as the store reads it. */
function spelled(input: object): Record<string, unknown> {
  const { ExpressionAttributeNames, ExpressionAttributeValues, TableName, ConsistentRead, ...others } = input as Record<
    string,
    string | object
  >;
  const places: Record<string, unknown> = {
    ...(ExpressionAttributeNames as object | undefined),
    ...(ExpressionAttributeValues as object | undefined),
  };
  const used = new Set<string>();
  const texts = Object.entries(others as Record<string, string>).map(([name, text]) => [
    name,
    text.replace(/[#:]\w+/g, (place) => {
      used.add(place);
      const found = places[place];
      return typeof found === 'string' ? `[${found}]` : JSON.stringify(Object.values(found as object)[0]);
    }),
  ]);
  expect([...used].sort()).toEqual(Object.keys(places).sort()); // the store refuses those that are not used
  return Object.fromEntries(texts);
}

const READINGS: { why: string; condition: Condition | undefined; kind: string; input: object; rest?: Condition }[] = [
  { why: 'everything', condition: undefined, kind: 'scan', input: {} },
  {
    why: 'a partition',
    condition: compare('customer', EQ, 'anna'),
    kind: 'query',
    input: { KeyConditionExpression: '[customer] = "anna"' },
  },
  {
    why: 'a partition, a range and more',
    condition: all(compare('total', GT, 5), compare('number', GE, 2), compare('customer', EQ, 'anna')),
    kind: 'query',
    input: { KeyConditionExpression: '[customer] = "anna" AND [number] >= "2"', FilterExpression: '[total] > "5"' },
  },
  {
    why: 'a range with two ends',
    condition: all(compare('customer', EQ, 'anna'), compare('number', GE, 2), compare('number', LE, 3)),
    kind: 'query',
    input: { KeyConditionExpression: '[customer] = "anna" AND [number] BETWEEN "2" AND "3"' },
  },
  {
    why: 'another condition on the key, which a query may not filter by',
    condition: all(compare('customer', EQ, 'anna'), compare('number', EQ, 2), compare('number', LT, 9)),
    kind: 'query',
    input: { KeyConditionExpression: '[customer] = "anna" AND [number] = "2"' },
    rest: compare('number', LT, 9),
  },
  {
    why: 'what a text may mean, of a key that is a text',
    condition: compare('customer', IN, '5', 5),
    kind: 'query',
    input: { KeyConditionExpression: '[customer] = "5"' },
  },
  {
    why: 'an index of all fields',
    condition: compare('status', EQ, 'paid'),
    kind: 'query',
    input: { IndexName: 'by_status', KeyConditionExpression: '[status] = "paid"' },
  },
  {
    why: 'an index of some fields is none',
    condition: compare('number', EQ, 5),
    kind: 'scan',
    input: { FilterExpression: '[number] = "5"' },
  },
  {
    why: 'a partition in OR is none',
    condition: any(compare('customer', EQ, 'anna'), compare('total', EQ, 1)),
    kind: 'scan',
    input: { FilterExpression: '[customer] = "anna" OR [total] = "1"' },
  },
  { why: 'what cannot be', condition: compare('customer', EQ, 5), kind: 'nothing', input: {} },
  {
    why: 'names and values that look like the language',
    condition: all(compare('a = :v0 OR b', EQ, ':v0'), compare('size', NE, '#n0')),
    kind: 'scan',
    input: {
      FilterExpression:
        '[a = :v0 OR b] = ":v0" AND (attribute_exists([size]) AND NOT attribute_type([size], "NULL") AND [size] <> "#n0")',
    },
  },
  {
    why: 'NOT: it has a value',
    condition: not(compare('total', EQ, 1)),
    kind: 'scan',
    input: {
      FilterExpression: 'attribute_exists([total]) AND NOT attribute_type([total], "NULL") AND NOT [total] = "1"',
    },
  },
];
describe('reads', () => {
  test.each(READINGS)('$why', ({ condition, kind, input, rest }) => {
    const reading = readingOf(table, { condition, fields: undefined });
    expect({ kind: reading.kind, rest: reading.rest }).toEqual({ kind, rest });
    if (kind !== 'nothing') expect(spelled(reading.input)).toEqual(input);
  });

  test('some fields, and the keys in any case', () => {
    const { input } = readingOf(table, { condition: undefined, fields: ['total', 'a.b'] });
    expect(spelled(input)).toEqual({ ProjectionExpression: '[customer], [number], [total], [a.b], [a]' });
  });

  test('what no expression has room for', () => {
    const many = Array.from({ length: 900 }, (_, n) => n);
    const { rest, input } = readingOf(table, {
      condition: all(compare('total', IN, ...many), compare('a', EQ, 1)),
      fields: ['a'],
    });
    expect(rest).toEqual(compare('total', IN, ...many));
    expect(spelled(input)).toEqual({ FilterExpression: '[a] = "1"' });
  });
});

const DECIDED: { why: string; comparison: BoundComparison; is: boolean }[] = [
  { why: 'a text', comparison: compare('a', EQ, 'Text'), is: true },
  { why: 'a member of a member', comparison: compare('a.b', EQ, 1), is: false },
  { why: 'a key with a dot', comparison: compare('k.k', EQ, 1), is: true },
  { why: 'an object', comparison: compare('a', EQ, { $gt: '' }), is: false },
  { why: 'a range of booleans', comparison: compare('a', GT, true), is: false },
  { why: 'a range of two types', comparison: compare('a', BETWEEN, 1, 'b'), is: false },
  { why: 'a number that it does not hold', comparison: compare('a', GT, new JsonNumber('1e400')), is: false },
  { why: 'a part without cases', comparison: compare('a', CONTAINS, '50%'), is: true },
  { why: 'a part with cases', comparison: compare('a', CONTAINS, 'x'), is: false },
  { why: 'a beginning', comparison: compare('a', STARTS_WITH, '12'), is: true },
  { why: 'an end', comparison: compare('a', ENDS_WITH, '12'), is: false },
  { why: 'a pattern that is a beginning', comparison: compare('a', LIKE, '12%'), is: true },
  { why: 'a pattern with a gap', comparison: compare('a', LIKE, '1%2'), is: false },
  { why: 'what is not there', comparison: compare('a', IS_NULL), is: true },
];
test.each(DECIDED)('decided by the store: $why: $is', ({ comparison, is }) => {
  expect(canCompare(comparison, ['k.k'])).toBe(is);
});

const key = ['anna', 1];
const WRITES: { why: string; write: Write; kind: string; input: object }[] = [
  {
    why: 'insert',
    write: { kind: 'insert', document: { customer: 'anna', number: 1, a: 1 } },
    kind: 'Put',
    input: { ConditionExpression: 'attribute_not_exists([customer])' },
  },
  {
    why: 'replace',
    write: { kind: 'replace', key, document: {}, upsert: false },
    kind: 'Put',
    input: { ConditionExpression: 'attribute_exists([customer])' },
  },
  { why: 'replace or make', write: { kind: 'replace', key, document: {}, upsert: true }, kind: 'Put', input: {} },
  {
    why: 'merge, whatever the members are called',
    write: { kind: 'merge', key, members: { 'a.b': 1, 'SET x': 'y', number: 7 }, upsert: true },
    kind: 'Update',
    input: { UpdateExpression: 'SET [a.b] = "1", [SET x] = "y"' },
  },
  {
    why: 'delete on a condition',
    write: { kind: 'delete', key, onlyIf: any(compare('a', EQ, 1), compare('b', EQ, 2)) },
    kind: 'Delete',
    input: { ConditionExpression: 'attribute_exists([customer]) AND ([a] = "1" OR [b] = "2")' },
  },
];
describe('writes', () => {
  test.each(WRITES)('$why', ({ write, kind, input }) => {
    const request = writeRequestOf(table, write);
    expect(request.kind).toBe(kind);
    const { Item, Key, ...expressions } = request.input;
    expect(spelled(expressions)).toEqual(input);
    expect(Item ?? Key).toMatchObject({ customer: { S: 'anna' }, number: { N: '1' } });
  });

  const REFUSED: { why: string; keyed: readonly Wire[]; field: string }[] = [
    { why: 'none', keyed: [null, 1], field: 'customer' },
    { why: 'empty', keyed: ['', 1], field: 'customer' },
    { why: 'an object', keyed: [{ $gt: '' }, 1], field: 'customer' },
    { why: 'a boolean', keyed: [true, 1], field: 'customer' },
    { why: 'no number', keyed: ['anna', '1; 2'], field: 'number' },
    { why: 'half a key', keyed: ['anna'], field: 'number' },
  ];
  test.each(REFUSED)('a key that is $why', ({ keyed, field }) => {
    expect(() => writeRequestOf(table, { kind: 'delete', key: keyed })).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field } }),
    );
  });
});

test('a cursor comes back', () => {
  const last = { customer: { S: 'a"b' }, number: { N: '12345678901234567890' } };
  expect(readCursor(cursorOf(last), ['customer', 'number'])).toEqual(last);
});

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const NO_CURSORS = [
  '',
  'x',
  encoded(null),
  encoded(['a', 1]),
  encoded({ customer: 'a' }),
  encoded({ customer: 'a', number: 1, more: 1 }),
  encoded({ customer: { $gt: '' }, number: 1 }),
  encoded({ customer: 'a', number: null }),
];
test.each(NO_CURSORS)('no cursor: %s', (text) => {
  expect(() => readCursor(text, ['customer', 'number'])).toThrow(expect.objectContaining({ code: 'invalid' }));
});
