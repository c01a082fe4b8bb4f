import fc from 'fast-check';
import { expect, test } from 'vitest';
import { likeMatcher } from './like.ts';

const CASES: readonly (readonly [pattern: string, text: string, meets: boolean])[] = [
  ['', '', true],
  ['', 'a', false],
  ['%', '', true],
  ['%', 'a\nb', true],
  ['%%', '', true],
  ['_', '', false],
  ['_', '\n', true],
  ['_', '\u{1f600}', true],
  ['__', '\u{1f600}', false],
  ['%_', '\u{1f600}', true],
  ['a%', 'ABC', true],
  ['%c', 'ABC', true],
  ['%B%', 'abc', true],
  ['a%c', 'ac', true],
  ['ab%b', 'ab', false],
  ['a%a', 'a', false],
  ['%a_c%', 'xxabxabc', true],
  ['%_b', 'b', false],
  ['a_c', 'abc', true],
  ['a_c', 'abbc', false],
  ['.*', 'ab', false],
  ['[a]', 'a', false],
  ['\\%', '\\x', true],
  ['a\\_', 'a\\b', true],
];
test.each(CASES)('%j on %j: %j', (pattern, text, meets) => {
  expect(likeMatcher(pattern)(text)).toBe(meets);
});

test('as a regular expression has it', () => {
  const letters = fc.constantFrom('a', 'b', 'A', '\u{1f600}', '\n', '.');
  const text = fc.array(letters, { maxLength: 8 }).map((parts) => parts.join(''));
  const pattern = fc
    .array(fc.oneof(letters, fc.constantFrom('%', '_')), { maxLength: 6 })
    .map((parts) => parts.join(''));
  const reference = (like: string) =>
    new RegExp(`^${like.replace(/[.]/g, '\\.').replaceAll('%', '.*').replaceAll('_', '.')}$`, 'isu');
  fc.assert(
    fc.property(pattern, text, (like, value) => {
      expect(likeMatcher(like)(value)).toBe(reference(like).test(value));
    }),
    { numRuns: 5000 },
  );
});
