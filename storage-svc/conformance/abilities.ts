/** What a backend may have and need not. */
import { expect, test } from 'vitest';
import type { StoredEntry } from '../backend.ts';
import { allOf, type Bench, outcomeOf, type Subject, shown } from './bench.ts';

const OPTIONAL = ['copy', 'move', 'listTree', 'describe'] as const;

export function tryAbilities(bench: () => Bench, { lacks }: Subject): void {
  test.each(OPTIONAL)('%s is there, or declared absent', (ability) => {
    expect(bench().source[ability] !== undefined).toBe(lacks[ability] === undefined);
  });

  const has = (ability: (typeof OPTIONAL)[number]) => test.runIf(lacks[ability] === undefined);
  const copy = async (from: string, to: string) => bench().source.copy?.(from, to, bench().deadline());
  const move = async (from: string, to: string, isFolder: boolean) =>
    bench().source.move?.(from, to, isFolder, bench().deadline());

  has('copy')('copy: to where nothing is, and over a file', async () => {
    await bench().makeFolders('f');
    await bench().put('a b+c%.txt', 'content');
    await bench().put('f/old', 'something longer');
    for (const to of ['f/näw #1', 'f/old']) {
      await copy('a b+c%.txt', to);
      expect(await bench().text(to)).toBe('content');
    }
    expect(await bench().text('a b+c%.txt')).toBe('content');
    expect(await bench().paths('f')).toEqual(['f/näw #1', 'f/old']);
  });

  has('copy')('copy: one that is not there', async () => {
    await bench().put('b', 'before');
    expect(await outcomeOf(copy('a', 'b'))).toBe('not_found');
    expect(await bench().text('b')).toBe('before');
  });

  has('move')('move: a file', async () => {
    await bench().makeFolders('f');
    await bench().put('a b+c%.txt', 'content');
    await move('a b+c%.txt', 'f/näw #1', false);
    expect(await bench().text('f/näw #1')).toBe('content');
    expect(await bench().paths('')).toEqual(['f/']);
  });

  has('move')('move: a folder with all that is in it', async () => {
    await bench().makeFolders('a', 'a/b', 'a/empty', 'f');
    await bench().put('a/b/x', 'x');
    await move('a', 'f/näw', true);
    expect(await bench().paths('')).toEqual(['f/']);
    expect(await bench().paths('f/näw')).toEqual(['f/näw/b/', 'f/näw/empty/']);
    expect(await bench().text('f/näw/b/x')).toBe('x');
  });

  has('move')('move: one that is not there', async () => {
    expect(await outcomeOf(move('a', 'b', false))).toBe('not_found');
    expect(await outcomeOf(move('a', 'b', true))).toBe('not_found');
    expect(await bench().paths('')).toEqual([]);
  });

  has('listTree')('listTree: all below, part by part', async () => {
    await bench().makeFolders('d', 'd/a', 'd/a/deep', 'd/empty', 'd/z', 'e');
    for (const path of ['d/a/x', 'd/a/deep/y', 'd/a-b', 'd/a.txt', 'd/z/1', 'e/no']) await bench().put(path, 'x');
    const listed = async (folder: string) =>
      (await allOf(bench().source.listTree?.(folder, bench().deadline()) as AsyncIterable<StoredEntry>)).map(shown);
    const expected = ['a/', 'a/deep/', 'a/deep/y', 'a/x', 'a-b', 'a.txt', 'empty/', 'z/', 'z/1'];
    expect(await listed('d')).toEqual(expected.map((path) => `d/${path}`));
    expect(await listed('')).toEqual(['d/', ...expected.map((path) => `d/${path}`), 'e/', 'e/no']);
    expect(await listed('nothing')).toEqual([]);
  });

  test('removeTree, where it is there: all below, and nothing beside it', async () => {
    const { source } = bench();
    if (!source.removeTree) return;
    await bench().makeFolders('d', 'd/a', 'd/a/deep', 'd/empty', 'd-e');
    for (const path of ['d/a/x', 'd/a/deep/y', 'd/a-b', 'd/ü +%', 'd-e/no', 'd.txt']) await bench().put(path, 'x');
    await source.removeTree('d', bench().deadline());
    expect(await bench().paths('d')).toEqual([]);
    expect(await bench().paths('')).toEqual(['d/', 'd-e/', 'd.txt']);
    await source.removeTree('d', bench().deadline());
    await source.removeTree('', bench().deadline());
    expect(await bench().paths('')).toEqual([]);
  });

  has('describe')('describe: takes what is said, and leaves the content', async () => {
    await bench().makeFolders('f');
    await bench().put('a', 'content');
    await bench().source.describe?.('a', false, { note: 'ünïcode' }, bench().deadline());
    await bench().source.describe?.('f', true, { note: 'x' }, bench().deadline());
    expect(await bench().text('a')).toBe('content');
    expect(await bench().stat('f')).toMatchObject({ isFolder: true });
    expect(await bench().paths('f')).toEqual([]);
  });
}
