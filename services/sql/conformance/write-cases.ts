/** Writes to the table `item`, what they answer, and what is in the table afterwards. */
import { expect } from 'vitest';
import type { Ask, Outcome } from '#common/testing/bench.ts';
import { allFields, fields, insert, is, remove, update } from '#common/testing/words.ts';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import type { Dialect } from '../dialect.ts';

type Item = readonly [id: number, name: string, qty: number | null];

export interface WriteCase {
  readonly why: string;
  readonly ask: Ask;
  readonly gives: Outcome;
  /** The table's records afterwards; undefined: as they were. */
  readonly left?: readonly Item[];
}

const ONE: Item = [1, 'one', 10];
const TWO: Item = [2, 'two', 20];
const THREE: Item = [3, 'three', null];
const FOUR: Item = [4, 'four', 40];
export const BEFORE: readonly Item[] = [ONE, TWO, THREE];

const four = { id: 4, name: 'four', qty: 40 };
const five = { id: 5, name: 'five', qty: 50 };
/** The name is taken. */
const taken = { id: 6, name: 'one', qty: 60 };
const conflict = { code: 'conflict' };
const missing = { code: 'not_found' };
const failed = (batch: readonly unknown[], rolledBack = false): Outcome => ({ code: 'invalid', batch, rolledBack });
const refused = (field: string): Outcome => failed([{ code: 'invalid', field }]);

/** Enough for the ways that many records go by one statement. */
const MANY = Array.from({ length: 60 }, (_, i) => ({ id: 100 + i, name: `m${i}`, qty: i }));
const manyItems = MANY.map(({ id, name, qty }): Item => [id, name, qty]);
const manyKeys = MANY.map(({ id }) => ({ id }));
const spoilt = MANY.map((one, i) => (i === 50 ? { ...one, name: 'one' } : one));
const misfit = MANY.map((one, i) => (i === 50 ? { ...one, qty: 'many' } : one));

const { CONTINUE, ROLLBACK } = BatchMode;

