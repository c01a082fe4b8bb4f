import { expect, test } from 'vitest';
import type { ResultColumn } from '../statement.ts';
import { sameColumns } from './columns.ts';

const A: ResultColumn = { name: 'a', json: 'number' };
const B: ResultColumn = { name: 'b', json: 'string', hidden: true };
const CASES: readonly (readonly [why: string, some: ResultColumn[], others: ResultColumn[], same: boolean])[] = [
  ['none', [], [], true],
  ['equal ones', [A, B], [{ ...A }, { ...B }], true],
  ['another order', [A, B], [B, A], false],
  ['one more', [A], [A, B], false],
  ['one less', [A, B], [A], false],
  ['another name', [A], [{ ...A, name: 'b' }], false],
  ['another kind', [A], [{ ...A, json: 'string' }], false],
  ['hidden', [A], [{ ...A, hidden: true }], false],
];
test.each(CASES)('%s', (_, some, others, same) => {
  expect(sameColumns(some, others)).toBe(same);
});
