import { expect, test } from 'vitest';
import { FILE_NAME_BYTES_MAX, FILE_PATH_BYTES_MAX } from '#common/bounds.ts';
import { filePath } from '#common/files/path.ts';
import type { Bench, Subject } from './bench.ts';

const COMPOSED = 'caf\u00e9';
const DECOMPOSED = 'cafe\u0301';

const NAMES = [
  'with space',
  ' at the ends ',
  'two  spaces',
  'a+b',
  '100%',
  'a%20b',
  '%2e%2e',
  '%2F',
  '#hash',
  "it's",
  'say "hi"',
  'a&b=c;d,e',
  'what?',
  'a:b',
  'a*b',
  '<tag>',
  'a|b',
  '$HOME',
  '`ls`',
  '!bang',
  '~tilde',
  '-dash',
  '[x]{y}(z)',
  '@at^up',
  '..more',
  '...',
  'dot.',
  '.hidden',
  '日本語',
  'Ελληνικά',
  'עברית',
  'हिन्दी',
  '😀 👩‍👩‍👧',
  COMPOSED,
  DECOMPOSED,
  'Case',
  'case',
  'ß',
  'n'.repeat(255),
  'あ'.repeat(85),
].filter((name) => isTaken(name));

/** What path.ts refuses does not come here. */
function isTaken(name: string): boolean {
  try {
    return filePath(name) === name;
  } catch {
    return false;
  }
}

export function tryNames(bench: () => Bench, subject: Subject): void {
  const known = NAMES.filter((name) => name !== 'case' || subject.lacks.caseSensitive === undefined);
  const inOrder = known.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

  test('of files: each is read, listed and removed by the name it was written by', async () => {
    await bench().makeFolders('f');
    for (const name of known) await bench().put(`f/${name}`, name);
    expect(await bench().paths('f')).toEqual(inOrder.map((name) => `f/${name}`));
    for (const name of known) {
      expect(await bench().text(`f/${name}`)).toBe(name);
      expect(await bench().stat(`f/${name}`)).toMatchObject({ path: `f/${name}` });
    }
    for (const name of known) await bench().source.remove(`f/${name}`, bench().deadline());
    expect(await bench().paths('f')).toEqual([]);
  });

  test('of folders', async () => {
    const { folderNameBytesMax = FILE_NAME_BYTES_MAX } = subject;
    const names = inOrder.filter((name) => Buffer.byteLength(name) <= folderNameBytesMax);
    for (const name of names) {
      await bench().makeFolders(name);
      await bench().put(`${name}/in it`, name);
    }
    expect(await bench().paths('')).toEqual(names.map((name) => `${name}/`));
    for (const name of names) {
      expect(await bench().paths(name)).toEqual([`${name}/in it`]);
      expect(await bench().text(`${name}/in it`)).toBe(name);
      await bench().source.remove(`${name}/in it`, bench().deadline());
      await bench().source.removeFolder(name, bench().deadline());
    }
    expect(await bench().paths('')).toEqual([]);
  });

  test('a path as long as it may be', async () => {
    const folder = 'f'.repeat(199);
    const folders = [1, 2, 3, 4].map((depth) => Array.from({ length: depth }, () => folder).join('/'));
    await bench().makeFolders(...folders);
    const path = `${folders.at(-1)}/${'x'.repeat(FILE_PATH_BYTES_MAX - 4 * 200)}`;
    expect(Buffer.byteLength(path)).toBe(FILE_PATH_BYTES_MAX);
    await bench().put(path, 'far');
    expect(await bench().text(path)).toBe('far');
  });
}