export const CREATE_CASES = (dialect: Dialect): readonly WriteCase[] => [
  { why: 'one', ask: insert('item', [four]), gives: { json: [{ id: 4 }] }, left: [...BEFORE, FOUR] },
  {
    why: 'one, all fields',
    ask: insert('item', [four], allFields),
    gives: { json: [{ ...four, doc: null }] },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'some fields',
    ask: insert('item', [four], fields('name')),
    gives: { json: [{ name: 'four' }] },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'several',
    ask: insert('item', [four, five]),
    gives: { json: [{ id: 4 }, { id: 5 }] },
    left: [...BEFORE, FOUR, [5, 'five', 50]],
  },
  {
    why: 'several with different fields',
    ask: insert('item', [four, { name: 'five', id: 5 }]),
    gives: { json: [{ id: 4 }, { id: 5 }] },
    left: [...BEFORE, FOUR, [5, 'five', null]],
  },
  { why: 'many', ask: insert('item', MANY), gives: { json: manyKeys }, left: [...BEFORE, ...manyItems] },
  {
    why: 'names in another case',
    ask: insert('item', [{ ID: 4, Name: 'four', QTY: 40 }]),
    gives: { json: [{ id: 4 }] },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'a member that is unknown is left out, and told',
    ask: insert('item', [{ ...four, colour: 'red' }]),
    gives: { json: [{ id: 4 }], dropped: ['colour'] },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'a member that is unknown, strictly',
    ask: insert('item', [{ ...four, colour: 'red' }], {}, { strict: true }),
    gives: failed([{ code: 'invalid' }]),
  },
  {
    why: 'numbers in text',
    ask: insert('item', [{ id: '4', name: 'four', qty: ' 40 ' }]),
    gives: { json: [{ id: 4 }] },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'an empty text is nothing where nothing may be',
    ask: insert('item', [{ id: 4, name: 'four', qty: '' }]),
    gives: { json: [{ id: 4 }] },
    left: [...BEFORE, [4, 'four', null]],
  },
  { why: 'nothing', ask: insert('item', []), gives: { code: 'invalid' } },
  { why: 'no record', ask: insert('item', ['four']), gives: failed([{ code: 'invalid' }]) },
  { why: 'no member', ask: insert('item', [{}]), gives: failed([expect.objectContaining({ code: 'invalid' })]) },
  { why: 'a field is missing', ask: insert('item', [{ id: 4 }]), gives: refused('name') },
  { why: 'NULL where it may not be', ask: insert('item', [{ id: 4, name: null }]), gives: refused('name') },
  { why: 'a word for a number', ask: insert('item', [{ ...four, qty: 'many' }]), gives: refused('qty') },
  { why: 'an object for a number', ask: insert('item', [{ ...four, qty: { a: 1 } }]), gives: refused('qty') },
  { why: 'an object for a text', ask: insert('item', [{ ...four, name: { a: 1 } }]), gives: refused('name') },
  { why: 'a list for a text', ask: insert('item', [{ ...four, name: ['four'] }]), gives: refused('name') },
  { why: 'a NUL in a text', ask: insert('item', [{ ...four, name: 'fo\0ur' }]), gives: refused('name') },
  {
    why: 'a fraction for a whole number',
    ask: insert('item', [{ ...four, qty: 40.9 }]),
    ...(dialect.truncatesFractions
      ? { gives: { json: [{ id: 4 }] }, left: [...BEFORE, FOUR] }
      : { gives: refused('qty') }),
  },
  {
    why: 'a fraction that is none',
    ask: insert('item', [{ ...four, qty: '40.0' }]),
    gives: { json: [{ id: 4 }] },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'a whole number beyond 64 bits',
    ask: insert('item', '[{"id":4,"name":"four","qty":99999999999999999999}]'),
    gives: refused('qty'),
  },
  { why: 'a value that is taken', ask: insert('item', [taken]), gives: failed([conflict]) },
  { why: 'a key that is taken', ask: insert('item', [{ ...four, id: 1 }]), gives: failed([conflict]) },
  {
    why: 'the second fails: the first stays, the third is not reached',
    ask: insert('item', [four, taken, five]),
    gives: failed([{ id: 4 }, conflict]),
    left: [...BEFORE, FOUR],
  },
  {
    why: 'the second cannot even be tried',
    ask: insert('item', [four, { ...five, qty: 'many' }, taken]),
    gives: failed([{ id: 4 }, { code: 'invalid', field: 'qty' }]),
    left: [...BEFORE, FOUR],
  },
  {
    why: 'the second fails, going on',
    ask: insert('item', [four, taken, five], { mode: CONTINUE }),
    gives: failed([{ id: 4 }, conflict, { id: 5 }]),
    left: [...BEFORE, FOUR, [5, 'five', 50]],
  },
  {
    why: 'the second fails, undoing',
    ask: insert('item', [four, taken, five], { mode: ROLLBACK }),
    gives: failed([{ id: 4 }, conflict], true),
  },
  {
    why: 'several, undoing where one fails, and none does',
    ask: insert('item', [four, five], { mode: ROLLBACK }),
    gives: { json: [{ id: 4 }, { id: 5 }] },
    left: [...BEFORE, FOUR, [5, 'five', 50]],
  },
  {
    why: 'one of many fails',
    ask: insert('item', spoilt),
    gives: failed([...manyKeys.slice(0, 50), conflict]),
    left: [...BEFORE, ...manyItems.slice(0, 50)],
  },
  {
    why: 'one of many cannot even be tried',
    ask: insert('item', misfit),
    gives: failed([...manyKeys.slice(0, 50), { code: 'invalid', field: 'qty' }]),
    left: [...BEFORE, ...manyItems.slice(0, 50)],
  },
  {
    why: 'one of many fails, going on',
    ask: insert('item', spoilt, { mode: CONTINUE }),
    gives: failed(manyKeys.map((key, i) => (i === 50 ? conflict : key))),
    left: [...BEFORE, ...manyItems.filter((_, i) => i !== 50)],
  },
  {
    why: 'one of many fails, undoing',
    ask: insert('item', spoilt, { mode: ROLLBACK }),
    gives: failed([...manyKeys.slice(0, 50), conflict], true),
  },
];

const hidden = { rowFilter: is('qty', '>', 15) };

