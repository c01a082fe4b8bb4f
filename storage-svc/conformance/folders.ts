import { expect, test } from 'vitest';
import { type Bench, outcomeOf } from './bench.ts';

export function tryFolders(bench: () => Bench): void {
  const remove = (path: string): Promise<string> => outcomeOf(bench().source.remove(path, bench().deadline()));
  const removeFolder = (path: string): Promise<string> =>
    outcomeOf(bench().source.removeFolder(path, bench().deadline()));

  test('made twice is fine, and takes nothing away', async () => {
    await bench().makeFolders('a');
    await bench().put('a/x', 'x');
    await bench().makeFolders('a');
    expect(await bench().paths('a')).toEqual(['a/x']);
  });

  test('folders in folders', async () => {
    const deep = Array.from({ length: 20 }, (_, n) => Array.from({ length: n + 1 }, () => 'f').join('/'));
    await bench().makeFolders(...deep);
    const last = deep.at(-1) as string;
    await bench().put(`${last}/x`, 'deep');
    expect(await bench().text(`${last}/x`)).toBe('deep');
    expect(await bench().paths('f/f/f')).toEqual(['f/f/f/f/']);
  });

  test('an empty one stays: nothing but its removal takes it away', async () => {
    await bench().makeFolders('a', 'a/b');
    await bench().put('a/b/x', 'x');
    expect(await remove('a/b/x')).toBe('done');
    expect(await bench().paths('a')).toEqual(['a/b/']);
    expect(await removeFolder('a/b')).toBe('done');
    expect(await bench().paths('a')).toEqual([]);
    expect(await bench().stat('a/b')).toBeUndefined();
    expect(await bench().stat('a')).toMatchObject({ isFolder: true });
  });

  test.each(['file', 'folder'])('one with a %s in it is not removed', async (kind) => {
    await bench().makeFolders('a');
    if (kind === 'file') await bench().put('a/x', 'x');
    else await bench().makeFolders('a/x');
    expect(await removeFolder('a')).toBe('conflict');
    expect(await bench().paths('a')).toHaveLength(1);
  });

  test('a file is removed, and nothing beside it', async () => {
    await bench().put('a', 'x');
    await bench().put('ab', 'x');
    expect(await remove('a')).toBe('done');
    expect(await bench().paths('')).toEqual(['ab']);
  });

  test.each(['nothing', 'no/such', 'folder'])('no file to remove: %s', async (path) => {
    await bench().makeFolders('folder');
    expect(await remove(path)).toBe('not_found');
    expect(await bench().paths('')).toEqual(['folder/']);
  });

  test('a folder that is not there is gone', async () => {
    expect(['done', 'not_found']).toContain(await removeFolder('nothing'));
    expect(await bench().paths('')).toEqual([]);
  });

  test('a file is no folder, and a folder no file', async () => {
    // Stores of keys and values have both under one name.
    if (bench().backend.family === 'object') return;
    await bench().makeFolders('folder');
    await bench().put('file', 'x');
    expect(await outcomeOf(bench().makeFolders('file'))).toBe('conflict');
    expect(await outcomeOf(bench().put('folder', 'x'))).toBe('conflict');
    expect(await outcomeOf(bench().put('folder', 'x', { createOnly: true }))).toBe('conflict');
    expect(await bench().paths('')).toEqual(['file', 'folder/']);
  });
}
