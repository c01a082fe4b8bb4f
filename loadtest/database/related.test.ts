import { expect, test } from 'vitest';
import { outlineOf } from './related.ts';

const body = (...children: object[]) => JSON.stringify({ resource: [{ id: 1, child_by_parent_id: children }] });

test.each([
  { why: 'other texts of the same values', text: body({ id: 7, at: 'x' }), isSame: true },
  { why: 'another order of fields', text: body({ at: 'y', id: 7 }), isSame: true },
  { why: 'a child too many', text: body({ id: 7, at: 'y' }, { id: 8, at: 'y' }), isSame: false },
  { why: 'a field that is missing', text: body({ id: 7 }), isSame: false },
])('$why', ({ text, isSame }) => {
  expect(outlineOf(text) === outlineOf(body({ id: 7, at: 'y' }))).toBe(isSame);
});
