import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePart, place } from './parts.ts';

const OTHER_FILE_SYSTEM = '/dev/shm';
const isOther = (() => {
  try {
    return statSync(OTHER_FILE_SYSTEM).dev !== statSync(tmpdir()).dev;
  } catch {
    return false;
  }
})();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-parts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function partIn(root: string): Promise<string> {
  const { path, handle } = await makePart(root);
  await handle.write('new');
  await handle.close();
  return path;
}

test.each([true, false])('a part comes to its place, only where nothing is: %s', async (isNewOnly) => {
  await place(await partIn(folder), folder, 'a', isNewOnly);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new');
});

test('where only a new one is wanted, what is there stays', async () => {
  writeFileSync(join(folder, 'a'), 'old');
  await expect(place(await partIn(folder), folder, 'a', true)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('old');
});

test.runIf(isOther).each([true, false])('also from another file system: %s', async (isNewOnly) => {
  const other = mkdtempSync(join(OTHER_FILE_SYSTEM, 'millrace-parts-'));
  try {
    await place(await partIn(other), folder, 'a', isNewOnly);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new');
    const again = place(await partIn(other), folder, 'a', isNewOnly);
    if (isNewOnly) await expect(again).rejects.toMatchObject({ code: 'EEXIST' });
    else await again;
    expect(readdirSync(folder)).toEqual(['a']);
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});
