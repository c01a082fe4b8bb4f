import { expect, test } from 'vitest';
import { type Bench, isOneByte, outcomeOf } from './bench.ts';

const FILES = 60;
const WRITERS = 6;
const BYTES = 300_000;

export function tryCrowd(bench: () => Bench): void {
  test('many files at once, each with its own content', async () => {
    await bench().makeFolders('f');
    const names = Array.from({ length: FILES }, (_, n) => `f/${n}`);
    await Promise.all(names.map((name) => bench().put(name, name.repeat(1000))));
    const texts = await Promise.all(names.map((name) => bench().text(name)));
    expect(texts).toEqual(names.map((name) => name.repeat(1000)));
    expect(await bench().paths('f')).toHaveLength(FILES);
  });

  test('several writers of one file, and readers: always one of the contents, whole', async () => {
    const contents = Array.from({ length: WRITERS }, (_, n) => Buffer.alloc(BYTES + n, String(n)));
    await bench().put('a', contents[0] as Buffer);
    let isOver = false;
    const seen = new Set<string>();
    const reader = async (): Promise<void> => {
      while (!isOver) {
        const bytes = await bench().bytes('a');
        expect(isOneByte(bytes)).toBe(true);
        seen.add(`${bytes.length} × ${bytes.subarray(0, 1)}`);
      }
    };
    const readers = [reader(), reader()];
    const outcomes = await Promise.all(contents.map((content) => outcomeOf(bench().put('a', content))));
    isOver = true;
    await Promise.all(readers);
    expect(outcomes).toEqual(contents.map(() => 'done'));
    const known = contents.map((content, n) => `${content.length} × ${n}`);
    for (const one of seen) expect(known).toContain(one);
    const last = await bench().bytes('a');
    expect(contents.some((content) => content.equals(last))).toBe(true);
    expect(await bench().paths('')).toEqual(['a']);
  });
}
