import { expect, test } from 'vitest';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { Condition } from '../engine.ts';
import { stays, staysAnyway } from './stays.ts';

const is = (field: string, ...operands: Wire[]): Condition => ({
  kind: 'compare',
  field,
  comparator: operands.length === 0 ? Comparator.IS_NULL : Comparator.EQ,
  operands,
});
const both: Condition = { kind: 'all', of: [is('a', 1), is('b', 2)] };
const either: Condition = { kind: 'any', of: [is('a', 1), is('b')] };

/** Of members that change, whatever the document is. */
const CASES: readonly (readonly [why: string, members: Document, condition: Condition | undefined, stays: boolean])[] =
  [
    ['no condition', { a: 9 }, undefined, true],
    ['what it does not look at', { c: 9 }, both, true],
    ['one of both, as it has to be', { a: 1 }, both, true],
    ['one of both', { a: 9 }, both, false],
    ['both', { a: 1, b: 9 }, both, false],
    ['gone', { a: null }, both, false],
    ['one of two that is enough', { a: 1 }, either, true],
    ['one of two that is not', { a: 9 }, either, false],
    ['one of two, the other of which may hold', { b: 9 }, either, false],
    ['one of two is NULL', { b: null }, either, true],
    ['what holds the member', { home: { city: 'Oslo' } }, is('home.city', 'Rome'), false],
    ['what holds the member, as it has to be', { home: { city: 'Rome' } }, is('home.city', 'Rome'), true],
    ['a member of the whole name', { 'home.city': 'Oslo' }, is('home.city', 'Rome'), false],
    ['not', { a: 1 }, { kind: 'not', of: is('a', 1) }, false],
    ['not, and gone', { a: null }, { kind: 'not', of: is('a', 1) }, false],
    ['a name of every object', {}, is('constructor', 1), true],
  ];
test.each(CASES)('%s', (_, members, condition, expected) => {
  expect(staysAnyway(members, condition, false)).toBe(expected);
});

test('a whole document meets all of it', () => {
  expect([{ a: 1, b: 2 }, { a: 1 }, {}].map((after) => stays(after, both, false))).toEqual([true, false, false]);
  expect([{ a: [1] }, { a: 1 }].map((after) => stays(after, is('a', 1), true))).toEqual([true, true]);
  expect(stays({}, undefined, false)).toBe(true);
});
