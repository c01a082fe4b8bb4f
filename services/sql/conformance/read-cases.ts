/** Reads and what they answer, the same for every engine: records by key, in order, by page, by group. */

import type { Ask, Failure } from '#common/testing/bench.ts';
import { all, allFields, any, fields, is, not, read } from '#common/testing/words.ts';
import { BatchMode, Order_Nulls as Nulls, Paging, Target } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';

export interface ReadCase {
  readonly why: string;
  readonly ask: Ask;
  readonly gives: unknown;
  readonly count?: number;
  readonly next?: number;
}

export interface FailingCase {
  readonly why: string;
  readonly ask: Ask;
  readonly fails: Failure;
}

const ordered = (...order: { field: string; descending?: boolean; nulls?: Nulls }[]) => ({ order, ...fields('id') });
const ids = (...list: number[]) => list.map((id) => ({ id }));
const keyed = (field: string, dialect: Dialect): string => dialect.aggregateKey(field);

export const READ_CASES = (dialect: Dialect): readonly ReadCase[] => [
  {
    why: 'all fields of all records',
    ask: read('dept', { order: [{ field: 'id' }] }),
    gives: [
      { id: 1, name: 'Sales', budget: 1000.5 },
      { id: 2, name: 'Research', budget: null },
    ],
  },
  {
    why: 'some fields',
    ask: read('dept', { order: [{ field: 'id' }], ...fields('name') }),
    gives: [{ name: 'Sales' }, { name: 'Research' }],
  },
  {
    why: 'fields in any case',
    ask: read('dept', { filter: is('ID', '=', 1), ...fields('NAME') }),
    gives: [{ name: 'Sales' }],
  },
  { why: 'ascending', ask: read('dept', ordered({ field: 'name' })), gives: ids(2, 1) },
  { why: 'descending', ask: read('dept', ordered({ field: 'name', descending: true })), gives: ids(1, 2) },
  {
    why: 'two orders',
    ask: read('emp', {
      filter: not(is('age', 'is null')),
      ...ordered({ field: 'age' }, { field: 'id', descending: true }),
    }),
    gives: ids(1, 5, 2, 4),
  },
  {
    why: 'NULL first',
    ask: read('emp', ordered({ field: 'age', nulls: Nulls.FIRST }, { field: 'id' })),
    gives: ids(3, 1, 2, 5, 4),
  },
  {
    why: 'NULL last',
    ask: read('emp', ordered({ field: 'age', nulls: Nulls.LAST }, { field: 'id' })),
    gives: ids(1, 2, 5, 4, 3),
  },
  { why: 'a limit', ask: read('emp', { limit: 2, ...ordered({ field: 'id' }) }), gives: ids(1, 2) },
  { why: 'an offset', ask: read('emp', { offset: 3, ...ordered({ field: 'id' }) }), gives: ids(4, 5) },
  { why: 'a page', ask: read('emp', { limit: 2, offset: 2, ...ordered({ field: 'id' }) }), gives: ids(3, 4) },
  { why: 'behind the end', ask: read('emp', { offset: 9, ...ordered({ field: 'id' }) }), gives: [] },
  {
    why: 'a count on the way',
    ask: read('emp', { limit: 2, includeCount: true, ...ordered({ field: 'id' }) }),
    gives: ids(1, 2),
    count: 5,
    next: 2,
  },
  {
    why: 'a count on the last page',
    ask: read('emp', { limit: 2, offset: 4, includeCount: true, ...ordered({ field: 'id' }) }),
    gives: ids(5),
    count: 5,
  },
  {
    why: 'a count behind the end',
    ask: read('emp', { limit: 2, offset: 9, includeCount: true, ...ordered({ field: 'id' }) }),
    gives: [],
    count: 5,
  },
  {
    why: 'a count of what the filter finds',
    ask: read('emp', { filter: is('age', '=', 41), includeCount: true, ...ordered({ field: 'id' }) }),
    gives: ids(2, 5),
    count: 2,
  },
  { why: 'a count only', ask: read('emp', { countOnly: true }), gives: 5 },
  { why: 'a count only, of a filter', ask: read('emp', { countOnly: true, filter: is('age', '>', 30) }), gives: 3 },
  {
    why: "a role's condition beside the caller's",
    ask: read('emp', { filter: is('age', '=', 41), rowFilter: is('dept_id', '=', 2), ...ordered({ field: 'id' }) }),
    gives: ids(5),
  },
  {
    why: "a role's condition is not opened by the caller's OR",
    ask: read('emp', {
      filter: any(is('id', '=', 1), all()),
      rowFilter: is('dept_id', '=', 2),
      ...ordered({ field: 'id' }),
    }),
    gives: ids(3, 5),
  },
  {
    why: 'groups',
    ask: read('emp', {
      group: ['dept_id'],
      order: [{ field: 'dept_id', nulls: Nulls.LAST }],
      ...fields('dept_id', 'COUNT(*)', 'MAX(age)', 'COUNT(age)'),
    }),
    gives: [
      [1, 2, 41, 2],
      [2, 2, 41, 1],
      [null, 1, 52, 1],
    ].map(([dept, count, max, ages]) => ({
      dept_id: dept,
      [keyed('COUNT_ALL', dialect)]: count,
      [keyed('MAX_age', dialect)]: max,
      [keyed('COUNT_age', dialect)]: ages,
    })),
  },
  {
    why: 'groups by the order of an aggregate',
    ask: read('emp', {
      group: ['age'],
      filter: is('age', '>', 0),
      order: [{ field: keyed('COUNT_ALL', dialect), descending: true }],
      limit: 1,
      ...fields('age', 'count(*)'),
    }),
    gives: [{ age: 41, [keyed('COUNT_ALL', dialect)]: 2 }],
  },
  {
    why: 'groups that satisfy a condition',
    ask: read('emp', { group: ['age'], having: is('COUNT(*)', '>', 1), ...fields('age') }),
    gives: [{ age: 41 }],
  },
  {
    why: 'one by its key',
    ask: read('dept', { target: Target.ONE, ...fields('name') }, { keys: [2] }),
    gives: { name: 'Research' },
  },
  {
    why: 'one by a key in text',
    ask: read('dept', { target: Target.ONE, ...fields('id') }, { keys: ['2'] }),
    gives: { id: 2 },
  },
  {
    why: 'one by another field',
    ask: read('dept', { target: Target.ONE, idField: ['name'], ...fields('id') }, { keys: ['Sales'] }),
    gives: { id: 1 },
  },
  {
    why: 'several, in their order',
    ask: read('emp', { target: Target.KEYS, ...fields('id') }, { keys: [4, 1, 2] }),
    gives: ids(4, 1, 2),
  },
  {
    why: 'the same twice',
    ask: read('emp', { target: Target.KEYS, ...fields('id') }, { keys: [1, 1] }),
    gives: ids(1, 1),
  },
  {
    why: 'several that name themselves',
    ask: read(
      'emp',
      { target: Target.RECORDS, ...fields('id') },
      { records: [{ id: 2 }, { id: 1, name: 'whatever' }] },
    ),
    gives: ids(2, 1),
  },
  {
    why: 'a composite key',
    ask: read('pair', { target: Target.ONE, ...fields('v') }, { keys: [[1, 'x']] }),
    gives: { v: 10 },
  },
  {
    why: 'a composite key in text',
    ask: read('pair', { target: Target.ONE, ...fields('v') }, { keys: ['(1,x)'] }),
    gives: { v: 10 },
  },
  {
    why: 'a composite key with a comma in it',
    ask: read('pair', { target: Target.ONE, ...fields('v') }, { keys: ['2,"x,1"'] }),
    gives: { v: 30 },
  },
  {
    why: 'several composite keys',
    ask: read(
      'pair',
      { target: Target.KEYS, ...fields('v') },
      {
        keys: [
          [2, 'x,1'],
          [1, 'x'],
        ],
      },
    ),
    gives: [{ v: 30 }, { v: 10 }],
  },
  {
    why: 'composite keys of records',
    ask: read('pair', { target: Target.RECORDS, ...fields('v') }, { records: [{ a: 1, b: 'y' }] }),
    gives: [{ v: null }],
  },
  {
    why: 'a view',
    ask: read('elder', { order: [{ field: 'id' }] }),
    gives: [
      { id: 2, name: 'Bob' },
      { id: 4, name: 'Dörte_☃' },
      { id: 5, name: 'Eve' },
    ],
  },
  {
    why: 'a view by another field',
    ask: read('elder', { target: Target.ONE, idField: ['name'] }, { keys: ['Bob'] }),
    gives: { id: 2, name: 'Bob' },
  },
  {
    why: 'names that must be quoted',
    ask: read('Odd "Table"', { filter: is('select', '=', 'a'), order: [{ field: 'Mixed Case' }], ...allFields }),
    gives: [{ 'Mixed Case': 1, select: 'a', 'dot.ted': null }],
  },
  {
    why: 'related records',
    ask: read(
      'dept',
      {
        target: Target.ONE,
        related: [{ name: 'emp_by_dept_id', order: [{ field: 'id' }], ...fields('name') }],
        ...fields('name'),
      },
      { keys: [1] },
    ),
    gives: { id: 1, name: 'Sales', emp_by_dept_id: [{ name: 'Ann' }, { name: 'Bob' }] },
  },
  {
    why: 'all relations but those of several columns',
    ask: read('paired', { related: [{ name: '*', ...fields('id') }] }),
    gives: [{ id: 1, a: 1, b: 'x', dept_id: 2, dept_by_dept_id: { id: 2 } }],
  },
  {
    why: 'all relations but those through a table with several columns',
    ask: read(
      'dept',
      { target: Target.ONE, related: [{ name: '*', ...fields('id') }], ...fields('id') },
      { keys: [2] },
    ),
    gives: { id: 2, emp_by_dept_id: [{ id: 3 }, { id: 5 }], paired_by_dept_id: [{ id: 1 }] },
  },
];

