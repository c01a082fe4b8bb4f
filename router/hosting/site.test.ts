import { expect, test } from 'vitest';
import { isPublic } from './site.ts';

const CASES: [string, string[], boolean][] = [
  ['a/b.txt', ['a'], true],
  ['a/b.txt', ['/a/'], true],
  ['a/b.txt', ['a/b.txt'], true],
  ['a/b.txt/c', ['a/b.txt'], true],
  ['ab/c', ['a'], false],
  ['a', ['a/b'], false],
  ['A/b', ['a'], false],
  ['top.txt', ['/'], true],
  ['a/b.txt', ['/'], false],
  ['', ['/', 'a'], false],
  ['a', [], false],
];
test.each(CASES)('%j with %j open: %s', (path, entries, is) => {
  expect(isPublic(path, entries)).toBe(is);
});
