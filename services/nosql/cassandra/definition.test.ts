import { describe, expect, test } from 'vitest';
import { parseJson } from '#common/json.ts';
import type { NewField } from '../engine.ts';
import { definitionOf, readColumnType, typeFor } from './definition.ts';

const field = (name: string, type = 'string'): NewField => ({ name, type });
const plain = { clustering_key: [], clustering_order: {}, static: [] };
const invalid = (name: string) => expect.objectContaining({ code: 'invalid', context: { field: name } });

interface Wanted {
  readonly why: string;
  readonly native?: unknown;
  readonly fields?: readonly NewField[];
  readonly keys?: readonly string[];
  readonly table: object;
}

const TABLES: readonly Wanted[] = [
  { why: 'nothing', table: { ...plain, columns: { id: 'uuid' }, partition_key: ['id'] } },
  {
    why: 'a field of type id, which is the key',
    fields: [field('name', 'string'), field('number', 'id')],
    table: { ...plain, columns: { name: 'text', number: 'uuid' }, partition_key: ['number'] },
  },
  { why: 'null', native: null, table: { ...plain, columns: { id: 'uuid' }, partition_key: ['id'] } },
  {
    why: 'fields without a key',
    fields: [field('name'), field('born', 'datetime')],
    table: { ...plain, columns: { name: 'text', born: 'timestamp', id: 'uuid' }, partition_key: ['id'] },
  },
  {
    why: 'fields with a key of their own',
    fields: [field('id', 'integer'), field('more', 'object')],
    keys: ['id'],
    table: { ...plain, columns: { id: 'int', more: 'text' }, partition_key: ['id'] },
  },
  {
    why: 'a key of several fields',
    fields: [field('a'), field('b', 'integer'), field('c', 'timestamp')],
    keys: ['a', 'b', 'c'],
    table: {
      ...plain,
      columns: { a: 'text', b: 'int', c: 'timestamp' },
      ...{ partition_key: ['a'], clustering_key: ['b', 'c'] },
    },
  },
  {
    why: "Cassandra's own words",
    native: {
      columns: { a: 'TEXT', b: 'int', c: 'timeuuid', s: 'frozen<list<int>>' },
      partition_key: ['a', 'b'],
      clustering_key: ['c'],
      clustering_order: { c: 'desc' },
      static: ['s'],
    },
    table: {
      columns: { a: 'text', b: 'int', c: 'timeuuid', s: 'frozen<list<int>>' },
      partition_key: ['a', 'b'],
      clustering_key: ['c'],
      clustering_order: { c: 'desc' },
      static: ['s'],
    },
  },
  {
    why: 'both: the words say more of a field',
    native: { columns: { tags: 'set<text>' } },
    fields: [field('a'), field('tags', 'array'), field('b')],
    keys: ['a', 'b'],
    table: {
      ...plain,
      columns: { a: 'text', tags: 'set<text>', b: 'text' },
      ...{ partition_key: ['a'], clustering_key: ['b'] },
    },
  },
  {
    why: 'both: the words say what the key is',
    native: { partition_key: ['b'] },
    fields: [field('a'), field('b')],
    keys: ['a', 'b'],
    table: { ...plain, columns: { a: 'text', b: 'text' }, partition_key: ['b'] },
  },
  {
    why: 'names of the prototype',
    native: parseJson(
      Buffer.from(
        '{"columns":{"__proto__":"int","constructor":"text","toString":"text"},"partition_key":["__proto__"],"clustering_key":["constructor"]}',
      ),
    ),
    table: {
      ...plain,
      columns: Object.fromEntries([
        ['__proto__', 'int'],
        ['constructor', 'text'],
        ['toString', 'text'],
      ]),
      ...{ partition_key: ['__proto__'], clustering_key: ['constructor'] },
    },
  },
];
test.each(TABLES)('a table of $why', ({ native, fields = [], keys = [], table }) => {
  const made = definitionOf(native, fields, keys);
  expect({ ...made, columns: { ...made.columns }, clustering_order: { ...made.clustering_order } }).toEqual(table);
});

test('no name is special among the orders', () => {
  const native = { columns: { a: 'int', constructor: 'int' }, partition_key: ['a'], clustering_key: ['constructor'] };
  expect(definitionOf(native, [], []).clustering_order['constructor']).toBeUndefined();
});

