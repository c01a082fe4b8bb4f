import { expect, test } from 'vitest';
import { type Bench, type Subject, shown } from './bench.ts';

/** More than one page of S3. */
const MANY = 1500;
const AT_ONCE = 16;

export function tryList(bench: () => Bench, { manyEntries = MANY }: Subject): void {
  test('an empty container, an empty folder, one that is not there, a file: nothing', async () => {
    expect(await bench().paths('')).toEqual([]);
    await bench().makeFolders('empty');
    await bench().put('file', 'x');
    expect(await bench().paths('empty')).toEqual([]);
    expect(await bench().paths('no/such')).toEqual([]);
    expect(await bench().paths('file')).toEqual([]);
  });

  test('only what is directly in the folder, by the bytes of the names, files and folders mixed', async () => {
    const folders = ['d', 'd/a', 'd/B', 'd/z', 'd/a.d', 'd2'];
    const files = [
      'd/a-b',
      'd/a0',
      'd/ä',
      'd/😀',
      'd/\uff5e',
      'd/.hidden',
      'd/Y',
      'd/a/below',
      'd/z/below',
      'd2/x',
      'top',
    ];
    await bench().makeFolders(...folders);
    for (const file of files) await bench().put(file, 'x');
    // U+FF5E is before the emoji in UTF-8, and behind it in UTF-16.
    const expected = ['.hidden', 'B/', 'Y', 'a/', 'a-b', 'a.d/', 'a0', 'z/', 'ä', '\uff5e', '😀'];
    expect(await bench().paths('d')).toEqual(expected.map((name) => `d/${name}`));
    expect(await bench().paths('')).toEqual(['d/', 'd2/', 'top']);
  });

  test('sizes of files, and 0 of folders', async () => {
    await bench().makeFolders('a');
    await bench().put('a/x', 'x');
    await bench().put('b', 'twelve bytes');
    await bench().put('c', '');
    expect((await bench().list('')).map(({ path, size }) => [path, size])).toEqual([
      ['a', 0],
      ['b', 12],
      ['c', 0],
    ]);
  });

  test('a large folder, whole and in order', async () => {
    const names = Array.from({ length: manyEntries }, (_, n) => `many/f${n}.txt`);
    await bench().makeFolders('many', 'many/f10');
    const left = [...names];
    const writer = async (): Promise<void> => {
      for (let next = left.pop(); next; next = left.pop()) await bench().put(next, 'x');
    };
    await Promise.all(Array.from({ length: AT_ONCE }, writer));
    const expected = [...names, 'many/f10/'].sort((a, b) => Buffer.compare(nameBytes(a), nameBytes(b)));
    expect(await bench().paths('many')).toEqual(expected);

    const first: string[] = [];
    for await (const entry of bench().source.list('many', bench().deadline())) {
      first.push(shown(entry));
      if (first.length === 3) break;
    }
    expect(first).toEqual(expected.slice(0, 3));
  });
}

const nameBytes = (path: string): Buffer => Buffer.from(path.replace(/\/$/, ''));
