import { expect, test } from 'vitest';
import { splitList } from './split-list.ts';

const CASES = [
  { why: 'nothing', text: '', items: [] },
  { why: 'one', text: 'a', items: ['a'] },
  { why: 'several, with blanks', text: ' a , b,c ', items: ['a', 'b', 'c'] },
  { why: 'empty ones', text: ',a,,b, ,', items: ['a', 'b'] },
  { why: 'commas in parentheses', text: 'a,SUM(b,c),d', items: ['a', 'SUM(b,c)', 'd'] },
  { why: 'composite keys', text: '(1,a),(2,b)', items: ['(1,a)', '(2,b)'] },
  { why: 'parentheses that do not close', text: 'a(b,c', items: ['a(b', 'c'] },
  { why: 'parentheses that do not open', text: 'a,b)c,d', items: ['a,b)c', 'd'] },
];
test.each(CASES)('$why', ({ text, items }) => expect(splitList(text)).toEqual(items));

test('a long list takes no longer than it is', () => {
  expect(splitList(','.repeat(1_000_000))).toEqual([]);
  expect(splitList('a,'.repeat(200_000))).toHaveLength(200_000);
});
