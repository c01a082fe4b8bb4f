import { expect, test } from 'vitest';
import { acceptFilterOp, acceptFilters } from './rules.ts';

test.each([
  [null, null],
  ['', null],
  [[], '[]'],
  [[{ name: 'a', operator: 'STARTS WITH', value: 'x' }], '[{"name":"a","operator":"STARTS WITH","value":"x"}]'],
  [[{ name: 'a', operator: 'end with', value: 'x' }], '[{"name":"a","operator":"end with","value":"x"}]'],
  [[{ name: 'a', operator: 'is null', value: '' }], '[{"name":"a","operator":"is null","value":null}]'],
  [[{ name: 'a', operator: 'in', value: [1, 2] }], '[{"name":"a","operator":"in","value":[1,2]}]'],
])('filters %j', (input, expected) => {
  expect(acceptFilters(input)).toBe(expected);
});

test.each([
  ['a text', 'a = 1'],
  ['an entry without a name', [{ operator: '=', value: 1 }]],
  ['an unknown operator', [{ name: 'a', operator: '; drop', value: 1 }]],
  ['a value that is an object', [{ name: 'a', operator: '=', value: { expression: 'x' } }]],
])('%s is refused', (_why, input) => {
  expect(() => acceptFilters(input)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test.each([
  ['and', 'AND'],
  ['OR', 'OR'],
  [null, 'AND'],
])('filter_op %j is %s', (input, expected) => {
  expect(acceptFilterOp(input)).toBe(expected);
});
