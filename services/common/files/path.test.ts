import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filePath, isBelow, joinPath, nameOf, parentOf } from './path.ts';

const GOOD: [string, string][] = [
  ['', ''],
  ['/', ''],
  ['a', 'a'],
  ['/a//b/', 'a/b'],
  ['a b/c+d/e%20f/#g', 'a b/c+d/e%20f/#g'],
  ['日本語/ελληνικά.txt', '日本語/ελληνικά.txt'],
  ['.hidden/..more/...x', '.hidden/..more/...x'],
  ['a/12:30.txt', 'a/12:30.txt'],
  ['console/com10/auxiliary', 'console/com10/auxiliary'],
  ['a/.millrace', 'a/.millrace'],
  [`${'n'.repeat(255)}`, 'n'.repeat(255)],
];
test.each(GOOD)('%j is %j', (text, path) => {
  expect(filePath(text)).toBe(path);
});

const REFUSED: [string, string][] = [
  ['..', 'up'],
  ['a/../b', 'up in the middle'],
  ['./a', 'the folder itself'],
  ['a/. ./b', 'dots and spaces'],
  ['a/   ', 'spaces only'],
  ['a\\b', 'backslash'],
  ['a\0b', 'NUL'],
  ['a\nb', 'line end'],
  ['a/con', 'device'],
  ['NUL.txt', 'device with an extension'],
  ['lpt1 .x', 'device with a space'],
  ['c:/x', 'drive'],
  ['C:x', 'drive without a slash'],
  ['.millrace/uploads', 'our own folder'],
  ['/.Millrace', 'our own folder where case does not count'],
  ['\ud800', 'half a surrogate pair'],
  [`${'n'.repeat(256)}`, 'a long name'],
  [Array.from({ length: 300 }, () => 'abcd').join('/'), 'a long path'],
];
test.each(REFUSED)('%j is refused: %s', (text) => {
  expect(() => filePath(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('what is taken never climbs, is taken again unchanged, and falls apart into its parts', () => {
  const part = fc.oneof(fc.constantFrom('..', '.', '', ' ', 'a', 'con', '\\', '\0', 'b.c', '%2e%2e'), fc.string());
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      let path: string;
      try {
        path = filePath(parts.join('/'));
      } catch {
        return;
      }
      expect(filePath(path)).toBe(path);
      const names = path === '' ? [] : path.split('/');
      expect(names).toEqual(
        parts
          .join('/')
          .split('/')
          .filter((name) => name !== ''),
      );
      expect(names).not.toContain('..');
      expect(names).not.toContain('.');
      expect(joinPath(parentOf(path), nameOf(path))).toBe(path);
      if (path !== '') expect(isBelow(path, parentOf(path))).toBe(true);
    }),
  );
});