test.each([
  ['id', 'uuid'],
  ['integer', 'int'],
  ['money', 'decimal'],
  ['binary', 'blob'],
  ['array', 'list<text>'],
  ['object', 'text'],
  ['constructor', 'text'],
  ['__proto__', 'text'],
])('a field of type %s', (simple, type) => {
  expect(typeFor(simple)).toBe(type);
});

const columns = { a: 'text', b: 'text' };
const REFUSED: readonly (readonly [why: string, native: unknown, field: string])[] = [
  ['no object', 'CREATE TABLE x', 'native'],
  ['a list', [columns], 'native'],
  ['an unknown setting', { columns, compaction: {} }, 'compaction'],
  ['a setting of the prototype', parseJson(Buffer.from('{"__proto__":{"columns":{}}}')), '__proto__'],
  ['columns that are a list', { columns: ['a'] }, 'columns'],
  ['a key that is a text', { columns, partition_key: 'a' }, 'partition_key'],
  ['a key of numbers', { columns, partition_key: [1] }, 'partition_key'],
  ['a key of nothing', { columns, partition_key: [] }, 'partition_key'],
  ['a key that is no column', { columns, partition_key: ['x'] }, 'x'],
  ['a key of the prototype', { columns, partition_key: ['constructor'] }, 'constructor'],
  ['a clustering key that is no column', { columns, partition_key: ['a'], clustering_key: ['x'] }, 'x'],
  ['a static column that is none', { columns, partition_key: ['a'], clustering_key: ['b'], static: ['x'] }, 'x'],
  ['an order of no key', { columns, partition_key: ['a'], clustering_order: { b: 'asc' } }, 'clustering_order'],
  [
    'an order that is none',
    { columns, partition_key: ['a'], clustering_key: ['b'], clustering_order: { b: 'asc); DROP TABLE x; --' } },
    'clustering_order',
  ],
  ['a type that is none', { columns: { a: 1 } }, 'a'],
  ['CQL in a type', { columns: { a: 'text; DROP TABLE x' } }, 'a'],
];
test.each(REFUSED)('refused: %s', (_, native, name) => {
  expect(() => definitionOf(native, [], [])).toThrow(invalid(name));
});

test('refused: a key that is no field', () => {
  expect(() => definitionOf(undefined, [field('a')], ['x'])).toThrow(invalid('x'));
});

describe('types of columns', () => {
  test.each([
    ['text', 'text'],
    [' BigInt ', 'bigint'],
    ['list<text>', 'list<text>'],
    ['List < Int >', 'list<int>'],
    ['map<text,frozen<list<int>>>', 'map<text, frozen<list<int>>>'],
    ['tuple<int, text,uuid>', 'tuple<int, text, uuid>'],
    ['vector<float, 1536>', 'vector<float, 1536>'],
    ['frozen<address>', 'frozen<address>'],
    ['address', 'address'],
  ])('%s', (given, type) => {
    expect(readColumnType(given, 'a')).toBe(type);
  });

  const deep = (depth: number): string => `${'frozen<'.repeat(depth)}text${'>'.repeat(depth)}`;
  test('nested, as deep as is sensible', () => {
    expect(readColumnType(deep(8), 'a')).toBe(deep(8));
    expect(() => readColumnType(deep(100_000), 'a')).toThrow(invalid('a'));
  });

  test.each([
    ...['text; DROP TABLE x', 'list<text>) --', 'text)', 'text, b int', 'text STATIC', 'text PRIMARY KEY', 'text -- '],
    ...[
      '"Text"',
      "'org.example.Type'",
      'te"xt',
      'text/**/',
      'list<text',
      'list<>',
      'list<text>>',
      '<text>',
      'list<<text>>',
    ],
    ...[
      'list<text, int>',
      'map<text>',
      'map<text, int, int>',
      'frozen<text, int>',
      'vector<float>',
      'vector<3, float>',
    ],
    ...['vector<float, 3, 3>', 'vector<float, -1>', 'vector<float, 999999>', 'text<int>', 'constructor<text>'],
    ...['__proto__<text>', '', ' ', '1', 'a.b', 'te\u0000xt', deep(9)],
    ...[undefined, null, 1, ['text'], { type: 'text' }],
  ])('refused: %s', (given) => {
    expect(() => readColumnType(given, 'a')).toThrow(invalid('a'));
  });
});