export const UPDATE_CASES: readonly WriteCase[] = [
  {
    why: 'one',
    ask: update('item', Target.ONE, { qty: 11 }, {}, { keys: [1] }),
    gives: { json: { id: 1 } },
    left: [[1, 'one', 11], TWO, THREE],
  },
  {
    why: 'one, replaced: what is absent stays',
    ask: update('item', Target.ONE, { qty: 11 }, { replace: true, ...fields('id', 'name', 'qty') }, { keys: [1] }),
    gives: { json: { id: 1, name: 'one', qty: 11 } },
    left: [[1, 'one', 11], TWO, THREE],
  },
  {
    why: 'one to NULL',
    ask: update('item', Target.ONE, { qty: null }, {}, { keys: [1] }),
    gives: { json: { id: 1 } },
    left: [[1, 'one', null], TWO, THREE],
  },
  {
    why: 'only what is unknown',
    ask: update('item', Target.ONE, { colour: 'red' }, {}, { keys: [1] }),
    gives: { json: { id: 1 }, dropped: ['colour'] },
  },
  { why: 'no member', ask: update('item', Target.ONE, {}, {}, { keys: [1] }), gives: { code: 'invalid' } },
  { why: 'one that is not there', ask: update('item', Target.ONE, { qty: 1 }, {}, { keys: [9] }), gives: missing },
  {
    why: 'one that the role does not see',
    ask: update('item', Target.ONE, { qty: 1 }, hidden, { keys: [1] }),
    gives: missing,
  },
  {
    why: 'one to a value that is taken',
    ask: update('item', Target.ONE, { name: 'two' }, {}, { keys: [1] }),
    gives: conflict,
  },
  {
    why: 'one to NULL where it may not be',
    ask: update('item', Target.ONE, { name: null }, {}, { keys: [1] }),
    gives: { code: 'invalid', field: 'name' },
  },
  {
    why: 'one to an object',
    ask: update('item', Target.ONE, { name: {} }, {}, { keys: [1] }),
    gives: { code: 'invalid', field: 'name' },
  },
  {
    why: 'an upsert where none is allowed',
    ask: update('item', Target.ONE, four, { upsert: true }, { keys: [4] }),
    gives: missing,
  },
  {
    why: 'several by their keys',
    ask: update('item', Target.KEYS, [{ qty: 5 }], {}, { keys: [3, 1] }),
    gives: { json: [{ id: 3 }, { id: 1 }] },
    left: [[1, 'one', 5], TWO, [3, 'three', 5]],
  },
  {
    why: 'several by themselves',
    ask: update(
      'item',
      Target.RECORDS,
      [
        { id: 3, qty: 33 },
        { id: 1, name: 'uno' },
      ],
      fields('name', 'qty'),
    ),
    gives: {
      json: [
        { name: 'three', qty: 33 },
        { name: 'uno', qty: 10 },
      ],
    },
    left: [[1, 'uno', 10], TWO, [3, 'three', 33]],
  },
  {
    why: 'all that match',
    ask: update('item', Target.FILTER, [{ qty: 7 }], { filter: is('id', '<', 3) }),
    gives: { json: [{ id: 1 }, { id: 2 }] },
    left: [[1, 'one', 7], [2, 'two', 7], THREE],
  },
  {
    why: 'all that match and that the role sees',
    ask: update('item', Target.FILTER, [{ name: 'seen' }], { filter: is('id', '<', 3), ...hidden }),
    gives: { json: [{ id: 2 }] },
    left: [ONE, [2, 'seen', 20], THREE],
  },
  {
    why: 'the second is not there',
    ask: update('item', Target.KEYS, [{ qty: 5 }], {}, { keys: [1, 9, 2] }),
    gives: failed([{ id: 1 }, missing]),
    left: [[1, 'one', 5], TWO, THREE],
  },
  {
    why: 'the second is not there, going on',
    ask: update('item', Target.KEYS, [{ qty: 5 }], { mode: CONTINUE }, { keys: [1, 9, 2] }),
    gives: failed([{ id: 1 }, missing, { id: 2 }]),
    left: [[1, 'one', 5], [2, 'two', 5], THREE],
  },
  {
    why: 'the second is not there, undoing',
    ask: update('item', Target.KEYS, [{ qty: 5 }], { mode: ROLLBACK }, { keys: [1, 9, 2] }),
    gives: failed([{ id: 1 }, missing], true),
  },
  {
    why: 'the second is taken, undoing',
    ask: update(
      'item',
      Target.RECORDS,
      [
        { id: 1, qty: 5 },
        { id: 2, name: 'three' },
        { id: 3, qty: 5 },
      ],
      { mode: ROLLBACK },
    ),
    gives: failed([{ id: 1 }, conflict], true),
  },
  {
    why: 'a record without its key',
    ask: update('item', Target.RECORDS, [{ id: 1, qty: 5 }, { qty: 6 }], { mode: CONTINUE }),
    gives: failed([{ id: 1 }, { code: 'invalid' }]),
    left: [[1, 'one', 5], TWO, THREE],
  },
  {
    why: 'a value that fits no record',
    ask: update('item', Target.KEYS, [{ qty: 'many' }], { mode: CONTINUE }, { keys: [1, 2] }),
    gives: failed([
      { code: 'invalid', field: 'qty' },
      { code: 'invalid', field: 'qty' },
    ]),
  },
  {
    why: 'by another field',
    ask: update('item', Target.KEYS, [{ qty: 5 }], { idField: ['name'] }, { keys: ['two'] }),
    gives: { json: [{ name: 'two' }] },
    left: [ONE, [2, 'two', 5], THREE],
  },
];

