import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { TableView } from '#common/schema/extras.ts';
import { wireValue } from '#common/testing/bench.ts';
import { all, any, apart, is, not } from '#common/testing/words.ts';
import {
  Comparator,
  type Filter,
  FilterSchema,
  Moment_Base as MomentBase,
  OperandSchema,
} from '#proto/data/v1/data_pb.ts';
import type { Condition } from '../engine.ts';
import { ALWAYS, bindFilters, isAlways, isNever, joinAll, joinAny, NEVER } from './conditions.ts';

/** A field is called otherwise in the store, and holds whole numbers. */
const TABLE = {
  fields: [],
  relations: [],
  byFieldWireName: new Map([
    ['alias', { name: 'stored', wireName: 'alias', type: 'integer', column: { nativeType: 'declared' } }],
  ]),
} as unknown as TableView;

const WORDS = new Map<Comparator, string>(Object.entries(Comparator).map(([word, comparator]) => [comparator, word]));

function shown(condition: Condition | undefined): string {
  if (!condition) return 'always';
  if (isNever(condition)) return 'never';
  switch (condition.kind) {
    case 'all':
    case 'any':
      return `(${condition.of.map(shown).join(condition.kind === 'all' ? ' & ' : ' | ')})`;
    case 'not':
      return `!${shown(condition.of)}`;
    case 'native':
      return JSON.stringify(condition.query);
    case 'compare':
      return `${condition.field} ${WORDS.get(condition.comparator)} ${JSON.stringify(condition.operands)}`;
  }
}

const bind = (filter: Filter, takesNative = false): string => {
  const { filter: bare, parameters } = apart(filter);
  return shown(bindFilters([bare], TABLE, { parameters, senses: undefined, takesNative }));
};

const CASES: readonly (readonly [why: string, filter: Filter, condition: string])[] = [
  ['a number', is('a', '=', 5), 'a EQ [5]'],
  ['a text that may be a number', is('a', '=', '5'), 'a IN ["5",5]'],
  ['a text', is('a', '=', 'x'), 'a EQ ["x"]'],
  ['unequal', is('a', '!=', 5), '!a EQ [5]'],
  ['not unequal', not(is('a', '!=', 5)), 'a EQ [5]'],
  ['unequal to what may be a number', is('a', '!=', '5'), '!a IN ["5",5]'],
  ['the name in the store, and its type', is('alias', '=', '5'), 'stored EQ [5]'],
  ['equal to NULL', is('a', '=', null), 'never'],
  ['not equal to NULL', not(is('a', '=', null)), 'never'],
  ['unequal to NULL', is('a', '!=', null), 'never'],
  ['greater than NULL', is('a', '>', null), 'never'],
  ['not greater than NULL', not(is('a', '>', null)), 'never'],
  ['among NULL and others', is('a', 'in', 1, null), 'a EQ [1]'],
  ['not among NULL and others', not(is('a', 'in', 1, null)), 'never'],
  ['among NULL', is('a', 'in', null), 'never'],
  ['among many', is('a', 'in', 1, 'x', 1), 'a IN [1,"x"]'],
  ['is NULL', is('a', 'is null'), 'a IS_NULL []'],
  ['is not NULL', not(is('a', 'is null')), '!a IS_NULL []'],
  ['greater, a number', is('a', '>', 5), 'a GT [5]'],
  ['greater, a text that may be a number', is('a', '>', '5'), '(a GT ["5"] | a GT [5])'],
  ['not greater, a text that may be a number', not(is('a', '>', '5')), '(!a GT ["5"] & !a GT [5])'],
  ['greater than a boolean', is('a', '>', true), 'a GT [true]'],
  ['greater than a word of a boolean', is('a', '>', 'true'), 'a GT ["true"]'],
  ['between', is('a', 'between', 1, 2), 'a BETWEEN [1,2]'],
  ['between texts that may be numbers', is('a', 'between', '1', '2'), '(a BETWEEN ["1","2"] | a BETWEEN [1,2])'],
  ['between a text and a number', is('a', 'between', 'x', 2), 'never'],
  ['not between a text and a number', not(is('a', 'between', 'x', 2)), '!a IS_NULL []'],
  ['between NULL and a number', is('a', 'between', null, 2), 'never'],
  ['not between NULL and a number', not(is('a', 'between', null, 2)), 'never'],
  ['like', is('a', 'like', 'x%'), 'a LIKE ["x%"]'],
  ['like a number', is('a', 'like', 5), 'a LIKE ["5"]'],
  ['like NULL', is('a', 'like', null), 'never'],
  ['not like NULL', not(is('a', 'like', null)), 'never'],
  ['contains', is('a', 'contains', 'x'), 'a CONTAINS ["x"]'],
  ['contains a wildcard', is('a', 'contains', 'x_'), 'a LIKE ["%x_%"]'],
  ['starts with a wildcard', is('a', 'starts with', '%x'), 'a LIKE ["%x%"]'],
  ['ends with a wildcard', is('a', 'ends with', 'x_'), 'a LIKE ["%x_"]'],
  ['not and', not(all(is('a', '=', 1), is('b', '=', 2))), '(!a EQ [1] | !b EQ [2])'],
  ['not or', not(any(is('a', '=', 1), is('b', '=', 2))), '(!a EQ [1] & !b EQ [2])'],
  ['not not', not(not(is('a', '=', 1))), 'a EQ [1]'],
  ['and in and', all(is('a', '=', 1), all(is('b', '=', 2), is('c', '=', 3))), '(a EQ [1] & b EQ [2] & c EQ [3])'],
  ['or in or', any(is('a', '=', 1), any(is('b', '=', 2), is('c', '=', 3))), '(a EQ [1] | b EQ [2] | c EQ [3])'],
  ['one of all', all(is('a', '=', 1)), 'a EQ [1]'],
  ['all of nothing', all(), 'always'],
  ['any of nothing', any(), 'never'],
  ['not all of nothing', not(all()), 'never'],
  ['and never', all(is('a', '=', 1), is('b', '=', null)), 'never'],
  ['or never', any(is('a', '=', 1), is('b', '=', null)), 'a EQ [1]'],
  ['or always', any(is('a', '=', 1), all()), 'always'],
  ['operators are values', is('a', '=', '{"$ne":1}'), 'a EQ ["{\\"$ne\\":1}"]'],
  ['a name is a name', is('$where', '=', 'x'), '$where EQ ["x"]'],
];
test.each(CASES)('%s', (_, filter, condition) => {
  expect(bind(filter)).toBe(condition);
});