const missing = { code: 'not_found' };

export const FAILING_READS: readonly FailingCase[] = [
  { why: 'a table that there is not', ask: read('nowhere'), fails: { code: 'not_found' } },
  {
    why: 'a field that there is not',
    ask: read('emp', fields('nothing')),
    fails: { code: 'invalid', field: 'nothing' },
  },
  {
    why: 'an order by nothing',
    ask: read('emp', { order: [{ field: 'nothing' }] }),
    fails: { code: 'invalid', field: 'nothing' },
  },
  {
    why: 'a group by nothing',
    ask: read('emp', { group: ['nothing'], ...fields('id') }),
    fails: { code: 'invalid', field: 'nothing' },
  },
  { why: 'one that is not there', ask: read('emp', { target: Target.ONE }, { keys: [99] }), fails: missing },
  {
    why: 'one that the role does not see',
    ask: read('emp', { target: Target.ONE, rowFilter: is('dept_id', '=', 2) }, { keys: [1] }),
    fails: missing,
  },
  {
    why: 'a key of another kind',
    ask: read('emp', { target: Target.ONE }, { keys: ['x'] }),
    fails: { code: 'invalid', field: 'id' },
  },
  {
    why: 'half of a composite key',
    ask: read('pair', { target: Target.ONE }, { keys: [1] }),
    fails: { code: 'invalid' },
  },
  {
    why: 'a view without a key',
    ask: read('elder', { target: Target.ONE }, { keys: [1] }),
    fails: { code: 'invalid' },
  },
  {
    why: 'several of which one is not there',
    ask: read('emp', { target: Target.KEYS, ...fields('id') }, { keys: [1, 99, 2] }),
    fails: { code: 'invalid', batch: [{ id: 1 }, missing], rolledBack: false },
  },
  {
    why: 'several of which one is not there, going on',
    ask: read('emp', { target: Target.KEYS, mode: BatchMode.CONTINUE, ...fields('id') }, { keys: [1, 99, 'x', 2] }),
    fails: {
      code: 'invalid',
      batch: [{ id: 1 }, missing, { code: 'invalid', field: 'id' }, { id: 2 }],
      rolledBack: false,
    },
  },
  {
    why: 'a relation of several columns',
    ask: read('paired', { related: [{ name: 'pair_by_a_b' }] }),
    fails: { code: 'unsupported' },
  },
  {
    why: 'a relation through a table with several columns',
    ask: read('dept', { related: [{ name: 'pair_by_paired' }] }),
    fails: { code: 'unsupported' },
  },
  {
    why: 'a condition on a relation of several columns',
    ask: read('paired', { filter: is('pair_by_a_b.v', '=', 10) }),
    fails: { code: 'unsupported' },
  },
  { why: 'no keys', ask: read('emp', { target: Target.KEYS }), fails: { code: 'invalid' } },
  {
    why: 'an offset and a key to begin behind',
    ask: read('emp', { paging: Paging.FIRST, offset: 1 }),
    fails: { code: 'invalid', field: 'after' },
  },
  {
    why: 'a condition on groups without groups',
    ask: read('emp', { having: is('COUNT(*)', '>', 1) }),
    fails: { code: 'invalid', field: 'having' },
  },
];