export const DELETE_CASES: readonly WriteCase[] = [
  {
    why: 'one',
    ask: remove('item', Target.ONE, fields('name'), { keys: [2] }),
    gives: { json: { name: 'two' } },
    left: [ONE, THREE],
  },
  { why: 'one that is not there', ask: remove('item', Target.ONE, {}, { keys: [9] }), gives: missing },
  { why: 'one that the role does not see', ask: remove('item', Target.ONE, hidden, { keys: [1] }), gives: missing },
  {
    why: 'several by their keys',
    ask: remove('item', Target.KEYS, {}, { keys: [3, 1] }),
    gives: { json: [{ id: 3 }, { id: 1 }] },
    left: [TWO],
  },
  {
    why: 'several by themselves',
    ask: remove('item', Target.RECORDS, {}, { records: [{ id: 1 }, { id: 2, qty: 99 }] }),
    gives: { json: [{ id: 1 }, { id: 2 }] },
    left: [THREE],
  },
  {
    why: 'all that match',
    ask: remove('item', Target.FILTER, { filter: is('qty', 'is null') }),
    gives: { json: [{ id: 3 }] },
    left: [ONE, TWO],
  },
  { why: 'none that matches', ask: remove('item', Target.FILTER, { filter: is('id', '>', 9) }), gives: { json: [] } },
  {
    why: 'everything',
    ask: remove('item', Target.FILTER, { everything: true }),
    gives: { json: { success: true } },
    left: [],
  },
  {
    why: 'everything that the role sees',
    ask: remove('item', Target.FILTER, { everything: true, ...hidden }),
    gives: { json: { success: true } },
    left: [ONE, THREE],
  },
  { why: 'no filter', ask: remove('item', Target.FILTER), gives: { code: 'invalid' } },
  {
    why: 'the second is not there',
    ask: remove('item', Target.KEYS, {}, { keys: [1, 9, 2] }),
    gives: failed([{ id: 1 }, missing]),
    left: [TWO, THREE],
  },
  {
    why: 'the second is not there, going on',
    ask: remove('item', Target.KEYS, { mode: CONTINUE }, { keys: [1, 9, 2] }),
    gives: failed([{ id: 1 }, missing, { id: 2 }]),
    left: [THREE],
  },
  {
    why: 'the second is not there, undoing',
    ask: remove('item', Target.KEYS, { mode: ROLLBACK }, { keys: [1, 9, 2] }),
    gives: failed([{ id: 1 }, missing], true),
  },
];

export const UPSERT_CASES: readonly WriteCase[] = [
  {
    why: 'one that is not there',
    ask: update('item', Target.ONE, { name: 'four', qty: 40 }, { upsert: true }, { keys: [4] }),
    gives: { json: { id: 4 } },
    left: [...BEFORE, FOUR],
  },
  {
    why: 'one that is there',
    ask: update('item', Target.ONE, { qty: 11 }, { upsert: true }, { keys: [1] }),
    gives: { json: { id: 1 } },
    left: [[1, 'one', 11], TWO, THREE],
  },
  {
    why: 'several, of which one is there',
    ask: update('item', Target.RECORDS, [four, { id: 1, qty: 11 }], { upsert: true }),
    gives: { json: [{ id: 4 }, { id: 1 }] },
    left: [[1, 'one', 11], TWO, THREE, FOUR],
  },
  {
    why: 'not where the caller did not ask for it',
    ask: update('item', Target.ONE, four, {}, { keys: [4] }),
    gives: missing,
  },
  {
    why: 'not where the role may hide the record',
    ask: update('item', Target.ONE, four, { upsert: true, ...hidden }, { keys: [4] }),
    gives: missing,
  },
];
