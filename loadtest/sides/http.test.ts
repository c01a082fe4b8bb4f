import { expect, test } from 'vitest';
import { faultOf } from './http.ts';

const ONE = { records: 1, fields: ['id', 'name'] };
const TWO = { records: 2, fields: ['id'] };

test.each([
  { why: 'a bare record', text: '{"name":"a","id":1}', expected: ONE, isRight: true },
  { why: 'wrapped records', text: '{"resource":[{"id":1},{"id":2}]}', expected: TWO, isRight: true },
  { why: 'a record too few', text: '{"resource":[{"id":1}]}', expected: TWO, isRight: false },
  { why: 'no record', text: '{"resource":[]}', expected: ONE, isRight: false },
  { why: 'a field that is missing', text: '{"id":1}', expected: ONE, isRight: false },
  {
    why: 'a field too many in the second',
    text: '{"resource":[{"id":1},{"id":2,"x":3}]}',
    expected: TWO,
    isRight: false,
  },
  { why: 'an error', text: '{"error":{"code":404}}', expected: ONE, isRight: false },
])('an answer with $why is judged', ({ text, expected, isRight }) => {
  expect(faultOf(text, expected) === undefined).toBe(isRight);
});