test('several filters hold together', () => {
  const binding = { parameters: [], senses: undefined, takesNative: false };
  const filters = [undefined, is('a', '=', 1), any(is('b', '=', 2), is('c', '=', 3))];
  expect(shown(bindFilters(filters, TABLE, binding))).toBe('(a EQ [1] & (b EQ [2] | c EQ [3]))');
  expect(bindFilters([undefined], TABLE, binding)).toBeUndefined();
});

test('a moment is a text', () => {
  const moment = create(OperandSchema, {
    kind: { case: 'moment', value: { base: MomentBase.DATE, offsetSeconds: 0 } },
  });
  expect(bind(is('a', '<=', moment))).toMatch(/^a LE \["\d{4}-\d\d-\d\d"\]$/);
});

describe('in the words of the store', () => {
  const native = create(FilterSchema, { node: { case: 'native', value: 0 } });
  const ask = (text: unknown, filter = native, takesNative = true): string =>
    shown(bindFilters([filter], TABLE, { parameters: [wireValue(text)], senses: undefined, takesNative }));
  test('an object', () => {
    expect([ask('{"a":{"$gt":1}}'), ask('{}')]).toEqual(['{"a":{"$gt":1}}', 'always']);
  });
  test.each([
    ['a list', '[]', native, true],
    ['no JSON', '{', native, true],
    ['NULL', 'null', native, true],
    ['no text', 5, native, true],
    ['negated', '{"a":1}', not(native), true],
    ['where the store takes none', '{"a":1}', native, false],
  ] as const)('%s is refused', (_, text, filter, takesNative) => {
    expect(() => ask(text, filter, takesNative)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

test('an empty filter is refused', () => {
  expect(() => bind(create(FilterSchema, {}))).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('conditions that say nothing vanish', () => {
  const one: Condition = { kind: 'compare', field: 'a', comparator: Comparator.EQ, operands: [1] };
  expect([joinAll([one, ALWAYS]), joinAny([one, NEVER])]).toEqual([one, one]);
  expect([isNever(joinAll([one, NEVER])), isAlways(joinAny([one, ALWAYS]))]).toEqual([true, true]);
});
