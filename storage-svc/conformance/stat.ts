import { expect, test } from 'vitest';
import type { Bench } from './bench.ts';

/** Clocks of a storage and of ours may be apart. */
const CLOCKS_APART_MS = 5 * 60_000;

export function tryStat(bench: () => Bench): void {
  test('the root is a folder, also of an empty container', async () => {
    expect(await bench().stat('')).toMatchObject({ path: '', isFolder: true, size: 0 });
  });

  test.each(['nothing', 'no/such/folder', 'file/below'])('nothing: %s', async (path) => {
    await bench().put('file', 'x');
    expect(await bench().stat(path)).toBeUndefined();
  });

  test('a file', async () => {
    await bench().makeFolders('a');
    await bench().put('a/b.txt', 'hello');
    const entry = await bench().stat('a/b.txt');
    expect(entry).toMatchObject({ path: 'a/b.txt', isFolder: false, size: 5 });
    if (entry?.modifiedMs !== undefined) {
      expect(Math.abs(entry.modifiedMs - Date.now())).toBeLessThan(CLOCKS_APART_MS);
      expect(Number.isInteger(entry.modifiedMs)).toBe(true);
    }
  });

  test.each([true, false])('a folder, with something in it: %s', async (isFull) => {
    await bench().makeFolders('a', 'a/b');
    if (isFull) await bench().put('a/b/c', 'x');
    expect(await bench().stat('a/b')).toMatchObject({ path: 'a/b', isFolder: true, size: 0 });
  });

  test('the beginning of a name is not the name', async () => {
    await bench().makeFolders('folder');
    await bench().put('folder/x', 'x');
    await bench().put('file.txt', 'x');
    expect(await bench().stat('fold')).toBeUndefined();
    expect(await bench().stat('file')).toBeUndefined();
  });

  test('an entry is the same, asked for, written, read and listed', async () => {
    const written = await bench().put('a.txt', 'hello');
    const asked = await bench().stat('a.txt');
    const { entry: read, body } = await bench().source.read('a.txt', {}, bench().deadline());
    for await (const _ of body) break;
    const [listed] = await bench().list('');
    for (const entry of [written, read, listed]) {
      expect(entry).toMatchObject({ path: 'a.txt', isFolder: false, size: 5 });
      expect(entry?.etag).toBe(asked?.etag);
    }
    expect(read.modifiedMs).toBe(asked?.modifiedMs);
  });
}
